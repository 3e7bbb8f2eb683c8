"""Where spans are kept and found: one contract, several keepers.

===================  ==========================================  =============================
what is named        example                                     kept by
===================  ==========================================  =============================
``*.db``             ``traces.db``                               :mod:`.store` (read and write)
a Collector file     ``run.jsonl``, ``spans/``, ``'s-*.json'``   :mod:`.otlp_file`
``-``                standard input                              :mod:`.otlp_file`
``jaeger+http://…``  ``jaeger+https://jaeger.lab:16686``         :mod:`.jaeger` (read only)
``tempo+http://…``   ``tempo+http://user:pw@localhost:3200``     :mod:`.tempo` (read only)
``otlp+http://…``    ``otlp+http://localhost:4318``              :mod:`.otlp_sink` (write only)
``otlp+grpc://…``    ``otlp+grpc://localhost:4317``              :mod:`.otlp_grpc` (write only)
===================  ==========================================  =============================
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from otel_openstack.exceptions import SourceError
from otel_openstack.otlp import Span

if TYPE_CHECKING:
    from otel_openstack.settings import SourceSettings
    from otel_openstack.traces.store import Store


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """One line of a list of traces.

    :param trace_id: 32 lower-case hex digits.
    :param root_name: name of the root span, or of the earliest span while the root is missing.
    :param services: service names in order of appearance.
    :param start_unix_nano: start of the earliest span.
    :param duration_nano: from there to the end of the latest.
    :param span_count: how many spans are known so far.
    """

    trace_id: str
    root_name: str
    services: tuple[str, ...]
    start_unix_nano: int
    duration_nano: int
    span_count: int


@runtime_checkable
class TraceSource(Protocol):
    """Where traces are read from.

    Every source, whatever is behind it:

    * MUST give each span exactly once, whole, also when it was delivered twice;
    * MUST take ids in any case, and give them in lower case, 32 and 16 digits;
    * MUST answer an unknown id with an empty sequence, and keep :class:`~otel_openstack.exceptions.SourceError` for
      what cannot be read;
    * MUST show a span that was acknowledged before the call, and MAY show later ones;
    * MUST give what can be read of damaged data, and say in :attr:`damage` what could not.
    """

    @property
    def damage(self) -> tuple[str, ...]:
        """One sentence for each piece of data that could not be read so far."""
        ...

    def trace(self, trace_id: str) -> Sequence[Span]:
        """Return every span of a trace, in no particular order; empty when the trace is unknown."""
        ...

    def find(self, identifier: str) -> Sequence[str]:
        """Return the ids of the traces that an id occurs in, latest first.

        :param identifier: a trace id, a span id, an ``X-Requestshook-Request-Id`` with or without dashes, or a
            ``req-…`` id (:data:`otel_openstack.attributes.IDENTIFIERS`).
        """
        ...

    def summaries(
        self, *, service: str | None = None, since_unix_nano: int = 0, limit: int = 20
    ) -> Sequence[TraceSummary]:
        """Return the latest traces, latest first.

        :param service: only traces in which this service took part.
        :param since_unix_nano: only traces that started at or after this time.
        :param limit: how many at the most.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections; a second call does nothing."""
        ...

    def __enter__(self) -> TraceSource: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class TraceSink(Protocol):
    """Where spans are written to; when :meth:`write` returns, they MUST be safe there."""

    def write(self, spans: Iterable[Span]) -> None:
        """Write spans; one that is there already is not doubled."""
        ...

    def close(self) -> None:
        """Let go of files and connections; a second call does nothing."""
        ...


STORE_SUFFIX = ".db"


Progress = Callable[[str], None]
"""Is told, in a few words, what a long search does now."""


def _silent(_: str) -> None:
    """Nobody looks."""


def open_source(name: str, *, progress: Progress = _silent) -> TraceSource:
    """Open what a person names to read traces from: see the table of this module.

    :param progress: told what is done while a search goes on.
    :raises SourceError: there is no such thing, or it is not understood.
    """
    scheme = _scheme(name)
    if open_it := _BACK_ENDS.get(scheme):
        return open_it(name.partition("+")[2], progress)
    if scheme in _SINKS:
        raise SourceError(f"{name} can be written to, but not read from.", hint=_UNDERSTOOD)
    if scheme:
        plain = scheme in ("http://", "https://")
        hint = f"Say what it is: jaeger+{name}, or tempo+{name}." if plain else _UNDERSTOOD
        raise SourceError(f"{name} begins with {scheme!r}, which is not understood.", hint=hint)
    return _open_store(name, create=False) if name.endswith(STORE_SUFFIX) else _open_files(name)


def open_sink(name: str) -> TraceSink:
    """Open what a person names to write traces to: a ``.db`` store, made when it does not exist, or an OTLP endpoint.

    :raises SourceError: it cannot be opened, or is not understood.
    """
    if name.endswith(STORE_SUFFIX) and not _scheme(name):
        return _open_store(name, create=True)
    open_it = _SINKS.get(_scheme(name))
    if open_it is None:
        raise SourceError(
            f"Spans cannot be written to {name}.",
            hint="Name a .db store, or an endpoint: otlp+http://HOST:4318, otlp+grpc://HOST:4317.",
        )
    return open_it(name)


_UNDERSTOOD = (
    "A source is a .db store, a file, folder or glob of the Collector's file exporter, -, jaeger+http://HOST:16686 or"
    " tempo+http://HOST:3200."
)


def _scheme(name: str) -> str:
    scheme, separator, _ = name.partition("://")
    return scheme + separator if separator else ""


# Each opener imports its keeper only when it is asked for: a keeper's packages are not everybody's need


def _open_store(name: str, *, create: bool) -> Store:
    from otel_openstack.traces.store import Store

    return Store.open(name, create=create)


def _open_files(name: str) -> TraceSource:
    from otel_openstack.traces.otlp_file import OtlpFiles

    return OtlpFiles(name)


def _open_jaeger(url: str, progress: Progress) -> TraceSource:
    from otel_openstack.traces.jaeger import Jaeger

    return Jaeger(url, _source_settings(), progress=progress)


def _open_tempo(url: str, progress: Progress) -> TraceSource:
    from otel_openstack.traces.tempo import Tempo

    return Tempo(url, _source_settings(), progress=progress)


def _open_http_endpoint(name: str) -> TraceSink:
    from otel_openstack.traces.otlp_sink import OtlpSink

    return OtlpSink(name.removeprefix("otlp+"), _source_settings())


def _open_grpc_endpoint(name: str) -> TraceSink:
    try:
        from otel_openstack.traces.otlp_grpc import OtlpGrpcSink
    except ImportError as error:
        raise SourceError(
            f"{name} is gRPC, which is not installed.", hint="pip install 'otel-openstack[grpc]', or say otlp+http://."
        ) from error
    return OtlpGrpcSink(name.removeprefix("otlp+"), _source_settings())


def _source_settings() -> SourceSettings:
    from otel_openstack.settings import SourceSettings

    return SourceSettings.from_env(os.environ)


_BACK_ENDS: dict[str, Callable[[str, Progress], TraceSource]] = {
    "jaeger+http://": _open_jaeger,
    "jaeger+https://": _open_jaeger,
    "tempo+http://": _open_tempo,
    "tempo+https://": _open_tempo,
}
_SINKS: dict[str, Callable[[str], TraceSink]] = {
    "otlp+http://": _open_http_endpoint,
    "otlp+https://": _open_http_endpoint,
    "otlp+grpc://": _open_grpc_endpoint,
    "otlp+grpcs://": _open_grpc_endpoint,
}
