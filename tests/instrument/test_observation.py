"""A request on its way through the application: bodies, their manners, and when the span ends."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from opentelemetry import trace

from otel_openstack import attributes as names
from otel_openstack.instrument.observation import ObservedBody
from tests.instrument.calls import ID, Called, answering, environ_of
from tests.instrument.harness import Spans, attributes_of


@pytest.mark.parametrize("flags", ["01", "00"])
def test_the_response_carries_both_headers_back(flags: str, spans: Spans) -> None:
    """As they came, sampled or not; what is no id is not reflected."""
    environ = environ_of(
        HTTP_TRACEPARENT=f"00-{'a' * 32}-{'b' * 16}-{flags}",
        HTTP_X_REQUESTSHOOK_REQUEST_ID=ID,
        HTTP_X_REQUESTSHOOK_REQUEST_FROM="openstack",
    )
    ((_, headers),) = Called(answering([b"x"]), environ).started
    assert headers[1:] == [("X-Requestshook-Request-Id", ID), ("X-Requestshook-Request-From", "openstack")]
    ((_, headers),) = Called(answering([b"x"]), environ_of(HTTP_X_REQUESTSHOOK_REQUEST_ID="x" * 9000)).started
    assert len(headers) == 1
    assert len(spans.all(2 if flags == "01" else 1)) > 0


@pytest.mark.parametrize("flags", ["01", "00"])
def test_the_ids_of_a_hop_behind_are_not_passed_back(flags: str, spans: Spans) -> None:
    """A proxy copies the headers that it was answered; its own hop has other ids."""

    def proxy(_environ: object, start_response: Callable[..., object]) -> list[bytes]:
        start_response("200 OK", [("x-requestshook-request-id", "b" * 32), ("X-A", "1")])
        return []

    environ = environ_of(HTTP_TRACEPARENT=f"00-{'a' * 32}-{'b' * 16}-{flags}", HTTP_X_REQUESTSHOOK_REQUEST_ID=ID)
    ((_, headers),) = Called(proxy, environ).started
    assert headers == [("X-A", "1"), ("X-Requestshook-Request-Id", ID)]
    if flags == "01":
        key = names.HTTP_RESPONSE_HEADER_PREFIX + "x-requestshook-request-id"
        assert attributes_of(spans.one())[key] == (ID,)


@pytest.mark.parametrize("body", [[b"ab", b"c"], (b"abc",), [], b"abc"])
def test_a_body_in_memory_stays_that_object(body: Any, spans: Spans) -> None:
    """Servers look at the type and the length of what they get."""
    assert Called(answering(body)).body is body
    attributes = attributes_of(spans.one())
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

    called = Called(application, environ_of(**{"wsgi.file_wrapper": Wrapper}))
    assert type(called.body) is Wrapper
    assert attributes_of(spans.one())[names.HTTP_RESPONSE_BODY_SIZE] == 12345


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
    observed = Called(answering(body)).body
    iterator = iter(observed)
    assert next(iterator) == b"a"
    spans.all(0)
    assert list(iterator) == [b"b"]
    assert attributes_of(spans.one())[names.HTTP_RESPONSE_BODY_CONTENT] == "ab"
    observed.close()
    assert body.closed == 1
    spans.one()


def test_close_before_the_first_piece_reaches_the_body_once(spans: Spans) -> None:
    """A client that goes away early still gets its request closed and recorded."""
    body = Body(b"a")
    observed = Called(answering(body)).body
    observed.close()
    observed.close()
    assert body.closed == 1
    assert attributes_of(spans.one())[names.HTTP_RESPONSE_BODY_SIZE] == 0


def test_a_body_that_nobody_closes_ends_with_its_last_reference(spans: Spans) -> None:
    """No span is leaked by a careless server."""
    called = Called(answering(Body(b"a")))
    next(iter(called.body))
    del called
    spans.one()


def test_a_sized_body_keeps_its_length_and_can_be_measured_first(spans: Spans) -> None:
    """Some servers sum the pieces for Content-Length, then sends them."""
    observed = Called(answering(SizedBody(b"ab", b"c"))).body
    assert len(observed) == 2
    assert sum(map(len, observed)) == 3
    assert list(observed) == [b"ab", b"c"]
    assert attributes_of(spans.one())[names.HTTP_RESPONSE_BODY_SIZE] == 3
    assert not hasattr(Called(answering(Body(b"a"))).body, "__len__")


def test_write_is_observed(spans: Spans) -> None:
    """The callable that start_response gives is a body too."""

    def application(_environ: object, start_response: Callable[..., Callable[[bytes], object]]) -> list[bytes]:
        write = start_response("200 OK", [("Content-Type", "text/plain")])
        write(b"one ")
        return [b"two"]

    called = Called(application)
    assert called.written == [b"one "]
    assert attributes_of(spans.one())[names.HTTP_RESPONSE_BODY_CONTENT] == "one two"


def test_a_status_without_reason_is_taken(spans: Spans) -> None:
    """``200`` alone is what some applications say."""
    Called(answering([], "204"))
    attributes = attributes_of(spans.one())
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
    assert attributes_of(spans.one())[names.HTTP_RESPONSE_STATUS_CODE] == 500


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
    assert attributes_of(span)[names.ERROR_TYPE].endswith("BrokenError")
    assert span.events[0].name == "exception"


def test_an_exception_in_mid_stream_passes_and_is_recorded(spans: Spans) -> None:
    """What was sent before it is in the preview."""

    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise BrokenError

    iterator = iter(Called(answering(pieces())).body)
    assert next(iterator) == b"half"
    with pytest.raises(BrokenError):
        next(iterator)
    assert attributes_of(spans.one())[names.HTTP_RESPONSE_BODY_CONTENT] == "half"


def test_whom_keystonemiddleware_authenticated_is_recorded(spans: Spans) -> None:
    """Only behind it: elsewhere anybody can send these headers."""

    def authenticated(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
        environ.update({"keystone.token_info": {}, "HTTP_X_PROJECT_ID": "p", "HTTP_X_USER_ID": "u"})
        start_response("200 OK", [])
        return []

    Called(authenticated)
    Called(answering([]), environ_of(HTTP_X_PROJECT_ID="claimed"))
    first, second = map(attributes_of, spans.all(2))
    assert (first[names.OPENSTACK_PROJECT_ID], first[names.OPENSTACK_USER_ID]) == ("p", "u")
    assert names.OPENSTACK_PROJECT_ID not in second


def test_a_body_is_what_pep_3333_calls_an_iterable() -> None:
    """The wrapper of a body is its own iterator, as a server may expect of any."""
    assert issubclass(ObservedBody, Iterable)


def test_a_body_that_nobody_takes_to_its_end_says_so(spans: Spans) -> None:
    """The client has gone; what it got until then is recorded."""
    called = Called(answering(iter([b"one", b"two"])))
    next(called.body)
    called.body.close()
    said = attributes_of(spans.one())
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
    assert names.ERROR_TYPE not in attributes_of(spans.one())


def test_the_route_is_the_services_own(spans: Spans) -> None:
    """Once its router has spoken, also in the name of the span."""

    def application(environ: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
        environ["wsgiorg.routing_args"] = ((), {"controller": object(), "action": "show", "id": "f1"})
        return answering([b"x"])(environ, start_response)  # type: ignore[no-any-return]

    Called(application, environ_of(PATH_INFO="/flavors/f1"))
    assert spans.one().name == "GET /flavors/{flavor_id}"
    assert attributes_of(spans.one())[names.HTTP_ROUTE] == "/flavors/{flavor_id}"
