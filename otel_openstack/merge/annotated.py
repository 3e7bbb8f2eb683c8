"""A document by its parts: messages, what an author wrote around them, and what a page's templates wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from otel_openstack.conversation.model import Message
from otel_openstack.exceptions import DocumentError
from otel_openstack.importer.document import Block, Draft, read_drafts, read_title
from otel_openstack.importer.lines import HEADING, Lines, Read, is_log
from otel_openstack.merge.matching import is_machine_title
from otel_openstack.merge.message import ANCHOR
from otel_openstack.render.text import title

MARKER = re.compile(r"<!-- (?P<end>/?)otel-openstack:(?P<name>[a-z]+) --> *")
_TITLE = re.compile(r'title="(?P<title>.*?)"(?= *$| +\w+=)')
_CONFLICT = re.compile(r"(?:<{7}|>{7}|\|{7})(?: |$)")


@dataclass(slots=True)
class Place:
    """A message where it stands.

    :param message: what the document says of it; its title is one that a machine wrote, if there still is one.
    :param title: that title.
    :param start: the index of its first line: its anchor, heading or participants.
    :param end: the index after its last block.
    :param before: lines of the author's that belong to it and stand above it.
    :param after: the same below it.
    """

    message: Message
    title: str
    draft: Draft
    start: int
    end: int
    before: list[str]
    after: list[str]

    @property
    def is_annotated(self) -> bool:
        """Whether anything is written above or below it."""
        return any(line.strip() for line in (*self.before, *self.after))


class Annotated:
    """A document or a page.

    :param text: the file, its lines ended by LF.
    :param name: what errors call it.
    :raises DocumentError: it cannot be read, holds no message, is a log, or an earlier merge is not resolved.
    """

    def __init__(self, text: str, name: str) -> None:
        self.lines = Lines(text, name)
        if is_log(self.lines):
            raise DocumentError(f"{name} is a log.", hint="A document or a page can be updated; write the log anew.")
        found = list(read_drafts(self.lines, Read()))
        if not found:
            raise DocumentError(f"{name} holds no message.", hint="Write a page first: --format page -o FILE.")
        self.places = [self._place(message, draft) for message, draft in found]
        self._refuse_conflicts()
        self.head: list[str] = []
        self.tail: list[str] = []
        self._share_gaps()

    @property
    def is_numbered(self) -> bool:
        """Whether the headings of messages have numbers."""
        return self.places[0].draft.number > 0

    @property
    def is_page(self) -> bool:
        """Whether there is a section that a template wrote."""
        outside = (self.head, self.tail, *(gap for place in self.places for gap in (place.before, place.after)))
        return any(MARKER.fullmatch(line) for lines in outside for line in lines)

    def text_of(self, place: Place) -> list[str]:
        """Return the lines of a message."""
        return self.lines.all[place.start : place.end]

    def _place(self, message: Message, draft: Draft) -> Place:
        start = draft.index
        if start and draft.heading and ANCHOR.fullmatch(self.lines.all[start - 1]):
            start -= 1
        titles = [_TITLE.search(draft.blocks[tab].opening) for tab in ("Header", "Body")]
        told = [*(found["title"] for found in titles if found), draft.heading]
        machine = next((text for text in told if is_machine_title(text) and read_title(message.kind, text)), "")
        if machine:
            parsed = read_title(message.kind, machine)
            assert parsed is not None
            method, status, reason, path = parsed
            message = replace(message, method=method, status=status, reason=reason, path=path)
        end = max(block.last for block in draft.blocks.values()) + 1
        return Place(message, machine or title(message), draft, start, end, [], [])

    def _refuse_conflicts(self) -> None:
        inside = {index for place in self.places for block in place.draft.blocks.values() for index in _inside(block)}
        for index, line in enumerate(self.lines.all):
            if _CONFLICT.match(line) and index not in inside:
                raise self.lines.error(index, "a merge conflict that is not resolved", "Resolve it, then update again.")

    def _share_gaps(self) -> None:
        """Give what stands between two messages to one of them: from the first heading on to the one below."""
        first, last = self.places[0], self.places[-1]
        self.head = self.lines.all[: first.start]
        if self.head and not self.head[-1]:
            first.before = [self.head.pop()]
        for place, following in zip(self.places, self.places[1:], strict=False):
            gap = self.lines.all[place.end : following.start]
            split = self._first_heading(place.end, following.start)
            if split is None:
                split = len(gap) - (len(gap) > 1 and not gap[-1])
            place.after, following.before = gap[:split], gap[split:]
        rest = self.lines.all[last.end :]
        split = self._first_heading(last.end, len(self.lines.all))
        if split is None:
            split = max(0, len(rest) - 1)
        last.after, self.tail = rest[:split], rest[split:]

    def _first_heading(self, start: int, end: int) -> int | None:
        index = start
        while index < end:
            line = self.lines.all[index]
            if HEADING.match(line) or MARKER.fullmatch(line):
                return index - start
            index = max(index + 1, self.lines.after_fence(index))
        return None


@dataclass(frozen=True, slots=True)
class Section:
    """What a template wrote, between its two comments."""

    name: str
    lines: list[str]


def parts(lines: Sequence[str], name: str) -> Iterator[list[str] | Section]:
    """Yield the author's lines, and the sections among them; the comments around a section are the author's.

    :param name: what errors call the document.
    :raises DocumentError: a section never ends, or ends where none began.
    """
    text = Lines("", name)
    text.all = list(lines)
    author: list[str] = []
    index = 0
    while index < len(lines):
        marker = MARKER.fullmatch(lines[index])
        end = text.after_fence(index)
        author += lines[index : max(index + 1, end)]
        index = max(index + 1, end)
        if marker is None:
            continue
        last = None if marker["end"] else _end_of(text, index, marker["name"])
        if last is None:
            problem = "ends but never starts" if marker["end"] else "never ends"
            raise DocumentError(
                f"{name}: the section {marker['name']!r} {problem}.",
                hint=f"It stands between <!-- otel-openstack:{marker['name']} --> and the same with a slash.",
            )
        yield author
        yield Section(marker["name"], list(lines[index:last]))
        author = [lines[last]]
        index = last + 1
    yield author


def _end_of(text: Lines, start: int, name: str) -> int | None:
    index = start
    while index < len(text.all):
        marker = MARKER.fullmatch(text.all[index])
        if marker:
            return index if marker["end"] and marker["name"] == name else None
        index = max(index + 1, text.after_fence(index))
    return None


def _inside(block: Block) -> range:
    return range(block.index + 1, block.last)
