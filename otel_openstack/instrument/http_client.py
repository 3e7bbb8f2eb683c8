"""The client half: one span for each hop that ``requests`` puts on the wire.

The hook is :meth:`requests.adapters.HTTPAdapter.send`, below redirects and sessions, so every hop is an exchange of its
own; keystoneauth, openstacksdk and the ``python-*client`` libraries all go through it. A response is a stream that the
application may read later, in part or never: the span ends when the body has been read to its end, is closed, or is no
longer reachable.
"""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPMessage
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled
from opentelemetry.trace import SpanKind
from opentelemetry.util.types import AnyValue

from otel_openstack import __version__
from otel_openstack import attributes as names
from otel_openstack.instrument import hop, runtime
from otel_openstack.instrument.capture import METHODS, Exchange, Pairs
from otel_openstack.instrument.guard import never_raises
from otel_openstack.instrument.metrics import Measurement, metrics_of
from otel_openstack.instrument.preview import masking_of
from otel_openstack.instrument.propagator import request_id
from otel_openstack.instrument.streams import OBSERVED, _Proxy, observed_body
from otel_openstack.route import is_excluded, route
from otel_openstack.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from urllib.parse import SplitResult

    from requests import PreparedRequest, Response

_DEFAULT_PORTS = {"http": 80, "https": 443}
_VERSIONS = {10: "1.0", 11: "1.1", 20: "2"}


class HopTracer:
    """Makes the wrapper of ``HTTPAdapter.send``."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tracer = trace.get_tracer("otel_openstack.instrument.http_client", __version__)
        self._metrics = metrics_of("client")

    def send(
        self,
        wrapped: Callable[..., Response],
        instance: object,  # noqa: ARG002  # wrapt's signature
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> Response:
        """Send a prepared request, observed."""
        observed = self._observe(args, kwargs)
        if type(observed) is not _Hop:
            return wrapped(*args, **kwargs)
        try:
            response = wrapped(*args, **kwargs)
        except BaseException as error:
            observed.fail(error)
            raise
        finally:
            observed.restore()
        observed.answer(response)
        return response

    @never_raises
    def _observe(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> _Hop | None:
        if not is_http_instrumentation_enabled():
            return None
        request: PreparedRequest = args[0] if args else kwargs["request"]
        method, url = request.method or "", request.url or ""
        if is_excluded(url, self._settings.excluded_urls):
            return None
        parts = urlsplit(url)
        template = route(parts.path)
        known = method in METHODS
        parent = runtime.parent_context()
        # What a sampler may decide by (semantic conventions, HTTP client spans); the rest follows at the end
        begun: dict[str, AnyValue] = {
            names.HTTP_REQUEST_METHOD: method if known else "_OTHER",
            names.URL_FULL: masking_of(self._settings).text(url),
            names.SERVER_ADDRESS: parts.hostname or "",
            names.SERVER_PORT: parts.port or _DEFAULT_PORTS.get(parts.scheme, 0),
        }
        span = self._tracer.start_span(f"{method if known else 'HTTP'} {template}", parent, SpanKind.CLIENT, begun)
        for name, value in hop.injected(trace.set_span_in_context(span, parent)).items():
            request.headers[name] = value
        measurement = None if self._metrics is None else self._metrics.begin(begun)
        if not span.is_recording():
            return None if measurement is None else _Hop(request, None, measurement)
        exchange = Exchange(self._settings, span, is_server=False, path=parts.path)
        observed = _Hop(request, exchange, measurement)
        self._describe(exchange, request, parts)
        if not known:
            exchange.attributes[names.HTTP_REQUEST_METHOD_ORIGINAL] = method
        return observed

    @never_raises
    def _describe(self, exchange: Exchange, request: PreparedRequest, url: SplitResult) -> None:
        attributes = exchange.attributes
        attributes[names.OPENSTACK_REQUESTSHOOK_REQUEST_ID] = request_id(exchange.span.get_span_context())
        caller = request.headers.get(names.HEADER_REQUESTSHOOK_REQUEST_FROM)
        if caller:
            attributes[names.OPENSTACK_REQUESTSHOOK_REQUEST_FROM] = caller
        exchange.request(_sent_headers(request, url))
        if request.body is not None and exchange.request_body is not None:
            body: Any = observed_body(request.body, exchange.request_body)
            if isinstance(body, OBSERVED):
                request.body = cast("Any", body)


class _Hop:
    """A request that is being sent."""

    __slots__ = ("_body", "_exchange", "_measurement", "_request")

    def __init__(self, request: PreparedRequest, exchange: Exchange | None, measurement: Measurement | None) -> None:
        self._request = request
        self._body = request.body
        self._exchange = exchange
        self._measurement = measurement

    @never_raises
    def restore(self) -> None:
        """Give the request its own body back: a redirect rewinds that."""
        self._request.body = self._body

    @never_raises
    def fail(self, error: BaseException) -> None:
        """Record what was raised instead of a response."""
        if self._exchange is not None:
            self._exchange.fail(error)
        if self._measurement is not None:
            self._measurement.fail(error)

    @never_raises
    def answer(self, response: Response) -> None:
        """Record the response, and have its body looked at."""
        exchange = self._exchange
        if self._measurement is not None:
            self._measurement.answered(response.status_code)
        if exchange is None:
            return
        raw = response.raw
        message = getattr(getattr(raw, "_original_response", None), "msg", None)
        headers: Pairs = message.raw_items() if isinstance(message, HTTPMessage) else response.headers.items()
        exchange.response(response.status_code, response.reason or "", headers)
        exchange.attributes[names.NETWORK_PROTOCOL_VERSION] = _VERSIONS.get(getattr(raw, "version", 0), "")
        if hasattr(raw, "stream"):
            response.raw = ObservedResponse(raw, exchange)
        else:  # an adapter that does not speak through urllib3
            exchange.end()


def _native(value: Any) -> str:
    if type(value) is str:
        return value
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _sent_headers(request: PreparedRequest, url: SplitResult) -> list[tuple[str, str]]:
    """Return the header lines as they leave: those of requests, and before them what http.client puts first."""
    headers = request.headers
    # items() of requests looks every name up again; both of these go through the names in their order
    values = headers.lower_items() if hasattr(headers, "lower_items") else headers.items()
    lines = [(_native(name), _native(value)) for name, (_, value) in zip(headers, values, strict=True)]
    if "Host" not in headers:
        port = "" if url.port in (None, _DEFAULT_PORTS.get(url.scheme)) else f":{url.port}"
        host = url.hostname or ""
        first = [("Host", f"[{host}]{port}" if ":" in host else host + port)]
        if "Accept-Encoding" not in headers:
            first.append(("Accept-Encoding", "identity"))
        lines = first + lines
    return lines


class ObservedResponse(_Proxy):
    """A response of urllib3 that is looked at as it is read."""

    def __init__(self, raw: object, exchange: Exchange) -> None:
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
        try:
            for data in self.__wrapped__.stream(*args, **kwargs):
                self._passed(data, decoded, at_end=False)
                yield data
        except GeneratorExit:
            raise
        except BaseException as error:
            self._self_exchange.fail(error)
            raise
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
        try:
            return read(*args, **kwargs)
        except BaseException as error:
            self._self_exchange.fail(error)
            raise

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
