"""The lines of a document, and what both of its readers need to know about them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from otel_openstack.conversation.model import Headers, Message
from otel_openstack.exceptions import DocumentError
from otel_openstack.render.log import HEADING as LOG_HEADING

HEADING = re.compile(r"#{1,6} +(?P<text>.*)")
PARTICIPANTS = re.compile(r"`(?P<caller>[^`]+)` (?P<arrow>-->|<--) `(?P<callee>[^`]+)`")
GAP = re.compile(r'!!! missing "(?P<gap>.*)"')
_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})(?P<info>[^`]*)$")
_HEADER = re.compile(r"(?P<name>[^:]+): (?P<value>.*)")


class Lines:
    """A text by lines.

    :param text: the file; LF, or CRLF throughout as its first line shows.
    :param name: what errors call it.
    """

    def __init__(self, text: str, name: str) -> None:
        text = text.removeprefix("\ufeff")
        first_end = text.find("\n")
        if text[:first_end].endswith("\r"):
            text = text.replace("\r\n", "\n")
        self.name = name
        self.all = text.split("\n")

    def error(self, index: int, problem: str, hint: str = "") -> DocumentError:
        """Return the error for the line with this index."""
        return DocumentError(f"{self.name}, line {index + 1}: {problem}.", hint=hint)

    def after_fence(self, index: int) -> int:
        """Return the index after the code block that starts at this line, the same index when none does.

        :raises DocumentError: the block never ends; whatever it swallowed would be lost.
        """
        opening = _FENCE.match(self.all[index])
        if opening is None:
            return index
        fence = opening["fence"]
        closing = re.compile(rf" {{0,3}}{fence}{fence[0]}* *")
        for end in range(index + 1, len(self.all)):
            if closing.fullmatch(self.all[end]):
                return end + 1
        raise self.error(index, "this code block never ends", f"Close it with {fence}.")


Links = tuple[int | None, int | None, int | None]
"""The places of an exchange's request and response, and of the first message of the exchange that it was made for."""


@dataclass(slots=True)
class Read:
    """The messages of a document in their order, and what a reader should look at.

    :param links: the exchanges, in the order of their first message; empty when the form does not tell them.
    """

    messages: list[Message] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    links: list[Links] = field(default_factory=list)


def is_log(lines: Lines) -> bool:
    """Whether the first heading of a message is a log's; a page can hold a log too, in a code block."""
    index = 0
    while index < len(lines.all):
        line = lines.all[index]
        if LOG_HEADING.match(line):
            return True
        if PARTICIPANTS.match(line) or line == '=== "Header"':
            return False
        index = max(index + 1, lines.after_fence(index))
    return False


def read_headers(lines: list[str]) -> Headers:
    """Read header lines; one that is no ``Name: value`` is kept whole, under no name."""
    headers = []
    for line in lines:
        header = _HEADER.fullmatch(line)
        headers.append((header["name"], header["value"]) if header else ("", line))
    return tuple(headers)


def read_status(title: str) -> tuple[int, str] | None:
    """Split ``200 OK /path`` into its status and the rest, ``None`` when it does not start with a status code."""
    status, separator, rest = title.partition(" ")
    return (int(status), rest) if separator and len(status) == 3 and status.isascii() and status.isdigit() else None
