"""A hop's spans become its two messages, and messages become spans: inverse functions, side by side.

The document shows what the callee saw (its headers, its body, its status), and the URL that the caller used; what the
callee's half lacks is taken from the caller's. WSGI servers such as uWSGI lose the case of request header names: when
no name in the callee's list has a capital, each is spelled as the caller's list has it, else in Title-Case.
"""

from __future__ import annotations

from collections.abc import Iterator

from otel_openstack import attributes as names
from otel_openstack.conversation import blocks
from otel_openstack.conversation.blocks import REQUEST, RESPONSE
from otel_openstack.conversation.model import Exchange, Headers, Message, MessageKind
from otel_openstack.conversation.pairing import Hop
from otel_openstack.otlp import Attributes, AttributeValue, Resource, Scope, Span, SpanKind

GAP_CALLEE = "The callee did not record this exchange."
GAP_CALLER = "The caller did not record this exchange."
GAP_REQUEST = "The request was not recorded."
GAP_RESPONSE = "No response was recorded."
GAP_END = "No response was recorded: the span never ended."
GAP_RING = "Its spans are each other's ancestors: shown as if it had no parent."

_DOCUMENT = Scope("otel_openstack.importer")


def exchange_of(hop: Hop) -> Exchange:
    """Read both messages of a hop from its spans."""
    client, server, top = hop.client, hop.server, hop.top
    # The views of this exchange; the first one that knows something is believed
    views = [span.attributes for span in (server, client) if span is not None]
    method, status = _method(views), _status(views)
    url, path = _url_and_path(views, client)
    caller, callee = _caller(hop, views), _callee(hop, url)
    gaps = _gaps(hop, views, has_request=bool(method), has_response=status is not None)
    request = response = None
    if method:
        request = Message(
            MessageKind.REQUEST,
            caller,
            callee,
            method,
            url,
            path,
            headers=blocks.spelled(_headers(views, REQUEST), client.attributes if client is not None else None),
            body=blocks.read_body(views, REQUEST),
            time_unix_nano=top.start_unix_nano,
            gap=gaps[0],
        )
    if status is not None:
        response = Message(
            MessageKind.RESPONSE,
            caller,
            callee,
            _text(views, names.OPENSTACK_DOCUMENT_RESPONSE_METHOD, method),
            _text(views, names.OPENSTACK_DOCUMENT_RESPONSE_URL, url),
            _text(views, names.OPENSTACK_DOCUMENT_RESPONSE_PATH, path),
            status,
            _reason(views, status),
            _headers(views, RESPONSE),
            blocks.read_body(views, RESPONSE),
            (server.end_unix_nano if server is not None else 0) or top.end_unix_nano or top.start_unix_nano,
            gaps[1],
        )
    return Exchange(request, response, client, server)


def spans_of(
    exchange: Exchange, *, trace_id: str, parent_span_id: str, client_span_id: str, server_span_id: str
) -> tuple[Span, Span]:
    """Write an exchange as the two spans that an agent on both sides would have recorded.

    The inverse of :func:`exchange_of`: the messages come back equal, whatever a document says of them.

    :param exchange: its messages; spans that it may have already are not looked at.
    :param parent_span_id: the callee's span of the exchange that this one was made for, ``""`` for none.
    :raises ValueError: the exchange has neither message.
    """
    request, response = exchange.request, exchange.response
    first, last = request or response, response or request
    if first is None or last is None:
        raise ValueError("An exchange has a request, a response or both.")
    shared = _shared_attributes(exchange, first)
    by_caller = {**shared, names.URL_FULL: first.url}
    by_callee = {**shared, names.URL_PATH: first.path}
    if query := first.url.partition("?")[2]:
        by_callee[names.URL_QUERY] = query
    if request is not None:
        by_callee.update(blocks.header_attributes(request.headers, REQUEST))
        by_callee.update(blocks.body_attributes(request.body, REQUEST))
        # Without it, names in lower case would count as names that a server spoiled
        by_caller[REQUEST.header_names] = by_callee[REQUEST.header_names]
    if response is not None:
        by_callee[names.OPENSTACK_HTTP_RESPONSE_REASON] = response.reason
        by_callee.update(blocks.header_attributes(response.headers, RESPONSE))
        by_callee.update(blocks.body_attributes(response.body, RESPONSE))

    def span(kind: SpanKind, service: str, span_id: str, parent: str, attributes: Attributes) -> Span:
        return Span(
            trace_id=trace_id,
            span_id=span_id,
            parent_span_id=parent,
            name=first.method or "HTTP",
            kind=kind,
            start_unix_nano=first.time_unix_nano,
            end_unix_nano=last.time_unix_nano,
            attributes=attributes,
            resource=Resource({names.SERVICE_NAME: service}),
            scope=_DOCUMENT,
        )

    client = span(SpanKind.CLIENT, first.caller, client_span_id, parent_span_id, by_caller)
    server = span(SpanKind.SERVER, first.callee, server_span_id, client_span_id, by_callee)
    by_callee.update(_differences(exchange, exchange_of(Hop(client, server))))
    return client, server


