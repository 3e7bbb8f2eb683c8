"""A numbered or unnumbered document, with or without an author's text, becomes messages: inverse of render/markdown.py.

What an author adds is passed over: prose, admonitions, other headings, diagrams, code, more tabs, attributes of a code
block. What a message must have is its heading, its participants, and both tabs; where one of them is missing, that is
an error, because a message would be lost. An author may edit the text of a heading: the code block's title is believed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from otel_openstack.conversation.model import Body, BodyLayout, Headers, Message, MessageKind
from otel_openstack.importer.lines import GAP, HEADING, PARTICIPANTS, Lines, Read, read_headers, read_status
from otel_openstack.render.body import body_text, read_body
from otel_openstack.render.markdown import INDENT, INDENTS

_NUMBER = re.compile(r"\((?P<number>\d{1,9})\) *(?P<title>.*)")
_TAB = re.compile(r'===[+!]* "(?P<name>.*)"')
_OPENING = re.compile(rf"{INDENT}(?P<fence>`{{3,}}|~{{3,}}) *(?P<info>.*)")
_TITLE = re.compile(r'title="(?P<title>.*?)"(?= *$| +\w+=)')
# What nobody but a message is called
_MESSAGE_TITLE = re.compile(r"(?:[A-Z][A-Z_-]*|\d{3} .*) /|\d{3} .* None$")
_TABS = ("Header", "Body")


def read(lines: Lines) -> Read:
    """Read every message of a document.

    :raises DocumentError: a message is not whole, a block never ends, or numbers do not follow each other.
    """
    result = Read()
    result.messages += [message for message, _ in read_drafts(lines, result)]
    return result


@dataclass(slots=True)
class Block:
    """A code block in a tab.

    :param tab: the tab's name.
    :param index: the index of its first line.
    :param opening: its first line.
    :param content: the lines up to its last one.
    """

    tab: str
    index: int
    opening: str
    content: list[str]

    @property
    def last(self) -> int:
        """The index of its last line."""
        return self.index + len(self.content) + 1


@dataclass(slots=True)
class Draft:
    """Where a message stands, as far as it was found.

    :param index: the index of its heading, or of its participants when the heading is lost.
    :param heading: the heading's text, without the number.
    :param number: 0 when the heading has none.
    :param participants_index: the index of the line of participants.
    """

    index: int
    heading: str = ""
    number: int = 0
    participants: re.Match[str] | None = None
    participants_index: int = 0
    gap: str = ""
    blocks: dict[str, Block] = field(default_factory=dict)

    def add(self, index: int, found: re.Match[str] | Block) -> None:
        """Note what was found below the heading."""
        if isinstance(found, Block):
            self.blocks[found.tab] = found
        elif found.re is PARTICIPANTS:
            if self.participants is None:
                self.participants, self.participants_index = found, index
        elif found.re is GAP and not self.blocks:
            self.gap = found["gap"]


def read_drafts(lines: Lines, result: Read) -> Iterator[tuple[Message, Draft]]:
    """Yield every message of a document and where it stands.

    :param result: gets the warnings.
    :raises DocumentError: as :func:`read`.
    """
    before: int | None = None
    for draft in _drafts(lines):
        if _is_message(draft, lines, result):
            _check_number(draft, lines, before)
            before = draft.number
            yield _message(draft, lines), draft


def _drafts(lines: Lines) -> Iterator[Draft]:
    """Yield what may be a message: it starts at a heading that is a title, or that has participants under it."""
    draft: Draft | None = None
    heading: Draft | None = None
    for index, found in _findings(lines):
        started: Draft | None = None
        if isinstance(found, Block):
            if draft is None or found.tab in draft.blocks:
                raise lines.error(index, f"a {found.tab} tab that belongs to no message", "Give its message a heading.")
        elif found.re is HEADING:
            heading = _heading(index, found["text"])
            started = heading if _MESSAGE_TITLE.match(heading.heading) else None
        elif found.re is PARTICIPANTS and (heading is not None or draft is None or draft.blocks):
            # A message that has its tabs already is over, even if the heading of the next one is lost
            started = heading or Draft(index)
        if started is not None:
            if draft is not None:
                yield draft
            draft, heading = started, None
        if draft is not None:
            draft.add(index, found)
    if draft is not None:
        yield draft


def _findings(lines: Lines) -> Iterator[tuple[int, re.Match[str] | Block]]:
    """Yield the lines and blocks that messages are made of; what stands in an author's code block is not looked at."""
    index = 0
    tab = ""
    while index < len(lines.all):
        line, start = lines.all[index], index
        if _OPENING.match(line):
            index = _after_block(lines, start)
            if tab in _TABS:
                yield start, Block(tab, start, line, lines.all[start + 1 : index - 1])
            tab = ""
            continue
        index = max(start + 1, lines.after_fence(start))
        if marker := _TAB.match(line):
            tab = marker["name"]
        elif found := HEADING.match(line) or PARTICIPANTS.match(line) or GAP.fullmatch(line):
            yield start, found


