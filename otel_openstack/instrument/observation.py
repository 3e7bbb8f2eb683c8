"""A request on its way through the application: what goes back to the server, as it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from opentelemetry.context import Context, attach, detach
from opentelemetry.util.types import AnyValue

from otel_openstack import attributes as names
from otel_openstack.instrument.capture import METHODS, Exchange
from otel_openstack.instrument.environ import REQUEST_FROM, REQUEST_ID, Environ
from otel_openstack.instrument.errors import error_type
from otel_openstack.instrument.guard import never_raises
from otel_openstack.instrument.metrics import Measurement
from otel_openstack.instrument.propagator import parse_request_id
from otel_openstack.instrument.streams import beginning
from otel_openstack.route import routed

StartResponse = Callable[..., Callable[[bytes], object]]

_ECHOED = (names.HEADER_REQUESTSHOOK_REQUEST_ID.lower(), names.HEADER_REQUESTSHOOK_REQUEST_FROM.lower())
_MAX_ECHOED_NAME = 255
_CLIENT_GONE = "client_disconnected"
_AUTHENTICATED = (
    ("HTTP_X_PROJECT_ID", names.OPENSTACK_PROJECT_ID),
    ("HTTP_X_USER_ID", names.OPENSTACK_USER_ID),
    ("HTTP_X_DOMAIN_ID", names.OPENSTACK_DOMAIN_ID),
)


class Observation:
    """A request on its way through the application; without an exchange (not sampled) it only carries the context.

    :param context: what the request is served in.
    :param path: as the client sent it.
    :param exchange: what is recorded, if anything is.
    :param measurement: what is measured, if anything is.
    """

    __slots__ = (
        "_at_end", "_echo", "_environ", "_exchange", "_file", "_has_body", "_measurement", "_path", "_sent_file",
        "_wrap_file", "context",
    )  # fmt: skip

    def __init__(
        self,
        context: Context,
        environ: Environ,
        path: str,
        exchange: Exchange | None,
        measurement: Measurement | None,
    ) -> None:
        self.context = context
        self._environ = environ
        self._path = path
        self._exchange = exchange
        self._measurement = measurement
        # Of a request that is not recorded, what a measurement wants to know
        self._at_end: dict[str, AnyValue] = {} if exchange is None else exchange.attributes
        self._has_body = True
        self._file: object = None
        self._sent_file: object = None
        self._echo = _echoed_headers(environ)
        wrapper = environ.get("wsgi.file_wrapper")
        # A class stays what the server asks isinstance() of (gunicorn): what it makes is known by it
        if exchange is not None and wrapper is not None and not isinstance(wrapper, type):
            self._wrap_file = wrapper
            environ["wsgi.file_wrapper"] = self._file_wrapper

    def _file_wrapper(self, file: object, *args: object, **kwargs: object) -> object:
        self._file = file
        self._sent_file = self._wrap_file(file, *args, **kwargs)
        return self._sent_file

    def _is_sent_file(self, body: object) -> bool:
        wrapper = self._environ.get("wsgi.file_wrapper")
        if isinstance(wrapper, type) and isinstance(body, wrapper):
            self._file = getattr(body, "filelike", None)  # so called in PEP 3333's own example, and ever since
            return True
        return body is not None and body is self._sent_file

    def start_response(
        self, start_response: StartResponse, status: str, headers: list[tuple[str, str]], *args: Any, **kwargs: Any
    ) -> Callable[[bytes], object]:
        """Begin the response as the server does."""
        echoing = self._echoing(headers)
        if type(echoing) is list:
            headers = echoing
        write = start_response(status, headers, *args, **kwargs)
        if self._exchange is None and self._measurement is None:
            return write
        self._response(status, headers)
        return partial(self._write, write)

    @never_raises
    def _echoing(self, headers: Any) -> list[tuple[str, str]] | None:
        if not self._echo or not isinstance(headers, (list, tuple)):  # an iterator is the server's to take
            return None
        # A proxy, as swift's is, passes on what it was answered: ids of the hop behind
        kept = (line for line in headers if line[0].lower() not in _ECHOED)
        return [*kept, *((name, value) for name, value in self._echo)]

    @never_raises
    def _response(self, status: str, headers: Any) -> None:
        if not isinstance(headers, (list, tuple)):
            headers = []
        code, _, reason = status.partition(" ")
        template = routed(self._path, self._environ)  # now, because Flask clears away what tells it
        exchange = self._exchange
        if exchange is None:
            self._at_end |= {names.HTTP_RESPONSE_STATUS_CODE: int(code), names.HTTP_ROUTE: template}
            return
        if exchange.attributes.get(names.HTTP_ROUTE) != template:
            exchange.attributes[names.HTTP_ROUTE] = template
            method = self._environ["REQUEST_METHOD"]
            exchange.span.update_name(f"{method if method in METHODS else 'HTTP'} {template}")
        exchange.response(int(code), reason, headers)
        # RFC 9112, 6.3: these end with their head, whatever the application gives
        self._has_body = self._environ["REQUEST_METHOD"] != "HEAD" and code not in ("204", "304")

    def _write(self, write: Callable[[bytes], object], data: bytes) -> object:
        self.feed(data)
        return write(data)

    @never_raises
    def body(self, body: Any) -> Iterable[bytes] | None:
        """Return what stands in for the application's body, ``None`` for the body itself."""
        if self._is_sent_file(body):
            self._note_sent_file()
        elif isinstance(body, (list, tuple)):
            if self._exchange is not None:
                for piece in body:
                    self.feed(piece)
        elif isinstance(body, (bytes, str)):  # against the letter of PEP 3333, but servers take it
            self.feed(body.encode("latin-1", "replace") if isinstance(body, str) else body)
        else:
            return ObservedSizedBody(body, self) if hasattr(body, "__len__") else ObservedBody(body, self)
        self.end()
        return None

    def _note_sent_file(self) -> None:
        # The kernel sends it unseen: we look at how it begins, and its size is what the application says
        exchange = self._exchange
        if exchange is None or exchange.response_body is None or not self._has_body:
            return
        preview = exchange.response_body
        preview.feed(beginning(self._file, preview.limit))
        length = exchange.response_header("content-length")
        if length.isdigit():
            preview.size = int(length)

    @never_raises
    def feed(self, piece: bytes) -> None:
        """Look at a piece of the body."""
        exchange = self._exchange
        if exchange is not None and not exchange.ended and exchange.response_body is not None and self._has_body:
            exchange.response_body.feed(piece)

    @never_raises
    def fail(self, error: BaseException) -> None:
        """End with what was raised instead of a response, or in the middle of one."""
        if self._exchange is not None:
            self._identify()
            self._exchange.fail(error)
        self._measure(error_type(error))

    @never_raises
    def end(self) -> None:
        """End with the body."""
        if self._exchange is not None:
            self._identify()
            self._exchange.end()
        self._measure()

    @never_raises
    def abandon(self) -> None:
        """End before the end of the body: nobody takes it any more."""
        exchange = self._exchange
        if exchange is not None and not exchange.ended and not self._is_complete(exchange):
            exchange.attributes[names.ERROR_TYPE] = _CLIENT_GONE
        self.end()

    @never_raises
    def _is_complete(self, exchange: Exchange) -> bool:
        """Tell whether as much has passed as was promised: some servers do not ask for more than that."""
        if not self._has_body:
            return True
        length = exchange.response_header("content-length")
        return length.isdigit() and exchange.response_body is not None and exchange.response_body.size >= int(length)

    @never_raises
    def _measure(self, error: str = "") -> None:
        if self._measurement is not None:
            if error:
                self._at_end.setdefault(names.ERROR_TYPE, error)
            self._measurement.end(self._at_end)

    @never_raises
    def _identify(self) -> None:
        exchange, environ = self._exchange, self._environ
        # Only behind keystonemiddleware: elsewhere these headers are whatever the client claims
        if exchange is not None and not exchange.ended and "keystone.token_info" in environ:
            exchange.attributes.update({name: environ[key] for key, name in _AUTHENTICATED if environ.get(key)})


