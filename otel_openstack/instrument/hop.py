"""A client's hop, the same for every library: its span, the ids that it passes on, what is measured of it.

One hop is one request on the wire and its answer, or what came instead. Its measurement ends with the response's head;
its exchange, which only a sampled hop has, with the response's body.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled
from opentelemetry.trace import Span, SpanKind
from opentelemetry.util.types import AnyValue

from otel_openstack import __version__
from otel_openstack import attributes as names
from otel_openstack.instrument import runtime
from otel_openstack.instrument.capture import METHODS, Exchange
from otel_openstack.instrument.guard import never_raises
from otel_openstack.instrument.handover import start_span
from otel_openstack.instrument.metrics import Measurement, metrics_of
from otel_openstack.instrument.preview import masking_of
from otel_openstack.instrument.propagator import request_id
from otel_openstack.route import is_excluded, route
from otel_openstack.settings import Settings

DEFAULT_PORTS = {"http": 80, "https": 443}
VERSIONS = {10: "1.0", 11: "1.1", 20: "2"}
"""``network.protocol.version`` for what http.client and urllib3 call a version."""


class ClientExchange(Exchange):
    """A client's exchange: the sizes of its bodies are measured at its end, where they are known.

    As a context manager it notes what is raised while a body is read; whoever stops in the middle raises nothing.

    :param measurement: that of its hop, ``None`` where nobody exports metrics.
    """

    __slots__ = ("_measurement",)

    def __init__(self, settings: Settings, span: Span, path: str, measurement: Measurement | None) -> None:
        super().__init__(settings, span, is_server=False, path=path)
        self._measurement = measurement

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if error is not None and not isinstance(error, GeneratorExit):
            self.fail(error)

    def _finish(self) -> None:
        super()._finish()
        if self._measurement is not None:
            self._measurement.sizes(self.attributes)


class Hop:
    """A request until the head of its response is there; as a context manager it notes what is raised meanwhile.

    :ivar exchange: what is recorded; ``None`` when nothing is, or when the hop is over.
    """

    __slots__ = ("_lent", "_measurement", "exchange")

    def __init__(self, exchange: ClientExchange | None, measurement: Measurement | None) -> None:
        self.exchange = exchange
        self._measurement = measurement
        self._lent: tuple[object, str, object] | None = None

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        self._give_back()
        if error is not None:
            self.fail(error)

    def lend(self, owner: object, attribute: str, value: object) -> None:
        """Give an object another attribute until the context is left: a redirect sends the request's own body again."""
        self._lent = owner, attribute, getattr(owner, attribute)
        setattr(owner, attribute, value)

    @never_raises
    def _give_back(self) -> None:
        if self._lent is not None:
            setattr(*self._lent)

    @never_raises
    def answered(self, status: int) -> ClientExchange | None:
        """End the hop with the status of its response, and return what that is recorded in, if it is."""
        exchange, measurement = self._over()
        if measurement is not None:
            measurement.answered(status)
        return exchange

    @never_raises
    def fail(self, error: BaseException) -> None:
        """End the hop with what was raised instead of a response; nothing happens when it is over."""
        exchange, measurement = self._over()
        if measurement is not None:
            measurement.fail(error)
        if exchange is not None:
            exchange.fail(error)

    def _over(self) -> tuple[ClientExchange | None, Measurement | None]:
        ending = self.exchange, self._measurement
        self.exchange = self._measurement = None
        return ending

    @never_raises
    def __del__(self) -> None:
        if self.exchange is not None or self._measurement is not None:
            self.fail(ConnectionAbortedError("the connection was given up before the response"))


class HopTracer:
    """Begins the hops of a library."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tracer = trace.get_tracer(type(self).__module__, __version__)
        self._metrics = metrics_of("client")

    def begin(self, method: str, url: str, put_header: Callable[[str, str], object]) -> Hop | None:
        """Start a hop, and pass its ids on; return ``None`` when nothing of it is recorded or measured.

        :param put_header: adds a header line to the request.
        """
        if not is_http_instrumentation_enabled() or is_excluded(url, self._settings.excluded_urls):
            return None
        parts = urlsplit(url)
        known = method in METHODS
        parent = runtime.parent_context()
        # What a sampler may decide by (semantic conventions, HTTP client spans); the rest follows at the end
        begun: dict[str, AnyValue] = {
            names.HTTP_REQUEST_METHOD: method if known else "_OTHER",
            names.URL_FULL: masking_of(self._settings).text(url),
            names.SERVER_ADDRESS: parts.hostname or "",
            names.SERVER_PORT: _port(parts),
        }
        name = f"{method if known else 'HTTP'} {route(parts.path)}"
        span = start_span(self._tracer, name, parent, SpanKind.CLIENT, begun)
        carrier = _injected(trace.set_span_in_context(span, parent))
        for line in carrier.items():
            put_header(*line)
        measurement = None if self._metrics is None else self._metrics.begin(begun)
        if not span.is_recording():
            return None if measurement is None else Hop(None, measurement)
        exchange = ClientExchange(self._settings, span, parts.path, measurement)
        attributes = exchange.attributes
        attributes[names.OPENSTACK_REQUESTSHOOK_REQUEST_ID] = request_id(span.get_span_context())
        if caller := carrier.get(names.HEADER_REQUESTSHOOK_REQUEST_FROM):
            attributes[names.OPENSTACK_REQUESTSHOOK_REQUEST_FROM] = caller
        if not known:
            attributes[names.HTTP_REQUEST_METHOD_ORIGINAL] = method
        return Hop(exchange, measurement)


class SendTracer(HopTracer, ABC):
    """Makes the wrappers of what takes a whole request and returns its response, at once or awaited."""

    def send(
        self, wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        """Send a request, observed."""
        hop = self._observe(*args, **kwargs)
        if type(hop) is not Hop:
            return wrapped(*args, **kwargs)
        with hop:
            response = wrapped(*args, **kwargs)
        self._answer(hop, response)
        return response

    async def send_async(
        self,
        wrapped: Callable[..., Awaitable[Any]],
        _instance: object,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> Any:
        """Send a request, observed."""
        hop = self._observe(*args, **kwargs)
        if type(hop) is not Hop:
            return await wrapped(*args, **kwargs)
        with hop:
            response = await wrapped(*args, **kwargs)
        self._answer(hop, response)
        return response

    @abstractmethod
    def _observe(self, request: Any, *args: Any, **kwargs: Any) -> Hop | None:
        """Begin the hop of a request, and describe that; must not raise."""

    @abstractmethod
    def _answer(self, hop: Hop, response: Any) -> None:
        """End the hop, describe the response, and have its body looked at; must not raise."""


def _injected(context: Context) -> dict[str, str]:
    """Return the header lines that pass a context on, without any that a header cannot have (RFC 9110, 5.5).

    They are made of what users set (the service's name) and by propagators of anybody's making.
    """
    carrier: dict[str, str] = {}
    propagate.inject(carrier, context)
    return {name: value for name, value in carrier.items() if value.isascii() and value.isprintable()}


def _port(url: SplitResult) -> int:
    try:
        return url.port or DEFAULT_PORTS.get(url.scheme, 0)
    except ValueError:  # no port at all, which whoever connects will find out
        return 0
