"""Hops of requests: what it alone can send and read, against what a raw socket got and gave."""

from __future__ import annotations

import gc
import gzip
import hashlib
import io
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from opentelemetry import trace

from otel_openstack import attributes as names
from otel_openstack.instrument import capture, hop, http_client
from otel_openstack.instrument.instrumentor import OpenStackInstrumentor
from tests.instrument.harness import PreparedServer, Spans, attributes_of, http_answer

pytestmark = pytest.mark.usefixtures("instrumented")


def test_every_redirect_is_a_hop(server: PreparedServer, spans: Spans) -> None:
    """Each has its own span and its own id."""
    digest = "{SHA256}" + hashlib.sha256(b"tt").hexdigest()
    server.answers = [http_answer(b"there", b"Location: /next?token=tt", status=b"302 Found"), http_answer(b"here")]
    assert requests.post(server.url, data=b"x", timeout=5).text == "here"
    first, second = map(attributes_of, spans.all(2))
    assert (first[names.HTTP_REQUEST_METHOD], second[names.HTTP_REQUEST_METHOD]) == ("POST", "GET")
    assert first[names.HTTP_RESPONSE_BODY_CONTENT] == "there"
    assert first["http.response.header.location"] == (f"/next?token={digest}",)
    assert second[names.URL_FULL] == f"{server.url}/next?token={digest}"
    ids = [attributes[names.OPENSTACK_REQUESTSHOOK_REQUEST_ID] for attributes in (first, second)]
    assert ids[0] != ids[1]


def _pieces() -> Iterator[bytes]:
    yield b"one "
    yield b"two"


class _Reader:
    """A file that is nothing but read."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        """Read."""
        return self._file.read(size)


@pytest.mark.parametrize(
    "make",
    [
        lambda: b"one two",
        lambda: "one two",
        lambda: bytearray(b"one two"),
        lambda: io.BytesIO(b"one two"),
        lambda: _Reader(b"one two"),
        _pieces,
    ],
    ids=["bytes", "str", "bytearray", "file", "reader", "generator"],
)
def test_every_kind_of_request_body_is_seen_as_it_is_sent(make: Any, server: PreparedServer, spans: Spans) -> None:
    """Nothing is consumed before it is sent, and the caller's request keeps its own body."""
    server.answers = [http_answer()]
    session = requests.Session()
    request = session.prepare_request(
        requests.Request("PUT", server.url, data=make(), headers={"Content-Type": "text/plain"})
    )
    body = request.body
    session.send(request, timeout=5)
    assert request.body is body
    sent = server.requests[0].partition(b"\r\n\r\n")[2]
    assert sent == b"one two" or b"".join(sent.split(b"\r\n")[1::2]) == b"one two"
    attributes = attributes_of(spans.one())
    assert attributes[names.HTTP_REQUEST_BODY_CONTENT] == "one two"
    assert attributes[names.HTTP_REQUEST_BODY_SIZE] == 7


def test_a_streamed_response_is_recorded_when_it_has_been_read(server: PreparedServer, spans: Spans) -> None:
    """Nothing is read that the application does not read; the span ends with the last byte."""
    server.answers = [http_answer(b"abcdef")]
    response = requests.get(server.url, stream=True, timeout=5)
    spans.all(0)
    assert response.raw.read(2) == b"ab"
    spans.all(0)
    assert response.raw.read(4) == b"cdef"
    attributes = attributes_of(spans.one())
    assert attributes[names.HTTP_RESPONSE_BODY_CONTENT] == "abcdef"
    assert attributes[names.HTTP_RESPONSE_BODY_SIZE] == 6


@pytest.mark.parametrize("how", ["close", "forget", "with"])
def test_a_response_that_is_not_read_ends_too(how: str, server: PreparedServer, spans: Spans) -> None:
    """Closed, or just forgotten: no span is leaked, and the size is what was read."""
    server.answers = [http_answer(b"abcdef")]
    response: Any = requests.get(server.url, stream=True, timeout=5)
    response.raw.read(2)
    if how == "with":
        with response:
            pass
    elif how == "close":
        response.close()
    del response
    gc.collect()
    attributes = attributes_of(spans.one())
    assert attributes[names.HTTP_RESPONSE_BODY_CONTENT] == "ab"
    assert attributes[names.HTTP_RESPONSE_BODY_SIZE] == 2


