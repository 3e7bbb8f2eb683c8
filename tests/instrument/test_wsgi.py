"""The server half, between real servers and raw sockets: what is recorded, and that nothing else changes."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from opentelemetry import propagate, trace

from otel_openstack import attributes as names
from otel_openstack.instrument import capture, observation, wsgi
from otel_openstack.instrument.wsgi import ObservedApplication
from otel_openstack.settings import Settings
from tests.instrument.calls import ID, Called, answering, environ_of
from tests.instrument.harness import Spans, attributes_of, talk

Serve = Callable[[object], int]


def _echo(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response(
        "201 MADE up", [("Content-Type", "application/json"), ("Set-Cookie", ""), ("X-a", "1"), ("X-a", "2")]
    )
    return [body]


def test_an_exchange_is_recorded_as_a_raw_socket_saw_it(spans: Spans, serve: Serve) -> None:
    """Method, path, query, headers and bodies of both messages are those on the wire."""
    port = serve(ObservedApplication(_echo, Settings()))
    answer = talk(
        port,
        b"POST /v2/images/c919ba3a-fbd6-409f-90ea-bede7c6e1595?limit=1&token=tt HTTP/1.1\r\n"
        b"Host: 127.0.0.1\r\nX-Auth-Token: gAAAAAsecret\r\nContent-Type: application/json\r\n"
        b"Content-Length: 17\r\nX-Empty:\r\nConnection: close\r\n\r\n"
        b'{"password":"pw"}',
    )
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 201 MADE up\r\n")
    assert body == b'{"password":"pw"}'
    span = spans.one()
    attributes = attributes_of(span)
    assert span.name == "POST /v2/images/{image_id}"
    assert span.kind is trace.SpanKind.SERVER
    assert attributes[names.HTTP_ROUTE] == "/v2/images/{image_id}"
    assert attributes[names.URL_PATH] == "/v2/images/c919ba3a-fbd6-409f-90ea-bede7c6e1595"
    assert attributes[names.URL_QUERY] == "limit=1&token={SHA256}" + hashlib.sha256(b"tt").hexdigest()
    assert attributes[names.SERVER_ADDRESS] == attributes[names.CLIENT_ADDRESS] == "127.0.0.1"
    assert attributes[names.SERVER_PORT] == 80
    assert attributes["http.request.header.x-auth-token"][0].startswith("{SHA256}")
    assert attributes["http.request.header.x-empty"] == ("",)
    assert attributes[names.HTTP_REQUEST_BODY_CONTENT] == '{"password":"***"}'
    assert attributes[names.OPENSTACK_HTTP_REQUEST_BODY_PREVIEWED] == 17  # all of it, though masking made it longer
    assert attributes[names.HTTP_REQUEST_BODY_SIZE] == attributes[names.HTTP_RESPONSE_BODY_SIZE] == 17
    assert attributes[names.HTTP_RESPONSE_STATUS_CODE] == 201
    assert attributes[names.OPENSTACK_HTTP_RESPONSE_REASON] == "MADE up"
    assert attributes[names.OPENSTACK_HTTP_RESPONSE_HEADER_NAMES] == ("Content-Type", "Set-Cookie", "X-a", "X-a")
    assert attributes["http.response.header.x-a"] == ("1", "2")
    assert attributes["http.response.header.set-cookie"] == ("",)


def test_the_callers_span_becomes_the_parent(spans: Spans) -> None:
    """A traceparent is the parent, and the id beside it is only recorded."""
    environ = environ_of(
        HTTP_TRACEPARENT=f"00-{'a' * 32}-{'b' * 16}-01",
        HTTP_X_REQUESTSHOOK_REQUEST_ID=ID.upper(),
        HTTP_X_REQUESTSHOOK_REQUEST_FROM="nova-api",
    )
    Called(answering([b"x"]), environ)
    span = spans.one()
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == "b" * 16
    assert attributes_of(span)[names.OPENSTACK_REQUESTSHOOK_REQUEST_ID] == ID
    assert attributes_of(span)[names.OPENSTACK_REQUESTSHOOK_REQUEST_FROM] == "nova-api"


def test_an_unsampled_request_captures_nothing_and_passes_on(spans: Spans) -> None:
    """The context that says so is the application's."""
    seen: dict[str, str] = {}

    def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterator[bytes]:
        assert isinstance(environ["wsgi.input"], io.BytesIO)
        start_response("200 OK", [])
        propagate.inject(seen)
        yield b"x"

    environ = environ_of(HTTP_TRACEPARENT=f"00-{'a' * 32}-{'b' * 16}-00", CONTENT_LENGTH="5")
    assert list(Called(application, environ).body) == [b"x"]
    assert seen["traceparent"].startswith(f"00-{'a' * 32}-")
    assert seen["traceparent"].endswith("-00")
    spans.all(0)


