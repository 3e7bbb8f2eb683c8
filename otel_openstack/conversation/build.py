"""From the spans of one trace to the conversation that they recorded."""

from __future__ import annotations

from collections.abc import Iterable

from otel_openstack.conversation.messages import exchange_of
from otel_openstack.conversation.model import Conversation, MessageKind
from otel_openstack.conversation.ordering import order
from otel_openstack.conversation.pairing import Hop, pair
from otel_openstack.exceptions import EmptyTraceError
from otel_openstack.otlp import Span


def conversation(trace_id: str, spans: Iterable[Span]) -> Conversation:
    """Pair the spans of a trace, order their messages and number them.

    :param trace_id: 32 lower-case hex digits.
    :param spans: every span of that trace, in any order.
    :raises EmptyTraceError: none of them is half of an HTTP exchange.
    """
    known = list(spans)
    hops = pair(known)
    exchanges = {id(hop): exchange_of(hop) for hop in hops}
    placed: list[Hop] = []
    messages = []
    for hop, kind in order(hops):
        exchange = exchanges[id(hop)]
        message = exchange.request if kind is MessageKind.REQUEST else exchange.response
        if message is not None:
            messages.append(message)
            if kind is MessageKind.REQUEST or exchange.request is None:
                placed.append(hop)
    if not messages:
        raise EmptyTraceError(
            f"Trace {trace_id} holds {len(known)} span{'' if len(known) == 1 else 's'} but no HTTP message.",
            hint="A document shows HTTP exchanges; see what the trace is made of with otel-openstack list.",
        )
    place = {id(hop): number for number, hop in enumerate(placed)}
    return Conversation(
        trace_id,
        tuple(messages),
        tuple([exchanges[id(hop)] for hop in placed]),
        parents=tuple([_parent(hop, place) for hop in placed]),
    )


def _parent(hop: Hop, place: dict[int, int]) -> int | None:
    """Return the place of the nearest hop above that has a message."""
    above = hop.parent
    while above is not None and id(above) not in place:
        above = above.parent
    return None if above is None else place[id(above)]
