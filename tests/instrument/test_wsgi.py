"""The server half, between real servers and raw sockets: what is recorded, and that nothing else changes."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from opentelemetry import baggage, propagate, trace
from opentelemetry.sdk.trace import ReadableSpan

from otel_openstack import attributes as names
from otel_openstack.instrument import capture, observation, wsgi
from otel_openstack.instrument.observation import ObservedBody
from otel_openstack.instrument.wsgi import ObservedApplication
from otel_openstack.settings import Settings
from tests.instrument.harness import Spans, talk

ID = "1a2e4a3d05ce482586b9219ea2be036d"
Serve = Callable[[object], int]


def _attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def _environ(**more: Any) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET", "PATH_INFO": "/", "SCRIPT_NAME": "", "SERVER_NAME": "s", "SERVER_PORT": "80",
        "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(), **more,
    }  # fmt: skip


class Called:
    """What a server sees of a call."""

    def __init__(self, application: object, environ: dict[str, Any] | None = None) -> None:
        self.started: list[tuple[Any, ...]] = []
        self.written: list[bytes] = []
        observed = ObservedApplication(application, Settings())  # type: ignore[arg-type]
        self.environ = _environ() if environ is None else environ
        self.body: Any = observed(self.environ, self._start)

    def _start(self, *arguments: Any) -> Callable[[bytes], None]:
        self.started.append(arguments)
        return self.written.append


def _answering(body: Any, status: str = "200 OK") -> Callable[..., Any]:
    def application(_environ: object, start_response: Callable[..., object]) -> Any:
        start_response(status, [("Content-Type", "text/plain")])
        return body

    return application


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
    attributes = _attributes(span)
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
    environ = _environ(
        HTTP_TRACEPARENT=f"00-{'a' * 32}-{'b' * 16}-01",
        HTTP_X_REQUESTSHOOK_REQUEST_ID=ID.upper(),
        HTTP_X_REQUESTSHOOK_REQUEST_FROM="nova-api",
    )
    Called(_answering([b"x"]), environ)
    span = spans.one()
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == "b" * 16
    assert _attributes(span)[names.OPENSTACK_REQUESTSHOOK_REQUEST_ID] == ID
    assert _attributes(span)[names.OPENSTACK_REQUESTSHOOK_REQUEST_FROM] == "nova-api"


@pytest.mark.parametrize("flags", ["01", "00"])
def test_the_response_carries_both_headers_back(flags: str, spans: Spans) -> None:
    """As they came, sampled or not; what is no id is not reflected."""
    environ = _environ(
        HTTP_TRACEPARENT=f"00-{'a' * 32}-{'b' * 16}-{flags}",
        HTTP_X_REQUESTSHOOK_REQUEST_ID=ID,
        HTTP_X_REQUESTSHOOK_REQUEST_FROM="openstack",
    )
    ((_, headers),) = Called(_answering([b"x"]), environ).started
    assert headers[1:] == [("X-Requestshook-Request-Id", ID), ("X-Requestshook-Request-From", "openstack")]
    ((_, headers),) = Called(_answering([b"x"]), _environ(HTTP_X_REQUESTSHOOK_REQUEST_ID="x" * 9000)).started
    assert len(headers) == 1
    assert len(spans.all(2 if flags == "01" else 1)) > 0


@pytest.mark.parametrize("flags", ["01", "00"])
def test_the_ids_of_a_hop_behind_are_not_passed_back(flags: str, spans: Spans) -> None:
    """A proxy copies the headers that it was answered; its own hop has other ids."""

    def proxy(_environ: object, start_response: Callable[..., object]) -> list[bytes]:
        start_response("200 OK", [("x-requestshook-request-id", "b" * 32), ("X-A", "1")])
        return []

    environ = _environ(HTTP_TRACEPARENT=f"00-{'a' * 32}-{'b' * 16}-{flags}", HTTP_X_REQUESTSHOOK_REQUEST_ID=ID)
    ((_, headers),) = Called(proxy, environ).started
    assert headers == [("X-A", "1"), ("X-Requestshook-Request-Id", ID)]
    if flags == "01":
        key = names.HTTP_RESPONSE_HEADER_PREFIX + "x-requestshook-request-id"
        assert _attributes(spans.one())[key] == (ID,)


def test_an_unsampled_request_captures_nothing_and_passes_on(spans: Spans) -> None:
    """The context that says so is the application's."""
    seen: dict[str, str] = {}

    def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterator[bytes]:
        assert isinstance(environ["wsgi.input"], io.BytesIO)
        start_response("200 OK", [])
        propagate.inject(seen)
        yield b"x"

    environ = _environ(HTTP_TRACEPARENT=f"00-{'a' * 32}-{'b' * 16}-00", CONTENT_LENGTH="5")
    assert list(Called(application, environ).body) == [b"x"]
    assert seen["traceparent"].startswith(f"00-{'a' * 32}-")
    assert seen["traceparent"].endswith("-00")
    spans.all(0)


