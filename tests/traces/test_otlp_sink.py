from __future__ import annotations

import socket
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from otel_openstack.exceptions import SourceError
from otel_openstack.otlp import Span
from otel_openstack.traces import open_sink
from otel_openstack.traces.receiver import Receiver
from otel_openstack.traces.store import Store
from tests.strategies import exact
from tests.traces.contract import SPANS


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "traces.db", create=True) as store:
        yield store


@pytest.fixture
def sink(store):
    with (
        Receiver(store, http=("127.0.0.1", 0)) as receiver,
        closing(open_sink(f"otlp+{receiver.http_endpoint}")) as sink,
    ):
        yield sink


@pytest.fixture
def answering():
    """Start a server that gives one answer to everything, and return its URL."""
    servers = []

    def answer(status, body=b""):
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                """Say nothing."""

        server = HTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return f"otlp+http://127.0.0.1:{server.server_port}"

    yield answer
    for server in servers:
        server.shutdown()
        server.server_close()


def _all(store):
    return exact(span for trace in store.traces() for span in trace)


def test_spans_that_were_written_are_there(store, sink):
    sink.write(SPANS)
    assert _all(store) == exact(SPANS)


def test_writing_twice_doubles_nothing(store, sink):
    sink.write(SPANS)
    sink.write(iter(SPANS))
    assert _all(store) == exact(SPANS)


def test_large_spans_go_in_requests_of_a_size_that_every_receiver_takes(store, sink):
    spans = [Span("1" * 32, f"{n:016x}", attributes={"body": "x" * 300_000}) for n in range(1, 101)]
    sink.write(spans)
    assert _all(store) == exact(spans)


def test_many_spans_go_in_several_requests(store, sink):
    spans = [Span("1" * 32, f"{n:016x}") for n in range(1, 1200)]
    sink.write(spans)
    assert _all(store) == exact(spans)


def test_nobody_at_home_is_an_error_that_names_the_url():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    refused = f"http://127.0.0.1:{port}/v1/traces cannot be reached: Connection refused"
    with closing(open_sink(f"otlp+http://127.0.0.1:{port}")) as sink, pytest.raises(SourceError, match=refused):
        sink.write(SPANS)


def test_a_host_that_is_not_there_is_an_error():
    sink = open_sink("otlp+http://no-such-host.invalid:4318")
    with closing(sink), pytest.raises(SourceError, match="cannot be reached") as caught:
        sink.write(SPANS)
    assert "0x" not in str(caught.value)


@pytest.mark.parametrize("status", [404, 500, 302, 401])
def test_a_refusal_is_an_error_that_names_the_status(answering, status):
    with closing(open_sink(answering(status))) as sink, pytest.raises(SourceError, match=f"answered {status}"):
        sink.write(SPANS)


def test_a_web_server_that_is_no_receiver_is_an_error(answering):
    with closing(open_sink(answering(200, b"<html>"))) as sink, pytest.raises(SourceError, match="not in OTLP"):
        sink.write(SPANS)


def test_spans_that_the_receiver_refuses_are_an_error(sink):
    with pytest.raises(SourceError, match="refused 1 spans"):
        sink.write([*SPANS, Span("", "")])


def test_a_full_url_is_taken_as_it_is(store):
    with (
        Receiver(store, http=("127.0.0.1", 0)) as receiver,
        closing(open_sink(f"otlp+{receiver.http_endpoint}/v1/traces")) as sink,
    ):
        sink.write(SPANS)
    assert _all(store) == exact(SPANS)
