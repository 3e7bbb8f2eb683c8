"""What a Collector of ours takes on one core, and what is lost while its gateway is away.

Run it as ``python -m tests.benchmarks.bench_collector [--quick]``; it needs ``make backends``. Requests of 512 spans
with two bodies of 2 KiB are sent as fast as they are answered, from another core.

* receive: ``otel-openstack receive`` into its store, beside the Collector with its file exporter, one core each.
* agent, gateway: the configurations of ``collector/``, one core each, as the sizes of a cloud are reckoned from.
* away: the agent's gateway is away for 60 s under a steady load, then a Kafka broker between them (with Java and
  Maven); what was sent, taken, and handed on in the end.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import requests

from tests.backends import programs
from tests.benchmarks.traffic import BATCH_SPANS, batches
from tests.cloud.ports import free_ports
from tests.traces.serve import serve

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
RATE = 1000  # spans a second, of a busy host
FILE = {"path": "${env:SPANS_FOLDER}/spans.jsonl", "create_directory": True}


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
        seconds = 6 if quick else 60
        _without_gateway(folder / "gateway", seconds)
        if (programs.FOLDER / "kafka").is_file():
            _without_broker(folder / "broker", seconds)
        else:
            print("kafka: not measured, for make backends had neither Java nor Maven")


def _plain(folder: Path) -> Path:
    """Write the smallest configuration that keeps spans in a file."""
    telemetry = {"pull": {"exporter": {"prometheus": {"host": "127.0.0.1", "port": "${env:TELEMETRY_PORT}"}}}}
    protocols = {"http": {"endpoint": "${env:OTLP_HTTP}"}, "grpc": {"endpoint": "${env:OTLP_GRPC}"}}
    configuration = {
        "receivers": {"otlp": {"protocols": protocols}},
        "exporters": {"file": FILE},
        "extensions": {"health_check": {"endpoint": "${env:HEALTH}"}},
        "service": {
            "extensions": ["health_check"],
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["file"]}},
            "telemetry": {"metrics": {"readers": [telemetry]}},
        },
    }
    return _write(folder, configuration)


def _write(folder: Path, configuration: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
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


def _without_gateway(folder: Path, seconds: int) -> None:
    gateway_at = programs.collector_addresses()
    with programs.collector(folder / "agent", "agent", "redaction", settings={"GATEWAYS": gateway_at[1]}) as agent:
        taken = _away("gateway", agent, folder / "agent" / "queue", seconds)
        with programs.collector(folder / "back", _plain(folder), addresses=gateway_at) as gateway:
            _count(gateway, folder / "back" / "spans", taken)


def _without_broker(folder: Path, seconds: int) -> None:
    ports = free_ports(2)
    settings = {"KAFKA": f"127.0.0.1:{ports[0]}"}
    pipelines = {"traces/kept": {"processors": ["memory_limiter"], "exporters": ["file"]}}
    to_a_file = _write(folder, {"exporters": {"file": FILE}, "service": {"pipelines": pipelines}})
    with ExitStack() as running:
        broker = running.enter_context(programs.kafka(folder / "kafka", ports))
        names: tuple[str | Path, ...] = ("agent", "redaction", "agent-kafka")
        agent = running.enter_context(programs.collector(folder / "agent", *names, settings=settings))
        names = ("gateway", "gateway-kafka", to_a_file)
        gateway = running.enter_context(programs.collector(folder / "gateway", *names, settings=settings))
        taken = _away("broker", agent, folder / "agent" / "queue", seconds, kill=broker.pid)
        running.enter_context(programs.kafka(folder / "kafka", ports))
        _count(gateway, folder / "gateway" / "spans", taken)


def _away(what: str, agent: programs.RunningCollector, queue: Path, seconds: int, kill: int = 0) -> int:
    """Send a steady load while somebody is away, and return how much of it the agent has taken.

    :param kill: the process that leaves in the first second.
    """
    sent = taken = 0
    begun = time.monotonic()
    with closing(_connection(agent.otlp_http)) as connection:
        for request in batches(seconds * RATE // BATCH_SPANS):
            sent += BATCH_SPANS
            taken += BATCH_SPANS * _post(connection, request)
            if kill and sent >= RATE:
                os.killpg(kill, signal.SIGKILL)
                kill = 0
            time.sleep(max(0.0, begun + sent / RATE - time.monotonic()))
    waiting = sum(file.stat().st_size for file in queue.iterdir()) / 1e6
    elapsed = time.monotonic() - begun
    print(f"{what} away: {sent} spans sent in {elapsed:.0f} s, {taken} taken by the agent,")
    print(f"      {waiting:.0f} MB of queue on disk, {_resident(agent.process.pid) / 1e6:.0f} MB resident")
    return taken


def _count(gateway: programs.RunningCollector, spans: Path, taken: int) -> None:
    """Print how much of what was taken arrives once everybody is there, and how much of it twice."""
    back = time.monotonic()
    while _accepted(gateway.telemetry) < taken and time.monotonic() < back + 120:
        time.sleep(0.2)
    elapsed = time.monotonic() - back
    time.sleep(15)  # for what is late, or comes again
    ids = [found for file in spans.iterdir() for found in re.findall(b'"spanId":"([0-9a-f]+)"', file.read_bytes())]
    lost, again = taken - len(set(ids)), len(ids) - len(set(ids))
    print(f"      arrived within {elapsed:.0f} s of its return: {lost} lost, {again} came twice")


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
