"""Which exchange of one conversation is which of another: by meaning, not by number or id.

The roots are aligned with the roots, and below two exchanges that belong together what was made for the one with what
was made for the other. Among siblings an exchange is known by its **key**: caller, callee, method and route; first
come those that also agree in the keys of what was made for them. Equal starts and ends are taken off, keys that occur
once on both sides are anchors (those that keep their order: patience diff, Bram Cohen), and between them the n-th of a
key goes with the n-th. What is left over and has the same key on both sides has moved, unless it only changed places
with what was under way at the same time. All of it takes n log n, but for many that are under way at once.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from otel_openstack.conversation.model import Conversation, Exchange, Message
from otel_openstack.conversation.roles import route

Key = tuple[str, str, str, str]
Described = tuple[Key, tuple[Key, ...]]

_T = TypeVar("_T", Key, Described)
_VERSION = re.compile(r"/v\d+(?:\.\d+)?(?=/|$)")


@dataclass(frozen=True, slots=True)
class Pair:
    """An exchange of the first conversation and one of the second, by their places; ``None`` where there is none.

    :param moved: whether it stands elsewhere: among its siblings, or below another exchange.
    """

    first: int | None
    second: int | None
    moved: bool = False


def align(first: Conversation, second: Conversation, names: dict[str, str]) -> list[Pair]:
    """Return every exchange of both conversations once, in their order.

    :param names: the name that a participant of the first has in the second, where it has another.
    """
    sides = (_Side(first, names), _Side(second, {}))
    partner: dict[int, int] = {}
    moved: set[int] = set()
    alone: tuple[list[int], list[int]] = ([], [])
    waiting: list[tuple[int | None, int | None]] = [(None, None)]
    while waiting:
        parents = waiting.pop()
        here = [side.children.get(parent, []) for side, parent in zip(sides, parents, strict=True)]
        found = [
            (here[0][one], here[1][other], has_moved)
            for one, other, has_moved in _siblings(
                *(side.described(places) for side, places in zip(sides, here, strict=True))
            )
        ]
        for a, b, has_moved in found:
            partner[a] = b
            waiting.append((a, b))
            if has_moved and not _only_raced(sides, (a, b), found):
                moved.add(a)
        matched = {partner[a] for a in here[0] if a in partner}
        alone[0].extend(sides[0].below([a for a in here[0] if a not in partner]))
        alone[1].extend(sides[1].below([b for b in here[1] if b not in matched]))
    left = [[side.keys[place] for place in places] for side, places in zip(sides, alone, strict=True)]
    for one, other in _nth(*left):
        a, b = alone[0][one], alone[1][other]
        partner[a] = b
        above_a, above_b = sides[0].parents[a], sides[1].parents[b]
        # Below a parent that has moved it stands where it stood
        if above_a is None or above_b is None or partner.get(above_a) != above_b:
            moved.add(a)
    return _in_order(len(first.exchanges), len(second.exchanges), partner, moved)


def _in_order(count_first: int, count_second: int, partner: dict[int, int], moved: set[int]) -> list[Pair]:
    taken = set(partner.values())
    came = [b for b in range(count_second) if b not in taken]
    pairs = [Pair(a, partner.get(a), a in moved) for a in range(count_first)]
    return [*pairs, *(Pair(None, b) for b in came)]


class _Side:
    """The keys and the tree of one conversation."""

    def __init__(self, conversation: Conversation, names: dict[str, str]) -> None:
        asked = [exchange.first for exchange in conversation.exchanges]
        prefixes = _prefixes(asked)
        self.parents = conversation.parents or (None,) * len(asked)
        self.times = [_times(exchange) for exchange in conversation.exchanges]
        self.keys: list[Key] = [
            (
                names.get(one.caller, one.caller),
                names.get(one.callee, one.callee),
                one.method,
                route(one.path.removeprefix(prefixes.get(one.callee, ""))).rstrip("/"),
            )
            for one in asked
        ]
        self.children: dict[int | None, list[int]] = defaultdict(list)
        for place, parent in enumerate(self.parents):
            self.children[parent].append(place)

    def described(self, places: Sequence[int]) -> list[Described]:
        """Return the keys of these exchanges, each with those of what was made for it."""
        return [
            (self.keys[place], tuple([self.keys[child] for child in self.children.get(place, ())])) for place in places
        ]

    def overlap(self, one: int, other: int) -> bool:
        """Whether two exchanges were under way at the same time."""
        (start, end), (other_start, other_end) = self.times[one], self.times[other]
        return start < other_end and other_start < end

    def below(self, places: Sequence[int]) -> list[int]:
        """Return these exchanges and all that were made for them, in order."""
        found: list[int] = []
        waiting = list(places)
        while waiting:
            place = waiting.pop()
            found.append(place)
            waiting += self.children.get(place, ())
        return sorted(found)


def _only_raced(sides: tuple[_Side, _Side], moved: tuple[int, int], pairs: Iterable[tuple[int, int, bool]]) -> bool:
    """Whether all that an exchange changed places with was under way at the same time, on either side."""
    return all(
        sides[0].overlap(moved[0], a) or sides[1].overlap(moved[1], b)
        for a, b, _ in pairs
        if (a < moved[0]) != (b < moved[1])
    )


def _times(exchange: Exchange) -> tuple[int, int]:
    """Return start and end by one clock, the caller's if it is known."""
    span = exchange.client or exchange.server
    if span is not None:
        return span.start_unix_nano, span.end_unix_nano
    told = [message.time_unix_nano for message in (exchange.request, exchange.response) if message is not None]
    return told[0], told[-1]


