"""How many spans a second one core receives and commits, beside what parsing them alone takes.

Run it as ``python -m tests.benchmarks.bench_receiver [--quick]``. The receiver runs as users run it, in a process
pinned to one core, and a client sends requests of 512 spans with two bodies of 2 KiB as fast as they are answered.

* acknowledged: from the first byte sent to the last answer; the spans are committed.
* sorted: until every span can be found by its ids without anybody waiting for it.
"""

from __future__ import annotations

import http.client
import os
import sqlite3
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from opentelemetry.proto.trace.v1 import trace_pb2

from tests.benchmarks.traffic import BATCH_SPANS, batches
from tests.traces.serve import Served, serve

DISTINCT = 60  # batches made beforehand, so that making them is not measured


def main() -> None:
    """Measure and print."""
    quick = "--quick" in sys.argv
    requests = list(batches(10 if quick else DISTINCT))
    spans = len(requests) * BATCH_SPANS
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[-1:])
    parsing = max(_parse(requests) for _ in range(3))
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder, "traces.db"), cpu=cores[0]) as served:
        appending = max(_append(requests, folder) for _ in range(3))
        begun, cpu = time.perf_counter(), _cpu_seconds(served)
        _send(served, requests)
        acknowledged, acknowledged_cpu = time.perf_counter() - begun, _cpu_seconds(served) - cpu
        _wait_until_sorted(Path(folder, "traces.db"), spans)
        sorted_after, sorted_cpu = time.perf_counter() - begun, _cpu_seconds(served) - cpu
    print(f"receiver, one core: {len(requests)} requests of {BATCH_SPANS} spans, {len(requests[0])} bytes each")
    print(f"{'':34}{'spans/s':>12}{'of parsing':>12}")
    for what, rate in (
        ("protobuf parsing alone", parsing),
        ("writing them to a file, unsynced", appending),
        ("acknowledged, by the clock", spans / acknowledged),
        ("acknowledged, by the core's time", spans / acknowledged_cpu),
        ("sorted too, by the clock", spans / sorted_after),
        ("sorted too, by the core's time", spans / sorted_cpu),
    ):
        print(f"{what:34}{rate:12,.0f}{rate / parsing:12.0%}")


def _parse(requests: list[bytes]) -> float:
    begun = time.perf_counter()
    for request in requests:
        trace_pb2.TracesData.FromString(request)
    return len(requests) * BATCH_SPANS / (time.perf_counter() - begun)


def _append(requests: list[bytes], folder: str) -> float:
    with Path(folder, "plain").open("wb", buffering=0) as file:
        begun = time.perf_counter()
        for request in requests:
            file.write(request)
        return len(requests) * BATCH_SPANS / (time.perf_counter() - begun)


def _send(served: Served, requests: list[bytes]) -> None:
    """Send everything over two connections, so that the receiver need not wait for us."""
    halves = [threading.Thread(target=_send_in_turn, args=(served, requests[start::2])) for start in range(2)]
    for half in halves:
        half.start()
    for half in halves:
        half.join()


def _send_in_turn(served: Served, requests: list[bytes]) -> None:
    target = urlsplit(served.endpoint)
    with closing(http.client.HTTPConnection(str(target.hostname), target.port)) as connection:
        for request in requests:
            connection.request("POST", "/v1/traces", request, {"Content-Type": "application/x-protobuf"})
            response = connection.getresponse()
            assert response.status == 200, response.read()
            response.read()


def _wait_until_sorted(path: Path, spans: int) -> None:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as bare:
        while bare.execute("SELECT count(*) FROM span").fetchone()[0] < spans:
            time.sleep(0.05)


def _cpu_seconds(served: Served) -> float:
    fields = Path(f"/proc/{served.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