def path_of(url: str) -> str:
    """Return the path of a URL without its query, ``""`` when it has none."""
    _, is_absolute, rest = url.partition("://")
    target = (rest if is_absolute else url).partition("?")[0].partition("#")[0]
    if not is_absolute:
        return target
    slash = target.find("/")
    return target[slash:] if slash >= 0 else ""


# -- messages into attributes --------------------------------------------------------------------------------------


def _shared_attributes(exchange: Exchange, first: Message) -> dict[str, AttributeValue]:
    """Return what both halves know."""
    result: dict[str, AttributeValue] = {}
    if exchange.request is not None:
        result[names.HTTP_REQUEST_METHOD] = exchange.request.method
    if exchange.response is not None:
        result[names.HTTP_RESPONSE_STATUS_CODE] = exchange.response.status
    scheme, is_absolute, rest = first.url.partition("://")
    if is_absolute:
        host, _, port = rest.partition("/")[0].partition("?")[0].rpartition("@")[2].partition(":")
        result[names.URL_SCHEME] = scheme
        result[names.SERVER_ADDRESS] = host
        if port.isdecimal() and len(port) <= 5:
            result[names.SERVER_PORT] = int(port)
    asked = _first_values(exchange.request)
    answered = _first_values(exchange.response)
    told = {**answered, **asked}
    for key, header in (
        (names.OPENSTACK_REQUESTSHOOK_REQUEST_ID, names.HEADER_REQUESTSHOOK_REQUEST_ID),
        (names.OPENSTACK_REQUESTSHOOK_REQUEST_FROM, names.HEADER_REQUESTSHOOK_REQUEST_FROM),
    ):
        if value := told.get(header.lower()):
            result[key] = value
    for header in (names.HEADER_OPENSTACK_REQUEST_ID, names.HEADER_COMPUTE_REQUEST_ID, names.HEADER_TRANS_ID):
        if value := answered.get(header.lower()):
            result[names.OPENSTACK_REQUEST_ID] = value
            break
    return result


def _first_values(message: Message | None) -> dict[str, str]:
    return {name.lower(): value for name, value in reversed(message.headers)} if message is not None else {}


def _differences(told: Exchange, read: Exchange) -> Iterator[tuple[str, AttributeValue]]:
    """Yield what the messages say otherwise than their spans do."""
    if told.request is not None and read.request is not None and told.request.gap != read.request.gap:
        yield REQUEST.gap, told.request.gap
    if told.response is not None and read.response is not None:
        for key, wanted, found in (
            (names.OPENSTACK_DOCUMENT_RESPONSE_METHOD, told.response.method, read.response.method),
            (names.OPENSTACK_DOCUMENT_RESPONSE_URL, told.response.url, read.response.url),
            (names.OPENSTACK_DOCUMENT_RESPONSE_PATH, told.response.path, read.response.path),
            (RESPONSE.gap, told.response.gap, read.response.gap),
        ):
            if wanted != found:
                yield key, wanted


# -- attributes into messages --------------------------------------------------------------------------------------


