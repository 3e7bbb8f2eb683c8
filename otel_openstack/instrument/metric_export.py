"""Exports metrics at intervals, from a thread of the process that measures.

Why not the SDK's periodic reader as it is: it starts its thread when the SDK is configured. Under uWSGI that is in the
master, whose workers hang when they are forked at the wrong moment (:mod:`.threads`); under eventlet it is before the
patches. And a fork inherits its connection, its counts and locks of the SDK that it may hold.

So each process gets a reader, an exporter and a thread of its own, with its first span or HTTP request.
"""

from __future__ import annotations

import atexit
import math
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.util._importlib_metadata import entry_points

from otel_openstack.instrument import threads
from otel_openstack.instrument.exits import send_before
from otel_openstack.instrument.guard import never_raises

_SHUTDOWN_SECONDS = 1.0

_OTLP = {"grpc": "otlp_proto_grpc", "http/protobuf": "otlp_proto_http"}
"""By protocol, the names of the exporters that ``otlp`` stands for."""


def exporter_named(name: str, environ: Mapping[str, str]) -> Callable[[], MetricExporter] | None:
    """Return what makes an exporter that metrics are pushed to; ``None`` for a reader that is asked for them.

    :param name: of those in ``OTEL_METRICS_EXPORTER``.
    """
    if name == "otlp":
        protocol = environ.get("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL") or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "")
        name = _OTLP.get(protocol.strip(), name)
    for point in entry_points(group="opentelemetry_metrics_exporter", name=name):
        found = point.load()
        if isinstance(found, type) and issubclass(found, MetricExporter):
            return found
    return None


class PeriodicMetrics:
    """Exports what each process measures, at intervals and once more when it ends.

    :param provider: whose instruments measure.
    :param new_exporter: makes the exporter; called once in each process.
    :param interval: seconds between two exports.
    """

    def __init__(self, provider: MeterProvider, new_exporter: Callable[[], MetricExporter], interval: float) -> None:
        self._provider = provider
        self._new_exporter = new_exporter
        self._interval = interval
        self._export: _Export | None = None
        self._pid = 0
        self._locks: dict[int, threading.Lock] = {}
        # While metrics are collected, locks of the SDK are held, and a fork would inherit them so
        self._collecting = threading.Lock()
        release = self._collecting.release
        os.register_at_fork(before=self._collecting.acquire, after_in_parent=release, after_in_child=release)
        atexit.register(self.stop)

    def begin(self) -> None:
        """Make sure that what this process measures from now on is exported; in a master of uWSGI nothing is."""
        if self._pid != os.getpid():
            self._start()

    @property
    def is_behind(self) -> bool:
        """Whether this process measures for a receiver that is there."""
        return self._export is not None and self._pid == os.getpid() and self._export.is_heard

    def send_apart(self, seconds: float) -> None:
        """Export the last state, from a native thread at the end of the process."""
        if self._export is not None:
            self._export.send_apart(seconds)

    def tell_loss(self) -> None:
        """Log nothing: what is missing is the last point of a series, and nothing that happened."""

    def stop(self) -> None:
        """Export the last state and stop; after a second, or if the receiver is known to be away, without."""
        if self._export is not None and self._pid == os.getpid():
            self._export.stop()

    @never_raises
    def _start(self) -> None:
        pid = os.getpid()
        with self._locks.setdefault(pid, threading.Lock()):
            if self._pid == pid or threads.is_master():
                return
            inherited, self._export = self._export, None
            try:
                if inherited is not None:
                    self._provider.remove_metric_reader(inherited.reader)
                self._export = _Export(self._provider, self._new_exporter, self._interval, self._collecting)
            finally:
                self._pid = pid
        send_before(self)


class _Export:
    """The reader and the thread, green or not, of one process."""

    def __init__(
        self,
        provider: MeterProvider,
        new_exporter: Callable[[], MetricExporter],
        interval: float,
        collecting: threading.Lock,
    ) -> None:
        self.is_heard = True
        self._green = threads.is_green()
        self._new_exporter = new_exporter
        self._exporter = new_exporter()
        self._interval = interval
        self._collecting = collecting
        self._sending = threading.Lock()
        self._stopping = threading.Event()
        self.reader = _Reader(self._exporter)
        provider.add_metric_reader(self.reader)
        self._ended = threads.start(self._run, "otel-openstack-metrics")

    def stop(self) -> None:
        self._stopping.set()
        if self.is_heard:
            self._ended.wait(_SHUTDOWN_SECONDS)
        self.reader.shutdown()

    def send_apart(self, seconds: float) -> None:
        if self._green:  # its thread does not go on any more, whatever it was sending
            self._send(self._new_exporter())
        elif self._sending.acquire(timeout=seconds):
            self._send(self._exporter)

    def _run(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._stopping.wait(self._interval)
            with self._sending:
                self._send(self._exporter)

    @never_raises
    def _send(self, exporter: MetricExporter) -> None:
        with self._collecting:
            collected = self.reader.collected()
        if collected is not None:
            with suppress_instrumentation():
                self.is_heard = exporter.export(collected) is MetricExportResult.SUCCESS


class _Reader(PeriodicExportingMetricReader):
    """The SDK's reader, of such temporality and aggregation as its exporter wants, without its thread."""

    def __init__(self, exporter: MetricExporter) -> None:
        super().__init__(exporter, export_interval_millis=math.inf)
        self._collected: MetricsData | None = None

    def collected(self) -> MetricsData | None:
        """Return the state of the metrics, ``None`` where nothing was measured."""
        self._collected = None
        self.collect()
        return self._collected

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 0, **_kwargs: Any) -> None:  # noqa: ARG002
        self._collected = metrics_data
