"""OTLP over HTTP (opentelemetry-proto, docs/specification.md, "OTLP/HTTP").

The server is waitress: one thread reads requests from all connections and hands them over when they are whole, so
that a slow client holds a connection but no thread, and no more than so many bytes of a body in memory (the rest waits
in a temporary file). It takes chunked bodies, ``Expect: 100-continue`` and keep-alive, and refuses what is malformed or
too large. Of the servers measured with bodies of 3 MB it used 1.0 ms a request; the standard library's, which bounds
nothing and warns of use in earnest, 0.6; cheroot and aiohttp 5 to 6.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from waitress import wasyncore
from waitress.server import create_server

from otel_openstack.exceptions import DecodeError, SourceError
from otel_openstack.traces.intake import MAX_REQUEST_BYTES, Intake

_MAX_AT_WORK = 8  # requests; others wait a little, and are then put off
_PATIENCE_SECONDS = 1
_THREADS = 2 * _MAX_AT_WORK
_MAX_WAITING = 64  # requests that are whole and have no thread yet; more are put off at once
_MAX_CONNECTIONS = 200
_BODY_BYTES_IN_MEMORY = 4 * 1024**2  # a connection
_IDLE_SECONDS = 30  # between two requests
_STOP_SECONDS = 5
_RETRY_AFTER_SECONDS = "1"

_PROTOBUF, _JSON = "application/x-protobuf", "application/json"
# google.rpc.Code of what an HTTP status says
_CODES = {400: 3, 404: 5, 405: 12, 413: 8, 415: 3, 503: 14}


class _Refusal(Exception):  # noqa: N818 - an answer, not an error of ours
    def __init__(self, status: HTTPStatus, message: str, *headers: tuple[str, str]) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


class HttpReceiver:
    """An OTLP/HTTP server in a thread of its own.

    :param address: host and port to listen on, port 0 for a free one.
    :param request_seconds: for a request to arrive, from its first byte to its last.
    :raises OSError: the address cannot be listened on.
    """

    def __init__(self, intake: Intake, address: tuple[str, int], *, request_seconds: float = 30) -> None:
        self._intake = intake
        self._request_seconds = request_seconds
        self._at_work = threading.BoundedSemaphore(_MAX_AT_WORK)
        self._sockets: dict[int, Any] = {}
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a full queue is answered, not logged
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        listening = socket.create_server(address, family=family)
        self._server: Any = create_server(
            self._answer,
            map=self._sockets,
            sockets=[listening],
            threads=_THREADS,
            backlog=128,
            recv_bytes=256 * 1024,
            inbuf_overflow=_BODY_BYTES_IN_MEMORY,
            max_request_body_size=MAX_REQUEST_BYTES + 1,
            max_request_header_size=64 * 1024,
            connection_limit=_MAX_CONNECTIONS,
            channel_timeout=_IDLE_SECONDS,
            cleanup_interval=5,
            ident="otel-openstack",
            asyncore_use_poll=True,
        )
        self.port: int = listening.getsockname()[1]
        self._arriving: dict[Any, float] = {}  # requests that are not whole yet, since when
        self._next_look = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="otlp-http", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Answer what has arrived whole, then close; no longer than a few seconds."""
        self._stopping.set()
        self._server.trigger.pull_trigger()
        self._thread.join()

    def _serve(self) -> None:
        while not self._stopping.is_set():
            wasyncore.loop(timeout=1, use_poll=True, map=self._sockets, count=1)
            self._drop_slow_clients()
        self._server.accepting = False
        deadline = time.monotonic() + _STOP_SECONDS
        while self._is_busy() and time.monotonic() < deadline:
            wasyncore.loop(timeout=0.05, use_poll=True, map=self._sockets, count=1)
        self._server.task_dispatcher.shutdown(timeout=_STOP_SECONDS)
        wasyncore.close_all(self._sockets)

    def _drop_slow_clients(self) -> None:
        """Close connections whose request takes too long, however steadily it drips; waitress closes idle ones."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + 1
        arriving = {c.request: c for c in self._server.active_channels.values() if c.request is not None}
        self._arriving = {request: self._arriving.get(request, now) for request in arriving}
        for request, since in self._arriving.items():
            if now - since > self._request_seconds:
                arriving[request].handle_close()

    def _is_busy(self) -> bool:
        return any(channel.requests or channel.writable() for channel in self._server.active_channels.values())

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        media_type = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
        headers: tuple[tuple[str, str], ...] = ()
        answer: Message
        try:
            status, answer = HTTPStatus.OK, self._take(environ, media_type)
        except _Refusal as refusal:
            status, headers = refusal.status, refusal.headers
            answer = Status(code=_CODES[status], message=str(refusal))
        written_as, write = _WRITERS.get(media_type, _TEXT)
        body = write(answer)
        start_response(
            f"{status.value} {status.phrase}",
            [("Content-Type", written_as), ("Content-Length", str(len(body))), *headers],
        )
        return [body]

    def _take(self, environ: dict[str, Any], media_type: str) -> Message:
        _check_target(environ["PATH_INFO"], environ["REQUEST_METHOD"])
        take = {_PROTOBUF: self._intake.take_protobuf, _JSON: self._intake.take_json}.get(media_type)
        if take is None:
            raise _Refusal(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                f"Content-Type {media_type!r:.100} is neither {_PROTOBUF} nor {_JSON}.",
            )
        is_crowded = len(self._server.task_dispatcher.queue) > _MAX_WAITING
        if is_crowded or not self._at_work.acquire(timeout=_PATIENCE_SECONDS):
            raise _put_off("Too many requests are waiting.")
        try:
            return take(_decompressed(environ["wsgi.input"].read(), environ.get("HTTP_CONTENT_ENCODING", "")))
        except DecodeError as error:
            raise _Refusal(HTTPStatus.BAD_REQUEST, f"{error} {error.hint}") from error
        except SourceError as error:
            raise _put_off(str(error)) from error
        finally:
            self._at_work.release()


# Media type of the request -> media type and form of its answer
_WRITERS: dict[str, tuple[str, Callable[[Message], bytes]]] = {
    _PROTOBUF: (_PROTOBUF, lambda answer: answer.SerializeToString()),
    _JSON: (_JSON, lambda answer: json_format.MessageToJson(answer, indent=None).encode()),
}
_TEXT = ("text/plain; charset=utf-8", lambda answer: f"{getattr(answer, 'message', '')}\n".encode())


def _put_off(reason: str) -> _Refusal:
    return _Refusal(HTTPStatus.SERVICE_UNAVAILABLE, reason, ("Retry-After", _RETRY_AFTER_SECONDS))


def _check_target(path: str, method: str) -> None:
    if path in ("/v1/metrics", "/v1/logs"):
        signal = path.rpartition("/")[2]
        raise _Refusal(
            HTTPStatus.NOT_FOUND,
            f"Only traces are kept here; OTEL_{signal.upper()}_EXPORTER=none keeps a service from sending {signal}.",
        )
    if path != "/v1/traces":
        raise _Refusal(HTTPStatus.NOT_FOUND, f"There is no {path!r:.100} here, only /v1/traces.")
    if method != "POST":
        raise _Refusal(HTTPStatus.METHOD_NOT_ALLOWED, f"{method:.20} is not POST.", ("Allow", "POST"))


# zlib's window for each content coding: 31 is gzip's, 15 zlib's own, which HTTP calls deflate (RFC 9110, 8.4.1)
_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


def _decompressed(body: bytes, coding: str) -> bytes:
    coding = coding.strip().lower()
    if coding in ("", "identity"):
        return body
    if coding not in _WINDOWS:
        raise _Refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Content-Encoding {coding!r:.100} is none of {', '.join(_WINDOWS)}.",
            ("Accept-Encoding", ", ".join(_WINDOWS)),
        )
    inflater = zlib.decompressobj(_WINDOWS[coding])
    try:
        inflated = inflater.decompress(body, MAX_REQUEST_BYTES + 1)
    except zlib.error as error:
        raise _Refusal(HTTPStatus.BAD_REQUEST, f"The body is not {coding}: {error}.") from error
    if len(inflated) > MAX_REQUEST_BYTES:
        raise _Refusal(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body has more than {MAX_REQUEST_BYTES} bytes once decompressed."
        )
    if not inflater.eof or inflater.unused_data:
        raise _Refusal(HTTPStatus.BAD_REQUEST, f"The body is not one whole {coding} stream.")
    return inflated
