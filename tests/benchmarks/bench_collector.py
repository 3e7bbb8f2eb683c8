"""What a Collector of ours takes on one core, and what is lost while its gateway is away.

Run it as ``python -m tests.benchmarks.bench_collector [--quick]``; it needs ``make backends``. Requests of 512 spans
with two bodies of 2 KiB are sent as fast as they are answered, from another core.

* receive: ``otel-openstack receive`` into its store, beside the Collector with its file exporter, one core each.
* agent, gateway: the configurations of ``collector/``, one core each, as the sizes of a cloud are reckoned from.
* away: the agent's gateway is away for 60 s under a steady load; what was sent, taken, and handed on in the end.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import grpc
import requests

from tests.backends import programs
from tests.benchmarks.traffic import BATCH_SPANS, batches
from tests.traces.serve import serve

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
RATE = 1000  # spans a second, of a busy host


@dataclass(frozen=True)
class Load:
    """What was sent, and what it cost.

    :param spans: how many were acknowledged.
    :param seconds: from the first byte to the last answer.
    :param megabytes: resident memory of who took them, in the end.
    """

    spans: int
    seconds: float
    megabytes: float

    def __str__(self) -> str:
        return f"{self.spans / self.seconds:9,.0f} spans/s, {self.megabytes:6.0f} MB resident"


def main() -> None:
    """Measure and print."""
    quick = "--quick" in sys.argv
    load = list(batches(6 if quick else 60))
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[-1:])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serve(folder / "traces.db", cpu=cores[0]) as served:
            ours = _send(served.endpoint, load, lambda: served.memory_bytes)
        with _collector(folder / "file", cores[0], _plain(folder)) as (endpoint, _, pid):
            theirs = _send(endpoint, load, lambda: _resident(pid))
        ratio = ours.spans / ours.seconds / (theirs.spans / theirs.seconds)
        print(f"otel-openstack receive, into its store    {ours}")
        print(f"the Collector, into a file                {theirs}; ratio {ratio:.2f}")
        _agent_and_gateway(folder, cores[0], load)
        _away(folder, 6 if quick else 60)


def _plain(folder: Path) -> Path:
    """Write the smallest configuration that keeps spans in a file."""
    telemetry = {"pull": {"exporter": {"prometheus": {"host": "127.0.0.1", "port": "${env:TELEMETRY_PORT}"}}}}
    protocols = {"http": {"endpoint": "${env:OTLP_HTTP}"}, "grpc": {"endpoint": "${env:OTLP_GRPC}"}}
    configuration = {
        "receivers": {"otlp": {"protocols": protocols}},
        "exporters": {"file": {"path": "${env:SPANS_FOLDER}/spans.jsonl", "create_directory": True}},
        "extensions": {"health_check": {"endpoint": "${env:HEALTH}"}},
        "service": {
            "extensions": ["health_check"],
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["file"]}},
            "telemetry": {"metrics": {"readers": [telemetry]}},
        },
    }
    file = folder / "plain.yaml"
    file.write_text(json.dumps(configuration))
    return file


@contextmanager
def _collector(folder: Path, core: int, *names: str | Path, **settings: str) -> Iterator[tuple[str, str, int]]:
    """Run a Collector on one core; yield its two endpoints and its process id."""
    with programs.collector(folder, *names, settings={"GOMAXPROCS": "1", **settings}) as running:
        for thread in Path(f"/proc/{running.process.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {core})
        yield running.otlp_http, running.otlp_grpc, running.process.pid


def _agent_and_gateway(folder: Path, core: int, load: list[bytes]) -> None:
    with ExitStack() as running:
        _, sink, _ = running.enter_context(_collector(folder / "sink", core, _plain(folder)))
        endpoint, _, pid = running.enter_context(
            _collector(folder / "agent", core, "agent", "redaction", GATEWAYS=sink)
        )
        print(f"agent.yaml, masking and queue on disk     {_send(endpoint, load, lambda: _resident(pid))}")
    with ExitStack() as running:
        _, sink, _ = running.enter_context(_collector(folder / "sink", core, _plain(folder)))
        _, grpc, pid = running.enter_context(_collector(folder / "gateway", core, "gateway", BACKEND=sink))
        print(f"gateway.yaml, sampling and metrics        {_send_grpc(grpc, load, lambda: _resident(pid))}")


def _away(folder: Path, seconds: int) -> None:
    """Keep the agent's gateway away, and count."""
    gateway_at = programs.collector_addresses()
    with ExitStack() as running:
        agent = running.enter_context(
            programs.collector(folder / "away", "agent", "redaction", settings={"GATEWAYS": gateway_at[1]})
        )
        sent = taken = 0
        begun = time.monotonic()
        with closing(_connection(agent.otlp_http)) as connection:
            for request in batches(seconds * RATE // BATCH_SPANS):
                sent += BATCH_SPANS
                taken += BATCH_SPANS * _post(connection, request)
                time.sleep(max(0.0, begun + sent / RATE - time.monotonic()))
        waiting = sum(file.stat().st_size for file in (folder / "away" / "queue").iterdir()) / 1e6
        elapsed = time.monotonic() - begun
        print(f"away: {sent} spans sent in {elapsed:.0f} s without a gateway, {taken} taken by the agent,")
        print(f"      {waiting:.0f} MB of queue on disk, {_resident(agent.process.pid) / 1e6:.0f} MB resident")
        gateway = running.enter_context(programs.collector(folder / "back", _plain(folder), addresses=gateway_at))
        back = time.monotonic()
        while (arrived := _accepted(gateway.telemetry)) < taken and time.monotonic() < back + 120:
            time.sleep(0.2)
        elapsed = time.monotonic() - back
        print(f"      {arrived:.0f} arrived within {elapsed:.0f} s of its return: {taken - arrived:.0f} lost")


def _accepted(telemetry: str) -> float:
    lines = requests.get(telemetry, timeout=5).text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("otelcol_receiver_accepted_spans{"))


def _send(endpoint: str, load: list[bytes], memory: Callable[[], float]) -> Load:
    """Send everything over two connections, so that nobody has to wait for us."""

    def in_turn(part: list[bytes]) -> None:
        with closing(_connection(endpoint)) as connection:
            for request in part:
                while not _post(connection, request):
                    time.sleep(0.05)  # it asks for patience

    begun = time.perf_counter()
    halves = [threading.Thread(target=in_turn, args=(load[start::2],)) for start in range(2)]
    for half in halves:
        half.start()
    for half in halves:
        half.join()
    return Load(len(load) * BATCH_SPANS, time.perf_counter() - begun, memory() / 1e6)


def _send_grpc(address: str, load: list[bytes], memory: Callable[[], float]) -> Load:
    with grpc.insecure_channel(address) as channel:
        export = channel.unary_unary(EXPORT)
        begun = time.perf_counter()
        for answer in [export.future(request, wait_for_ready=True) for request in load]:
            answer.result()
    return Load(len(load) * BATCH_SPANS, time.perf_counter() - begun, memory() / 1e6)


def _connection(endpoint: str) -> http.client.HTTPConnection:
    target = urlsplit(endpoint)
    return http.client.HTTPConnection(str(target.hostname), target.port)


def _post(connection: http.client.HTTPConnection, request: bytes) -> bool:
    connection.request("POST", "/v1/traces", request, {"Content-Type": "application/x-protobuf"})
    response = connection.getresponse()
    response.read()
    return response.status == 200


def _resident(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
