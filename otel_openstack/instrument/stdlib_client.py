"""The client half where no ``requests`` is: one span for each hop that :mod:`http.client` puts on the wire.

``urllib.request``, urllib3 used directly and everything else that speaks through :class:`http.client.HTTPConnection`
passes here, below retries and redirects, and so does what speaks through eventlet's copy of that module, as swift does
between its servers. The header block is read where it is about to leave, so it is whole; bodies are looked at as they
pass, coded as they are on the wire. A hop that ``requests`` makes has its exchange there already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from contextvars import ContextVar
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from otel_openstack import attributes as names
from otel_openstack.instrument.capture import Exchange
from otel_openstack.instrument.guard import never_raises
from otel_openstack.instrument.hop import VERSIONS, ClientExchange, Hop, HopTracer
from otel_openstack.instrument.streams import OBSERVED, observed_body

_Arguments = tuple[Any, ...]
_Keywords = Mapping[str, Any]

_recorded_above: ContextVar[bool] = ContextVar("otel_openstack_recorded_above", default=False)
_attempt: ContextVar[_Attempt | None] = ContextVar("otel_openstack_attempt", default=None)

# Not imported here: where eventlet's copy comes first, that would set off the hook of http.client, which needs us
if TYPE_CHECKING:
    from http.client import HTTPConnection, HTTPResponse

    _Response = HTTPResponse
else:  # a mixin, as eventlet's copy of the module has classes of its own
    _Response = object

_HOP = "_otel_openstack_hop"
_EXCHANGE = "_otel_openstack_exchange"
_MAX_CHUNK_HEAD = 18  # 16 hex digits and the end of the line


def recorded_above(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function so that the hops it makes are none of ours: a library above records them."""

    def beneath(*args: Any, **kwargs: Any) -> Any:
        token = _recorded_above.set(True)
        try:
            return function(*args, **kwargs)
        finally:
            _recorded_above.reset(token)

    return beneath


class _Attempt:
    """One time that urllib3 sends a request, from before it connects to where the header block leaves.

    :ivar hop: what the connection takes over; ``None`` when nothing is recorded or measured.
    :ivar lines: the header lines that pass its ids on.
    """

    __slots__ = ("hop", "lines")

    def __init__(self) -> None:
        self.hop: Hop | None = None
        self.lines: list[tuple[str, str]] = []

    def put_header(self, name: str, value: str) -> None:
        self.lines.append((name, value))


