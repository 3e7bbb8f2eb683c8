"""What is measured of hops: each once, whichever library makes it, recorded or not."""

from __future__ import annotations

import gc
import http.client
import json
import subprocess
import sys
from collections.abc import Callable

import httpx
import pytest
import requests
import urllib3
from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_instrumentation

from otel_openstack import attributes as names
from tests.instrument import clients
from tests.instrument.clients import Ask
from tests.instrument.harness import Measured, PreparedServer, Spans, attributes_of, free_port, http_answer

CLIENTS = pytest.mark.parametrize("ask", clients.ALL)


def _hop(server: PreparedServer, method: str, **more: object) -> dict[str, object]:
    return {
        names.HTTP_REQUEST_METHOD: method, names.SERVER_ADDRESS: "127.0.0.1", names.SERVER_PORT: server.port, **more,
    }  # fmt: skip


@CLIENTS
def test_a_hop_is_measured_once(ask: Ask, measured: Measured, server: PreparedServer) -> None:
    """Though one library sits on another; with the sizes of its bodies."""
    server.answers = [http_answer(b"answer", status=b"201 Made")]
    assert ask("PUT", f"{server.url}/v2/images/42?a=b", b"question") == b"answer"
    hop = _hop(server, "PUT", **{names.HTTP_RESPONSE_STATUS_CODE: 201})
    assert measured.hops() == [hop]
    assert measured.of("request.body.size") == [(hop, (8, 1))]
    assert measured.of("response.body.size") == [(hop, (6, 1))]


@CLIENTS
def test_a_hop_that_is_not_sampled_is_measured_too(ask: Ask, measured: Measured, server: PreparedServer) -> None:
    """But not its bodies: nobody looks at them."""
    server.answers = [http_answer(b"answer")]
    unsampled = trace.NonRecordingSpan(trace.SpanContext(1, 2, is_remote=True, trace_flags=trace.TraceFlags(0)))
    with trace.use_span(unsampled):
        assert ask("PUT", server.url, b"question") == b"answer"
    assert b"-00\r\n" in server.requests[0]
    assert measured.hops() == [_hop(server, "PUT", **{names.HTTP_RESPONSE_STATUS_CODE: 200})]
    assert measured.of("request.body.size") == measured.of("response.body.size") == []


@CLIENTS
@pytest.mark.parametrize("flags", [0, 1])
def test_a_hop_that_fails_is_measured_with_its_error(
    ask: Ask, flags: int, measured: Measured, server: PreparedServer, spans: Spans
) -> None:
    """By the same name that its span has for it."""
    server.port = free_port()
    parent = trace.SpanContext(1, 2, is_remote=True, trace_flags=trace.TraceFlags(flags))
    failures = (OSError, requests.ConnectionError, urllib3.exceptions.MaxRetryError, httpx.ConnectError)
    with trace.use_span(trace.NonRecordingSpan(parent)), pytest.raises(failures):
        ask("GET", f"http://127.0.0.1:{server.port}/")
    count = 4 if ask is clients.by_urllib3 else 1  # it tries again three times
    errors = [said[names.ERROR_TYPE] for said in measured.hops()]
    assert measured.hops() == [_hop(server, "GET", **{names.ERROR_TYPE: error}) for error in errors]
    assert len(errors) == count
    if flags:
        assert errors == [attributes_of(span)[names.ERROR_TYPE] for span in spans.all(count)]


@CLIENTS
def test_an_error_of_the_server_is_measured_with_its_status(
    ask: Ask, measured: Measured, server: PreparedServer
) -> None:
    """4xx and 5xx, as semantic conventions say of clients."""
    server.answers = [http_answer(b"no", status=b"404 Not Found")]
    assert ask("GET", server.url) == b"no"
    status = {names.HTTP_RESPONSE_STATUS_CODE: 404, names.ERROR_TYPE: "404"}
    assert measured.hops() == [_hop(server, "GET", **status)]


@pytest.mark.parametrize("ask", [ask for ask in clients.ALL if ask is not clients.by_http_client])
def test_every_redirect_is_measured(ask: Ask, measured: Measured, server: PreparedServer) -> None:
    """Each with its own status."""
    server.answers = [http_answer(b"", b"Location: /next", status=b"302 Found"), http_answer(b"here")]
    assert ask("GET", server.url) == b"here"
    assert [said[names.HTTP_RESPONSE_STATUS_CODE] for said in measured.hops()] == [200, 302]


@pytest.mark.parametrize("flags", [0, 1])
def test_a_hop_that_is_given_up_is_measured(flags: int, measured: Measured, server: PreparedServer) -> None:
    """Once, when its connection goes without an answer."""
    server.answers = [http_answer()]
    parent = trace.SpanContext(1, 2, is_remote=True, trace_flags=trace.TraceFlags(flags))
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    with trace.use_span(trace.NonRecordingSpan(parent)):
        connection.request("GET", "/")
    assert [value for _, value in measured.of("active_requests")] == [1]
    connection.close()
    del connection
    gc.collect()
    assert measured.hops() == [_hop(server, "GET", **{names.ERROR_TYPE: "ConnectionAbortedError"})]


@CLIENTS
def test_a_hop_is_in_flight_until_it_is_answered(ask: Ask, measured: Measured, serve: Callable[[object], int]) -> None:
    """One, by method and server."""

    def application(_environ: object, start_response: Callable[..., object]) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(measured.of("active_requests")).encode()]

    port = serve(application)
    [[said, value]] = json.loads(ask("GET", f"http://127.0.0.1:{port}/"))
    assert said == {names.HTTP_REQUEST_METHOD: "GET", names.SERVER_ADDRESS: "127.0.0.1", names.SERVER_PORT: port}
    assert value == 1
    assert measured.of("active_requests") == [(said, 0)]


@CLIENTS
def test_a_suppressed_call_is_not_measured(ask: Ask, measured: Measured, server: PreparedServer) -> None:
    """The exporter's own requests are such calls."""
    server.answers = [http_answer()]
    with suppress_instrumentation():
        ask("GET", server.url)
    assert measured.hops() == []


_GREEN = """
import json, sys
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from otel_openstack.instrument.instrumentor import OpenStackInstrumentor
reader = InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader]))
OpenStackInstrumentor().instrument(skip_dep_check=True)
import eventlet
eventlet.monkey_patch()
from eventlet.green.http import client
import requests, urllib3
connection = client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=5)
connection.request("GET", "/")
connection.getresponse().read()
urllib3.PoolManager().request("GET", f"http://127.0.0.1:{sys.argv[1]}/")
requests.get(f"http://127.0.0.1:{sys.argv[1]}/")
(resource,) = reader.get_metrics_data().resource_metrics
found = {metric.name: metric.data.data_points for scope in resource.scope_metrics for metric in scope.metrics}
print(json.dumps([sum(point.count for point in found["http.client.request.duration"]),
                  sum(point.value for point in found["http.client.active_requests"])]))
"""


def test_a_hop_of_eventlets_http_client_is_measured_once(server: PreparedServer) -> None:
    """And one of requests and of urllib3 in a patched process; eventlet stays out of the tests' own."""
    server.answers = [http_answer(b"x") for _ in range(3)]
    program = [sys.executable, "-W", "ignore", "-c", _GREEN, str(server.port)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [3, 0]
