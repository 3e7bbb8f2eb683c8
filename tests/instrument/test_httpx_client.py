"""Hops of httpx, synchronous and not, against what a raw socket got and gave."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from otel_openstack import attributes as names
from otel_openstack.instrument import capture, hop, httpx_client
from otel_openstack.instrument.propagator import request_id
from tests.instrument.harness import PreparedServer, Spans, attributes_of, free_port, header_block, http_answer

pytestmark = pytest.mark.usefixtures("instrumented")


def _plainly(method: str, url: str, **options: Any) -> httpx.Response:
    with httpx.Client(timeout=5, follow_redirects=True) as client:
        return client.request(method, url, **options)


def _asynchronously(method: str, url: str, **options: Any) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(timeout=5, follow_redirects=True) as client:
            return await client.request(method, url, **options)

    return asyncio.run(ask())


CLIENTS = pytest.mark.parametrize("ask", [_plainly, _asynchronously])
Ask = Callable[..., httpx.Response]


@CLIENTS
def test_both_messages_are_those_on_the_wire(ask: Ask, server: PreparedServer, spans: Spans) -> None:
    """Header blocks in order and spelling, bodies, and the id of the hop."""
    server.answers = [http_answer(b"ok", b"Set-Cookie: ", b"x-B: 1", b"X-b: 3", status=b"203 Half True")]
    answer = ask("PUT", f"{server.url}/v3/users/42?a=b", content=b"hi", headers={"x-z": "1", "Content-Type": "text/x"})
    assert answer.text == "ok"
    span = spans.one()
    attributes = attributes_of(span)
    wire = [tuple(line.split(": ", 1)) for line in server.requests[0].decode().split("\r\n\r\n")[0].split("\r\n")[1:]]
    assert header_block(attributes, "request") == wire
    assert header_block(attributes, "response") == [
        ("Content-Type", "text/plain"), ("Content-Length", "2"), ("Set-Cookie", ""), ("x-B", "1"), ("X-b", "3"),
        ("Connection", "close"),
    ]  # fmt: skip
    assert span.name == "PUT /v3/users/{user_id}"
    assert attributes[names.URL_FULL] == f"{server.url}/v3/users/42?a=b"
    assert attributes[names.HTTP_REQUEST_BODY_CONTENT] == "hi"
    assert attributes[names.HTTP_RESPONSE_BODY_CONTENT] == "ok"
    assert attributes[names.HTTP_RESPONSE_STATUS_CODE] == 203
    assert attributes[names.OPENSTACK_HTTP_RESPONSE_REASON] == "Half True"
    assert attributes[names.NETWORK_PROTOCOL_VERSION] == "1.1"
    assert dict(wire)["X-Requestshook-Request-Id"] == request_id(span.get_span_context())


@CLIENTS
def test_every_redirect_is_a_hop(ask: Ask, server: PreparedServer, spans: Spans) -> None:
    """A body is sent again when the status says so, and each hop has its own id."""
    server.answers = [http_answer(b"", b"Location: /next", status=b"307 Go"), http_answer(b"here")]
    assert ask("POST", server.url, content=b"x").text == "here"
    first, second = map(attributes_of, spans.all(2))
    assert second[names.URL_FULL] == f"{server.url}/next"
    assert first[names.HTTP_REQUEST_BODY_SIZE] == second[names.HTTP_REQUEST_BODY_SIZE] == 1
    ids = [attributes[names.OPENSTACK_REQUESTSHOOK_REQUEST_ID] for attributes in (first, second)]
    assert ids[0] != ids[1]
    assert server.requests[1].count(b"X-Requestshook-Request-Id") == 1


@CLIENTS
def test_a_coded_response_is_shown_decoded_with_its_size_on_the_wire(
    ask: Ask, server: PreparedServer, spans: Spans
) -> None:
    """What httpx decodes is not what passed."""
    coded = gzip.compress(b"x" * 100_000)
    server.answers = [http_answer(coded, b"Content-Encoding: gzip")]
    assert len(ask("GET", server.url).content) == 100_000
    attributes = attributes_of(spans.one())
    assert attributes[names.HTTP_RESPONSE_BODY_CONTENT] == "x" * 8192
    assert attributes[names.HTTP_RESPONSE_BODY_SIZE] == len(coded)


def test_a_generated_body_and_a_response_in_part(server: PreparedServer, spans: Spans) -> None:
    """The span ends when the response is closed, and shows what was read."""
    server.answers = [http_answer(b"abcdef")]
    with (
        httpx.Client(timeout=5) as client,
        client.stream("POST", server.url, content=iter([b"a", b"b"]), headers={"Content-Type": "text/x"}) as response,
    ):
        assert next(response.iter_raw(3)) == b"abc"
    attributes = attributes_of(spans.one())
    assert attributes[names.HTTP_REQUEST_BODY_CONTENT] == "ab"
    assert str(attributes[names.HTTP_RESPONSE_BODY_CONTENT]).startswith("abc")


def test_an_asynchronous_generator_is_sent(server: PreparedServer, spans: Spans) -> None:
    """And seen."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"a"
        yield b"b"

    server.answers = [http_answer()]
    _asynchronously("POST", server.url, content=pieces(), headers={"Content-Type": "text/x"})
    assert attributes_of(spans.one())[names.HTTP_REQUEST_BODY_CONTENT] == "ab"


@CLIENTS
def test_a_refused_connection_is_recorded_and_raised(ask: Ask, spans: Spans) -> None:
    """The caller gets the exception of httpx."""
    with pytest.raises(httpx.ConnectError):
        ask("GET", f"http://127.0.0.1:{free_port()}")
    assert attributes_of(spans.one())[names.ERROR_TYPE] == "httpx.ConnectError"


@CLIENTS
@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (capture.Exchange, "request"), (capture.Exchange, "response"), (capture.Exchange, "_finish"),
        (capture.Preview, "__init__"), (capture.Preview, "content"), (hop, "route"), (httpx_client, "_lines"),
        (httpx_client, "ObservedStream"),
    ],
)  # fmt: skip
def test_a_fault_in_the_agent_changes_no_byte(
    owner: object, name: str, ask: Ask, server: PreparedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each function of the capture path fails in turn; the caller gets what it would get without us."""

    def fail(*_arguments: object, **_keywords: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(owner, name, fail)
    server.answers = [http_answer(b"answer")]
    assert ask("POST", server.url, content=b"question").content == b"answer"
    assert server.requests[0].endswith(b"\r\n\r\nquestion")