@pytest.mark.parametrize("body", [[b"ab", b"c"], (b"abc",), [], b"abc"])
def test_a_body_in_memory_stays_that_object(body: Any, spans: Spans) -> None:
    """Servers look at the type and the length of what they get."""
    assert Called(_answering(body)).body is body
    attributes = _attributes(spans.one())
    assert attributes.get(names.HTTP_RESPONSE_BODY_CONTENT, "") == ("abc" if body else "")
    assert attributes[names.HTTP_RESPONSE_BODY_SIZE] == (3 if body else 0)


def test_a_file_that_the_server_sends_stays_that_object(spans: Spans) -> None:
    """Servers use sendfile for the very object that their wrapper made."""

    class Wrapper:
        def __init__(self, *arguments: object) -> None:
            self.arguments = arguments

    def application(environ: dict[str, Any], start_response: Callable[..., object]) -> object:
        start_response("200 OK", [("Content-Length", "12345"), ("Content-Type", "image/png")])
        return environ["wsgi.file_wrapper"](io.BytesIO(b"x"), 8192)

    called = Called(application, _environ(**{"wsgi.file_wrapper": Wrapper}))
    assert type(called.body) is Wrapper
    assert _attributes(spans.one())[names.HTTP_RESPONSE_BODY_SIZE] == 12345


