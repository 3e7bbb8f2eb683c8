"""The client half of httpx, synchronous and not: one span for each hop that a transport of its own makes.

Redirects and authentication are above :meth:`httpx.HTTPTransport.handle_request`, so each of their requests is a hop.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from typing import Any

from otel_openstack import attributes as names
from otel_openstack.instrument.guard import never_raises
from otel_openstack.instrument.hop import ClientExchange, Hop, SendTracer
from otel_openstack.instrument.preview import Preview
from otel_openstack.instrument.streams import _Proxy


class TransportTracer(SendTracer):
    """Makes the wrappers of ``handle_request`` and ``handle_async_request``."""

    @never_raises
    def _observe(self, request: Any, *_args: Any, **_kwargs: Any) -> Hop | None:
        hop = self.begin(request.method, str(request.url), request.headers.__setitem__)
        if hop is not None and hop.exchange is not None:
            _describe(hop, hop.exchange, request)
        return hop

    @never_raises
    def _answer(self, hop: Hop, response: Any) -> None:
        exchange = hop.answered(response.status_code)
        if exchange is None:
            return
        extensions = response.extensions
        reason = extensions.get("reason_phrase", b"").decode("latin-1")
        exchange.response(response.status_code, reason, _lines(response.headers))
        version = extensions.get("http_version", b"").decode("latin-1")
        exchange.attributes[names.NETWORK_PROTOCOL_VERSION] = version.removeprefix("HTTP/")
        if exchange.response_body is not None:
            response.stream = ObservedStream(response.stream, exchange.response_body, exchange)


@never_raises
def _describe(hop: Hop, exchange: ClientExchange, request: Any) -> None:
    exchange.request(_lines(request.headers))
    if exchange.request_body is not None:
        hop.lend(request, "stream", ObservedStream(request.stream, exchange.request_body, None))


def _lines(headers: Any) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers.raw]


class ObservedStream(_Proxy):
    """A stream of httpx, either kind or both, that is looked at as it is read.

    :param exchange: what ends when the stream has been read to its end or is closed, or fails in the middle of it.
    """

    def __init__(self, stream: object, preview: Preview, exchange: ClientExchange | None) -> None:
        super().__init__(stream)
        self._self_preview = preview
        self._self_exchange = exchange
        self._self_watch = exchange or nullcontext()

    def __iter__(self) -> Iterator[bytes]:
        with self._self_watch:
            for piece in self.__wrapped__:
                self._self_feed(piece)
                yield piece
        self._self_end()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with self._self_watch:
            async for piece in self.__wrapped__:
                self._self_feed(piece)
                yield piece
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

    __del__ = _self_end
