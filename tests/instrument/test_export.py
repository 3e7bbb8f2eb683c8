"""How spans leave: bounded in every direction, from a worker of the process that made them."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Sequence

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel_openstack.instrument.export import MAX_BATCH_BYTES, BoundedSpanProcessor, encoded_size
from tests.instrument.harness import OtlpServer, free_port


class Exporter(SpanExporter):
    """Keeps batches; may be held up."""

    def __init__(self) -> None:
        self.batches: list[list[ReadableSpan]] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.result = SpanExportResult.SUCCESS
        self.instrumented: list[bool] = []
        self.is_shut_down = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Keep a batch."""
        self.go_on.wait()
        self.instrumented.append(is_instrumentation_enabled())
        self.batches.append(list(spans))
        return self.result

    def shutdown(self) -> None:
        """Note it."""
        self.is_shut_down = True


def _provider(exporter: SpanExporter, **options: float) -> tuple[TracerProvider, BoundedSpanProcessor]:
    processor = BoundedSpanProcessor(lambda: exporter, **options)  # type: ignore[arg-type]  # numbers all
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return provider, processor


def _make(provider: TracerProvider, count: int, **attributes: str | bytes) -> None:
    for _ in range(count):
        provider.get_tracer("t").start_span("x", attributes=attributes).end()


def test_no_thread_is_started_before_the_first_span() -> None:
    """A master that only forks never has one."""
    before = threading.active_count()
    provider, processor = _provider(Exporter())
    assert threading.active_count() == before
    provider.get_tracer("t").start_span("x")
    assert threading.active_count() == before + 1
    processor.shutdown()


def test_spans_are_sent_after_the_delay_without_being_asked() -> None:
    """Within the delay, and with instrumentation suppressed."""
    exporter = Exporter()
    provider, processor = _provider(exporter, schedule_delay=0.02)
    _make(provider, 3)
    deadline = time.monotonic() + 5
    while sum(map(len, exporter.batches)) < 3 and time.monotonic() < deadline:
        time.sleep(0.005)
    assert sum(map(len, exporter.batches)) == 3
    assert set(exporter.instrumented) == {False}
    processor.shutdown()


def test_batches_are_cut_by_count_and_full_ones_are_not_waited_with() -> None:
    """A full batch is sent before the delay is over."""
    exporter = Exporter()
    provider, processor = _provider(exporter, schedule_delay=60, max_batch_size=10)
    _make(provider, 10)
    deadline = time.monotonic() + 5
    while not exporter.batches and time.monotonic() < deadline:
        time.sleep(0.005)
    _make(provider, 25)
    processor.force_flush()
    assert sum(map(len, exporter.batches)) == 35
    assert max(map(len, exporter.batches)) <= 10
    processor.shutdown()


def test_batches_are_cut_by_bytes() -> None:
    """None outgrows what a receiver takes, but a single span that does goes alone."""
    exporter = Exporter()
    provider, processor = _provider(exporter, schedule_delay=60)
    _make(provider, 100, body="é" * 40_000, other=b"\x00" * 8192)
    _make(provider, 1, body="x" * (MAX_BATCH_BYTES + 1))
    _make(provider, 3)
    processor.force_flush()
    processor.shutdown()
    assert sum(map(len, exporter.batches)) == 104
    sizes = [len(encode_spans(batch).SerializeToString()) for batch in exporter.batches]
    assert [len(batch) for batch, size in zip(exporter.batches, sizes, strict=True) if size > 4 * 2**20] == []
    assert [len(batch) for batch, size in zip(exporter.batches, sizes, strict=True) if size > MAX_BATCH_BYTES] == [1]
    assert len(exporter.batches) == 5


def test_the_estimate_is_never_much_below_the_encoded_size() -> None:
    """It counts characters as their bytes, and every part of a span that can grow."""
    provider, processor = _provider(Exporter(), schedule_delay=60)
    span = provider.get_tracer("t").start_span("n" * 100)
    span.set_attributes({"s": "é" * 1000, "b": b"\xff" * 1000, "l": ["x" * 10] * 100, "i": 5, "f": 1.5, "t": True})
    span.add_event("e" * 100, {"a": "x" * 1000})
    span.add_link(span.get_span_context(), {"a": "x" * 1000})
    span.end()
    assert isinstance(span, ReadableSpan)
    actual = encode_spans([span]).ByteSize()
    assert 0.98 * actual < encoded_size(span) < 1.5 * actual
    processor.shutdown()