class ConnectionTracer(HopTracer):
    """Makes the wrappers of the methods of ``HTTPConnection`` that are named as its own.

    A connection has its hop from the request on; when it goes without an answer, so does the hop.
    """

    def attempt(self, wrapped: Callable[..., Any], _instance: object, args: _Arguments, kwargs: _Keywords) -> Any:
        """Make an attempt of urllib3 (its ``_make_request``), which connects before there is a request."""
        attempt = None if _recorded_above.get() else self._attempted(*args, **kwargs)
        if type(attempt) is not _Attempt:
            return wrapped(*args, **kwargs)
        token = _attempt.set(attempt)
        try:
            with attempt.hop or nullcontext():
                return wrapped(*args, **kwargs)
        finally:
            _attempt.reset(token)

    @never_raises
    def _attempted(self, connection: Any, method: str, url: str, *_args: Any, **kwargs: Any) -> _Attempt | None:
        if not hasattr(type(connection).endheaders, "__wrapped__"):  # one of another make, as urllib3's for HTTP/2 is
            return None
        attempt = _Attempt()
        hop = attempt.hop = self.begin(method, _url(connection, url), attempt.put_header)
        before = getattr(kwargs.get("retries"), "history", ())
        if hop is not None and hop.exchange is not None and before:
            hop.exchange.attributes[names.HTTP_REQUEST_RESEND_COUNT] = len(before)
        return attempt

    def endheaders(
        self, wrapped: Callable[..., Any], instance: HTTPConnection, args: _Arguments, kwargs: _Keywords
    ) -> Any:
        """Send the header block, and a body if it is given here, observed."""
        instance.__dict__.pop(_HOP, None)
        hop = None if _recorded_above.get() else self._observe(instance)
        if type(hop) is not Hop:
            return wrapped(*args, **kwargs)
        given = args[0] if args else kwargs.get("message_body")
        body = None if given is None else _observed(hop.exchange, given)
        if type(body) in OBSERVED:
            args, kwargs = ((body, *args[1:]), kwargs) if args else (args, {**kwargs, "message_body": body})
        with hop:
            result = wrapped(*args, **kwargs)
        # Not before: what was sent till now was a proxy's CONNECT, the header block and the body that we have seen
        _await(instance, hop)
        return result

    def send(self, wrapped: Callable[..., Any], instance: HTTPConnection, args: _Arguments, kwargs: _Keywords) -> Any:
        """Send a part of the body, observed."""
        hop: Hop | None = instance.__dict__.get(_HOP)
        if hop is not None and hop.exchange is not None and args:
            part = _observed_part(hop.exchange, args[0])
            if type(part) in OBSERVED:
                args = (part, *args[1:])
        return wrapped(*args, **kwargs)

    def getresponse(
        self, wrapped: Callable[..., HTTPResponse], instance: HTTPConnection, args: _Arguments, kwargs: _Keywords
    ) -> HTTPResponse:
        """Read the header block of the response, observed; swift's ``getexpect`` also returns interim ones."""
        hop: Hop | None = instance.__dict__.pop(_HOP, None)
        if hop is None:
            return wrapped(*args, **kwargs)
        with hop:
            response = wrapped(*args, **kwargs)
        if getattr(response, "status", None) == HTTPStatus.CONTINUE:
            _await(instance, hop)
        else:
            _answer(hop, response)
        return response

    def close(self, wrapped: Callable[..., Any], instance: HTTPConnection, args: _Arguments, kwargs: _Keywords) -> Any:
        """Close the connection, and give up what it waited for."""
        instance.__dict__.pop(_HOP, None)
        return wrapped(*args, **kwargs)

    @never_raises
    def _observe(self, connection: Any) -> Hop | None:
        buffer: list[bytes] = connection._buffer  # the request line and the header lines, about to be sent
        method, target = buffer[0].decode("latin-1").split(" ")[:2]
        present = {_name(line) for line in buffer[1:]}

        def put_header(name: str, value: str) -> None:
            stale = name.lower().encode()
            if stale in present:  # a proxy, as swift's is, passes on what it was sent: ids of the hop before
                buffer[1:] = [line for line in buffer[1:] if _name(line) != stale]
            connection.putheader(name, value)

        attempt = _attempt.get()
        if attempt is None:
            hop = self.begin(method, _url(connection, target), put_header)
        else:
            _attempt.set(None)  # it is this one: what a body's iterator asks of others while it is sent is not
            hop = attempt.hop
            for line in attempt.lines:
                put_header(*line)
        if hop is not None and hop.exchange is not None:
            _describe(hop.exchange, buffer[1:])
        return hop


def _name(line: bytes) -> bytes:
    return line.partition(b":")[0].lower()


@never_raises
def _describe(exchange: Exchange, lines: list[bytes]) -> None:
    headers = (line.decode("latin-1").partition(":") for line in lines)
    exchange.request([(name, value.removeprefix(" ")) for name, _, value in headers])


def _url(connection: Any, target: str) -> str:
    if not target.startswith(("/", "*")):  # to a proxy the whole URL is sent (RFC 9112, 3.2.2)
        return target
    if target == "*":  # OPTIONS of the server itself (RFC 9112, 3.2.4)
        target = ""
    scheme = "https" if connection.default_port == 443 else "http"
    host, port = connection.host, connection.port
    if tunnel := getattr(connection, "_tunnel_host", None):
        host, port = tunnel, connection._tunnel_port
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"{scheme}://{host}{'' if port in (None, connection.default_port) else f':{port}'}{target}"


@never_raises
def _await(connection: Any, hop: Hop) -> None:
    connection.__dict__[_HOP] = hop


@never_raises
def _observed_part(exchange: Exchange, data: Any) -> Any:
    try:
        view = memoryview(data).cast("B")
    except TypeError:
        return _observed(exchange, data)
    if exchange.request_body is not None:
        exchange.request_body.feed(_without_chunk_frame(view))
    return None


