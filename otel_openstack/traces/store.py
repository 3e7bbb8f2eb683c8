r"""The embedded store: spans in one SQLite file, for one machine and one team.

A request is kept as it came: one row of ``batch`` holds its bytes, and once that row is committed the request may be
acknowledged. Finding is another matter and another moment: :meth:`Store.sort` reads the batches that it has not seen,
and writes down where each span is and which ids lead to it. The receiver sorts in the background; whoever reads sorts
what is left first, and so sees everything that was acknowledged. Payloads are written once, which is what makes both
halves quick::

    append -> batch -> sort -> span, trace, identifier, service
                  \                    |
                   +--- payload ---- trace, find, summaries, traces

The file is in WAL mode with ``synchronous=NORMAL``: what was acknowledged survives a process that is killed; a power
failure may take the last moments, and never leaves a broken file. Readers and one writer work at the same time, also
from several processes.
"""

from __future__ import annotations

import itertools
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError as ProtobufError
from opentelemetry.proto.trace.v1 import trace_pb2

from otel_openstack.exceptions import SourceError
from otel_openstack.otlp import Resource, Scope, Span, protobuf
from otel_openstack.traces import TraceSummary
from otel_openstack.traces.identifiers import is_hex, normalize
from otel_openstack.traces.lookup import summarize
from otel_openstack.traces.store_file import (
    BUSY_SECONDS,
    PLACES,
    WAL_BYTES,
    Execute,
    check_schema,
    connect,
    create_file,
    explained,
    transaction,
)

if TYPE_CHECKING:
    from otel_openstack.traces.digest import TraceDigest

_SORT_BYTES = 32 * 1024**2  # at once, so that an index page is written once for many spans
_WRITE_SPANS = 512  # a batch, as the SDKs have it
_CACHE_BYTES = 64 * 1024**2
_MAX_FRESH_BYTES = 128 * 1024**2  # beyond that, whoever appends has to sort

_Place = tuple[trace_pb2.Span, Resource, Scope]


