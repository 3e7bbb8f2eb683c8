"""The client half of httpx, synchronous and not: one span for each hop that a transport of its own makes.

Redirects and authentication are above :meth:`httpx.HTTPTransport.handle_request`, so each of their requests is a hop.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any

from opentelemetry import trace
from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled

from otel_openstack import __version__
from otel_openstack import attributes as names
from otel_openstack.instrument import hop
from otel_openstack.instrument.capture import Exchange
from otel_openstack.instrument.guard import never_raises
from otel_openstack.instrument.preview import Preview
from otel_openstack.instrument.streams import _Proxy
from otel_openstack.settings import Settings

_Arguments = tuple[Any, ...]
_Keywords = Mapping[str, Any]


class TransportTracer:
    """Makes the wrappers of ``handle_request`` and ``handle_async_request``."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tracer = trace.get_tracer("otel_openstack.instrument.httpx_client", __version__)

    def handle(self, wrapped: Callable[..., Any], _instance: object, args: _Arguments, kwargs: _Keywords) -> Any:
        """Send a request, observed."""
        request = args[0] if args else kwargs["request"]
        stream = request.stream
        exchange = self._observe(request)
        if type(exchange) is not Exchange:
            return wrapped(*args, **kwargs)
        try:
            response = wrapped(*args, **kwargs)
        except BaseException as error:
            exchange.fail(error)
            raise
        finally:
            request.stream = stream  # a redirect sends it again
        _answer(exchange, response)
        return response

    async def handle_async(
        self, wrapped: Callable[..., Awaitable[Any]], _instance: object, args: _Arguments, kwargs: _Keywords
    ) -> Any:
        """Send a request, observed."""
        request = args[0] if args else kwargs["request"]
        stream = request.stream
        exchange = self._observe(request)
        if type(exchange) is not Exchange:
            return await wrapped(*args, **kwargs)
        try:
            response = await wrapped(*args, **kwargs)
        except BaseException as error:
            exchange.fail(error)
            raise
        finally:
            request.stream = stream
        _answer(exchange, response)
        return response

    @never_raises
    def _observe(self, request: Any) -> Exchange | None:
        if not is_http_instrumentation_enabled():
            return None
        exchange = hop.begin(
            self._settings, self._tracer, request.method, str(request.url), request.headers.__setitem__
        )
        if exchange is not None:
            self._describe(exchange, request)
        return exchange

    @never_raises
    def _describe(self, exchange: Exchange, request: Any) -> None:
        exchange.request(_lines(request.headers))
        if exchange.request_body is not None:
            request.stream = ObservedStream(request.stream, exchange.request_body, None)


@never_raises
def _answer(exchange: Exchange, response: Any) -> None:
    extensions = response.extensions
    reason = extensions.get("reason_phrase", b"").decode("latin-1")
    exchange.response(response.status_code, reason, _lines(response.headers))
    version = extensions.get("http_version", b"").decode("latin-1")
    exchange.attributes[names.NETWORK_PROTOCOL_VERSION] = version.removeprefix("HTTP/")
    if exchange.response_body is not None:
        response.stream = ObservedStream(response.stream, exchange.response_body, exchange)


def _lines(headers: Any) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers.raw]


class ObservedStream(_Proxy):
    """A stream of httpx, either kind or both, that is looked at as it is read.

    :param exchange: what ends when the stream has been read to its end or is closed, or fails in the middle of it.
    """

    def __init__(self, stream: object, preview: Preview, exchange: Exchange | None) -> None:
        super().__init__(stream)
        self._self_preview = preview
        self._self_exchange = exchange

    def __iter__(self) -> Iterator[bytes]:
        try:
            for piece in self.__wrapped__:
                self._self_feed(piece)
                yield piece
        except GeneratorExit:
            raise
        except BaseException as error:
            self._self_fail(error)
            raise
        self._self_end()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self.__wrapped__:
                self._self_feed(piece)
                yield piece
        except GeneratorExit:
            raise
        except BaseException as error:
            self._self_fail(error)
            raise
        self._self_end()

    def close(self) -> None:
        """Close the stream, and with it the exchange."""
        try:
            self.__wrapped__.close()
        finally:
            self._self_end()

    async def aclose(self) -> None:
        """Close the stream, and with it the exchange."""
        try:
            await self.__wrapped__.aclose()
        finally:
            self._self_end()

    @never_raises
    def _self_feed(self, piece: bytes) -> None:
        self._self_preview.feed(piece)

    @never_raises
    def _self_end(self) -> None:
        if self._self_exchange is not None:
            self._self_exchange.end()

    @never_raises
    def _self_fail(self, error: BaseException) -> None:
        if self._self_exchange is not None:
            self._self_exchange.fail(error)

    __del__ = _self_end
