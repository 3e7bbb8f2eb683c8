"""A numbered or unnumbered document, with or without an author's text, becomes messages: inverse of render/markdown.py.

What an author adds is passed over: prose, admonitions, other headings, diagrams, code, more tabs, attributes of a code
block. What a message must have is its heading, its participants, and both tabs; where one of them is missing, that is
an error, because a message would be lost. An author may edit the text of a heading: the code block's title is believed.
"""

from __future__ import annotations

import re

from otel_openstack.conversation.model import Body, BodyLayout, Headers, Message, MessageKind
from otel_openstack.importer.lines import HEADING, PARTICIPANTS, Lines, Read, read_headers, read_status
from otel_openstack.render.body import body_text, read_body
from otel_openstack.render.markdown import INDENT, INDENTS

_NUMBER = re.compile(r"\((?P<number>\d{1,9})\) *(?P<title>.*)")
_TAB = re.compile(r'===[+!]* "(?P<name>.*)"')
_OPENING = re.compile(rf"{INDENT}(?P<fence>`{{3,}}|~{{3,}}) *(?P<info>.*)")
_TITLE = re.compile(r'title="(?P<title>[^"]*)"')
_GAP = re.compile(r'!!! missing "(?P<gap>.*)"')
_REQUEST = re.compile(r"(?P<method>[A-Z][A-Z_-]*|\S+(?= /)) (?P<path>.*)")
_RENUMBER = "Put the missing message back or, to import what is there, take the numbers out of all headings."


def read(lines: Lines) -> Read:
    """Read every message of a document.

    :raises DocumentError: see the module.
    """
    result = Read()
    numbers: list[int | None] = []
    for start, end in _sections(lines):
        section = _Section(lines, start, end)
        if section.is_message(result):
            _check_number(lines, start, section.number, numbers)
            result.messages.append(section.message())
    return result


def _sections(lines: Lines) -> list[tuple[int, int]]:
    """Return where each heading's section starts and ends; a heading inside a code block is none."""
    starts = [0]
    index = 0
    while index < len(lines.all):
        line = lines.all[index]
        if _OPENING.match(line):
            index = _after_block(lines, index)
            continue
        if HEADING.match(line) and index:
            starts.append(index)
        index = max(index + 1, lines.after_fence(index))
    return list(zip(starts, [*starts[1:], len(lines.all)], strict=True))


def _after_block(lines: Lines, index: int) -> int:
    """Return the index after the block in a tab that starts here; its fence is what ends it."""
    opening = _OPENING.match(lines.all[index])
    assert opening is not None
    closing = INDENT + opening["fence"]
    for end in range(index + 1, len(lines.all)):
        if lines.all[end].rstrip() == closing:
            return end + 1
    raise lines.error(index, "this block never ends", f'Close it with "{closing}"; is the file complete?')


def _check_number(lines: Lines, index: int, number: int | None, numbers: list[int | None]) -> None:
    """Let numbers be 1, 2, 3, …, or none at all."""
    expected = numbers[-1] + 1 if numbers and numbers[-1] is not None else None if numbers else 1
    if number != expected and (numbers or number is not None):
        before = "comes first" if not numbers else f"follows {_shown(numbers[-1])}"
        raise lines.error(index, f"message {_shown(number)} {before}", _RENUMBER)
    numbers.append(number)


def _shown(number: int | None) -> str:
    return "without a number" if number is None else f"({number})"


