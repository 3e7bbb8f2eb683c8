"""Exporting a large trace from Jaeger and from Tempo, and finding one in a large file of the Collector.

Run it as ``python -m tests.benchmarks.bench_sources [--quick]``; it needs ``make backends``. The limit is what no
reader can go below: the same URL fetched by curl, and its JSON or protobuf parsed; of a GiB of JSON lines, ``grep -F``
for the same id, with the file in the page cache for both.
"""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import orjson
from opentelemetry.proto.trace.v1 import trace_pb2

from otel_openstack.conversation import conversation
from otel_openstack.otlp import Span, json, protobuf
from otel_openstack.render import RENDERERS
from otel_openstack.settings import SourceSettings
from otel_openstack.traces import TraceSource
from otel_openstack.traces.jaeger import Jaeger
from otel_openstack.traces.otlp_file import OtlpFiles
from otel_openstack.traces.otlp_sink import OtlpSink
from otel_openstack.traces.tempo import Tempo, TraceByIDResponse
from tests.backends import programs
from tests.benchmarks.traffic import batches, span

TRACE = "5b8efff798038103d269b633813fc60c"
TENANT = SourceSettings(headers=(("X-Scope-OrgID", "bench"),))


def main() -> None:
    """Measure and print."""
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as name:
        _file(Path(name, "spans.jsonl"), 1024**3 // (64 if "--quick" in sys.argv else 1))
    now = time.time_ns()
    spans = [
        replace(span(chance), trace_id=TRACE, parent_span_id="", start_unix_nano=now, end_unix_nano=now + 10**6)
        for _ in range(500 if "--quick" in sys.argv else 5000)
    ]
    with tempfile.TemporaryDirectory() as name:
        with programs.jaeger(Path(name, "jaeger")) as server:
            _write(server.otlp_http, spans)
            with closing(Jaeger(server.api, TENANT, progress=_silent)) as source:
                _report("Jaeger", source, f"{server.api}/api/v3/traces/{TRACE}?raw_traces=true", [], orjson.loads)
        with programs.tempo(Path(name, "tempo")) as server:
            _write(server.otlp_http, spans)
            headers = ["-H", "X-Scope-OrgID: bench", "-H", "Accept: application/protobuf"]
            with closing(Tempo(server.api, TENANT, progress=_silent)) as source:
                _report("Tempo", source, f"{server.api}/api/v2/traces/{TRACE}", headers, _parse)


def _file(path: Path, size: int) -> None:
    """Write a file as the Collector's exporter does, a request a line, and look for an id in its midst."""
    requests = [protobuf.decode(request) for request in batches(17)]
    *lines, sought = [json.encode(spans).encode() + b"\n" for spans in requests]
    middle = requests[-1][0].trace_id
    with path.open("wb") as file:
        for line in itertools.cycle(lines):
            if file.tell() <= size // 2 < file.tell() + len(line):
                file.write(sought)
            file.write(line)
            if file.tell() >= size:
                break

    def grep() -> None:
        subprocess.run(["grep", "-F", "-c", middle, path], check=True, capture_output=True)

    with OtlpFiles(str(path)) as source:
        grepped = _best(grep, lambda: sum(os.times()[2:4]))
        found = _best(lambda: source.find(middle), time.process_time)
        read = _best(lambda: source.trace(middle), time.process_time)
        spans_read = len(source.trace(middle))
    print(
        f"a file of {size / 1024**2:.0f} MiB, CPU: grep -F {grepped:.2f} s,"
        f" find {found:.2f} s ({found / grepped:.1f}x),"
        f" {spans_read} spans of a trace {read:.2f} s ({read / grepped:.1f}x)"
    )


def _write(endpoint: str, spans: list[Span]) -> None:
    with closing(OtlpSink(endpoint, TENANT)) as sink:
        sink.write(spans)


def _report(name: str, source: TraceSource, url: str, headers: list[str], parse: Callable[[bytes], object]) -> None:
    def alone() -> None:
        parse(subprocess.run(["curl", "-s", *headers, url], check=True, capture_output=True).stdout)

    def export() -> None:
        RENDERERS["markdown"](conversation(TRACE, source.trace(TRACE)), numbers=True)

    spans = len(source.trace(TRACE))
    fetched, read, exported = _best(alone), _best(lambda: source.trace(TRACE)), _best(export)
    print(
        f"{name}: {spans} spans: curl and parse {fetched:.2f} s, read {read:.2f} s ({read / fetched:.1f}x),"
        f" export {exported:.2f} s ({exported / fetched:.1f}x)"
    )


def _parse(data: bytes) -> object:
    return trace_pb2.TracesData.FromString(TraceByIDResponse.FromString(data).trace)


def _best(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    times = []
    for _ in range(3):
        begun = clock()
        work()
        times.append(clock() - begun)
    return min(times)


def _silent(_: str) -> None:
    """Nobody looks."""


if __name__ == "__main__":
    main()