def _text(views: list[Attributes], key: str, default: str = "") -> str:
    for view in views:
        value = view.get(key)
        if isinstance(value, str):
            return value
    return default


def _integer(views: list[Attributes], key: str) -> int | None:
    for view in views:
        value = view.get(key)
        if isinstance(value, int):
            return value
    return None


def _status(views: list[Attributes]) -> int | None:
    """Return the status code; what is none (RFC 9110: three digits) means that there was no response."""
    status = _integer(views, names.HTTP_RESPONSE_STATUS_CODE)
    return status if status is not None and 100 <= status <= 999 else None


def _headers(views: list[Attributes], half: blocks.Half) -> Headers:
    for view in views:
        if headers := blocks.read_headers(view, half):
            return headers
    return ()


def _method(views: list[Attributes]) -> str:
    method = _text(views, names.HTTP_REQUEST_METHOD)
    return _text(views, names.HTTP_REQUEST_METHOD_ORIGINAL, method) if method == "_OTHER" else method


def _url_and_path(views: list[Attributes], client: Span | None) -> tuple[str, str]:
    """Return the URL that the caller used, and the path that the callee saw."""
    url = client.attributes.get(names.URL_FULL) if client is not None else None
    if isinstance(url, str) and url:
        return url, _text(views, names.URL_PATH, path_of(url) or "/")
    path, query = _text(views, names.URL_PATH, "/"), _text(views, names.URL_QUERY)
    host = _authority(views)
    return (f"{_text(views, names.URL_SCHEME, 'http')}://{host}{path}{query and '?' + query}" if host else ""), path


def _authority(views: list[Attributes]) -> str:
    address, port = _text(views, names.SERVER_ADDRESS), _integer(views, names.SERVER_PORT)
    if ":" in address:
        address = f"[{address}]"
    return f"{address}:{port}" if address and port not in (None, 80, 443) else address


def _caller(hop: Hop, views: list[Attributes]) -> str:
    """Return the caller's service name, or what comes nearest to it."""
    if hop.client is not None:
        return hop.client.service_name
    if named := _text(views, names.OPENSTACK_REQUESTSHOOK_REQUEST_FROM):
        return named
    return hop.above.service_name if hop.above is not None else _text(views, names.CLIENT_ADDRESS) or "unknown"


def _callee(hop: Hop, url: str) -> str:
    """Return the callee's service name, or what comes nearest to it."""
    if hop.server is not None:
        return hop.server.service_name
    views = [hop.top.attributes]
    named = _text(views, names.SERVICE_PEER_NAME) or _text(views, names.PEER_SERVICE)
    return named or _authority(views) or url.partition("://")[2].partition("/")[0] or "unknown"


def _reason(views: list[Attributes], status: int) -> str:
    """Return the reason phrase as sent, the registered one (RFC 9110, section 15) when nobody recorded it."""
    for view in views:
        reason = view.get(names.OPENSTACK_HTTP_RESPONSE_REASON)
        if isinstance(reason, str):
            return reason
    from http import HTTPStatus  # Here: only spans of other instrumentations need it, and it takes a while to load

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _gaps(hop: Hop, views: list[Attributes], *, has_request: bool, has_response: bool) -> tuple[str, str]:
    """Say what is missing of the request and of the response."""
    shared = [
        f"{span.service_name} dropped {span.dropped_attributes_count} attributes of this exchange."
        for span in (hop.client, hop.server)
        if span is not None and span.dropped_attributes_count
    ]
    if hop.server is None:
        shared.append(GAP_CALLEE)
    elif hop.client is None:
        shared.append(GAP_CALLER)
    if hop.in_ring:
        shared.append(GAP_RING)
    request, response = shared, shared
    if not has_request:
        response = [*shared, GAP_REQUEST]
    if not has_response:
        error = _text(views, names.ERROR_TYPE)
        unanswered = GAP_RESPONSE if hop.top.end_unix_nano else GAP_END
        request = [*shared, f"No response was recorded: {error}." if error else unanswered]
    return _text(views, REQUEST.gap, " ".join(request)), _text(views, RESPONSE.gap, " ".join(response))