class ObservedBody:
    """A response body that is looked at as the server takes it, in the context of its request."""

    def __init__(self, body: Iterable[bytes], observation: Observation) -> None:
        self._body = body
        self._iterator: Iterator[bytes] | None = None
        self._observation = observation
        self._closed = False
        self._exhausted = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        token = attach(self._observation.context)
        try:
            if self._iterator is None:
                self._iterator = iter(self._body)
            piece = next(self._iterator)
        except StopIteration:
            self._exhausted = True
            self._observation.end()
            raise
        except BaseException as error:
            self._observation.fail(error)
            raise
        finally:
            detach(token)
        self._observation.feed(piece)
        return piece

    def close(self) -> None:
        """Close the body, once, and end the span if the body's end was not reached."""
        if self._closed:
            return
        self._closed = True
        token = attach(self._observation.context)
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            detach(token)
            self._end()

    @never_raises
    def _end(self) -> None:
        if self._iterator is None or self._exhausted:  # of HEAD nobody takes anything
            self._observation.end()
        else:
            self._observation.abandon()

    __del__ = _end  # a server that lost its client may never call close()


class ObservedSizedBody(ObservedBody):
    """A body with a length: servers set Content-Length by it, and may go over it more than once."""

    def __iter__(self) -> Iterator[bytes]:
        body = self._again()
        return body if type(body) is ObservedBody else iter(self._body)

    @never_raises
    def _again(self) -> ObservedBody:
        return ObservedBody(self._body, self._observation)

    def __len__(self) -> int:
        return len(self._body)  # type: ignore[arg-type]  # chosen for bodies that have a length


OBSERVED_BODIES = ObservedBody, ObservedSizedBody
"""What a body of the application may be replaced by."""


def _echoed_headers(environ: Environ) -> list[tuple[str, str]]:
    """Return the hop's pair of headers as it came, for the response; none when the id is none."""
    identifier = environ.get(REQUEST_ID)
    if not identifier or not parse_request_id(identifier):
        return []
    caller = environ.get(REQUEST_FROM, "")
    echo = [(names.HEADER_REQUESTSHOOK_REQUEST_ID, identifier)]
    if caller.isascii() and caller.isprintable() and 0 < len(caller) <= _MAX_ECHOED_NAME:
        echo.append((names.HEADER_REQUESTSHOOK_REQUEST_FROM, caller))
    return echo
