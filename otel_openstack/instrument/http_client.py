"""The client half: one span for each hop that ``requests`` puts on the wire.

The hook is :meth:`requests.adapters.HTTPAdapter.send`, below redirects and sessions, so every hop is an exchange of its
own; keystoneauth, openstacksdk and the ``python-*client`` libraries all go through it. Of an adapter that has urllib3
retry, the attempts are seen there (:mod:`.stdlib_client`). A response is a stream that the application may read later,
in part or never: the span ends when the body has been read to its end, is closed, or is no longer reachable.
"""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPMessage
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from otel_openstack import attributes as names
from otel_openstack.instrument.capture import Pairs
from otel_openstack.instrument.guard import never_raises
from otel_openstack.instrument.hop import DEFAULT_PORTS, VERSIONS, ClientExchange, Hop, SendTracer
from otel_openstack.instrument.streams import OBSERVED, _Proxy, observed_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from requests import PreparedRequest, Response


@never_raises
def retries(adapter: Any) -> bool:
    """Tell whether an adapter has urllib3 send a request again by itself; that of requests has not, unless told to."""
    total = adapter.max_retries.total
    return total is None or total > 0


class AdapterTracer(SendTracer):
    """Makes the wrapper of ``HTTPAdapter.send``."""

    @never_raises
    def _observe(self, request: PreparedRequest, *_args: Any, **_kwargs: Any) -> Hop | None:
        hop = self.begin(request.method or "", request.url or "", request.headers.__setitem__)
        if hop is not None and hop.exchange is not None:
            _describe(hop, hop.exchange, request)
        return hop

    @never_raises
    def _answer(self, hop: Hop, response: Response) -> None:
        exchange = hop.answered(response.status_code)
        if exchange is None:
            return
        raw = response.raw
        message = getattr(getattr(raw, "_original_response", None), "msg", None)
        headers: Pairs = message.raw_items() if isinstance(message, HTTPMessage) else response.headers.items()
        exchange.response(response.status_code, response.reason or "", headers)
        exchange.attributes[names.NETWORK_PROTOCOL_VERSION] = VERSIONS.get(getattr(raw, "version", 0), "")
        if hasattr(raw, "stream"):
            response.raw = ObservedResponse(raw, exchange)
        else:  # an adapter that does not speak through urllib3
            exchange.end()


@never_raises
def _describe(hop: Hop, exchange: ClientExchange, request: PreparedRequest) -> None:
    exchange.request(_sent_headers(request))
    if request.body is not None and exchange.request_body is not None:
        body: Any = observed_body(request.body, exchange.request_body)
        if type(body) in OBSERVED:
            hop.lend(request, "body", body)


def _native(value: Any) -> str:
    if type(value) is str:
        return value
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _sent_headers(request: PreparedRequest) -> list[tuple[str, str]]:
    """Return the header lines as they leave: those of requests, and before them what http.client puts first."""
    headers = request.headers
    # items() of requests looks every name up again; both of these go through the names in their order
    values = headers.lower_items() if hasattr(headers, "lower_items") else headers.items()
    lines = [(_native(name), _native(value)) for name, (_, value) in zip(headers, values, strict=True)]
    if "Host" not in headers:
        url = urlsplit(request.url or "")
        port = "" if url.port in (None, DEFAULT_PORTS.get(url.scheme)) else f":{url.port}"
        host = url.hostname or ""
        first = [("Host", f"[{host}]{port}" if ":" in host else host + port)]
        if "Accept-Encoding" not in headers:
            first.append(("Accept-Encoding", "identity"))
        lines = first + lines
    return lines


class ObservedResponse(_Proxy):
    """A response of urllib3 that is looked at as it is read."""

    def __init__(self, raw: object, exchange: ClientExchange) -> None:
        super().__init__(raw)
        self._self_exchange = exchange
        # Of a coded body the last bytes may have arrived while decoded ones still wait to be read
        self._self_waits = bool(exchange.response_header("content-encoding"))

    def read(self, *args: Any, **kwargs: Any) -> bytes:
        """Read as the response does."""
        decoded = kwargs.get("decode_content", args[1] if len(args) > 1 else None)
        amount = kwargs.get("amt", args[0] if args else None)
        data: bytes = self._read(self.__wrapped__.read, args, kwargs)
        # Without a size it was all there is; an empty answer to any other is the end
        self._passed(data, decoded, at_end=not data if amount else amount is None)
        return data

    def read1(self, *args: Any, **kwargs: Any) -> bytes:
        """Read what is there, as the response does."""
        data: bytes = self._read(self.__wrapped__.read1, args, kwargs)
        self._passed(data, kwargs.get("decode_content"), at_end=not data)
        return data

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer as the response does."""
        count: int = self._read(self.__wrapped__.readinto, (buffer,), {})
        self._passed(buffer, None, at_end=not count, count=count)
        return count

    def stream(self, *args: Any, **kwargs: Any) -> Iterator[bytes]:
        """Iterate over the body as the response does."""
        decoded = kwargs.get("decode_content", args[1] if len(args) > 1 else None)
        with self._self_exchange:
            for data in self.__wrapped__.stream(*args, **kwargs):
                self._passed(data, decoded, at_end=False)
                yield data
        self._end()

    def __iter__(self) -> Iterator[bytes]:
        self._self_waits = True  # so may lines
        for line in self.__wrapped__:
            self._passed(line, True, at_end=False)
            yield line
        self._end()

    def close(self) -> None:
        """Close the response, and with it the exchange."""
        try:
            self.__wrapped__.close()
        finally:
            self._end()

    def release_conn(self) -> None:
        """Give the connection back, and with it the exchange."""
        try:
            self.__wrapped__.release_conn()
        finally:
            self._end()

    def _read(self, read: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        with self._self_exchange:
            return read(*args, **kwargs)

    @never_raises
    def _passed(self, data: Any, decoded: bool | None, *, at_end: bool, count: int | None = None) -> None:
        exchange = self._self_exchange
        if exchange.ended or exchange.response_body is None:
            return
        if decoded or (decoded is None and self.__wrapped__.decode_content):
            exchange.response_body.decoded()
        exchange.response_body.feed(data if count is None else memoryview(data)[:count])
        if at_end or (not self._self_waits and self.__wrapped__.length_remaining == 0):
            self._end()

    @never_raises
    def _end(self) -> None:
        exchange = self._self_exchange
        if not exchange.ended:
            # Bytes on the wire, whatever was decoded of them; urllib3 does not count those of chunks
            if size := self.__wrapped__.tell():
                exchange.attributes[names.HTTP_RESPONSE_BODY_SIZE] = size
            exchange.end()

    __del__ = _end
