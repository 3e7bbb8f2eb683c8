"""Sends spans in batches that every receiver takes, from a worker that belongs to the process that serves.

Why not the SDK's processor: it starts its thread when the SDK is configured. Under the launcher that is before uWSGI or
a service forks (the workers' copy is dead, the master's makes shutdown wait) and before eventlet patches the standard
library; and it cuts batches by count alone, so that a batch of spans with bodies outgrows what a receiver takes.

Here each process gets its worker, with an exporter and connections of its own, when it starts its first span. So under
**eventlet** the worker is made by what ``threading`` has become: a green thread of the hub that serves, whose sleeping
and sending yield to it. A native thread would have to use sockets and locks of before the patch, and to log through
locks that belong to the hub. The price is that encoding runs on the hub; it is cut into slices of a few milliseconds.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence

from opentelemetry.context import Context
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel_openstack.instrument import forks, threads
from otel_openstack.instrument.exits import send_before
from otel_openstack.instrument.guard import never_raises

MAX_BATCH_BYTES = 3 * 1024 * 1024
"""Encoded size that a batch may reach. OTLP receivers take 4 MiB over gRPC and 20 MiB over HTTP (the Collector)."""

_GREEN_BATCH_SIZE = 16
_SHUTDOWN_SECONDS = 2.0
_SPAN_OVERHEAD = 128
_VALUE_OVERHEAD = 16

_logger = logging.getLogger("otel_openstack")


def encoded_size(span: ReadableSpan) -> int:
    """Return about how many bytes of OTLP a span becomes; never much less."""
    size = _SPAN_OVERHEAD + len(span.name) + _mapping_size(span.attributes or {})
    for event in span.events:
        size += _VALUE_OVERHEAD + len(event.name) + _mapping_size(event.attributes or {})
    for link in span.links:
        size += 64 + _mapping_size(link.attributes or {})
    return size


def _mapping_size(attributes: Mapping[str, object]) -> int:
    return sum(len(key) + _VALUE_OVERHEAD + _value_size(value) for key, value in attributes.items())


def _value_size(value: object) -> int:
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode("utf-8", "replace"))
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, Mapping):
        return _mapping_size(value)
    if isinstance(value, Sequence):
        return sum(_VALUE_OVERHEAD + _value_size(item) for item in value)
    return 8


class BoundedSpanProcessor(SpanProcessor):
    """Batches bounded by count and by bytes, a queue bounded by count, a shutdown bounded by time.

    :param new_exporter: makes the exporter; called once in each process that has spans, by its worker when there is
        something to send, so that what an exporter imports costs no request anything.
    :param max_queue_size: spans that wait at the most; more are dropped, counted and told once.
    :param schedule_delay: seconds between two looks at the queue.
    :param max_batch_size: spans of a batch at the most.
    :param begin: called with the first span of each process, too.
    :ivar dropped: spans that found the queue full.
    """

    def __init__(
        self,
        new_exporter: Callable[[], SpanExporter],
        *,
        max_queue_size: int = 2048,
        schedule_delay: float = 1.0,
        max_batch_size: int = 512,
        begin: Callable[[], object] = lambda: None,
    ) -> None:
        self._new_exporter = new_exporter
        self._begin = begin
        self._max_queue_size = max_queue_size
        self._schedule_delay = schedule_delay
        self._max_batch_size = max_batch_size
        self._queue: deque[ReadableSpan] = deque()
        self._worker: _Worker | None = None
        self._pid = 0
        # A lock that a fork inherits may be held by a thread that it does not inherit: each process has its own
        self._locks: dict[int, threading.Lock] = {}
        self._stopped = False
        self.dropped = 0

    @property
    def capacity(self) -> int:
        """Spans that may wait."""
        return self._max_queue_size

    @property
    def queued(self) -> int:
        """Spans that wait."""
        return len(self._queue)

    @property
    def processed(self) -> int:
        """Spans that this process has handed to its exporter."""
        worker = self._worker
        return 0 if worker is None or self._pid != os.getpid() else worker.processed

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002  # the interface
        """Make sure that this process has its worker: at its last span, at exit, it may be too late for a thread."""
        if self._pid != os.getpid():
            self._start()

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a span; never waits."""
        if self._stopped or not (span.context and span.context.trace_flags.sampled):
            return
        if self._pid != os.getpid():
            self._start()
        queue = self._queue
        if len(queue) >= self._max_queue_size:
            self._drop()
            return
        queue.append(span)
        if len(queue) == self._max_batch_size and self._worker is not None:
            self._worker.hurry()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Send what waits, in the calling thread; false if somebody else still sends after the time."""
        worker = self._worker
        if worker is None or self._pid != os.getpid():
            return True
        return worker.drain(timeout_millis / 1000)

    def shutdown(self) -> None:
        """Send what waits and stop; after two seconds, or if the receiver is known to be away, let go of the rest."""
        self._stopped = True
        if self._worker is not None and self._pid == os.getpid():
            self._worker.stop()

    @property
    def is_behind(self) -> bool:
        """Whether spans of this process wait for a receiver that is there."""
        worker = self._worker
        return worker is not None and self._pid == os.getpid() and worker.is_behind

    def send_apart(self, seconds: float) -> None:
        """Send what waits, from a native thread at the end of the process."""
        if self._worker is not None:
            self._worker.send_apart(seconds)

    def tell_loss(self) -> None:
        """Log how many spans the end comes too early for."""
        if self._worker is not None:
            self._worker.tell_loss()

    @never_raises
    def _start(self) -> None:
        pid = os.getpid()
        with self._locks.setdefault(pid, threading.Lock()):
            if self._pid == pid or threads.is_master():
                return
            if self._worker is not None or not threads.is_heir():
                self._queue = deque()  # what a fork inherits is its parent's to send, and to count
                self.dropped = 0
            self._worker = _Worker(self._new_exporter, self._queue, self._schedule_delay, self._max_batch_size)
            self._pid = pid
        send_before(self)
        self._begin()

    def _drop(self) -> None:
        self.dropped += 1
        if self.dropped == 1:
            _logger.warning(
                "%d spans wait to be sent: further ones are dropped until the receiver keeps up "
                "(OTEL_BSP_MAX_QUEUE_SIZE)",
                self._max_queue_size,
            )


class _Worker:
    """The thread, green or not, of one process."""

    def __init__(
        self,
        new_exporter: Callable[[], SpanExporter],
        queue: deque[ReadableSpan],
        schedule_delay: float,
        max_batch_size: int,
    ) -> None:
        self.processed = 0
        self._green = threads.is_green()
        self._queue = queue
        self._schedule_delay = schedule_delay
        self._max_batch_size = min(max_batch_size, _GREEN_BATCH_SIZE) if self._green else max_batch_size
        self._new_exporter = new_exporter
        self._exporter: SpanExporter | None = None
        self._log: logging.Logger | None = None
        self._wake = threading.Event()
        self._sending = threading.Lock()
        self._stopping = False
        self._failing = False
        self._in_flight: list[ReadableSpan] = []
        if self._green:  # no green thread imports while another may wait for the same lock
            self._prepare()
        self._ended = threads.start(self._run, "otel-openstack-export")

    def hurry(self) -> None:
        """Wake the worker. Not a green one: the caller may be another native thread, with a hub of its own."""
        if not self._green:
            self._wake.set()

    @never_raises
    def stop(self) -> None:
        self._stopping = True
        self._wake.set()
        deadline = time.monotonic() + _SHUTDOWN_SECONDS
        while (self._queue or self._sending.locked()) and time.monotonic() < deadline:
            self._ended.wait(0.05)
            if self._failing:
                break
        if self.is_behind:
            self.tell_loss()
        if self._exporter is not None:
            self._exporter.shutdown()
        if self._log is not None and not self._failing:
            self._log.removeFilter(self._hear)

    @property
    def is_behind(self) -> bool:
        """Whether something waits for a receiver that is there."""
        return not self._failing and bool(self._queue or self._in_flight)

    def tell_loss(self) -> None:
        self._failing = True  # whatever the exporter tells from now on is no news
        _logger.warning(
            "%d spans were not sent, or their receipt not confirmed, before the process ended: the receiver is slow "
            "(OTEL_EXPORTER_OTLP_ENDPOINT)",
            len(self._queue) + len(self._in_flight),
        )

    @never_raises
    def send_apart(self, timeout: float) -> None:
        """Send what waits from a native thread, at the end of the process."""
        if not self._green:
            self.drain(timeout)
            return
        # The green worker does not go on any more. What it was sending may arrive twice, which is better than never
        exporter = self._new_exporter()
        with suppress_instrumentation():
            for batch in self._batches():
                exporter.export(batch)
                self._in_flight = []

    def drain(self, timeout: float) -> bool:
        """Send what waits; false if another thread was sending all the time."""
        if not self._sending.acquire(timeout=timeout):
            return False
        try:
            with suppress_instrumentation():
                for batch in self._batches():
                    self._failing = self._send(batch) is not SpanExportResult.SUCCESS
                    self.processed += len(batch)
                    self._in_flight = []
                    if self._green:
                        time.sleep(0)
        finally:
            self._sending.release()
        return True

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait(self._schedule_delay)
            self._wake.clear()
            self.drain(timeout=self._schedule_delay)
        self.drain(timeout=_SHUTDOWN_SECONDS)

    def _hear(self, record: logging.LogRecord) -> bool:
        """Note trouble, and let one line about it pass until the receiver is back."""
        if record.levelno < logging.WARNING:
            return True
        is_news = not self._failing
        self._failing = True
        return is_news

    @never_raises
    def _send(self, batch: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._prepare().export(batch)

    def _prepare(self) -> SpanExporter:
        if self._exporter is None:
            with forks.importing:
                self._exporter = self._new_exporter()
            # An exporter that retries tells its troubles to nobody but its log
            self._log = logging.getLogger(type(self._exporter).__module__)
            self._log.addFilter(self._hear)
        return self._exporter

    def _batches(self) -> Iterator[list[ReadableSpan]]:
        batch_bytes = 0
        while self._queue:
            size = encoded_size(self._queue[0])
            batch = self._in_flight
            if batch and (len(batch) >= self._max_batch_size or batch_bytes + size > MAX_BATCH_BYTES):
                yield batch
                batch_bytes = 0
            self._in_flight.append(self._queue.popleft())
            batch_bytes += size
        if self._in_flight:
            yield self._in_flight
