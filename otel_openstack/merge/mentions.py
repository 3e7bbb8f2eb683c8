"""Message numbers that an author's text mentions, ``(8)``, ``(10-11)``, ``[…](#8)``, follow their messages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from otel_openstack.importer.lines import Lines

# Not "f(8)" nor "[text](8)"; but Korean writes what is in brackets without a blank before it
_MENTION = re.compile(r"(?<![A-Za-z0-9_\]])\((\d{1,9}(?: ?[-–~,·] ?\d{1,9})*)\)|(?<=\]\(#)(\d{1,9})(?=\))")
_NUMBER = re.compile(r"\d+")
_CODE = re.compile(r"(`+)(?!`)(?:.*?[^`])\1(?!`)")


class Mentions:
    """Rewrites the numbers that lines mention.

    :param numbers: for each number of an old message its new one; what is not in it was no number of a message.
    :param gone: the numbers of messages that are no more; a mention of one gets a question mark.
    """

    def __init__(self, numbers: Mapping[int, int], gone: frozenset[int] = frozenset()) -> None:
        self._numbers = numbers
        self._gone = gone
        self._is_needed = bool(gone) or any(old != new for old, new in numbers.items())
        self.lost: set[int] = set()

    def line(self, line: str) -> str:
        """Rewrite one line; code spans stay as they are."""
        if not self._is_needed or "(" not in line:
            return line
        result, end = [], 0
        for code in _CODE.finditer(line):
            result += [_MENTION.sub(self._mention, line[end : code.start()]), code.group()]
            end = code.end()
        return "".join([*result, _MENTION.sub(self._mention, line[end:])])

    def lines(self, lines: Sequence[str]) -> list[str]:
        """Rewrite lines of Markdown; code blocks stay as they are."""
        if not self._is_needed:
            return list(lines)
        text = Lines("", "")
        text.all = list(lines)
        result: list[str] = []
        index = 0
        while index < len(lines):
            end = text.after_fence(index)
            if end == index:
                result.append(self.line(lines[index]))
                index += 1
            else:
                result += lines[index:end]
                index = end
        return result

    def _mention(self, mention: re.Match[str]) -> str:
        return _NUMBER.sub(self._number, mention.group())

    def _number(self, found: re.Match[str]) -> str:
        number = int(found.group())
        if number in self._gone:
            self.lost.add(number)
            return f"{number}?"
        return str(self._numbers.get(number, number))