def test_a_full_queue_drops_counts_and_tells_once(caplog: pytest.LogCaptureFixture) -> None:
    """And never waits."""
    exporter = Exporter()
    exporter.go_on.clear()
    provider, processor = _provider(exporter, schedule_delay=0.01, max_queue_size=10)
    _make(provider, 1)
    time.sleep(0.2)  # the worker has taken the first and is held up with it
    start = time.monotonic()
    _make(provider, 30)
    assert time.monotonic() - start < 0.1
    assert processor.dropped == 20
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    exporter.go_on.set()
    processor.shutdown()
    assert sum(map(len, exporter.batches)) == 11


def test_shutdown_sends_what_waits_and_then_nothing_more() -> None:
    """The exporter is shut down, later spans are ignored."""
    exporter = Exporter()
    provider, processor = _provider(exporter, schedule_delay=60)
    _make(provider, 5)
    processor.shutdown()
    _make(provider, 5)
    processor.shutdown()
    assert sum(map(len, exporter.batches)) == 5
    assert exporter.is_shut_down


def test_shutdown_does_not_wait_for_a_receiver_that_hangs() -> None:
    """Two seconds at the most."""
    exporter = Exporter()
    exporter.go_on.clear()
    provider, processor = _provider(exporter, schedule_delay=60)
    _make(provider, 5)
    start = time.monotonic()
    processor.shutdown()
    assert 1.5 < time.monotonic() - start < 3
    assert not processor.force_flush(10)
    exporter.go_on.set()


def test_shutdown_does_not_wait_for_a_receiver_that_is_away() -> None:
    """What failed before is not tried for long at exit."""
    exporter = Exporter()
    exporter.result = SpanExportResult.FAILURE
    provider, processor = _provider(exporter, schedule_delay=0.01)
    _make(provider, 1)
    time.sleep(0.2)
    exporter.go_on.clear()
    _make(provider, 1)
    start = time.monotonic()
    processor.shutdown()
    assert time.monotonic() - start < 0.5
    exporter.go_on.set()


def test_an_exporter_that_raises_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Its fault is logged, the next batch is sent."""

    class Raising(Exporter):
        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            super().export(spans)
            raise RuntimeError("planted")

    exporter = Raising()
    provider, processor = _provider(exporter, schedule_delay=60, max_batch_size=1)
    _make(provider, 3)
    processor.force_flush()
    processor.shutdown()
    assert len(exporter.batches) == 3
    assert len(caplog.records) <= 1


def test_an_unsampled_span_is_not_sent() -> None:
    """As the specification wants it of processors that export."""
    exporter = Exporter()
    _, processor = _provider(exporter)
    processor.on_end(ReadableSpan("x"))
    processor.shutdown()
    assert exporter.batches == []


def test_a_fork_sends_its_own_spans_and_not_its_parents(receiver: OtlpServer) -> None:
    """The child has a worker, a queue and a connection of its own; the parent's goes on."""
    processor = BoundedSpanProcessor(lambda: OTLPSpanExporter(f"{receiver.endpoint}/v1/traces"), schedule_delay=60)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("t")
    tracer.start_span("parent").end()
    child = os.fork()
    if child == 0:
        tracer.start_span("child").end()
        processor.shutdown()
        os._exit(0)
    os.waitpid(child, 0)
    assert [span.name for span in receiver.wait(1)] == ["child"]
    processor.shutdown()
    assert [span.name for span in receiver.wait(2)] == ["child", "parent"]


def test_a_receiver_that_is_away_is_worth_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """The exporter's own log does not repeat itself."""
    processor = BoundedSpanProcessor(
        lambda: OTLPSpanExporter(f"http://127.0.0.1:{free_port()}/v1/traces", timeout=0.1), schedule_delay=60
    )
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    for _ in range(3):
        _make(provider, 1)
        processor.force_flush()
    processor.shutdown()
    messages = [record.msg for record in caplog.records]
    assert len(messages) == len(set(messages)) > 0