@pytest.mark.parametrize(
    "read",
    [
        lambda response: b"".join(response.iter_content(3)),
        lambda response: b"".join(response.raw.stream(3)),
        lambda response: response.raw.read(),
        lambda response: b"".join(response.raw),
        lambda response: b"".join(iter(lambda: response.raw.read1(3), b"")),
        lambda response: b"\n".join(response.iter_lines()) + b"\n",
        lambda response: io.BufferedReader(response.raw, 4).read(),
    ],
)
def test_every_way_of_reading_a_response_is_observed(read: Any, server: PreparedServer, spans: Spans) -> None:
    """There are many, in requests and in urllib3."""
    server.answers = [http_answer(b"one\ntwo\n")]
    assert read(requests.get(server.url, stream=True, timeout=5)) == b"one\ntwo\n"
    attributes = attributes_of(spans.one())
    assert attributes[names.HTTP_RESPONSE_BODY_CONTENT] == "one\ntwo\n"
    assert attributes[names.HTTP_RESPONSE_BODY_SIZE] == 8


def test_a_coded_response_is_shown_decoded_with_its_size_on_the_wire(server: PreparedServer, spans: Spans) -> None:
    """Whether the application has it decoded or not."""
    text = b"x" * 100_000
    coded = gzip.compress(text)
    server.answers = [http_answer(coded, b"Content-Encoding: gzip") for _ in range(2)]
    assert requests.get(server.url, timeout=5).content == text
    assert requests.get(server.url, stream=True, timeout=5).raw.read(decode_content=False) == coded
    for attributes in map(attributes_of, spans.all(2)):
        assert attributes[names.HTTP_RESPONSE_BODY_CONTENT] == "x" * 8192
        assert attributes[names.HTTP_RESPONSE_BODY_SIZE] == len(coded)
        assert attributes[names.OPENSTACK_HTTP_RESPONSE_BODY_PREVIEWED] < len(coded)  # it was cut


def test_an_unsampled_call_passes_its_ids_on(server: PreparedServer, spans: Spans) -> None:
    """And captures nothing."""
    server.answers = [http_answer(b"x")]
    unsampled = trace.NonRecordingSpan(trace.SpanContext(1, 2, is_remote=True, trace_flags=trace.TraceFlags(0)))
    with trace.use_span(unsampled):
        response = requests.get(server.url, stream=True, timeout=5)
    assert not isinstance(response.raw, http_client.ObservedResponse)
    assert b"X-Requestshook-Request-Id: 0000000000000001" in server.requests[0]
    spans.all(0)


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (capture.Exchange, "request"), (capture.Exchange, "response"), (capture.Exchange, "_finish"),
        (capture.Preview, "__init__"), (capture.Preview, "content"), (hop, "route"),
        (http_client, "_sent_headers"), (http_client, "observed_body"), (http_client, "ObservedResponse"),
    ],
)  # fmt: skip
def test_a_fault_in_the_agent_changes_no_byte(
    owner: object, name: str, server: PreparedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each function of the capture path fails in turn; the caller gets what it would get without us."""

    def fail(*_arguments: object, **_keywords: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(owner, name, fail)
    server.answers = [http_answer(b"answer", b"X-A: 1")]
    response = requests.post(server.url, data=io.BytesIO(b"question"), timeout=5)
    assert response.content == b"answer"
    assert response.headers["x-a"] == "1"
    assert server.requests[0].endswith(b"\r\n\r\nquestion")
    response.close()


def test_nothing_is_left_after_uninstrumenting(server: PreparedServer, spans: Spans) -> None:
    """The hook is gone; putting it in again is possible."""
    OpenStackInstrumentor().uninstrument()
    try:
        server.answers = [http_answer()]
        requests.get(server.url, timeout=5)
        assert b"traceparent" not in server.requests[0]
        spans.all(0)
    finally:
        OpenStackInstrumentor().instrument(skip_dep_check=True)
