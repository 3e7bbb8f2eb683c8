"""Messages in their order become the spans of one trace, so that the order of the spans is that of the document.

Which response answers which request, and what that was made for, :mod:`otel_openstack.conversation.waiting` says. A
response that answers no request, and a request that has no response, are exchanges of their own.

A document tells the order and not the time: messages are one millisecond apart, from a moment that is obviously
nobody's. A form that tells exchanges and times is believed; times that fall are moved up. Ids are derived from the
messages; the caller's span has the id that its own request id (``X-Requestshook-Request-Id``) names, unless another
span of the document has it already.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from otel_openstack.attributes import HEADER_REQUESTSHOOK_REQUEST_ID
from otel_openstack.conversation.messages import spans_of
from otel_openstack.conversation.model import Exchange, Message, MessageKind
from otel_openstack.conversation.waiting import Waiting
from otel_openstack.importer.lines import Links
from otel_openstack.otlp import Span
from otel_openstack.render.body import body_text
from otel_openstack.render.text import header_block, target, title

START_UNIX_NANO = 946_684_800_000_000_000
"""2000-01-01T00:00:00Z."""
STEP_NANO = 1_000_000


@dataclass(slots=True, eq=False)
class _Open:
    """An exchange while the document is read."""

    request: Message | None
    response: Message | None = None
    parent: _Open | None = None
    request_id: str = ""


def spans_of_messages(messages: Sequence[Message], links: Sequence[Links] = ()) -> tuple[str, list[Span]]:
    """Return the trace id and the spans of messages that stand in this order.

    :param links: their exchanges, where the form tells them; otherwise they are found.
    """
    timed = _timed(messages)
    exchanges = _linked(timed, links) if links else _exchanges(timed)
    digest = _digest(messages)
    used = {"0" * 16}
    span_ids: dict[int, tuple[str, str]] = {}
    spans: list[Span] = []
    for number, exchange in enumerate(exchanges):
        client_id = _span_id(used, exchange.request_id[16:], f"{digest}/{number}/client")
        server_id = _span_id(used, "", f"{digest}/{number}/server")
        span_ids[id(exchange)] = client_id, server_id
        spans += spans_of(
            Exchange(exchange.request, exchange.response),
            trace_id=digest[:32],
            parent_span_id=span_ids[id(exchange.parent)][1] if exchange.parent is not None else "",
            client_span_id=client_id,
            server_span_id=server_id,
        )
    return digest[:32], spans


def _timed(messages: Sequence[Message]) -> list[Message]:
    """Give messages times that rise: their own, as far as they do, when all have one, else one a millisecond."""
    are_known = all(message.time_unix_nano for message in messages)
    now = START_UNIX_NANO - STEP_NANO if not are_known else 0
    result = []
    for message in messages:
        now = max(now + 1, message.time_unix_nano) if are_known else now + STEP_NANO
        result.append(replace(message, time_unix_nano=now))
    return result


def _linked(messages: Sequence[Message], links: Sequence[Links]) -> list[_Open]:
    """Return the exchanges that a form tells."""
    by_first: dict[int | None, _Open] = {}
    for request, response, made_for in links:
        exchange = _Open(
            None if request is None else messages[request],
            None if response is None else messages[response],
            by_first.get(made_for),
            "" if request is None else _request_id(messages[request]),
        )
        by_first[response if request is None else request] = exchange
    return list(by_first.values())


def _exchanges(messages: Sequence[Message]) -> list[_Open]:
    """Find the exchanges, in the order of their first message."""
    result: list[_Open] = []
    waiting: Waiting[_Open] = Waiting()
    for message in messages:
        caller, callee, request_id = message.caller, message.callee, _request_id(message)
        if message.kind is MessageKind.REQUEST:
            asked = replace(message, url=message.url or _url(message))
            exchange = _Open(asked, None, waiting.cause(caller), request_id)
            result.append(exchange)
            waiting.add(exchange, caller, callee, request_id, message.path)
        elif answered := waiting.answered(caller, callee, request_id, (message.path,)):
            assert answered.request is not None
            answered.response = message
            if not message.url:
                # A document tells neither; a log tells both, whatever it says
                asked = answered.request
                answered.response = replace(message, method=message.method or asked.method, url=asked.url)
        else:
            result.append(_Open(None, message, None, request_id))
    return result


def _request_id(message: Message) -> str:
    """Return a message's id as 32 digits in lower case, ``""`` when it has none."""
    wanted = HEADER_REQUESTSHOOK_REQUEST_ID.lower()
    return next((value.replace("-", "").lower() for name, value in message.headers if name.lower() == wanted), "")


def _url(request: Message) -> str:
    """Return the URL that a request's ``Host`` and path make; a document tells neither scheme nor query."""
    host = next((value for name, value in request.headers if name.lower() == "host"), "")
    return f"http://{host}{request.path}" if host and request.path[:1] in ("/", "") else ""


def _digest(messages: Sequence[Message]) -> str:
    """Return what the ids are derived from: 64 hex digits of all that the messages say."""
    said = hashlib.sha256()
    for message in messages:
        for text in (
            message.kind.value,
            message.caller,
            message.callee,
            target(message),
            title(message),
            header_block(message.headers),
            body_text(message.body),
            message.body.layout.value,
            message.gap,
        ):
            said.update(text.encode("utf-8", "surrogatepass") + b"\0")
    return said.hexdigest()


def _span_id(used: set[str], wanted: str, seed: str) -> str:
    """Return an id that is not used yet: the wanted one if it is one, else one that the seed makes."""
    candidate, attempt = wanted, 0
    while candidate in used or len(candidate) != 16 or candidate.strip("0123456789abcdef"):
        attempt += 1
        candidate = hashlib.sha256(f"{seed}/{attempt}".encode()).hexdigest()[:16]
    used.add(candidate)
    return candidate
