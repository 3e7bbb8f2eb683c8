"""Spans become hops: which client span and which server span are the two halves of one exchange, and who asked whom.

The rules, in the order in which they are applied:

1. A span is **HTTP** when it carries a method or a status code and its kind is CLIENT or SERVER; one whose kind nobody
   set is a client span if it has ``url.full``, else a server span. All other spans only carry parent links.
2. A span that was delivered twice counts once; of two versions the one that ended, then the fuller one, is kept.
3. The span **above** another is its nearest HTTP ancestor, through any number of other spans.
4. A server span belongs to the client span above it. When several claim the same client span (a retry that was
   recorded as one call), the one whose status the client saw gets it, then the earliest; the others stay alone.
5. What is left over is paired when both carry the same ``X-Requestshook-Request-Id``, in order of time.
6. What is still alone is half a hop, and is kept.
7. The parent of a hop is the hop of the span above its client span (above its server span when it has no other).
   A ring of parents is opened at the hop with the smallest id, which is marked.

Nothing here depends on the order in which spans arrive.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from otel_openstack.attributes import (
    HEADER_REQUESTSHOOK_REQUEST_ID,
    HTTP_REQUEST_HEADER_PREFIX,
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    OPENSTACK_REQUESTSHOOK_REQUEST_ID,
    URL_FULL,
)
from otel_openstack.otlp import Span, SpanKind

_REQUEST_ID_HEADER = HTTP_REQUEST_HEADER_PREFIX + HEADER_REQUESTSHOOK_REQUEST_ID.lower()


@dataclass(slots=True, eq=False, repr=False)
class Hop:
    """The spans of one exchange, and where it hangs.

    :param client: the caller's span, if it was recorded.
    :param server: the callee's span, if it was recorded; one of the two always is.
    :param above: the nearest HTTP span above, which is one of the parent's two.
    :param above_is_server: whether that one is the parent's server span.
    :param parent: the exchange that this one was made for.
    :param in_ring: whether this hop's parent was taken away because its ancestors formed a ring.
    """

    client: Span | None
    server: Span | None
    above: Span | None = None
    above_is_server: bool = False
    parent: Hop | None = None
    in_ring: bool = False
    children: list[Hop] = field(default_factory=list)

    @property
    def top(self) -> Span:
        """The span that was recorded nearest to the caller."""
        span = self.client or self.server
        assert span is not None
        return span


def pair(spans: Iterable[Span]) -> list[Hop]:
    """Find the hops of a trace and their parents, in an order that depends on the spans alone."""
    known = _unique(spans)
    clients: list[Span] = []
    servers: list[Span] = []
    for span in known:
        role = _role(span)
        if role is SpanKind.CLIENT:
            clients.append(span)
        elif role is SpanKind.SERVER:
            servers.append(span)
    above = _Above(known, {id(span) for span in (*clients, *servers)})
    partner = _partners(clients, servers, above)
    taken = {id(server) for server in partner.values()}
    hops = [Hop(client, partner.get(id(client))) for client in clients]
    hops.extend(Hop(None, server) for server in servers if id(server) not in taken)
    _link(hops, above)
    return hops


def _role(span: Span) -> SpanKind | None:
    """Return CLIENT or SERVER, ``None`` for a span that is no half of an HTTP exchange."""
    attributes = span.attributes
    if HTTP_REQUEST_METHOD not in attributes and HTTP_RESPONSE_STATUS_CODE not in attributes:
        return None
    if span.kind is SpanKind.CLIENT or span.kind is SpanKind.SERVER:
        return span.kind
    if span.kind is SpanKind.UNSPECIFIED:
        return SpanKind.CLIENT if URL_FULL in attributes else SpanKind.SERVER
    return None


def _unique(spans: Iterable[Span]) -> list[Span]:
    """Return each span once, in order of time and then id."""
    known: dict[tuple[str, SpanKind], Span] = {}
    for span in spans:
        key = (span.span_id, span.kind)
        other = known.get(key)
        known[key] = span if other is None or other == span else max(span, other, key=_completeness)
    return sorted(known.values(), key=_by_time)


def _completeness(span: Span) -> tuple[int, int, str]:
    return span.end_unix_nano, len(span.attributes), repr(span)


def _by_time(span: Span) -> tuple[int, str, int]:
    return span.start_unix_nano, span.span_id, span.kind


class _Above:
    """Finds the nearest HTTP ancestor of a span; each link is walked once."""

    def __init__(self, spans: list[Span], http: set[int]) -> None:
        self._http = http
        self._by_id: dict[str, Span] = {}
        for span in spans:
            # Client and server may share an id (Zipkin's habit): what hangs below is the server's work
            if span.span_id not in self._by_id or span.kind is SpanKind.SERVER:
                self._by_id[span.span_id] = span
        self._found: dict[str, Span | None] = {}

    def __call__(self, span: Span) -> Span | None:
        """Return the nearest HTTP span above, ``None`` when there is none."""
        trail: list[str] = []
        walked: set[str] = set()
        identifier = span.parent_span_id
        result = None
        while identifier and identifier not in walked:
            if identifier in self._found:
                result = self._found[identifier]
                break
            trail.append(identifier)
            walked.add(identifier)
            ancestor = self._by_id.get(identifier)
            if ancestor is None or id(ancestor) in self._http:
                result = ancestor
                break
            identifier = ancestor.parent_span_id
        for passed in trail:
            self._found[passed] = result
        return result


def _partners(clients: list[Span], servers: list[Span], above: _Above) -> dict[int, Span]:
    """Return the server span of each client span that has one, by the client's identity."""
    is_client = {id(client) for client in clients}
    partner: dict[int, Span] = {}
    alone: list[Span] = []
    for server in servers:
        client = above(server)
        if client is None or id(client) not in is_client:
            alone.append(server)
            continue
        rival = partner.get(id(client))
        if rival is None:
            partner[id(client)] = server
        elif _same_status(client, server) and not _same_status(client, rival):
            partner[id(client)] = server
            alone.append(rival)
        else:
            alone.append(server)
    waiting: dict[str, list[Span]] = {}
    for client in reversed(clients):
        if id(client) not in partner and (identifier := _request_id(client)):
            waiting.setdefault(identifier, []).append(client)
    for server in sorted(alone, key=_by_time) if waiting else ():
        if matching := waiting.get(_request_id(server)):
            partner[id(matching.pop())] = server
    return partner


