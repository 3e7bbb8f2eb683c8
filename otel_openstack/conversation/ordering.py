"""Causal order: the place of every message in the document, from the spans alone.

Clocks of two hosts cannot be compared, the clock of one process can. So order comes from three sources, the first
wins over the second, the second over the third:

* **cause**: a request comes before its response, and before everything that was done for it;
* **the timeline of one process**: while a callee works on a request, its calls start and end, and its answer leaves,
  in an order that one clock saw. So does what a client without a parent does. Work that a callee starts after its
  answer therefore really comes after it;
* **time**, with the skew between hosts taken out, for messages that neither of them connects. Skew shows when a server
  span does not lie within its client span; then the callee's clock, for everything below this call, is shifted so that
  the one is centred in the other (as Jaeger's clock-skew adjuster does).

Ids break the ties that remain: the same spans always get the same numbers. The graph cannot have a ring: two timelines
share one exchange at the most, and in both its request comes first.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from itertools import pairwise

from otel_openstack.attributes import HOST_NAME
from otel_openstack.conversation.model import MessageKind
from otel_openstack.conversation.pairing import Hop
from otel_openstack.otlp import Resource, Span

_NEVER = float("inf")


def order(hops: Sequence[Hop]) -> list[tuple[Hop, MessageKind]]:
    """Return both messages of every hop, whether it has them or not, in causal order."""
    place = {id(hop): 2 * index for index, hop in enumerate(hops)}
    after: list[list[int]] = [[] for _ in range(2 * len(hops))]
    waits_for = [0] * len(after)

    def precede(first: int, second: int) -> None:
        after[first].append(second)
        waits_for[second] += 1

    clock = _Clocks()
    for hop in hops:
        precede(place[id(hop)], place[id(hop)] + 1)
        for child in hop.children:
            precede(place[id(hop)], place[id(child)])
            if _is_stray(child):
                precede(place[id(child)] + 1, place[id(hop)] + 1)
    for timeline in _timelines(hops, clock, place):
        for first, second in pairwise(timeline):
            precede(first, second)

    keys = _keys(hops)
    ready = [keys[node] for node in range(len(after)) if not waits_for[node]]
    heapq.heapify(ready)
    result: list[tuple[Hop, MessageKind]] = []
    while ready:
        _, _, node = heapq.heappop(ready)
        result.append((hops[node // 2], MessageKind.RESPONSE if node % 2 else MessageKind.REQUEST))
        for following in after[node]:
            waits_for[following] -= 1
            if not waits_for[following]:
                heapq.heappush(ready, keys[following])
    return result


def _is_stray(hop: Hop) -> bool:
    """Whether this is a callee's half under a call that another callee answered: its caller waited for it too."""
    return hop.client is None and hop.above is not None and not hop.above_is_server


class _Clocks:
    """Tells whose clock wrote a span's times: one of its service on its host."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[str, str]] = {}

    def __call__(self, span: Span) -> tuple[str, str]:
        resource = span.resource
        clock = self._known.get(id(resource))
        if clock is None:
            clock = self._known[id(resource)] = (resource.service_name, _host(resource))
        return clock


def _host(resource: Resource) -> str:
    return str(resource.attributes.get(HOST_NAME, ""))


def _timelines(hops: Iterable[Hop], clock: _Clocks, place: dict[int, int]) -> Iterable[list[int]]:
    """Yield the messages that one clock saw while one span was worked on, in the order that it saw."""
    groups: dict[tuple[int, bool, tuple[str, str]], list[Hop]] = {}
    for hop in hops:
        groups.setdefault((id(hop.above) if hop.above else 0, _is_stray(hop), clock(hop.top)), []).append(hop)
    for (_, stray, recorded_by), members in groups.items():
        above, parent = members[0].above, members[0].parent
        events: list[tuple[float, int, str, int]] = []
        for hop in members:
            top, node = hop.top, place[id(hop)]
            start, end = top.start_unix_nano, max(top.start_unix_nano, top.end_unix_nano)
            # At one moment: what began earlier ends, then something begins, then the work as a whole ends
            events.append((start, 1, top.span_id, node))
            events.append((end, 0 if end > start else 1, top.span_id, node + 1))
        if above is not None and parent is not None and not stray and clock(above) == recorded_by:
            events.append((above.end_unix_nano or _NEVER, 2, "", place[id(parent)] + 1))
        events.sort()
        yield [node for *_, node in events]


def _keys(hops: Sequence[Hop]) -> list[tuple[float, str, int]]:
    """Return the adjusted time, id and number of each node."""
    shifts = _shifts(hops)
    keys: list[tuple[float, str, int]] = []
    for hop in hops:
        top, node = hop.top, len(keys)
        shift = shifts[id(top)]
        keys.append((top.start_unix_nano + shift, top.span_id, node))
        keys.append((max(top.start_unix_nano, top.end_unix_nano) + shift, top.span_id, node + 1))
    return keys


def _shifts(hops: Sequence[Hop]) -> dict[int, int]:
    """Return what to add to the times of each span, by its identity, in nanoseconds."""
    shifts: dict[int, int] = {}
    waiting = [hop for hop in hops if hop.parent is None]
    while waiting:
        hop = waiting.pop()
        shift = shifts[id(hop.above)] if hop.above is not None else 0
        if hop.client is not None:
            shifts[id(hop.client)] = shift
        if hop.server is not None:
            caller = hop.above if _is_stray(hop) else hop.client
            shifts[id(hop.server)] = shift + (_skew(caller, hop.server) if caller is not None else 0)
        waiting.extend(hop.children)
    return shifts


def _skew(client: Span, server: Span) -> int:
    """Return how far a server span's clock is to be shifted, in nanoseconds; 0 when it lies within its client span."""
    if client.end_unix_nano and server.end_unix_nano:
        if client.start_unix_nano <= server.start_unix_nano and server.end_unix_nano <= client.end_unix_nano:
            return 0
        return (client.start_unix_nano + client.end_unix_nano - server.start_unix_nano - server.end_unix_nano) // 2
    if client.start_unix_nano <= server.start_unix_nano <= (client.end_unix_nano or _NEVER):
        return 0
    return client.start_unix_nano - server.start_unix_nano
