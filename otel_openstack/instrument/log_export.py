"""Exports log records in the SDK's batches, by a thread that starts with the first record of a process."""

from __future__ import annotations

import os
import threading
from collections import deque

from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter

from otel_openstack.instrument import threads
from otel_openstack.instrument.guard import never_raises

_MAX_KEPT = 2048


class LateLogRecordProcessor(LogRecordProcessor):
    """Has records wait as long as this is a master of uWSGI (:mod:`.threads`); its first worker sends them.

    :param exporter: what records leave by.
    """

    def __init__(self, exporter: LogRecordExporter) -> None:
        self._exporter = exporter
        self._batches: BatchLogRecordProcessor | None = None
        self._kept: deque[tuple[int, ReadWriteLogRecord]] = deque(maxlen=_MAX_KEPT)
        self._starting = threading.Lock()

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Queue a record."""
        if self._batches is None:
            self._kept.append((os.getpid(), log_record))
            self._start()
        else:
            self._batches.on_emit(log_record)

    def shutdown(self) -> None:
        """Send what waits and stop."""
        if self._batches is not None:
            self._batches.shutdown()  # type: ignore[no-untyped-call]  # the SDK's

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Send what waits."""
        return self._batches is None or self._batches.force_flush(timeout_millis)

    @never_raises
    def _start(self) -> None:
        # Once, and without waiting: to make a thread may itself be logged, and this is called with handlers' locks held
        if threads.is_master() or not self._starting.acquire(blocking=False):
            return
        with threads.without_signals():
            batches = BatchLogRecordProcessor(self._exporter)
        self._batches = batches
        is_heir = threads.is_heir()
        while self._kept:
            pid, record = self._kept.popleft()
            if is_heir or pid == os.getpid():
                batches.on_emit(record)