def _same_status(client: Span, server: Span) -> bool:
    status = client.attributes.get(HTTP_RESPONSE_STATUS_CODE)
    return status is not None and status == server.attributes.get(HTTP_RESPONSE_STATUS_CODE)


def _request_id(span: Span) -> str:
    """Return the ``X-Requestshook-Request-Id`` of a span as 32 digits in lower case, ``""`` when it has none."""
    value = span.attributes.get(OPENSTACK_REQUESTSHOOK_REQUEST_ID) or span.attributes.get(_REQUEST_ID_HEADER)
    if isinstance(value, tuple) and value:
        value = value[0]
    return value.replace("-", "").lower() if isinstance(value, str) else ""


def _link(hops: list[Hop], above: _Above) -> None:
    """Give every hop its parent, and open the rings."""
    owner: dict[int, Hop] = {}
    for hop in hops:
        for half in (hop.client, hop.server):
            if half is not None:
                owner[id(half)] = hop
    for hop in hops:
        span = above(hop.top)
        if span is not None:
            hop.above, hop.parent = span, owner[id(span)]
            hop.above_is_server = span is hop.parent.server
    _open_rings(hops)
    for hop in hops:
        if hop.parent is not None:
            hop.parent.children.append(hop)


def _open_rings(hops: list[Hop]) -> None:
    """Make a root of one hop of each ring of parents: the one with the smallest id, whatever the clocks say."""
    done: set[int] = set()
    for start in hops:
        trail: dict[int, Hop] = {}
        hop: Hop | None = start
        while hop is not None and id(hop) not in done and id(hop) not in trail:
            trail[id(hop)] = hop
            hop = hop.parent
        if hop is not None and id(hop) in trail:
            path = list(trail.values())
            ring = path[path.index(hop) :]
            opened = min(ring, key=lambda member: member.top.span_id)
            opened.parent, opened.above, opened.in_ring = None, None, True
        done.update(trail)
