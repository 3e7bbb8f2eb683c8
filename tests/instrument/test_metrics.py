"""HTTP metrics and the ids in log records, from real processes whose user exports metrics and logs."""

from __future__ import annotations

import gzip
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import HistogramDataPoint, Metric, NumberDataPoint

from otel_openstack.instrument.metrics import metrics_of
from tests.instrument.harness import BIN, Launcher, OtlpServer, free_port, talk, wait_for_port

APPLICATION = """
import logging, os
import requests

def app(environ, start_response):
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if environ["PATH_INFO"].startswith("/v1/calls/"):
        requests.get(f"http://{environ['HTTP_HOST']}/v2/things/t1").close()
    logging.getLogger("app").warning("served %s", environ["PATH_INFO"])
    start_response("404 Not Found", [("Content-Type", "text/plain"), ("X-Pid", str(os.getpid()))])
    return [b"hello"]
"""
SERVER = "\n".join(
    (
        "import sys",
        "from wsgiref.simple_server import make_server, WSGIServer",
        "from socketserver import ThreadingMixIn",
        "from app import app",
        "class Server(ThreadingMixIn, WSGIServer): daemon_threads = True",
        "make_server('127.0.0.1', int(sys.argv[1]), app, Server).serve_forever()",
    )
)
POST = b"POST /v1/calls/%d HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"
EXPORTED = {"OTEL_METRICS_EXPORTER": "otlp", "OTEL_METRIC_EXPORT_INTERVAL": "300"}
_SELDOM = {"OTEL_METRICS_EXPORTER": "otlp", "OTEL_METRIC_EXPORT_INTERVAL": "60000"}
"""Whatever arrives was sent because the process ended."""


def _attributes(pairs: Iterator[KeyValue] | object) -> dict[str, object]:
    values = {}
    for pair in pairs:  # type: ignore[attr-defined]
        kind = pair.value.WhichOneof("value")
        values[pair.key] = getattr(pair.value, kind)
    return values