def _without_chunk_frame(view: memoryview) -> memoryview:
    """Return what a chunk holds when the caller has framed it by itself (RFC 9112, 7.1), else all of it."""
    head, end, _ = bytes(view[:_MAX_CHUNK_HEAD]).partition(b"\r\n")
    try:
        size = int(head, 16) if end else -1
    except ValueError:
        return view
    start = len(head) + 2
    return view[start:-2] if size >= 0 and len(view) == start + size + 2 and bytes(view[-2:]) == b"\r\n" else view


@never_raises
def _observed(exchange: Exchange | None, body: Any) -> Any:
    return None if exchange is None or exchange.request_body is None else observed_body(body, exchange.request_body)


@never_raises
def _answer(hop: Hop, response: Any) -> None:
    exchange = hop.answered(response.status)
    if exchange is None:
        return
    exchange.response(response.status, response.reason or "", response.headers.items())
    exchange.attributes[names.NETWORK_PROTOCOL_VERSION] = VERSIONS.get(response.version, "")
    if response.length == 0 or response.isclosed():
        exchange.end()
        return
    try:
        # Of the same object another class: whoever holds the response, and however it is read, it is seen
        response.__dict__[_EXCHANGE] = exchange
        response.__class__ = _observing(type(response))
    except (AttributeError, TypeError):  # nobody's subclass of ours: its body goes unseen
        exchange.end()


_observing_classes: dict[type, type] = {}


def _observing(kind: type) -> type:
    if kind not in _observing_classes:
        _observing_classes[kind] = type(kind.__name__, (_ObservedResponse, kind), {"__module__": kind.__module__})
    return _observing_classes[kind]


class _ObservedResponse(_Response):
    """What is put before a class of responses: each way of reading, of which some use others."""

    _otel_openstack_depth = 0
    _otel_openstack_at_end = False
    _otel_openstack_in_chunk = False

    def read(self, *args: Any, **kwargs: Any) -> Any:
        return self._otel_openstack_read(super().read, args, kwargs)

    def read1(self, *args: Any, **kwargs: Any) -> Any:
        return self._otel_openstack_read(super().read1, args, kwargs)

    def readline(self, *args: Any, **kwargs: Any) -> Any:
        return self._otel_openstack_read(super().readline, args, kwargs)

    def readinto(self, buffer: Any) -> int:
        count: int = self._otel_openstack_read(super().readinto, (buffer,), {})
        return count

    def _safe_read(self, amount: int) -> bytes:
        # urllib3 reads chunks by itself, this way, and the end of the line behind each
        data: bytes = self._otel_openstack_read(super()._safe_read, (amount,), {})  # type: ignore[misc]  # not in stubs
        return data

    def _close_conn(self) -> None:
        super()._close_conn()  # type: ignore[misc]  # not in the stubs
        self._otel_openstack_at_end = True
        if not self._otel_openstack_depth:
            self.__dict__[_EXCHANGE].end()

    def close(self) -> None:
        try:
            super().close()
        finally:
            self.__dict__[_EXCHANGE].end()

    def _otel_openstack_read(self, read: Callable[..., Any], args: _Arguments, kwargs: _Keywords) -> Any:
        if self._otel_openstack_depth:
            return read(*args, **kwargs)
        exchange: ClientExchange = self.__dict__[_EXCHANGE]
        self._otel_openstack_depth = 1
        try:
            with exchange:
                data = read(*args, **kwargs)
        finally:
            self._otel_openstack_depth = 0
        self._otel_openstack_passed(exchange, read.__name__, args, data)
        if self._otel_openstack_at_end or self.length == 0:  # read1() and readline() do not close at the end
            exchange.end()
        return data

    @never_raises
    def _otel_openstack_passed(self, exchange: Exchange, how: str, args: _Arguments, data: Any) -> None:
        if exchange.ended or exchange.response_body is None:
            return
        if how == "_safe_read":
            if data == b"\r\n" and self._otel_openstack_in_chunk:
                self._otel_openstack_in_chunk = False
                return
            self._otel_openstack_in_chunk = True
        exchange.response_body.feed(memoryview(args[0])[:data] if how == "readinto" else data)
