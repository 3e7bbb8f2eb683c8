"""Hops of httpx: streams of either kind, against what a raw socket got and gave."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from otel_openstack import attributes as names
from tests.instrument import clients
from tests.instrument.clients import Ask
from tests.instrument.harness import PreparedServer, Spans, attributes_of, http_answer

pytestmark = pytest.mark.usefixtures("instrumented")

CLIENTS = pytest.mark.parametrize("ask", [clients.by_httpx, clients.by_httpx_async])


@CLIENTS
def test_a_body_that_is_sent_again_is_seen_again(ask: Ask, server: PreparedServer, spans: Spans) -> None:
    """When the status of a redirect says so; each hop has its own id."""
    server.answers = [http_answer(b"", b"Location: /next", status=b"307 Go"), http_answer(b"here")]
    assert ask("POST", server.url, b"x") == b"here"
    first, second = map(attributes_of, spans.all(2))
    assert second[names.URL_FULL] == f"{server.url}/next"
    assert first[names.HTTP_REQUEST_BODY_SIZE] == second[names.HTTP_REQUEST_BODY_SIZE] == 1
    ids = [attributes[names.OPENSTACK_REQUESTSHOOK_REQUEST_ID] for attributes in (first, second)]
    assert ids[0] != ids[1]
    assert server.requests[1].count(b"X-Requestshook-Request-Id") == 1


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
    clients.by_httpx_async("POST", server.url, pieces(), Content_Type="text/x")
    assert attributes_of(spans.one())[names.HTTP_REQUEST_BODY_CONTENT] == "ab"
