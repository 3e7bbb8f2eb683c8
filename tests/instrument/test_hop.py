"""What holds of a hop whichever library makes it, against what a raw socket got and gave."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import io
import urllib.error
from collections.abc import Callable
from itertools import product
from typing import Any

import httpx
import pytest
import requests
import urllib3
from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_instrumentation

from otel_openstack import attributes as names
from otel_openstack.instrument import capture, hop, httpx_client, stdlib_client
from otel_openstack.instrument.propagator import request_id
from tests.instrument import clients
from tests.instrument.clients import Ask
from tests.instrument.harness import PreparedServer, Spans, attributes_of, free_port, header_block, http_answer

pytestmark = pytest.mark.usefixtures("instrumented")

CLIENTS = pytest.mark.parametrize("ask", clients.ALL)
_CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"


@CLIENTS
def test_both_messages_are_those_on_the_wire(ask: Ask, server: PreparedServer, spans: Spans) -> None:
    """Order, spelling and repetitions of headers, with what each library adds of its own; bodies, and the id."""
    server.answers = [http_answer(b"ok", b"Set-Cookie: ", b"x-B: 1", b"X-a: 2", b"X-b: 3", status=b"203 Half True")]
    sent = {"x_z": "1", "X_Auth_Token": "tt", "Content_Type": "text/x"}
    assert ask("PUT", f"{server.url}/v3/users/42?limit=1", b"hi", **sent) == b"ok"
    span = spans.one()
    attributes = attributes_of(span)
    lines = server.requests[0].decode().split("\r\n\r\n")[0].split("\r\n")[1:]
    wire = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
    recorded = header_block(attributes, "request")
    assert [name for name, _ in recorded] == [name for name, _ in wire]
    secret = next(value for name, value in recorded if name.lower() == "x-auth-token")
    assert secret.startswith("{SHA256}")
    assert [pair for pair in recorded if pair[1] != secret] == [pair for pair in wire if pair[1] != "tt"]
    assert header_block(attributes, "response") == [
        ("Content-Type", "text/plain"), ("Content-Length", "2"), ("Set-Cookie", ""), ("x-B", "1"), ("X-a", "2"),
        ("X-b", "3"), ("Connection", "close"),
    ]  # fmt: skip
    assert span.kind is trace.SpanKind.CLIENT
    assert span.name == "PUT /v3/users/{user_id}"
    assert attributes[names.URL_FULL] == f"{server.url}/v3/users/42?limit=1"
    assert attributes[names.SERVER_ADDRESS] == "127.0.0.1"
    assert attributes[names.SERVER_PORT] == server.port
    assert attributes[names.HTTP_REQUEST_BODY_CONTENT] == "hi"
    assert attributes[names.HTTP_RESPONSE_STATUS_CODE] == 203
    assert attributes[names.OPENSTACK_HTTP_RESPONSE_REASON] == "Half True"
    assert attributes[names.HTTP_RESPONSE_BODY_CONTENT] == "ok"
    assert attributes[names.NETWORK_PROTOCOL_VERSION] == "1.1"
    identifier = request_id(span.get_span_context())
    assert attributes[names.OPENSTACK_REQUESTSHOOK_REQUEST_ID] == identifier
    assert attributes[names.OPENSTACK_REQUESTSHOOK_REQUEST_FROM] == "tests"
    passed_on = {name.lower(): value for name, value in wire}
    assert passed_on["x-requestshook-request-id"] == identifier
    assert passed_on["x-requestshook-request-from"] == "tests"


@pytest.mark.parametrize("ask", [ask for ask in clients.ALL if ask is not clients.by_http_client])
def test_every_redirect_is_a_hop(ask: Ask, server: PreparedServer, spans: Spans) -> None:
    """Each has its own span and its own id; what is secret in an address is masked in both."""
    digest = "{SHA256}" + hashlib.sha256(b"tt").hexdigest()
    server.answers = [http_answer(b"there", b"Location: /next?token=tt", status=b"302 Found"), http_answer(b"here")]
    assert ask("GET", server.url) == b"here"
    first, second = map(attributes_of, spans.all(2))
    assert first[names.HTTP_RESPONSE_BODY_CONTENT] == "there"
    assert first["http.response.header.location"] == (f"/next?token={digest}",)
    assert second[names.URL_FULL] == f"{server.url}/next?token={digest}"
    ids = [attributes[names.OPENSTACK_REQUESTSHOOK_REQUEST_ID] for attributes in (first, second)]
    assert ids[0] != ids[1]
    assert server.requests[1].lower().count(b"x-requestshook-request-id") == 1


@CLIENTS
@pytest.mark.parametrize("pieces", [[b"abc", b"de"], [b"\r\n", b"\r\n\r\n"]])
def test_a_chunked_response_is_recorded(pieces: list[bytes], ask: Ask, server: PreparedServer, spans: Spans) -> None:
    """The chunks' own bytes are not part of it, though urllib3 takes them apart by itself."""
    frames = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])
    server.answers = [_CHUNKED + frames]
    assert ask("GET", server.url) == b"".join(pieces)
    attributes = attributes_of(spans.one())
    assert attributes[names.HTTP_RESPONSE_BODY_CONTENT] == b"".join(pieces).decode()
    assert attributes[names.HTTP_RESPONSE_BODY_SIZE] == len(b"".join(pieces))