def _prefixes(messages: Iterable[Message]) -> dict[str, str]:
    """Return for each callee what stands before the version in all of its versioned paths: ``/identity``."""
    found: dict[str, set[str]] = defaultdict(set)
    for message in messages:
        if version := _VERSION.search(message.path):
            found[message.callee].add(message.path[: version.start()])
    return {callee: next(iter(prefixes)) for callee, prefixes in found.items() if len(prefixes) == 1}


def _siblings(described: Sequence[Described], others: Sequence[Described]) -> list[tuple[int, int, bool]]:
    """Return which of one list is which of the other, and whether it has moved."""
    first, second = [key for key, _ in described], [key for key, _ in others]
    matched: dict[int, int] = {}
    start = 0, 0
    for a, b in [*sorted(_matched(described, others)), (len(first), len(second))]:
        between = _matched(first[start[0] : a], second[start[1] : b])
        matched |= {start[0] + one: start[1] + other for one, other in between}
        matched[a] = b
        start = a + 1, b + 1
    del matched[len(first)]
    taken = set(matched.values())
    rest = [a for a in range(len(first)) if a not in matched], [b for b in range(len(second)) if b not in taken]
    moved = _nth([first[a] for a in rest[0]], [second[b] for b in rest[1]])
    return [
        *((a, b, False) for a, b in matched.items()),
        *((rest[0][one], rest[1][other], True) for one, other in moved),
    ]


def _matched(first: Sequence[_T], second: Sequence[_T]) -> Iterable[tuple[int, int]]:
    """Yield pairs of places that keep their order on both sides."""
    waiting = [(0, len(first), 0, len(second))]
    while waiting:
        a, a_end, b, b_end = waiting.pop()
        while a < a_end and b < b_end and first[a] == second[b]:
            yield a, b
            a, b = a + 1, b + 1
        while a < a_end and b < b_end and first[a_end - 1] == second[b_end - 1]:
            a_end, b_end = a_end - 1, b_end - 1
            yield a_end, b_end
        if a == a_end or b == b_end:
            continue
        anchors = _rising(_unique(first[a:a_end], second[b:b_end]))
        if not anchors:
            yield from ((a + one, b + other) for one, other in _rising(_nth(first[a:a_end], second[b:b_end])))
            continue
        start = a, b
        for one, other in anchors:
            yield a + one, b + other
            waiting.append((start[0], a + one, start[1], b + other))
            start = a + one + 1, b + other + 1
        waiting.append((start[0], a_end, start[1], b_end))


def _unique(first: Sequence[_T], second: Sequence[_T]) -> list[tuple[int, int]]:
    """Return the places of the keys that occur once on both sides."""
    counts = Counter(first), Counter(second)
    places = {key: place for place, key in enumerate(second) if counts[1][key] == 1}
    return [(place, places[key]) for place, key in enumerate(first) if counts[0][key] == 1 and key in places]


def _nth(first: Sequence[_T], second: Sequence[_T]) -> list[tuple[int, int]]:
    """Return the places of the n-th of each key on both sides."""
    places: dict[_T, list[int]] = defaultdict(list)
    for place in range(len(second) - 1, -1, -1):
        places[second[place]].append(place)
    return [(place, places[key].pop()) for place, key in enumerate(first) if places.get(key)]


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the most of these pairs, of which the first places rise, whose second places rise too."""
    ends: list[int] = []
    at: list[int] = []
    before: list[int | None] = []
    for number, (_, second) in enumerate(pairs):
        length = bisect_left(ends, second)
        before.append(at[length - 1] if length else None)
        ends[length : length + 1] = [second]
        at[length : length + 1] = [number]
    result: list[tuple[int, int]] = []
    last = at[-1] if at else None
    while last is not None:
        result.append(pairs[last])
        last = before[last]
    return result[::-1]