def _latest(receiver: OtlpServer) -> dict[str, dict[str, Metric]]:
    """Return the last state of each metric of each process."""
    found: dict[str, dict[str, Metric]] = {}
    for data in receiver.metrics:
        request = ExportMetricsServiceRequest.FromString(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
        for resource in request.resource_metrics:
            instance = str(_attributes(resource.resource.attributes)["service.instance.id"])
            for scope in resource.scope_metrics:
                if scope.scope.name.startswith("otel_openstack"):
                    found.setdefault(instance, {}).update((metric.name, metric) for metric in scope.metrics)
    return found


def _wait(receiver: OtlpServer, name: str, processes: int = 1) -> dict[str, dict[str, Metric]]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = _latest(receiver)
        if sum(name in metrics for metrics in found.values()) >= processes:
            return found
        time.sleep(0.05)
    pytest.fail(f"no {name} from {processes} processes: {found}")


def _point(metric: Metric) -> HistogramDataPoint | NumberDataPoint:
    (point,) = (metric.histogram if metric.HasField("histogram") else metric.sum).data_points
    return point


@pytest.mark.parametrize("sampler", ["parentbased_always_on", "always_off"])
def test_every_request_is_measured_sampled_or_not(launcher: Launcher, receiver: OtlpServer, sampler: str) -> None:
    """Durations by method, route and status; sizes of what was recorded; nothing is left in flight."""
    launcher.write("app.py", APPLICATION)
    port = free_port()
    process = launcher.start(
        [sys.executable, launcher.write("serve.py", SERVER), str(port)], {**EXPORTED, "OTEL_TRACES_SAMPLER": sampler}
    )
    wait_for_port(port, process)
    for number in range(3):
        talk(port, POST % (number, port))
    (metrics,) = _wait(receiver, "http.client.request.duration").values()
    deadline = time.monotonic() + 10
    while _count(metrics) < 6 and time.monotonic() < deadline:
        time.sleep(0.1)
        (metrics,) = _latest(receiver).values()
    durations = {
        str(said["http.route"]): (point.count, said)
        for point in metrics["http.server.request.duration"].histogram.data_points
        for said in [_attributes(point.attributes)]
    }
    assert {route: count for route, (count, _) in durations.items()} == {
        "/v1/calls/{call_id}": 3, "/v2/things/{thing_id}": 3,
    }  # fmt: skip
    assert durations["/v1/calls/{call_id}"][1] == {
        "http.request.method": "POST", "url.scheme": "http", "http.route": "/v1/calls/{call_id}",
        "http.response.status_code": 404,
    }  # fmt: skip
    assert _attributes(_point(metrics["http.client.request.duration"]).attributes) == {
        "http.request.method": "GET", "server.address": "127.0.0.1", "server.port": port,
        "http.response.status_code": 404, "error.type": "404",
    }  # fmt: skip
    for side in ("server", "client"):
        assert {point.as_int for point in metrics[f"http.{side}.active_requests"].sum.data_points} == {0}
    queue = {name: _point(metrics[f"otel.sdk.processor.span.queue.{name}"]).as_int for name in ("size", "capacity")}
    assert queue["capacity"] == 2048
    assert 0 <= queue["size"] <= 9
    fates = {
        str(_attributes(point.attributes).get("error.type", "")): point.as_int
        for point in metrics["otel.sdk.processor.span.processed"].sum.data_points
    }
    assert fates.keys() == {"", "queue_full"}
    assert fates["queue_full"] == 0
    sizes = metrics.get("http.server.request.body.size")
    assert (sizes is None) if sampler == "always_off" else (sizes is not None and _point(sizes).sum == 9)


def _count(metrics: dict[str, Metric]) -> int:
    return sum(point.count for point in metrics["http.server.request.duration"].histogram.data_points)


def test_every_worker_of_uwsgi_exports_its_metrics(launcher: Launcher, receiver: OtlpServer) -> None:
    """Also where uWSGI was not told to run Python's fork hooks."""
    launcher.write("app.py", APPLICATION)
    port = free_port()
    process = launcher.start(
        [BIN / "uwsgi", "--http-socket", f"127.0.0.1:{port}", "--master", "--workers", "2", "--enable-threads",
         "--module", "app:app"],
        EXPORTED,
    )  # fmt: skip
    wait_for_port(port, process)
    seen: set[bytes] = set()
    deadline = time.monotonic() + 20
    while len(seen) < 2 and time.monotonic() < deadline:
        seen.add(talk(port, POST % (0, port)).partition(b"X-Pid: ")[2].split()[0])
    assert len(seen) == 2, seen
    instances = set(_wait(receiver, "http.server.request.duration", processes=2))
    assert {str(span.resource.attributes["service.instance.id"]) for span in receiver.wait(4)} <= instances


_PREFORK = """
import os, threading
import app as module
def app(environ, start_response):
    os.environ["THREADS"] = ",".join(sorted(thread.name for thread in threading.enumerate()))
    def start(status, headers, *rest):
        return start_response(status, [*headers, ("X-Threads", os.environ["THREADS"])], *rest)
    return module.app(environ, start)
"""


def test_every_worker_of_gunicorn_has_one_thread_that_exports(launcher: Launcher, receiver: OtlpServer) -> None:
    """And its master, which has loaded the application, none."""
    launcher.write("app.py", APPLICATION)
    launcher.write("prefork.py", _PREFORK)
    port = free_port()
    process = launcher.start(
        ["gunicorn", "--bind", f"127.0.0.1:{port}", "--preload", "--workers", "2", "prefork:app"], EXPORTED
    )
    wait_for_port(port, process)
    seen: set[bytes] = set()
    threads: set[bytes] = set()
    deadline = time.monotonic() + 20
    while len(seen) < 2 and time.monotonic() < deadline:
        _, _, said = talk(port, POST % (0, port)).partition(b"X-Pid: ")
        seen.add(said.split()[0])
        threads.add(said.partition(b"X-Threads: ")[2].split()[0])
    assert len(seen) == 2, seen
    assert all(names.count(b"otel-openstack-metrics") == 1 for names in threads), threads
    assert len(_wait(receiver, "http.server.request.duration", processes=2)) == 2


_ONCE = """
import os, signal, sys, time
import requests
from opentelemetry import metrics

def ask(count):
    for _ in range(count):
        requests.get(sys.argv[1]).close()
"""
_ENDS = {
    "returning": "",
    "SIGTERM": "os.kill(os.getpid(), signal.SIGTERM)",
    "os._exit": "os._exit(0)",
}


@pytest.mark.parametrize("end", _ENDS.values(), ids=_ENDS.keys())
def test_a_fork_counts_its_own_to_the_end(
    end: str, launcher: Launcher, receiver: OtlpServer, serve: Callable[[object], int]
) -> None:
    """Neither what its parent has counted, nor over its connection; and the last state is sent, whatever ends it."""
    program = launcher.write(
        "program.py", f"{_ONCE}\nask(3)\nif os.fork():\n    os.wait()\n    ask(2)\nelse:\n    ask(1)\n{end}\n"
    )
    process = launcher.start([sys.executable, program, f"http://127.0.0.1:{serve(_nothing)}/v1"], _SELDOM)
    process.communicate(timeout=20)
    found = _wait(receiver, "http.client.request.duration", processes=2)
    assert sorted(_point(metrics["http.client.request.duration"]).count for metrics in found.values()) == [1, 5]


def test_a_fork_does_not_inherit_locks_of_a_collection(
    launcher: Launcher, receiver: OtlpServer, serve: Callable[[object], int]
) -> None:
    """It would hang when it measures, or when it ends."""
    code = f"""{_ONCE}
def slow(_options):
    time.sleep(0.05)
    return []
metrics.get_meter("mine").create_observable_gauge("slow", [slow])
ask(1)
for _ in range(5):
    time.sleep(0.01)
    if not os.fork():
        ask(1)
        sys.exit(0)
for _ in range(5):
    os.wait()
"""
    process = launcher.start(
        [sys.executable, launcher.write("program.py", code), f"http://127.0.0.1:{serve(_nothing)}/v1"],
        {**EXPORTED, "OTEL_METRIC_EXPORT_INTERVAL": "1"},
    )
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0, output
    _wait(receiver, "http.client.request.duration", processes=6)


def test_a_program_without_requests_exports_what_it_measures_itself(launcher: Launcher, receiver: OtlpServer) -> None:
    """As under the stock distribution."""
    code = "from opentelemetry import metrics\nmetrics.get_meter('otel_openstack.test').create_counter('mine').add(3)"
    launcher.run([sys.executable, launcher.write("program.py", code)], _SELDOM)
    (found,) = _wait(receiver, "mine").values()
    assert _point(found["mine"]).as_int == 3


_GREEN = """
import eventlet, sys
eventlet.monkey_patch()
import eventlet.wsgi
from app import app
eventlet.wsgi.server(eventlet.listen(("127.0.0.1", int(sys.argv[1]))), app, log_output=False)
"""


@pytest.mark.parametrize("interval", ["300", "60000"], ids=["while it serves", "when it ends"])
@pytest.mark.parametrize("name", ["glance-api", "mine"])
def test_a_green_server_exports_its_metrics(name: str, interval: str, launcher: Launcher, receiver: OtlpServer) -> None:
    """A service that is known, by a green thread; any program, by one that it had before it became green."""
    launcher.write("app.py", APPLICATION)
    port = free_port()
    process = launcher.start(
        [sys.executable, "-W", "ignore", launcher.write(name, _GREEN), str(port)],
        {**EXPORTED, "OTEL_METRIC_EXPORT_INTERVAL": interval},
    )
    wait_for_port(port, process)
    for number in range(3):
        assert b"404" in talk(port, POST % (number, port))
    if interval == "60000":
        process.terminate()
        process.communicate(timeout=20)
        assert process.returncode == -signal.SIGTERM
    (metrics,) = _wait(receiver, "http.client.request.duration").values()
    assert 1 <= _count(metrics) <= 6


def test_a_receiver_that_hangs_holds_up_no_end(launcher: Launcher, serve: Callable[[object], int]) -> None:
    """Neither of spans nor of metrics, two seconds and one at the most."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        program = launcher.write("program.py", f"{_ONCE}\nask(1)\nprint(time.monotonic(), flush=True)")
        process = launcher.start(
            [sys.executable, program, f"http://127.0.0.1:{serve(_nothing)}/v1"],
            {**_SELDOM, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint},
        )
        output, _ = process.communicate(timeout=20)
        assert time.monotonic() - float(output.split()[0]) < 6
    assert process.returncode == 0


def _nothing(_environ: object, start_response: Callable[..., object]) -> list[bytes]:
    start_response("204 No Content", [])
    return []


def test_log_records_carry_the_ids_of_their_request(launcher: Launcher, receiver: OtlpServer) -> None:
    """When the user exports logs."""
    launcher.write("app.py", APPLICATION)
    port = free_port()
    variables = {"OTEL_LOGS_EXPORTER": "otlp", "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED": "true",
                 "OTEL_BLRP_SCHEDULE_DELAY": "200"}  # fmt: skip
    process = launcher.start([sys.executable, launcher.write("serve.py", SERVER), str(port)], variables)
    wait_for_port(port, process)
    talk(port, b"GET /v1/things/1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    (span,) = receiver.wait(1)
    deadline = time.monotonic() + 10
    records: list[tuple[str, str, str]] = []
    while not records and time.monotonic() < deadline:
        time.sleep(0.05)
        records = [
            (record.body.string_value, record.trace_id.hex(), record.span_id.hex())
            for data in receiver.logs
            for resource in ExportLogsServiceRequest.FromString(
                gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
            ).resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
            if record.body.string_value.startswith("served")
        ]
    assert records == [("served /v1/things/1", span.trace_id, span.span_id)]


def test_nothing_is_measured_where_nobody_exports_metrics() -> None:
    """The API's own provider would count for nobody."""
    assert metrics_of("server") is None
