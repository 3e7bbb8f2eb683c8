from __future__ import annotations

import gzip
import socket
import threading
import time
import zlib
from contextlib import ExitStack, closing

import pytest
import requests
from google.protobuf import json_format
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from otel_openstack.otlp import Span, json, protobuf
from otel_openstack.traces.intake import MAX_REQUEST_BYTES, Intake
from otel_openstack.traces.receiver_http import HttpReceiver
from otel_openstack.traces.store import Store
from tests.strategies import exact
from tests.traces.contract import SPANS, TRACE

PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json; charset=utf-8"}
BODY = protobuf.encode(SPANS)


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "traces.db", create=True) as store:
        yield store


@pytest.fixture
def receiver(store):
    receiver = HttpReceiver(Intake(store), ("127.0.0.1", 0), request_seconds=1)
    yield receiver
    receiver.stop()


@pytest.fixture
def url(receiver):
    return f"http://127.0.0.1:{receiver.port}/v1/traces"


def _reason(response):
    """Return the message of the google.rpc.Status that a refusal carries."""
    if response.headers["Content-Type"] == "application/json":
        return json_format.Parse(response.content, Status()).message
    assert response.headers["Content-Type"] == "application/x-protobuf"
    return Status.FromString(response.content).message


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BODY, PROTOBUF),
        (json.encode(SPANS).encode(), JSON),
        (gzip.compress(BODY), PROTOBUF | {"Content-Encoding": "gzip"}),
        (gzip.compress(json.encode(SPANS).encode()), JSON | {"Content-Encoding": "GZIP"}),
        (zlib.compress(BODY), PROTOBUF | {"Content-Encoding": "deflate"}),
        (iter([BODY[:10], BODY[10:]]), PROTOBUF),
    ],
    ids=["protobuf", "json", "gzip", "json in gzip", "deflate", "chunked"],
)
def test_spans_are_taken_in_every_encoding(store, url, body, headers):
    response = requests.post(url, body, headers=headers)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == headers["Content-Type"].partition(";")[0]
    assert exact(store.trace(TRACE)) == exact(SPANS[:2])


def test_no_spans_are_no_error(store, url):
    assert requests.post(url, b"", headers=PROTOBUF).status_code == 200
    assert requests.post(url, b"{}", headers=JSON).json() == {}
    assert list(store.summaries()) == []


def test_spans_without_valid_ids_are_refused_and_the_others_kept(store, url):
    spans = [*SPANS, Span("", "", name="no ids"), Span("0" * 32, "1" * 16, name="a trace of zeros")]
    answers = [
        ExportTraceServiceResponse.FromString(requests.post(url, protobuf.encode(spans), headers=PROTOBUF).content),
        json_format.Parse(requests.post(url, json.encode(spans), headers=JSON).text, ExportTraceServiceResponse()),
    ]
    for answer in answers:
        assert answer.partial_success.rejected_spans == 2
        assert "valid trace id" in answer.partial_success.error_message
    assert exact(span for trace in store.traces() for span in trace) == exact(SPANS)


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (b"nonsense", PROTOBUF, "8 bytes are not an OTLP TracesData message"),
        (b"nonsense", JSON, "This is not JSON"),
        (b"[" * 100_000, JSON, "This is not JSON"),
        (b'{"resourceSpans": 7}', JSON, "not OTLP JSON"),
        (BODY, PROTOBUF | {"Content-Encoding": "gzip"}, "The body is not gzip"),
        (gzip.compress(BODY)[:-9], PROTOBUF | {"Content-Encoding": "gzip"}, "not one whole gzip stream"),
    ],
)
def test_malformed_bodies_are_refused_with_a_reason_in_the_encoding_of_the_request(url, body, headers, reason):
    response = requests.post(url, body, headers=headers)
    assert response.status_code == 400
    assert response.headers["Content-Type"] == headers["Content-Type"].partition(";")[0]
    assert reason in _reason(response)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "reason"),
    [
        ("POST", "/", PROTOBUF, 404, "only /v1/traces"),
        ("POST", "/v1/traces/", PROTOBUF, 404, "only /v1/traces"),
        ("POST", "/v1/metrics", PROTOBUF, 404, "OTEL_METRICS_EXPORTER=none"),
        ("POST", "/v1/logs", JSON, 404, "OTEL_LOGS_EXPORTER=none"),
        ("GET", "/v1/traces", JSON, 405, "GET is not POST"),
        ("PUT", "/v1/traces", JSON, 405, "PUT is not POST"),
        ("POST", "/v1/traces", PROTOBUF | {"Content-Encoding": "br"}, 415, "Content-Encoding 'br'"),
    ],
)
def test_requests_for_something_else_are_refused_with_a_reason(receiver, method, path, headers, status, reason):
    response = requests.request(method, f"http://127.0.0.1:{receiver.port}{path}", headers=headers, data=BODY)
    assert response.status_code == status
    assert reason in _reason(response)
    assert (response.headers.get("Allow") == "POST") is (status == 405)


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/grpc"])
def test_an_unknown_media_type_is_refused_in_plain_text(url, media_type):
    response = requests.post(url, BODY, headers={"Content-Type": media_type})
    assert response.status_code == 415
    assert response.headers["Content-Type"].startswith("text/plain")
    assert "application/x-protobuf" in response.text