def _after_block(lines: Lines, index: int) -> int:
    """Return the index after the block in a tab that starts here; only its own fence ends it."""
    opening = _OPENING.match(lines.all[index])
    assert opening is not None
    closing = INDENT + opening["fence"]
    for end in range(index + 1, len(lines.all)):
        if lines.all[end].rstrip() == closing:
            return end + 1
    raise lines.error(index, "this block never ends", f'Close it with "{closing}"; is the file complete?')


def _heading(index: int, text: str) -> Draft:
    numbered = _NUMBER.fullmatch(text)
    return Draft(index, numbered["title"], int(numbered["number"])) if numbered else Draft(index, text)


def _is_message(draft: Draft, lines: Lines, result: Read) -> bool:
    """Whether a draft is a message, and not an author's heading.

    :raises DocumentError: it is one, but parts of it are missing.
    """
    missing = [f"{tab} tab" for tab in _TABS if tab not in draft.blocks]
    if draft.participants is None:
        missing.insert(0, "line of participants")
    if not missing:
        return True
    is_titled = _MESSAGE_TITLE.match(draft.heading) is not None
    if not draft.blocks and not draft.number and not (is_titled and draft.participants):
        if is_titled:
            result.warnings.append(
                f"{lines.name}, line {draft.index + 1}: {draft.heading!r} has neither participants nor tabs "
                "and was taken for a heading of the author's."
            )
        return False
    raise lines.error(draft.index, f"a message without its {' and '.join(missing)}", "Is the file complete?")


def _check_number(draft: Draft, lines: Lines, before: int | None) -> None:
    """Let numbers be 1, 2, 3, …, or none at all.

    :param before: the number of the message before, 0 when it has none, ``None`` when there is no message before.
    """
    expected = min(draft.number, 1) if before is None else before and before + 1
    if draft.number != expected:
        shown = f"({draft.number})" if draft.number else "without a number"
        place = "comes first" if before is None else f"follows ({before})" if before else "follows one without"
        raise lines.error(
            draft.index,
            f"message {shown} {place}",
            "Put the missing message back or, to import what is there, take the numbers out of all headings.",
        )


def _message(draft: Draft, lines: Lines) -> Message:
    """Build a message from its parts."""
    assert draft.participants is not None
    kind = MessageKind.REQUEST if draft.participants["arrow"] == "-->" else MessageKind.RESPONSE
    titled = _TITLE.search(draft.blocks["Header"].opening)
    parsed = titled and read_title(kind, titled["title"])
    if not parsed and _MESSAGE_TITLE.match(draft.heading):
        parsed = read_title(kind, draft.heading)
    if not parsed:
        example = "GET /path" if kind is MessageKind.REQUEST else "200 OK /path"
        raise lines.error(
            draft.index, f"{draft.heading!r:.80} is no title of a {kind.value}", f'It should look like "{example}".'
        )
    method, status, reason, path = parsed
    return Message(
        kind,
        draft.participants["caller"],
        draft.participants["callee"],
        method,
        "",
        path,
        status,
        reason,
        _headers(draft.blocks["Header"].content),
        _body(draft.blocks["Body"].content),
        gap=draft.gap,
    )


def read_title(kind: MessageKind, title: str) -> tuple[str, int | None, str, str] | None:
    """Return the method, status, reason and path that a title tells, ``None`` when it is none of this kind."""
    return _request(title) if kind is MessageKind.REQUEST else _response(title)


def _request(title: str) -> tuple[str, None, str, str] | None:
    method, separator, path = title.partition(" ")
    return (method, None, "", path) if method and separator else None


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