def test_what_the_application_does_not_read_is_not_read(spans: Spans) -> None:
    """The size is what the request says, the preview what was read."""
    stream = io.BytesIO(b"abcdef")

    def application(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
        assert environ["wsgi.input"].readline(3) == b"abc"
        start_response("200 OK", [])
        return []

    Called(application, environ_of(CONTENT_LENGTH="6", CONTENT_TYPE="text/plain", **{"wsgi.input": stream}))
    assert stream.tell() == 3
    attributes = attributes_of(spans.one())
    assert attributes[names.HTTP_REQUEST_BODY_CONTENT] == "abc"
    assert attributes[names.HTTP_REQUEST_BODY_SIZE] == 6
    assert names.OPENSTACK_HTTP_REQUEST_BODY_PREVIEWED not in attributes  # three of six, as its length tells


@pytest.mark.parametrize(
    "read",
    [
        lambda stream: stream.read(),
        lambda stream: b"".join(stream),
        lambda stream: b"".join(stream.readlines()),
        lambda stream: stream.readline() + stream.read(2) + next(stream),
        lambda stream: stream.read1(100),
        lambda stream: stream.readinto(memoryview(bytearray(100))) and b"one\ntwo\n",
    ],
)
def test_every_way_of_reading_is_observed(read: Callable[[Any], bytes], spans: Spans) -> None:
    """PEP 3333 has four, a buffered reader more."""

    def application(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
        start_response("200 OK", [])
        return [read(environ["wsgi.input"])]

    stream = io.BufferedReader(io.BytesIO(b"one\ntwo\n"))  # type: ignore[arg-type]
    environ = environ_of(HTTP_TRANSFER_ENCODING="chunked", CONTENT_TYPE="text/plain", **{"wsgi.input": stream})
    assert Called(application, environ).body == [b"one\ntwo\n"]
    assert attributes_of(spans.one())[names.HTTP_REQUEST_BODY_CONTENT] == "one\ntwo\n"


def test_an_application_within_another_is_left_alone(spans: Spans) -> None:
    """One request, one span, whichever of them is wrapped first."""
    Called(ObservedApplication(answering([b"x"]), Settings()))
    spans.one()


def test_the_application_runs_in_the_context_of_its_span(spans: Spans) -> None:
    """Also while its body is iterated; afterwards the thread is as before."""
    ids = []

    def pieces() -> Iterator[bytes]:
        ids.append(trace.get_current_span().get_span_context().span_id)
        yield b"x"

    def application(_environ: object, start_response: Callable[..., object]) -> Iterator[bytes]:
        ids.append(trace.get_current_span().get_span_context().span_id)
        start_response("200 OK", [])
        return pieces()

    list(Called(application).body)
    assert ids == [spans.one().context.span_id] * 2  # type: ignore[union-attr]
    assert not trace.get_current_span().get_span_context().is_valid


def test_an_unknown_method_is_other(spans: Spans) -> None:
    """Nobody can make span names without end."""
    Called(answering([]), environ_of(REQUEST_METHOD="FOO"))
    span = spans.one()
    assert span.name == "HTTP /"
    assert attributes_of(span)[names.HTTP_REQUEST_METHOD] == "_OTHER"
    assert attributes_of(span)[names.HTTP_REQUEST_METHOD_ORIGINAL] == "FOO"


def test_an_observed_application_is_still_itself(spans: Spans) -> None:  # noqa: ARG001  # sets propagators
    """Whoever asks it for an attribute gets the application's."""

    class Application:
        config = "c"

        def __call__(self, *_arguments: object) -> list[bytes]:
            return []

    assert ObservedApplication(Application(), Settings()).config == "c"


_TARGETS = [
    (capture.Exchange, "request"), (capture.Exchange, "response"), (capture.Exchange, "_finish"),
    (capture.Preview, "content"), (capture.Preview, "__init__"), (wsgi, "route"), (wsgi, "request_target"),
    (wsgi, "header_lines"), (wsgi, "observed_file"), (observation, "_echoed_headers"), (wsgi, "server"),
]  # fmt: skip


@pytest.mark.parametrize(("owner", "name"), _TARGETS)
def test_a_fault_in_the_agent_changes_no_byte(
    owner: object, name: str, spans: Spans, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each function of the capture path fails in turn; the client gets what it would get without us."""
    request = b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"

    def fail(*_arguments: object, **_keywords: object) -> None:
        raise RuntimeError("planted")

    def without_date(answer: bytes) -> list[bytes]:
        return [line for line in answer.split(b"\r\n") if not line.startswith(b"Date:")]

    expected = without_date(talk(serve(_echo), request))
    monkeypatch.setattr(owner, name, fail)
    assert without_date(talk(serve(ObservedApplication(_echo, Settings())), request)) == expected
    assert len(spans._exporter.get_finished_spans()) <= 1


def test_threads_do_not_mix(spans: Spans, serve: Serve) -> None:
    """Many requests at once: each has one span with its own body."""
    port = serve(ObservedApplication(_echo, Settings()))

    def ask(number: int) -> None:
        body = b'{"n": %d}' % number
        head = (
            b"POST / HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d"
        )
        assert talk(port, head % len(body) + b"\r\n\r\n" + body).endswith(body)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bodies = {attributes_of(span)[names.HTTP_RESPONSE_BODY_CONTENT] for span in spans.all(40)}
    assert bodies == {f'{{"n": {number}}}' for number in range(40)}


@pytest.mark.parametrize(
    ("protocol", "version"), [("HTTP/1.1", "1.1"), ("HTTP/2", "2"), ("INCLUDED", None), ("", None), (None, None)]
)
def test_the_version_of_the_protocol_is_the_servers(protocol: str | None, version: str | None, spans: Spans) -> None:
    """Where it says one; SSI, for instance, has none."""
    Called(answering([b"x"]), environ_of() if protocol is None else environ_of(SERVER_PROTOCOL=protocol))
    assert attributes_of(spans.one()).get(names.NETWORK_PROTOCOL_VERSION) == version