@CLIENTS
def test_a_coded_response_is_shown_decoded_with_its_size_on_the_wire(
    ask: Ask, server: PreparedServer, spans: Spans
) -> None:
    """Whether the library decodes it or not."""
    text = b"x" * 100_000
    coded = gzip.compress(text)
    server.answers = [http_answer(coded, b"Content-Encoding: gzip")]
    assert ask("GET", server.url) in (text, coded)
    attributes = attributes_of(spans.one())
    assert attributes[names.HTTP_RESPONSE_BODY_CONTENT] == "x" * 8192
    assert attributes[names.HTTP_RESPONSE_BODY_SIZE] == len(coded)
    assert attributes[names.OPENSTACK_HTTP_RESPONSE_BODY_PREVIEWED] < len(coded)  # it was cut


@CLIENTS
@pytest.mark.parametrize(("method", "status"), [("HEAD", b"200 OK"), ("GET", b"204 No Content"), ("GET", b"304 Same")])
def test_a_response_without_a_body_ends_at_once(
    method: str, status: bytes, ask: Ask, server: PreparedServer, spans: Spans
) -> None:
    """A HEAD's Content-Length is not a body's size."""
    server.answers = [b"HTTP/1.1 " + status + b"\r\nContent-Length: 9\r\nConnection: close\r\n\r\n"]
    assert ask(method, server.url) == b""
    attributes = attributes_of(spans.one())
    assert attributes[names.HTTP_RESPONSE_BODY_SIZE] == 0
    assert names.HTTP_RESPONSE_BODY_CONTENT not in attributes


@CLIENTS
def test_an_error_of_the_server_is_an_error_of_the_hop(ask: Ask, server: PreparedServer, spans: Spans) -> None:
    """4xx and 5xx, as semantic conventions say of clients."""
    server.answers = [http_answer(b"no", status=b"404 Not Found")]
    assert ask("GET", server.url) == b"no"
    span = spans.one()
    assert span.status.status_code is trace.StatusCode.ERROR
    assert attributes_of(span)[names.ERROR_TYPE] == "404"


_REFUSED = {
    clients.by_requests: (requests.ConnectionError, "requests.exceptions.ConnectionError"),
    clients.by_http_client: (ConnectionRefusedError, "ConnectionRefusedError"),
    clients.by_urllib: (urllib.error.URLError, "ConnectionRefusedError"),
    clients.by_urllib3: (urllib3.exceptions.MaxRetryError, "urllib3.exceptions.NewConnectionError"),
    clients.by_httpx: (httpx.ConnectError, "httpx.ConnectError"),
    clients.by_httpx_async: (httpx.ConnectError, "httpx.ConnectError"),
}


@CLIENTS
def test_a_refused_connection_is_recorded_and_raised(ask: Ask, spans: Spans) -> None:
    """The caller gets the exception of its library."""
    kind, recorded = _REFUSED[ask]
    with pytest.raises(kind):
        ask("GET", f"http://127.0.0.1:{free_port()}/")
    for span in spans.all(4 if ask is clients.by_urllib3 else 1):  # it tries again three times
        assert attributes_of(span)[names.ERROR_TYPE] == recorded
        assert names.HTTP_RESPONSE_STATUS_CODE not in attributes_of(span)


_BROKEN = {
    clients.by_requests: (requests.exceptions.ChunkedEncodingError, "urllib3.exceptions.ProtocolError"),
    clients.by_http_client: (http.client.IncompleteRead, "http.client.IncompleteRead"),
    clients.by_urllib: (http.client.IncompleteRead, "http.client.IncompleteRead"),
    clients.by_httpx: (httpx.RemoteProtocolError, "httpx.RemoteProtocolError"),
    clients.by_httpx_async: (httpx.RemoteProtocolError, "httpx.RemoteProtocolError"),
}


