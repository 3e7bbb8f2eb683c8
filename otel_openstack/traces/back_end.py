"""What sources over the HTTP API of a back end have in common: how they are reached, and the life of a search."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import ClassVar, TypeVar

from otel_openstack.otlp import Span
from otel_openstack.settings import SourceSettings
from otel_openstack.traces import Progress
from otel_openstack.traces.http_api import HttpApi
from otel_openstack.traces.identifiers import normalize

_Self = TypeVar("_Self", bound="BackEnd")


class BackEnd(ABC):
    """The half of a :class:`~otel_openstack.traces.TraceSource` that is the same for every back end.

    :param url: ``http://HOST:PORT``, with the path that its API is below, if any.
    :param settings: how it is reached.
    :param progress: told what is done while a search goes on.
    """

    name: ClassVar[str]
    """What errors call it, such as ``Jaeger``."""
    port: ClassVar[int]
    """Where it usually listens."""

    def __init__(self, url: str, settings: SourceSettings, *, progress: Progress) -> None:
        self._settings = settings
        self._api = HttpApi(url, name=self.name, port=self.port, settings=settings)
        self._progress = progress
        self._damage: dict[str, None] = {}

    @property
    def damage(self) -> tuple[str, ...]:
        """One sentence for each thing that the back end left out, cut or changed."""
        return tuple(self._damage)

    @abstractmethod
    def trace(self, trace_id: str) -> Sequence[Span]:
        """Return every span of a trace; empty when the trace is unknown."""

    @abstractmethod
    def _occurrences(self, key: str) -> Iterator[tuple[str, int]]:
        """Yield id and start of each trace that a normalized id occurs in; one may come again."""

    def find(self, identifier: str) -> Sequence[str]:
        """Return the ids of the traces that an id occurs in, latest first."""
        key = normalize(identifier)
        if not (key and key.isprintable()):
            return ()
        if self.trace(key):
            return (key,)  # ids are random: what names a trace names nothing else
        starts: dict[str, int] = {}
        for trace_id, start in self._occurrences(key):
            starts[trace_id] = min(start, starts.get(trace_id, start))
        return sorted(starts, key=lambda trace_id: starts[trace_id], reverse=True)

    def close(self) -> None:
        """Close the connections; a second call does nothing."""
        self._api.close()

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _note(self, sentence: str) -> None:
        self._damage[sentence] = None