class Body:
    """An iterable with a memory."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.pieces)

    def close(self) -> None:
        """Count."""
        self.closed += 1


class SizedBody(Body):
    """One that knows how many pieces it has."""

    def __len__(self) -> int:
        return len(self.pieces)


def test_the_span_ends_when_the_body_does(spans: Spans) -> None:
    """Not before its last piece, and once."""
    body = Body(b"a", b"b")
    observed = Called(_answering(body)).body
    iterator = iter(observed)
    assert next(iterator) == b"a"
    spans.all(0)
    assert list(iterator) == [b"b"]
    assert _attributes(spans.one())[names.HTTP_RESPONSE_BODY_CONTENT] == "ab"
    observed.close()
    assert body.closed == 1
    spans.one()


def test_close_before_the_first_piece_reaches_the_body_once(spans: Spans) -> None:
    """A client that goes away early still gets its request closed and recorded."""
    body = Body(b"a")
    observed = Called(_answering(body)).body
    observed.close()
    observed.close()
    assert body.closed == 1
    assert _attributes(spans.one())[names.HTTP_RESPONSE_BODY_SIZE] == 0


def test_a_body_that_nobody_closes_ends_with_its_last_reference(spans: Spans) -> None:
    """No span is leaked by a careless server."""
    called = Called(_answering(Body(b"a")))
    next(iter(called.body))
    del called
    spans.one()


def test_a_sized_body_keeps_its_length_and_can_be_measured_first(spans: Spans) -> None:
    """Some servers sum the pieces for Content-Length, then sends them."""
    observed = Called(_answering(SizedBody(b"ab", b"c"))).body
    assert len(observed) == 2
    assert sum(map(len, observed)) == 3
    assert list(observed) == [b"ab", b"c"]
    assert _attributes(spans.one())[names.HTTP_RESPONSE_BODY_SIZE] == 3
    assert not hasattr(Called(_answering(Body(b"a"))).body, "__len__")


def test_write_is_observed(spans: Spans) -> None:
    """The callable that start_response gives is a body too."""

    def application(_environ: object, start_response: Callable[..., Callable[[bytes], object]]) -> list[bytes]:
        write = start_response("200 OK", [("Content-Type", "text/plain")])
        write(b"one ")
        return [b"two"]

    called = Called(application)
    assert called.written == [b"one "]
    assert _attributes(spans.one())[names.HTTP_RESPONSE_BODY_CONTENT] == "one two"


def test_a_status_without_reason_is_taken(spans: Spans) -> None:
    """``200`` alone is what some applications say."""
    Called(_answering([], "204"))
    attributes = _attributes(spans.one())
    assert attributes[names.HTTP_RESPONSE_STATUS_CODE] == 204
    assert attributes[names.OPENSTACK_HTTP_RESPONSE_REASON] == ""


def test_exc_info_is_passed_on(spans: Spans) -> None:
    """A second start_response with exc_info reaches the server, and is what is recorded."""

    def application(_environ: object, start_response: Callable[..., object]) -> list[bytes]:
        start_response("200 OK", [])
        start_response("500 Oops", [], (ValueError, ValueError("x"), None))
        return [b""]

    called = Called(application)
    assert [len(arguments) for arguments in called.started] == [2, 3]
    assert _attributes(spans.one())[names.HTTP_RESPONSE_STATUS_CODE] == 500


class BrokenError(Exception):
    """What an application raises."""


def test_an_exception_of_the_application_passes_and_is_recorded(spans: Spans) -> None:
    """The server gets the very exception."""
    error = BrokenError("no")

    def application(*_arguments: object) -> list[bytes]:
        raise error

    with pytest.raises(BrokenError) as raised:
        Called(application)
    assert raised.value is error
    span = spans.one()
    assert span.status.status_code is trace.StatusCode.ERROR
    assert _attributes(span)[names.ERROR_TYPE].endswith("BrokenError")
    assert span.events[0].name == "exception"


def test_an_exception_in_mid_stream_passes_and_is_recorded(spans: Spans) -> None:
    """What was sent before it is in the preview."""

    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise BrokenError

    iterator = iter(Called(_answering(pieces())).body)
    assert next(iterator) == b"half"
    with pytest.raises(BrokenError):
        next(iterator)
    assert _attributes(spans.one())[names.HTTP_RESPONSE_BODY_CONTENT] == "half"


def test_what_the_application_does_not_read_is_not_read(spans: Spans) -> None:
    """The size is what the request says, the preview what was read."""
    stream = io.BytesIO(b"abcdef")

    def application(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
        assert environ["wsgi.input"].readline(3) == b"abc"
        start_response("200 OK", [])
        return []

    Called(application, _environ(CONTENT_LENGTH="6", CONTENT_TYPE="text/plain", **{"wsgi.input": stream}))
    assert stream.tell() == 3
    attributes = _attributes(spans.one())
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
    environ = _environ(HTTP_TRANSFER_ENCODING="chunked", CONTENT_TYPE="text/plain", **{"wsgi.input": stream})
    assert Called(application, environ).body == [b"one\ntwo\n"]
    assert _attributes(spans.one())[names.HTTP_REQUEST_BODY_CONTENT] == "one\ntwo\n"


def test_an_application_within_another_is_left_alone(spans: Spans) -> None:
    """One request, one span, whichever of them is wrapped first."""
    Called(ObservedApplication(_answering([b"x"]), Settings()))
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


def test_whom_keystonemiddleware_authenticated_is_recorded(spans: Spans) -> None:
    """Only behind it: elsewhere anybody can send these headers."""

    def authenticated(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
        environ.update({"keystone.token_info": {}, "HTTP_X_PROJECT_ID": "p", "HTTP_X_USER_ID": "u"})
        start_response("200 OK", [])
        return []

    Called(authenticated)
    Called(_answering([]), _environ(HTTP_X_PROJECT_ID="claimed"))
    first, second = map(_attributes, spans.all(2))
    assert (first[names.OPENSTACK_PROJECT_ID], first[names.OPENSTACK_USER_ID]) == ("p", "u")
    assert names.OPENSTACK_PROJECT_ID not in second


def test_an_unknown_method_is_other(spans: Spans) -> None:
    """Nobody can make span names without end."""
    Called(_answering([]), _environ(REQUEST_METHOD="FOO"))
    span = spans.one()
    assert span.name == "HTTP /"
    assert _attributes(span)[names.HTTP_REQUEST_METHOD] == "_OTHER"
    assert _attributes(span)[names.HTTP_REQUEST_METHOD_ORIGINAL] == "FOO"


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
    bodies = {_attributes(span)[names.HTTP_RESPONSE_BODY_CONTENT] for span in spans.all(40)}
    assert bodies == {f'{{"n": {number}}}' for number in range(40)}


def test_a_body_is_what_pep_3333_calls_an_iterable() -> None:
    """The wrapper of a body is its own iterator, as a server may expect of any."""
    assert issubclass(ObservedBody, Iterable)


TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("setting", "peer", "believed"),
    [
        ("always", "", True),
        ("never", "127.0.0.1", False),
        ("10.0.0.0/8, 127.0.0.0/8", "127.0.0.1", True),
        ("10.0.0.0/8", "127.0.0.1", False),
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("fe80::/10", "fe80::1%eth0", True),
        ("10.0.0.0/8", "", False),
        ("10.0.0.0/8", "unix:", False),
    ],
)
@pytest.mark.parametrize("ids", ["traceparent", "requestshook"])
def test_a_context_that_is_not_believed_is_a_link(
    setting: str, peer: str, believed: bool, ids: str, spans: Spans
) -> None:
    """It is no parent, and its baggage is nobody's."""
    sent = {"HTTP_TRACEPARENT": TRACEPARENT} if ids == "traceparent" else {"HTTP_X_REQUESTSHOOK_REQUEST_ID": ID}
    baggages = []

    def application(environ: object, start_response: Callable[..., object]) -> list[bytes]:
        baggages.append(baggage.get_all())
        return _answering([])(environ, start_response)  # type: ignore[no-any-return]

    ObservedApplication(application, Settings(trust_incoming=setting))(
        _environ(**sent, HTTP_BAGGAGE="a=b", REMOTE_ADDR=peer), lambda *_arguments: lambda _data: None
    )
    span = spans.one()
    remote = int("4bf92f3577b34da6a3ce929d0e0e4736" if ids == "traceparent" else ID, 16)
    assert span.context is not None
    assert (span.context.trace_id == remote) is believed
    assert (span.parent is not None) is believed
    assert [link.context.trace_id for link in span.links] == ([] if believed else [remote])
    assert baggages == [{"a": "b"} if believed else {}]


