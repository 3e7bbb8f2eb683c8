"""Real masters of uWSGI with every signal exported: their workers serve, and what the masters had to send is sent."""

from __future__ import annotations

import subprocess
import time

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from tests.instrument.harness import BIN, Launcher, OtlpServer, free_port

_WORKERS = 4
_STARTS = 8
_APPLICATION = """
import logging, os, threading
import requests, uwsgi
from opentelemetry import trace

def application(environ, start_response):
    logging.getLogger("api").warning("served")
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]

def served():
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/v1/things", "wsgi.url_scheme": "http"}
    observed(environ, lambda *_: None)
    with open(os.environ["SERVED"], "a") as file:
        file.write(f"{os.getpid()}\\n")

def observed(*arguments):
    b"".join(application(*arguments))

if uwsgi.worker_id():
    threading.Timer(0.01, served).start()
else:
    uwsgi.post_fork_hook = served
for _ in range(20):
    logging.getLogger("api").warning("loaded")
with trace.get_tracer("api").start_as_current_span("load"):
    pass
assert uwsgi.worker_id() or threading.active_count() == 1
"""
_EXPORTED = {
    "OTEL_METRICS_EXPORTER": "otlp",
    "OTEL_METRIC_EXPORT_INTERVAL": "1",
    "OTEL_LOGS_EXPORTER": "otlp",
    "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED": "true",
    "OTEL_BLRP_SCHEDULE_DELAY": "1",
    "OTEL_BSP_SCHEDULE_DELAY": "1",
}


def _start(launcher: Launcher, number: int, options: list[str], **variables: str) -> subprocess.Popen[str]:
    launcher.write("api.py", _APPLICATION)
    command = [str(BIN / "uwsgi"), "--http-socket", f"127.0.0.1:{free_port()}", "--module", "api", "--enable-threads",
               "--need-app", "--die-on-term", "--processes", str(_WORKERS), *options]  # fmt: skip
    return launcher.start(command, {**_EXPORTED, **variables, "SERVED": f"served{number}"})


def _workers(launcher: Launcher, number: int, process: subprocess.Popen[str]) -> list[int]:
    """Wait until each worker has served, and return them."""
    served = launcher.folder / f"served{number}"
    lines: list[str] = []
    deadline = time.monotonic() + 20
    while len(lines) < _WORKERS and time.monotonic() < deadline:
        time.sleep(0.02)
        lines = served.read_text().splitlines() if served.exists() else []
    if len(lines) != _WORKERS:
        pytest.fail(f"{len(lines)} of {_WORKERS} workers have served: {launcher.kill(process)}")
    return [int(line) for line in lines]


@pytest.mark.parametrize(
    ("options", "variables"),
    [
        (["--master"], {}),
        (["--master", "--lazy-apps"], {}),
        (["--master"], {"UWSGI_PY_CALL_UWSGI_FORK_HOOKS": "1"}),
        ([], {}),
    ],
    ids=["before the fork", "lazily", "with Python's hooks", "without a master"],
)
def test_no_worker_hangs(options: list[str], variables: dict[str, str], launcher: Launcher) -> None:
    """However busy exporting is: no thread of ours or of the SDK's may hold a lock when uWSGI forks."""
    processes = [_start(launcher, number, options, **variables) for number in range(_STARTS)]
    for number, process in enumerate(processes):
        _workers(launcher, number, process)
        launcher.kill(process)


@pytest.mark.parametrize("options", [["--master"], []], ids=["a master", "a first worker"])
def test_what_came_before_the_fork_is_sent_once(options: list[str], launcher: Launcher, receiver: OtlpServer) -> None:
    """By the first worker, as its master has no thread and no exit handlers."""
    process = _start(launcher, 0, options)
    workers = _workers(launcher, 0, process)
    receiver.wait(_WORKERS + 1)
    deadline = time.monotonic() + 10
    while len(_bodies(receiver)) < 20 + _WORKERS and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)  # for what is sent twice
    launcher.kill(process)
    assert sorted(span.name for span in receiver.spans) == [*["GET /v1/things"] * _WORKERS, "load"]
    assert {span.resource.attributes["process.pid"] for span in receiver.spans} == {process.pid, *workers}
    assert sorted(_bodies(receiver)) == [*["loaded"] * 20, *["served"] * _WORKERS]


def _bodies(receiver: OtlpServer) -> list[str]:
    return [
        record.body.string_value
        for data in list(receiver.logs)
        for resource in ExportLogsServiceRequest.FromString(data).resource_logs
        for scope in resource.scope_logs
        if scope.scope.name == "api"
        for record in scope.log_records
    ]
