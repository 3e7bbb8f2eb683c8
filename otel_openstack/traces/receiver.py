"""The embedded OTLP receiver: HTTP and gRPC into a store.

Loopback is the default, for there is no authentication: whoever can connect can write.
"""

from __future__ import annotations

import importlib.util
import logging
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from types import TracebackType
from typing import Any

from otel_openstack.exceptions import SourceError
from otel_openstack.traces.intake import Intake
from otel_openstack.traces.receiver_http import HttpReceiver
from otel_openstack.traces.store import Store

_SORT_SECONDS = 0.5
_MAX_WAITING_BYTES = 32 * 1024**2
_PRUNE_SECONDS = 60

_log = logging.getLogger(__name__)


def grpc_is_installed() -> bool:
    """Whether the extra that OTLP over gRPC needs is there."""
    return importlib.util.find_spec("grpc") is not None


class Receiver:
    """An OTLP receiver that runs from :meth:`start` to :meth:`stop`, or as long as a ``with`` block.

    :param store: where spans are kept; it stays open afterwards.
    :param http: host and port for OTLP/HTTP, port 0 for a free one, ``None`` for no such server.
    :param grpc: the same for OTLP/gRPC.
    """

    def __init__(
        self, store: Store, *, http: tuple[str, int] | None = None, grpc: tuple[str, int] | None = None
    ) -> None:
        self._store = store
        self._addresses = {"http": http, "grpc": grpc}
        self._ports: dict[str, int] = {}
        self._running = ExitStack()
        self._stopping = threading.Event()

    def start(self) -> None:
        """Listen, and answer from now on.

        :raises SourceError: an address cannot be listened on, or the extra ``grpc`` is missing.
        """
        self._stopping.clear()
        with ExitStack() as running:
            sorter = threading.Thread(target=self._sort, name="otlp-sorter", daemon=True)
            sorter.start()
            running.callback(sorter.join)
            running.callback(self._stopping.set)
            intake = Intake(self._store)
            for protocol, address in self._addresses.items():
                if address is not None:
                    server = _listen(protocol, intake, address)
                    running.callback(server.stop)
                    self._ports[protocol] = server.port
            self._running = running.pop_all()

    def stop(self) -> None:
        """Answer what has arrived, close the servers and sort what they took; a second call does nothing."""
        self._running.close()

    def wait(self, *, max_age_days: int | None = None, max_megabytes: int | None = None) -> None:
        """Block until Ctrl-C or SIGTERM, and keep the store within its bounds; from the main thread only.

        :param max_age_days: delete what was received longer ago than this.
        :param max_megabytes: delete the oldest requests when the store uses more than this.
        """
        prune = partial(
            self._store.prune,
            max_age_seconds=None if max_age_days is None else max_age_days * 86400,
            max_bytes=None if max_megabytes is None else max_megabytes * 1024**2,
        )
        interrupted = threading.Event()
        before = {number: signal.signal(number, lambda *_: interrupted.set()) for number in _INTERRUPTS}
        try:
            while not interrupted.is_set():
                self._try(prune)
                interrupted.wait(_PRUNE_SECONDS)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @property
    def http_endpoint(self) -> str | None:
        """URL of the OTLP/HTTP server, without path; ``None`` when there is none."""
        return self._endpoint("http")

    @property
    def grpc_endpoint(self) -> str | None:
        """URL of the OTLP/gRPC server; ``None`` when there is none."""
        return self._endpoint("grpc")

    def _endpoint(self, protocol: str) -> str | None:
        address = self._addresses[protocol]
        return None if address is None else _url(address[0], self._ports.get(protocol, address[1]))

    def _sort(self) -> None:
        """Sort in quiet moments, or when it cannot wait: under load, answering comes first."""
        self._try(self._store.sort)  # what a receiver left that was killed
        waiting = 0
        stopping = False
        while not stopping:
            stopping = self._stopping.wait(_SORT_SECONDS)
            before, waiting = waiting, self._store.unsorted_bytes
            if waiting == before or waiting > _MAX_WAITING_BYTES or stopping:
                self._try(self._store.sort)

    @staticmethod
    def _try(work: Callable[[], object]) -> None:
        try:
            work()
        except SourceError as error:  # a full disk, say: senders are told so too, and it is tried again
            _log.warning("%s", error)

    def __enter__(self) -> Receiver:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


_INTERRUPTS = (signal.SIGINT, signal.SIGTERM)


def _listen(protocol: str, intake: Intake, address: tuple[str, int]) -> Any:
    try:
        if protocol == "http":
            return HttpReceiver(intake, address)
        from otel_openstack.traces.receiver_grpc import GrpcReceiver

        return GrpcReceiver(intake, address)
    except ImportError as error:
        raise SourceError(
            f"OTLP over gRPC needs a package that is not installed: {error.name}.",
            hint="pip install 'otel-openstack[grpc]', or receive over HTTP.",
        ) from error
    except OSError as error:
        raise SourceError(
            f"{_url(*address)} cannot be listened on: {error.strerror or error}.",
            hint="Another receiver may run there; name another address, with port 0 for a free one.",
        ) from error


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