class Store:
    """A store that is open; a :class:`~otel_openstack.traces.TraceSource` and ``TraceSink`` that threads may share."""

    def __init__(self, path: Path, connections: tuple[sqlite3.Connection, ...], *, read_only: bool) -> None:
        self.path = path
        self._wal = Path(f"{path}-wal")
        self._read_only = read_only
        # One connection for each kind of work, and a lock for each; who writes also holds _writing
        self._appender, self._sorter, self._reader = connections
        self._writing, self._sorting, self._reading = threading.Lock(), threading.Lock(), threading.RLock()
        self._fresh: dict[int | None, bytes] = {}  # what was appended and not sorted yet, by id
        self.unsorted_bytes = 0
        """Their size: what :meth:`sort` would go through."""
        self._damage: dict[str, None] = {}
        self._batches: dict[int, tuple[int, list[_Place]]] = {}  # the last ones read, by id, with their size

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, create: bool = False) -> Store:
        """Open a store.

        :param create: make the file, private to its owner, when it does not exist.
        :raises SourceError: there is no such file, or it is not a store that this version can read, or write.
        """
        file = Path(path)
        if create:
            create_file(file)
        elif not file.is_file():
            raise SourceError(
                f"There is no store {file}.", hint="otel-openstack receive makes one, and so does record."
            )
        read_only = not os.access(file, os.W_OK)
        if create and read_only:
            raise SourceError(f"The store {file} is read-only.", hint="Name another file, or chmod u+w it.")
        with ExitStack() as opened, explained(file):
            connections = tuple(opened.enter_context(closing(connect(file, read_only=read_only))) for _ in range(3))
            check_schema(file, connections[0])
            opened.pop_all()
        return cls(file, connections, read_only=read_only)

    # -- writing ---------------------------------------------------------------------------------------------------

    def append(self, request: bytes) -> None:
        """Commit one OTLP request.

        :param request: a ``TracesData`` message in which every span has valid ids.
        :raises SourceError: the file cannot be written.
        """
        with self._writing, explained(self.path):
            cursor = self._appender.execute(
                "INSERT INTO batch (received_unix_nano, payload) VALUES (?, ?)", (time.time_ns(), request)
            )
            self._fresh[cursor.lastrowid] = request
            self.unsorted_bytes += len(request)
        if self.unsorted_bytes > _MAX_FRESH_BYTES:
            self.sort()

    def write(self, spans: Iterable[Span]) -> None:
        """Write spans, and commit them.

        :raises SourceError: the file cannot be written, or a span has ids that nothing could find it by.
        """
        remaining = iter(spans)
        while chunk := list(itertools.islice(remaining, _WRITE_SPANS)):
            for span in chunk:
                if not span.has_valid_ids:
                    raise SourceError(
                        f"A span named {span.name!r:.60} has the ids {span.trace_id!r:.40} and {span.span_id!r:.40}.",
                        hint="A trace id is 32 hex digits and a span id 16, not all zero (W3C Trace Context).",
                    )
            self.append(protobuf.encode(chunk))

    def sort(self) -> None:
        """Index every batch that was appended before the call.

        :raises SourceError: the file cannot be read or written.
        """
        with self._sorting, explained(self.path):
            while self._sort_some():
                self._checkpoint()

    def _sort_some(self) -> bool:
        """Index the next few batches, and tell whether there were any."""
        traces: dict[bytes, TraceDigest] = {}
        size = 0
        last = before = self._scalar("SELECT through FROM sorted")
        for batch, received in self._query(
            "SELECT id, received_unix_nano FROM batch WHERE id > ? ORDER BY id LIMIT 1024", before
        ):
            if size > _SORT_BYTES:
                break
            size += self._digest(batch, received, traces)
            last = batch
        if last == before:
            return False
        with self._writing, transaction(self._sorter) as write:
            if write("SELECT through FROM sorted").fetchone() == (before,):  # else another process was quicker
                self._index(traces, write)
                write("UPDATE sorted SET through = ?", (last,))
        return True

    def _digest(self, batch: int, received: int, traces: dict[bytes, TraceDigest]) -> int:
        """Add a batch to what is known of each trace, and return its size."""
        from otel_openstack.traces.digest import digest  # Here: a store that is sorted is read without it

        payload = self._fresh.get(batch) or self._payload(batch)
        try:
            digest(payload, traces, first_place=batch * PLACES, received_unix_nano=received)
        except ProtobufError as error:
            self._note_damage(batch, error)
        with self._writing:
            self.unsorted_bytes -= len(self._fresh.pop(batch, b""))
        return len(payload)

    def _index(self, traces: dict[bytes, TraceDigest], write: Execute) -> None:
        keys = [
            write(
                "INSERT INTO trace (trace_id, start_unix_nano) VALUES (?, ?) ON CONFLICT DO UPDATE"
                " SET start_unix_nano = min(start_unix_nano, excluded.start_unix_nano) RETURNING id",
                (trace_id, found.start_unix_nano),
            ).fetchall()[0][0]
            for trace_id, found in traces.items()
        ]
        found = list(zip(keys, traces.values(), strict=True))
        many = self._sorter.executemany
        # In the order of the index, so that its pages are visited once
        many(
            "INSERT OR IGNORE INTO span (span_id, trace, place) VALUES (?, ?, ?)",
            sorted((span_id, key, place) for key, trace in found for place, span_id in trace.spans),
        )
        many("INSERT OR IGNORE INTO identifier VALUES (?, ?)", sorted((i, k) for k, t in found for i in t.identifiers))
        many("INSERT OR IGNORE INTO service VALUES (?, ?)", sorted((name, k) for k, t in found for name in t.services))

    def _checkpoint(self) -> None:
        """Move the write-ahead log into the file before it gets long, without holding up those who append."""
        if self._wal.exists() and self._wal.stat().st_size > WAL_BYTES:
            checkpoint = "PRAGMA wal_checkpoint(PASSIVE)"
            self._sorter.execute(checkpoint).fetchall()
            with self._writing:  # the little that came meanwhile: only a log that is through is begun anew
                self._sorter.execute(checkpoint).fetchall()

    def prune(self, *, max_age_seconds: float | None = None, max_bytes: int | None = None) -> int:
        """Delete the oldest batches, and say how many.

        Space within the file is used again; the file itself does not shrink.

        :param max_age_seconds: delete what was received longer ago than this.
        :param max_bytes: delete until what is left takes no more than this.
        :raises SourceError: the file cannot be written.
        """
        self.sort()
        count = 0
        with explained(self.path):
            if max_age_seconds is not None:
                oldest = max(0, time.time_ns() - int(max_age_seconds * 1e9))
                count += self._delete_through(
                    self._scalar("SELECT max(id) FROM batch WHERE received_unix_nano < ?", oldest)
                )
            while max_bytes is not None and (excess := self.used_bytes() - max_bytes) > 0:
                last, size = None, 0
                for batch, length in self._query("SELECT id, length(payload) FROM batch ORDER BY id LIMIT 1024"):
                    if size >= excess:
                        break
                    last, size = batch, size + length
                if last is None:
                    break
                count += self._delete_through(last)
        return count

    def used_bytes(self) -> int:
        """Return how much of the file is in use."""
        return int(
            self._scalar(
                "SELECT (page_count - freelist_count) * page_size"
                " FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
            )
        )

    def _delete_through(self, last: int | None) -> int:
        if last is None:
            return 0
        with self._sorting, self._writing, transaction(self._sorter) as write:
            count = write("DELETE FROM batch WHERE id <= ?", (last,)).rowcount
            write("DELETE FROM span WHERE place < ?", ((last + 1) * PLACES,))
            write("DELETE FROM trace WHERE NOT EXISTS (SELECT 1 FROM span WHERE trace = trace.id)")
            for table in ("identifier", "service"):
                write(f"DELETE FROM {table} WHERE trace NOT IN (SELECT id FROM trace)")  # noqa: S608 - two constants
        return count

    # -- reading ---------------------------------------------------------------------------------------------------

    @property
    def damage(self) -> tuple[str, ...]:
        """One sentence for each batch that could not be read so far."""
        return tuple(self._damage)

    def trace(self, trace_id: str) -> Sequence[Span]:
        """Return every span of a trace; empty when the trace is unknown."""
        key = normalize(trace_id)
        if not is_hex(key, 32):
            return ()
        with explained(self.path):
            self._catch_up()
            return self._spans(bytes.fromhex(key))

    def traces(self) -> Iterator[Sequence[Span]]:
        """Yield every trace whole, in order of arrival: the quick way to read them all."""
        with explained(self.path):
            self._catch_up()
            for (trace_id,) in self._query("SELECT trace_id FROM trace ORDER BY id"):
                if spans := self._spans(trace_id):
                    yield spans

    def find(self, identifier: str) -> Sequence[str]:
        """Return the ids of the traces that an id occurs in, latest first."""
        key = normalize(identifier)
        trace_id = bytes.fromhex(key) if is_hex(key, 32) else None
        span_id = bytes.fromhex(key) if is_hex(key, 16) else None
        with explained(self.path):
            self._catch_up()
            found = self._query(
                "SELECT trace_id FROM trace WHERE id IN (SELECT id FROM trace WHERE trace_id = ? UNION ALL"
                " SELECT trace FROM span WHERE span_id = ? UNION ALL SELECT trace FROM identifier WHERE value = ?)"
                " ORDER BY start_unix_nano DESC",
                trace_id,
                span_id,
                key,
            )
        return [trace_id.hex() for (trace_id,) in found]

    def summaries(
        self, *, service: str | None = None, since_unix_nano: int = 0, limit: int = 20
    ) -> Sequence[TraceSummary]:
        """Return the latest traces, latest first; see :class:`~otel_openstack.traces.TraceSource`."""
        with explained(self.path):
            self._catch_up()
            found = self._query(
                "SELECT trace_id FROM trace WHERE start_unix_nano >= ? AND (? IS NULL OR EXISTS"
                " (SELECT 1 FROM service WHERE name = ? AND trace = trace.id))"
                " ORDER BY start_unix_nano DESC LIMIT ?",
                since_unix_nano,
                service,
                service,
                limit,
            )
            traces = [(trace_id.hex(), self._spans(trace_id)) for (trace_id,) in found]
        return [summarize(trace_id, spans) for trace_id, spans in traces if spans]

    def _catch_up(self) -> None:
        if not self._unsorted():
            return
        if not self._read_only:
            self.sort()
            return
        deadline = time.monotonic() + BUSY_SECONDS
        while self._unsorted() and time.monotonic() < deadline:  # the receiver's sorter is at it
            time.sleep(0.05)
        if count := self._unsorted():
            self._damage[
                f"{count} batches of {self.path} are not shown: they are not sorted yet, and you may not write to it."
                f" Whoever may does it by otel-openstack list --from {self.path}."
            ] = None

    def _unsorted(self) -> int:
        return int(self._scalar("SELECT count(*) FROM batch WHERE id > (SELECT through FROM sorted)"))

    def _spans(self, trace_id: bytes) -> list[Span]:
        places = self._query(
            "SELECT place FROM span WHERE trace = (SELECT id FROM trace WHERE trace_id = ?) ORDER BY place", trace_id
        )
        spans = []
        for (place,) in places:
            batch, position = divmod(place, PLACES)
            members = self._batch(batch)
            if position < len(members):
                spans.append(protobuf.span_from_message(*members[position]))
        return spans

    def _batch(self, batch: int) -> list[_Place]:
        """Return the spans of a batch by position; nothing when it was deleted meanwhile or is damaged."""
        with self._reading:
            size, members = self._batches.pop(batch, (0, []))
            if not members:
                payload = self._payload(batch)
                size, members = len(payload), self._parse(batch, payload)
            self._batches[batch] = size, members
            while len(self._batches) > 1 and sum(size for size, _ in self._batches.values()) > _CACHE_BYTES:
                del self._batches[next(iter(self._batches))]
            return members

    def _payload(self, batch: int) -> bytes:
        """Return a batch's bytes, none when it was deleted meanwhile."""
        found = self._query("SELECT payload FROM batch WHERE id = ?", batch)
        return bytes(found[0][0]) if found else b""

    def _parse(self, batch: int, payload: bytes) -> list[_Place]:
        message = trace_pb2.TracesData()
        try:
            message.ParseFromString(payload)
        except ProtobufError as error:
            self._note_damage(batch, error)
        members: list[_Place] = []
        for resource_spans in message.resource_spans:
            resource = protobuf.resource_from_message(resource_spans.resource)
            for scope_spans in resource_spans.scope_spans:
                scope = Scope(scope_spans.scope.name, scope_spans.scope.version)
                members += [(span, resource, scope) for span in scope_spans.spans]
        return members

    def _note_damage(self, batch: int, error: Exception) -> None:
        self._damage[f"batch {batch} of {self.path} is not OTLP: {error}."] = None

    def _scalar(self, statement: str, *parameters: Any) -> Any:
        return self._query(statement, *parameters)[0][0]

    def _query(self, statement: str, *parameters: Any) -> list[Any]:
        with self._reading:
            return self._reader.execute(statement, parameters).fetchall()

    # -- life ------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close the file; the last one to do so leaves it without a write-ahead log."""
        with self._sorting, self._writing, self._reading:
            for connection in (self._reader, self._sorter, self._appender):
                connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
