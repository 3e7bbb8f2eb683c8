"""Requests that wait for their response, where only messages are known: what a document shows, and nothing of spans.

* A response answers the latest open request between the same two services that carries the same
  ``X-Requestshook-Request-Id``; one without an id, the latest with the same path, else the latest.
* A request was made for the latest open request whose callee is its caller.

Thousands of requests may be open at once, so each is filed under all that it may be asked by, and none is searched for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

_Asked = TypeVar("_Asked")


@dataclass(slots=True, eq=False)
class _Open(Generic[_Asked]):
    number: int
    asked: _Asked
    is_answered: bool = False


class Waiting(Generic[_Asked]):
    """The requests that are open, each as what its user calls it."""

    def __init__(self) -> None:
        self._count = 0
        self._filed: defaultdict[tuple[str | None, ...], list[_Open[_Asked]]] = defaultdict(list)

    def add(self, asked: _Asked, caller: str, callee: str, request_id: str, path: str) -> None:
        """Open a request.

        :param request_id: ``""`` when it carries none.
        """
        self._count += 1
        entry = _Open(self._count, asked)
        self._filed[(callee,)].append(entry)
        for known_id in (request_id, None):
            for known_path in (path, None):
                self._filed[caller, callee, known_id, known_path].append(entry)

    def cause(self, caller: str) -> _Asked | None:
        """Return the request that one of this caller was made for, ``None`` when there is none."""
        entry = self._latest((caller,))
        return entry.asked if entry else None

    def answered(self, caller: str, callee: str, request_id: str, paths: Iterable[str]) -> _Asked | None:
        """Close the request that a response answers and return it, ``None`` when there is none.

        :param paths: whatever may be the path, where the response does not tell it apart from its reason.
        """
        known = list(paths)
        for known_id in (request_id, "") if request_id else (None,):
            entries = [self._latest((caller, callee, known_id, path)) for path in known]
            entry = max(filter(None, entries), key=lambda found: found.number, default=None)
            entry = entry or self._latest((caller, callee, known_id, None))
            if entry:
                entry.is_answered = True
                return entry.asked
        return None

    def _latest(self, key: tuple[str | None, ...]) -> _Open[_Asked] | None:
        entries = self._filed.get(key)
        while entries and entries[-1].is_answered:
            entries.pop()
        return entries[-1] if entries else None
