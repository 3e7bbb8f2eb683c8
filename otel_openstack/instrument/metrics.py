"""HTTP metrics, and those of our queue, as the semantic conventions name them, where the user exports metrics.

Every request counts, sampled or not. Body sizes are those that were seen: of recorded exchanges. A client's duration
ends with the header block of the response: when its body is read is up to the application.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from opentelemetry import metrics
from opentelemetry.metrics import Observation
from opentelemetry.util.types import AnyValue

from otel_openstack import __version__
from otel_openstack import attributes as names
from otel_openstack.instrument.errors import error_type
from otel_openstack.instrument.guard import never_raises

if TYPE_CHECKING:
    from otel_openstack.instrument.export import BoundedSpanProcessor
    from otel_openstack.instrument.metric_export import PeriodicMetrics

# Semantic conventions, HTTP metrics: what http.*.request.duration should be counted in, seconds
_DURATIONS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_SIZES = tuple(float(4**power) for power in range(3, 17))  # 64 bytes to 4 GiB

_OF_THE_REQUEST = {
    "server": (names.HTTP_REQUEST_METHOD, names.URL_SCHEME),
    "client": (names.HTTP_REQUEST_METHOD, names.SERVER_ADDRESS, names.SERVER_PORT),
}
_OF_THE_END = (names.HTTP_ROUTE, names.HTTP_RESPONSE_STATUS_CODE, names.ERROR_TYPE)

_ERROR = 400  # for a client (semantic conventions, HTTP spans)

_MESSAGES = (("request", names.HTTP_REQUEST_BODY_SIZE), ("response", names.HTTP_RESPONSE_BODY_SIZE))

Attributes = dict[str, AnyValue]

exports: list[PeriodicMetrics] = []
"""What metrics leave by; empty where the SDK's own readers see to that."""


def begin_exports() -> None:
    """Make sure that what this process measures from now on is exported."""
    for export in exports:
        export.begin()


class Metrics:
    """The instruments of one side.

    :param side: ``server`` or ``client``.
    """

    def __init__(self, side: str) -> None:
        meter = metrics.get_meter("otel_openstack.instrument.metrics", __version__)
        self._of_the_request = _OF_THE_REQUEST[side]
        self._active = meter.create_up_down_counter(
            f"http.{side}.active_requests", "{request}", "Number of requests that are in flight."
        )
        self._duration = meter.create_histogram(
            f"http.{side}.request.duration",
            "s",
            "Duration of requests.",
            explicit_bucket_boundaries_advisory=_DURATIONS,
        )
        self._sizes = [
            (
                size,
                meter.create_histogram(
                    f"http.{side}.{message}.body.size",
                    "By",
                    f"Size of {message} bodies.",
                    explicit_bucket_boundaries_advisory=_SIZES,
                ),
            )
            for message, size in _MESSAGES
        ]

    def begin(self, attributes: Attributes) -> Measurement:
        """Count a request in.

        :param attributes: those of its span, as far as they are known when it starts.
        """
        begin_exports()
        chosen = {name: attributes[name] for name in self._of_the_request if name in attributes}
        self._active.add(1, chosen)
        return Measurement(self, chosen)

    def _end(self, attributes: Attributes, seconds: float, at_end: Attributes) -> Attributes:
        self._active.add(-1, attributes)
        attributes = attributes | {name: at_end[name] for name in _OF_THE_END if name in at_end}
        self._duration.record(seconds, attributes)
        return attributes

    def _measure_bodies(self, attributes: Attributes, at_end: Attributes) -> None:
        for name, histogram in self._sizes:
            size = at_end.get(name)
            if isinstance(size, int):
                histogram.record(size, attributes)


class Measurement:
    """A request in flight."""

    __slots__ = ("_attributes", "_is_over", "_metrics", "_start")

    def __init__(self, owner: Metrics, attributes: Attributes) -> None:
        self._metrics = owner
        self._is_over = False
        self._attributes = attributes
        self._start = perf_counter()

    @never_raises
    def end(self, attributes: Attributes) -> None:
        """Count it out, once; a second call does nothing.

        :param attributes: those of its span at the end; of a request that is not recorded, status and route.
        """
        if not self._is_over:
            self._is_over = True
            self._attributes = self._metrics._end(self._attributes, perf_counter() - self._start, attributes)
            self.sizes(attributes)

    @never_raises
    def sizes(self, attributes: Attributes) -> None:
        """Measure the bodies, where their sizes are known only after the request has been counted out.

        :param attributes: those of its span at the end.
        """
        self._metrics._measure_bodies(self._attributes, attributes)

    def answered(self, status: int) -> None:
        """Count it out when all that is known of its end is the status."""
        outcome: Attributes = {names.HTTP_RESPONSE_STATUS_CODE: status}
        if status >= _ERROR:
            outcome[names.ERROR_TYPE] = str(status)
        self.end(outcome)

    def fail(self, error: BaseException) -> None:
        """Count it out when it ended without an answer."""
        self.end({names.ERROR_TYPE: error_type(error)})


def observe_processor(processor: BoundedSpanProcessor) -> None:
    """Have the state of a span processor exported (semantic conventions, OpenTelemetry SDK metrics)."""
    kind = f"{type(processor).__module__}.{type(processor).__qualname__}"
    component: Attributes = {"otel.component.type": kind, "otel.component.name": f"{kind}/0"}
    full = component | {names.ERROR_TYPE: "queue_full"}
    meter = metrics.get_meter("otel_openstack.instrument.metrics", __version__)
    meter.create_observable_up_down_counter(
        "otel.sdk.processor.span.queue.size",
        [lambda _options: [Observation(processor.queued, component)]],
        "{span}",
        "Number of spans that wait to be exported.",
    )
    meter.create_observable_up_down_counter(
        "otel.sdk.processor.span.queue.capacity",
        [lambda _options: [Observation(processor.capacity, component)]],
        "{span}",
        "Number of spans that may wait to be exported.",
    )
    meter.create_observable_counter(
        "otel.sdk.processor.span.processed",
        [lambda _options: [Observation(processor.processed, component), Observation(processor.dropped, full)]],
        "{span}",
        "Number of spans that have left the queue, or found it full.",
    )


def metrics_of(side: str) -> Metrics | None:
    """Return the instruments of a side, ``None`` where nobody exports metrics: the API's own provider records nothing.

    :param side: ``server`` or ``client``.
    """
    provider = type(metrics.get_meter_provider())
    return None if provider.__module__.startswith("opentelemetry.metrics") else Metrics(side)
