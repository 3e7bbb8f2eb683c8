"""Which exchanges a rule is about: patterns of names, methods, paths and status codes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from otel_openstack.conversation.model import Exchange


@dataclass(frozen=True, slots=True)
class Pattern:
    """Which exchanges a rule is about; a field without alternatives lets all pass.

    In every field ``*`` stands for anything; in a path ``{name}`` stands for one segment. A path with ``://`` is
    compared with the whole URL.
    """

    caller: tuple[str, ...] = ()
    callee: tuple[str, ...] = ()
    method: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    status: tuple[str, ...] = ()

    def matches(self, exchange: Exchange) -> bool:
        """Whether this exchange is meant."""
        first = exchange.first
        status = "" if exchange.response is None else str(exchange.response.status)
        return (
            _any(self.caller, first.caller)
            and _any(self.callee, first.callee)
            and _any(self.method, first.method)
            and _any(self.status, status)
            and (not self.path or any(fits(one, first.url if "://" in one else first.path) for one in self.path))
        )

    def __str__(self) -> str:
        sides = (("by", self.caller), ("at", self.callee), ("answered", self.status))
        what = " ".join(" or ".join(words) for words in (self.method, self.path) if words) or "calls"
        return " ".join([what, *(f"{word} {' or '.join(names)}" for word, names in sides if names)])


def _any(alternatives: tuple[str, ...], text: str) -> bool:
    return not alternatives or any(fits(one, text) for one in alternatives)


def fits(pattern: str, text: str) -> bool:
    """Whether a pattern is the whole of a text."""
    return _compiled(pattern).fullmatch(text) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*+|\{[^{}/]*\})", pattern)
    # re.split leaves what stands between in the even places
    said = [
        re.escape(part) if place % 2 == 0 else ".*" if part[0] == "*" else "[^/]+" for place, part in enumerate(parts)
    ]
    return re.compile("".join(said), re.DOTALL)