@pytest.mark.parametrize("ask", _BROKEN)  # urllib3 would ask again
def test_a_body_that_breaks_off_is_recorded_and_raised(ask: Ask, server: PreparedServer, spans: Spans) -> None:
    """The caller gets the exception of its library."""
    kind, recorded = _BROKEN[ask]
    server.answers = [http_answer(b"abcdef").replace(b"Length: 6", b"Length: 9")]
    with pytest.raises(kind):
        ask("GET", server.url)
    attributes = attributes_of(spans.one())
    assert attributes[names.ERROR_TYPE] == recorded
    assert attributes[names.HTTP_RESPONSE_STATUS_CODE] == 200


@CLIENTS
def test_the_current_span_is_the_parent(ask: Ask, server: PreparedServer, spans: Spans) -> None:
    """A hop lies within what makes it."""
    server.answers = [http_answer()]
    with trace.get_tracer("t").start_as_current_span("outer") as outer:
        ask("GET", server.url)
    made = spans.all(2)[0]
    assert made.parent is not None
    assert made.parent.span_id == outer.get_span_context().span_id


@CLIENTS
def test_ids_that_are_passed_on_give_way_to_those_of_the_hop(ask: Ask, server: PreparedServer, spans: Spans) -> None:
    """As a proxy would that copies the headers it was sent."""
    server.answers = [http_answer()]
    stale = {"traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01", "X_Requestshook_Request_Id": "1" * 32}
    ask("GET", server.url, **stale)
    context = spans.one().get_span_context()
    head = server.requests[0].decode().lower()
    assert head.count("traceparent:") == head.count("x-requestshook-request-id:") == 1
    assert f"{context.span_id:016x}" in head.split("traceparent:")[1].split("\r\n")[0]
    assert f"x-requestshook-request-id: {request_id(context)}\r\n" in head


@CLIENTS
def test_a_suppressed_call_is_not_traced(ask: Ask, server: PreparedServer, spans: Spans) -> None:
    """The exporter's own requests are such calls."""
    server.answers = [http_answer()]
    with suppress_instrumentation():
        ask("GET", server.url)
    assert b"traceparent" not in server.requests[0].lower()
    spans.all(0)


@CLIENTS
def test_an_unsampled_call_passes_its_ids_on(ask: Ask, server: PreparedServer, spans: Spans) -> None:
    """And captures nothing."""
    server.answers = [http_answer(b"x")]
    unsampled = trace.NonRecordingSpan(trace.SpanContext(1, 2, is_remote=True, trace_flags=trace.TraceFlags(0)))
    with trace.use_span(unsampled):
        assert ask("GET", server.url) == b"x"
    assert b"x-requestshook-request-id: 0000000000000001" in server.requests[0].lower()
    spans.all(0)


_OF_ALL = [
    (capture.Exchange, "request"), (capture.Exchange, "response"), (capture.Exchange, "_finish"),
    (capture.Preview, "__init__"), (capture.Preview, "content"), (hop, "route"), (hop, "request_id"),
]  # fmt: skip
_OF_THE_STANDARD_LIBRARY = [
    (stdlib_client, "_url"), (stdlib_client, "_without_chunk_frame"), (stdlib_client, "_observing"),
    (stdlib_client, "observed_body"),
]  # fmt: skip
_OF_HTTPX = [(httpx_client, "_lines"), (httpx_client, "ObservedStream")]
_TARGETS = [
    *product(clients.ALL, _OF_ALL),
    *product(clients.OF_THE_STANDARD_LIBRARY, _OF_THE_STANDARD_LIBRARY),
    *product((clients.by_httpx, clients.by_httpx_async), _OF_HTTPX),
]


@pytest.mark.parametrize(("ask", "target"), _TARGETS)
@pytest.mark.parametrize("make", [bytes, io.BytesIO])
def test_a_fault_in_the_agent_changes_no_byte(
    ask: Ask,
    target: tuple[object, str],
    make: Callable[[bytes], Any],
    server: PreparedServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each function of the capture path fails in turn; the caller gets what it would get without us."""
    if ask is clients.by_httpx_async:
        make = bytes  # it takes no file

    def fail(*_arguments: object, **_keywords: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(*target, fail)
    server.answers = [http_answer(b"answer", b"X-A: 1")]
    assert ask("POST", server.url, make(b"question"), Content_Length="8") == b"answer"
    assert server.requests[0].endswith(b"\r\n\r\nquestion")
