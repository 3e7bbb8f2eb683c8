"""Finding one id among a million spans, and reading many traces, beside what SQLite and protobuf alone take.

Run it as ``python -m tests.benchmarks.bench_store [--quick]``.
"""

from __future__ import annotations

import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from opentelemetry.proto.trace.v1 import trace_pb2

from otel_openstack.otlp import Span, protobuf
from otel_openstack.traces.store import Store
from tests.benchmarks.traffic import BATCH_SPANS, batches, lean_span

SPANS = 1_000_000
READ_SPANS = 100_000
LOOK_UPS = 2000


def main() -> None:
    """Measure and print."""
    scale = 20 if "--quick" in sys.argv else 1
    with tempfile.TemporaryDirectory() as folder:
        _find(Path(folder, "many.db"), SPANS // scale)
        _read(Path(folder, "whole.db"), READ_SPANS // scale)


def _find(path: Path, count: int) -> None:
    chance = random.Random(2)
    samples: list[Span] = []
    begun = time.perf_counter()
    with Store.open(path, create=True) as store:
        for request in batches(count // BATCH_SPANS + 1, make=lean_span):
            store.append(request)
            if len(samples) < LOOK_UPS:
                samples += chance.sample(protobuf.decode(request), 4)
        store.sort()
        took = time.perf_counter() - begun
        with closing(sqlite3.connect(path)) as bare:
            ((spans, last),) = bare.execute("SELECT count(*), max(rowid) FROM trace").fetchall()
            keys = [chance.randrange(1, last) for _ in samples]
            base = _median(lambda key: bare.execute("SELECT trace_id FROM trace WHERE id = ?", (key,)).fetchone(), keys)
        size = store.used_bytes() / 1024**2
        print(f"finding one id among {count:,} spans of {spans:,} traces ({size:,.0f} MiB, made in {took:.0f} s)")
        print(f"{'':34}{'µs':>12}{'of bare':>12}")
        print(f"{'bare SQLite primary-key look-up':34}{base * 1e6:12.1f}{1:12.1f}")
        for what, identifiers in (
            ("by trace id", [span.trace_id for span in samples]),
            ("by span id", [span.span_id for span in samples]),
            ("by X-Requestshook-Request-Id", _values(samples, "openstack.requestshook.request_id")),
            ("by req-… id", _values(samples, "openstack.request_id")),
            ("an id that is not there", [f"{number:032x}" for number in range(1, LOOK_UPS)]),
        ):
            found = _median(store.find, identifiers)
            print(f"{what:34}{found * 1e6:12.1f}{found / base:12.1f}")


def _values(spans: Sequence[Span], name: str) -> list[str]:
    return [str(span.attributes[name]) for span in spans]


def _median(look_up: Callable[..., object], keys: Sequence[object]) -> float:
    """Return the median seconds of a look-up, once every page has been seen."""
    times = []
    for key in [*keys, *keys]:
        begun = time.perf_counter()
        look_up(key)
        times.append(time.perf_counter() - begun)
    return statistics.median(times[len(keys) :])


def _read(path: Path, count: int) -> None:
    requests = list(batches(count // BATCH_SPANS + 1))
    spans = len(requests) * BATCH_SPANS
    begun = time.perf_counter()
    for request in requests:
        trace_pb2.TracesData.FromString(request)
    parsing = time.perf_counter() - begun
    begun = time.perf_counter()
    for request in requests:
        protobuf.decode(request)
    decoding = time.perf_counter() - begun
    with Store.open(path, create=True) as store:
        for request in requests:
            store.append(request)
        store.sort()
        begun = time.perf_counter()
        read = sum(map(len, store.traces()))
        reading = time.perf_counter() - begun
        begun = time.perf_counter()
        listed = len(store.summaries())
        listing = time.perf_counter() - begun
    assert read == spans
    print(f"\nreading {spans:,} spans of {len(requests[0]) // BATCH_SPANS} bytes, whole, by trace")
    print(f"{'':34}{'spans/s':>12}{'time':>12}")
    for what, seconds in (
        ("protobuf parsing alone", parsing),
        ("otlp.protobuf.decode alone", decoding),
        ("Store.traces()", reading),
    ):
        print(f"{what:34}{spans / seconds:12,.0f}{seconds / decoding:11.2f}x")
    print(f"{f'a list of the latest {listed} traces':34}{listing * 1e3:9.0f} ms")


if __name__ == "__main__":
    main()