class _Section:
    """What stands between one heading and the next."""

    def __init__(self, lines: Lines, start: int, end: int) -> None:
        self._lines, self._start = lines, start
        heading = HEADING.match(lines.all[start])
        self._heading = heading["text"] if heading else ""
        numbered = _NUMBER.match(self._heading)
        self.number = int(numbered["number"]) if numbered else None
        if numbered:
            self._heading = numbered["title"]
        self._participants: re.Match[str] | None = None
        self._gap = ""
        self._blocks: dict[str, tuple[str, list[str]]] = {}
        self._scan(start, end)

    def _scan(self, index: int, end: int) -> None:
        tab = ""
        while index < end:
            line = self._lines.all[index]
            if _OPENING.match(line):
                after = _after_block(self._lines, index)
                self._add_block(tab, index, after)
                tab, index = "", after
                continue
            if marker := _TAB.match(line):
                tab = marker["name"]
            elif participants := PARTICIPANTS.match(line):
                if self._participants is not None:
                    raise self._lines.error(
                        index, "a second line of participants under one heading", "Give it its heading."
                    )
                self._participants = participants
            elif gap := _GAP.fullmatch(line):
                self._gap = gap["gap"]
            index = max(index + 1, self._lines.after_fence(index))

    def _add_block(self, tab: str, index: int, after: int) -> None:
        if tab not in ("Header", "Body"):
            return
        if tab in self._blocks:
            raise self._lines.error(
                index, f"a second {tab} tab under one heading", "Give each message its own heading."
            )
        self._blocks[tab] = (self._lines.all[index], self._lines.all[index + 1 : after - 1])

    def is_message(self, result: Read) -> bool:
        """Whether this is a message, and not an author's section.

        :raises DocumentError: it is one, but parts of it are missing.
        """
        missing = [f"{tab} tab" for tab in ("Header", "Body") if tab not in self._blocks]
        if self._participants is None:
            missing.insert(0, "line of participants")
        if not missing:
            return True
        looks_like_one = read_status(self._heading) or re.match(r"[A-Z]+ /", self._heading)
        if self._participants is None and not self._blocks:
            if looks_like_one and self.number is None:
                result.warnings.append(
                    f"{self._lines.name}, line {self._start + 1}: {self._heading!r} has neither participants nor tabs "
                    "and was taken for a heading of the author's."
                )
            if not looks_like_one or self.number is None:
                return False
        elif self._participants is not None and not self._blocks and not looks_like_one and self.number is None:
            return False
        raise self._lines.error(
            self._start,
            f"a message without its {' and '.join(missing)}",
            "Is the file complete, and its heading there?",
        )

    def message(self) -> Message:
        """Build the message."""
        assert self._participants is not None
        opening, header_lines = self._blocks["Header"]
        kind = MessageKind.REQUEST if self._participants["arrow"] == "-->" else MessageKind.RESPONSE
        titled = _TITLE.search(opening)
        for title in (titled["title"] if titled else "", self._heading):
            parsed = _request(title) if kind is MessageKind.REQUEST else _response(title)
            if parsed is not None:
                method, status, reason, path = parsed
                return Message(
                    kind,
                    self._participants["caller"],
                    self._participants["callee"],
                    method,
                    "",
                    path,
                    status,
                    reason,
                    _headers(header_lines),
                    _body(self._blocks["Body"][1]),
                    gap=self._gap,
                )
        example = "GET /path" if kind is MessageKind.REQUEST else "200 OK /path"
        raise self._lines.error(
            self._start, f"{self._heading!r} is no title of a {kind.value}", f'It should look like "{example}".'
        )


def _request(title: str) -> tuple[str, None, str, str] | None:
    parts = _REQUEST.fullmatch(title)
    return (parts["method"], None, "", parts["path"]) if parts else None


def _response(title: str) -> tuple[str, int, str, str] | None:
    parts = read_status(title)
    if parts is None:
        return None
    status, rest = parts
    slash = rest.find(" /")
    reason, path = (rest[:slash], rest[slash + 1 :]) if slash >= 0 else rest.rpartition(" ")[::2]
    return "", status, reason, path


def _headers(lines: list[str]) -> Headers:
    if lines in ([], [INDENT], [""]):
        return ()
    return read_headers([line.removeprefix(INDENT) for line in lines])


def _body(lines: list[str]) -> Body:
    """Read a body, and how it stands in its tab: the first way that gives the same lines back."""
    block = "\n".join(lines)
    dedented = "\n".join([line.removeprefix(INDENT) for line in lines])
    body = read_body(dedented)
    if INDENTS[body.layout](body_text(body)) == block:
        return body
    for layout, text in (
        (BodyLayout.BARE_BLANK_LINES, dedented),
        (BodyLayout.FIRST_LINE, block.removeprefix(INDENT)),
    ):
        candidate = Body(text, layout=layout)
        if INDENTS[layout](body_text(candidate)) == block:
            return candidate
    return body