def test_a_body_that_nobody_takes_to_its_end_says_so(spans: Spans) -> None:
    """The client has gone; what it got until then is recorded."""
    called = Called(_answering(iter([b"one", b"two"])))
    next(called.body)
    called.body.close()
    said = _attributes(spans.one())
    assert said[names.ERROR_TYPE] == "client_disconnected"
    assert said[names.HTTP_RESPONSE_BODY_CONTENT] == "one"
    assert spans.one().status.is_unset


@pytest.mark.parametrize("taken", [0, 1, 2])
def test_a_body_that_is_taken_as_far_as_promised_is_whole(taken: int, spans: Spans) -> None:
    """Some servers ask for no more than Content-Length, and of an answer to HEAD for nothing."""

    def application(_environ: object, start_response: Callable[..., object]) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Length", "3")])
        return iter([b"one", b""])

    called = Called(application)
    for _ in range(taken):
        next(called.body)
    called.body.close()
    assert names.ERROR_TYPE not in _attributes(spans.one())


def test_the_route_is_the_services_own(spans: Spans) -> None:
    """Once its router has spoken, also in the name of the span."""

    def application(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
        environ["wsgiorg.routing_args"] = ((), {"controller": object(), "action": "show", "id": "f1"})
        return _answering([b"x"])(environ, start_response)  # type: ignore[no-any-return]

    Called(application, _environ(PATH_INFO="/flavors/f1"))
    assert spans.one().name == "GET /flavors/{flavor_id}"
    assert _attributes(spans.one())[names.HTTP_ROUTE] == "/flavors/{flavor_id}"


@pytest.mark.parametrize(
    ("protocol", "version"), [("HTTP/1.1", "1.1"), ("HTTP/2", "2"), ("INCLUDED", None), ("", None), (None, None)]
)
def test_the_version_of_the_protocol_is_the_servers(protocol: str | None, version: str | None, spans: Spans) -> None:
    """Where it says one; SSI, for instance, has none."""
    Called(_answering([b"x"]), _environ() if protocol is None else _environ(SERVER_PROTOCOL=protocol))
    assert _attributes(spans.one()).get(names.NETWORK_PROTOCOL_VERSION) == version