# -- bounds ----------------------------------------------------------------------------------------------------------


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(receiver):
    with socket.create_connection(("127.0.0.1", receiver.port)) as client:
        client.sendall(b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (MAX_REQUEST_BYTES + 1))
        assert client.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_chunked_body_that_grows_too_large_is_refused(url):
    chunks = (bytes(2**20) for _ in range(MAX_REQUEST_BYTES // 2**20 + 1))
    with pytest.raises((requests.ConnectionError, requests.HTTPError)):
        requests.post(url, chunks, headers=PROTOBUF).raise_for_status()


def test_the_largest_body_is_taken(store, url):
    span = SPANS[0]
    room = MAX_REQUEST_BYTES - len(protobuf.encode([span])) - 100
    large = Span(span.trace_id, span.span_id, attributes={"http.response.body.content": bytes(room)})
    assert requests.post(url, protobuf.encode([large]), headers=PROTOBUF).status_code == 200
    assert exact(store.trace(TRACE)) == exact([large])


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_bomb_is_refused_and_not_inflated(url, coding):
    compress = {"gzip": gzip.compress, "deflate": zlib.compress}[coding]
    response = requests.post(url, compress(bytes(2**28)), headers=PROTOBUF | {"Content-Encoding": coding})
    assert response.status_code == 413
    assert "once decompressed" in _reason(response)


def test_headers_without_end_are_refused(receiver):
    with socket.create_connection(("127.0.0.1", receiver.port)) as client:
        client.sendall(b"POST /v1/traces HTTP/1.1\r\nX: " + b"x" * 100_000)
        assert client.recv(100).startswith(b"HTTP/1.0 431 ")


def _drip(clients, *, seconds):
    began = time.monotonic()
    while time.monotonic() < began + seconds:
        for client in clients:
            client.sendall(b"x")
        time.sleep(0.1)


@pytest.mark.parametrize(
    "drop", [b"POST /v1/traces HTTP/1.1\r\n", b"POST /v1/traces HTTP/1.1\r\nContent-Length: 99\r\n\r\n"]
)
def test_a_client_that_drips_is_cut_off_and_holds_up_nobody(url, receiver, drop):
    with ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(("127.0.0.1", receiver.port))) for _ in range(50)]
        for client in slow:
            client.sendall(drop)
        assert requests.post(url, BODY, headers=PROTOBUF, timeout=2).status_code == 200
        with pytest.raises(OSError, match=r"Broken pipe|reset"):
            _drip(slow, seconds=10)


def test_a_busy_connection_is_not_taken_for_a_slow_one(url):
    with requests.Session() as session:
        began = time.monotonic()
        while time.monotonic() < began + 3:
            assert session.post(url, BODY, headers=PROTOBUF, timeout=2).status_code == 200


def test_requests_beyond_what_can_be_worked_on_are_put_off(store, url):
    statuses = []

    def send():
        response = requests.post(url, BODY, headers=PROTOBUF, timeout=20)
        statuses.append((response.status_code, response.headers.get("Retry-After")))

    with store._writing:  # a disk that does not answer
        clients = [threading.Thread(target=send) for _ in range(30)]
        for client in clients:
            client.start()
        began = time.monotonic()
        while len(statuses) < 22:
            assert time.monotonic() < began + 10
            time.sleep(0.05)
    for client in clients:
        client.join()
    assert sorted(statuses) == [(200, None)] * 8 + [(503, "1")] * 22


def test_a_store_that_cannot_be_written_puts_requests_off(store, url):
    store.close()
    response = requests.post(url, BODY, headers=PROTOBUF)
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    assert "cannot be used" in _reason(response)


def test_an_expectation_is_answered_before_the_body_comes(receiver):
    head = b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nExpect: 100-continue\r\n"
    with closing(socket.create_connection(("127.0.0.1", receiver.port))) as client:
        client.sendall(head + b"Content-Length: %d\r\n\r\n" % len(BODY))
        assert client.recv(100).startswith(b"HTTP/1.1 100 ")
        client.sendall(BODY)
        assert client.recv(100).startswith(b"HTTP/1.1 200 ")
