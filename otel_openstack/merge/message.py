"""One message of a document that an author wrote in: its units, and what becomes of them in a newer recording."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from otel_openstack.importer.document import Draft
from otel_openstack.merge.matching import is_machine_title
from otel_openstack.merge.mentions import Mentions
from otel_openstack.merge.threeway import Unit
from otel_openstack.render.markdown import INDENT
from otel_openstack.render.steps import routed

ANCHOR = re.compile(r'<a id="\d+"></a> *')
_HEADING = re.compile(r"(?P<level>#{1,6} +)(?P<number>\(\d+\) *)?(?P<text>.*)")
_PARTICIPANTS = re.compile(r"(?P<told>`[^`]+` (?:-->|<--) `[^`]+`)(?P<more>.*)")
_OPENING = re.compile(rf"(?P<fence>{INDENT}(?:`{{3,}}|~{{3,}}))(?P<info>.*)")
_TITLE = re.compile(r'title="(?P<title>.*?)"(?= *$| +\w+=)')
_HIGHLIGHTED = re.compile(r"""(?P<start> *hl_lines=(?P<quote>["']))(?P<lines>[^"']*)(?P=quote)""")

_ANCHOR, _HEAD, _WHO = "anchor", "heading", "participants"


def units_of_draft(lines: Sequence[str], start: int, draft: Draft) -> list[Unit]:
    """Cut the lines of a message into units.

    :param lines: the whole document.
    :param start: the index of the message's first line.
    """
    known: dict[int, tuple[object, int]] = {draft.participants_index: (_WHO, draft.participants_index)}
    if draft.index != draft.participants_index:
        known[draft.index] = _HEAD, draft.index
    for block in draft.blocks.values():
        known[block.index] = ("block", block.tab), block.last
    return _cut(lines, start, max(block.last for block in draft.blocks.values()) + 1, known)


def units_of_text(text: str) -> list[Unit]:
    """Cut a message that was just rendered."""
    lines = text.strip("\n").split("\n")
    known: dict[int, tuple[object, int]] = {}
    head = int(ANCHOR.fullmatch(lines[0]) is not None)
    known[head], known[head + 1] = (_HEAD, head), (_WHO, head + 1)
    header = lines.index('=== "Header"', head + 2) + 1
    fence = _fence(lines[header])
    end = lines.index(fence, header + 1)
    known[header] = ("block", "Header"), end
    known[end + 3] = ("block", "Body"), len(lines) - 1
    return _cut(lines, 0, len(lines), known)


def _fence(opening: str) -> str:
    found = _OPENING.match(opening)
    assert found is not None
    return found["fence"]


def _cut(lines: Sequence[str], start: int, end: int, known: dict[int, tuple[object, int]]) -> list[Unit]:
    result: list[Unit] = []
    index = start
    while index < end:
        key, last = known.get(index, (None, index))
        if key is None:
            line = lines[index]
            key = _ANCHOR if index == start and ANCHOR.fullmatch(line) else ("line", line.rstrip())
        result.append(Unit(key, tuple(lines[index : last + 1])))
        index = last + 1
    return result


class Carrier:
    """Carries what an author changed in a message over to the message that is now in its place.

    :param old: what the message was called, as a machine would.
    :param new: what it is called now.
    """

    def __init__(self, old: str, new: str, mentions: Mentions) -> None:
        self._old, self._new = old, new
        self._mentions = mentions
        self.lost_highlights: list[int] = []

    def __call__(self, ours: Unit, theirs: Unit) -> Sequence[str]:
        """Return the lines of a unit that both have."""
        if ours.key == _HEAD:
            return [self._heading(ours.lines[0], theirs.lines[0])]
        if ours.key == _WHO:
            return [self._participants(ours.lines[0], theirs.lines[0])]
        if isinstance(ours.key, tuple) and ours.key[0] == "block":
            return self._block(ours.lines, theirs.lines)
        return theirs.lines

    def edited(self, units: Sequence[Unit], base: Sequence[Unit]) -> list[str]:
        """Return all that an author wrote in a message: what a rendering of it does not have."""
        known = {unit.key for unit in base}
        result: list[str] = []
        for unit in units:
            if unit.key == _HEAD:
                heading = _HEADING.fullmatch(unit.lines[0])
                if heading and not self._is_told(heading["text"]):
                    result += [f"**{self._mentions.line(heading['text'])}**", ""]
            elif unit.key == _WHO:
                if (who := _PARTICIPANTS.match(unit.lines[0])) and who["more"].strip():
                    result += [self._mentions.line(who["more"].strip()), ""]
            elif unit.key not in known:
                result += unit.lines
        return result

    def _is_told(self, text: str) -> bool:
        """Whether a title says no more than a machine would."""
        if text in (self._old, self._new):
            return True
        return is_machine_title(text) and routed(text) in (routed(self._old), routed(self._new))

    def _heading(self, ours: str, theirs: str) -> str:
        mine, new = _HEADING.fullmatch(ours), _HEADING.fullmatch(theirs)
        assert mine is not None
        assert new is not None
        text = new["text"] if self._is_told(mine["text"]) else self._mentions.line(mine["text"])
        number = new["number"] if mine["number"] else ""
        return f"{mine['level']}{number or ''}{text}"

    def _participants(self, ours: str, theirs: str) -> str:
        mine = _PARTICIPANTS.match(ours)
        assert mine is not None
        return theirs + self._mentions.line(mine["more"])

    def _block(self, ours: Sequence[str], theirs: Sequence[str]) -> Sequence[str]:
        """Keep what an author wrote in the first line of a block; the rest is the recording's."""
        if are_alike(ours[1:-1], theirs[1:-1]):
            theirs = [theirs[0], *ours[1:-1], theirs[-1]]
        mine, new = _OPENING.match(ours[0]), _OPENING.match(theirs[0])
        if mine is None or new is None or ours[0] == theirs[0]:
            return theirs
        info = mine["info"]
        mine_title, new_title = _TITLE.search(info), _TITLE.search(new["info"])
        if mine_title and new_title and self._is_told(mine_title["title"]):
            info = info[: mine_title.start()] + new_title.group() + info[mine_title.end() :]
        if highlighted := _HIGHLIGHTED.search(info):
            moved = self._highlights(highlighted["lines"], ours[1:-1], theirs[1:-1])
            kept = f"{highlighted['start']}{moved}{highlighted['quote']}" if moved else ""
            info = info[: highlighted.start()] + kept + info[highlighted.end() :]
        return [f"{new['fence']}{info}", *theirs[1:]]

    def _highlights(self, spelled: str, ours: Sequence[str], theirs: Sequence[str]) -> str:
        """Return where highlighted lines are now, in the author's spelling when they did not move."""
        if ours == theirs:
            return spelled
        moved = _moved(ours, theirs)
        result: list[str] = []
        for part in re.findall(r"\d+(?:-\d+)?", spelled):
            first, _, last = part.partition("-")
            wanted = range(int(first), int(last or first) + 1)
            places = [moved[number] for number in wanted if number in moved]
            self.lost_highlights += [number for number in wanted if number not in moved]
            result += _ranges(places)
        return " ".join(result) if " ".join(result) != " ".join(spelled.split()) else spelled


def are_alike(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    """Whether nothing differs but blanks at the ends of lines, which editors take away."""
    return len(ours) == len(theirs) and all(a.rstrip() == b.rstrip() for a, b in zip(ours, theirs, strict=True))


def _moved(ours: Sequence[str], theirs: Sequence[str]) -> dict[int, int]:
    """Return for each line, from 1, where it is now: the same line, else the same key of JSON or the same header."""
    keys, new_keys = ([line.partition(": ")[0] for line in lines] for lines in (ours, theirs))
    result: dict[int, int] = {}
    for tag, a, a_end, b, b_end in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if tag == "equal":
            result.update({a + n + 1: b + n + 1 for n in range(a_end - a)})
        elif tag == "replace":
            within = SequenceMatcher(None, keys[a:a_end], new_keys[b:b_end], autojunk=False)
            for block in within.get_matching_blocks():
                result.update({a + block.a + n + 1: b + block.b + n + 1 for n in range(block.size)})
    # What went elsewhere: a key that neither side has twice
    for index, key in enumerate(keys):
        if index + 1 not in result and keys.count(key) == new_keys.count(key) == 1:
            result[index + 1] = new_keys.index(key) + 1
    return result


def _ranges(places: Sequence[int]) -> list[str]:
    """Spell places as ``3 5-7``."""
    runs: list[list[int]] = []
    for place in places:
        if runs and place == runs[-1][1] + 1:
            runs[-1][1] = place
        else:
            runs.append([place, place])
    return [str(first) if first == last else f"{first}-{last}" for first, last in runs]
