"""The distribution that ``opentelemetry-instrument`` finds: defaults for OpenStack, and the SDK set up by them.

A default is a line in :data:`DEFAULTS`; whatever the user's environment says wins.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry import metrics, propagate, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined]  # the module is exempt from types
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util._importlib_metadata import EntryPoint, PackageNotFoundError, entry_points, version

from otel_openstack import __version__
from otel_openstack import attributes as names
from otel_openstack.instrument import receiver, runtime, services
from otel_openstack.instrument.export import BoundedSpanProcessor
from otel_openstack.instrument.handover import MAX_ATTRIBUTES
from otel_openstack.instrument.metrics import begin_exports, exports, observe_processor
from otel_openstack.instrument.propagator import RequestshookPropagator

DEFAULTS = {
    "OTEL_TRACES_EXPORTER": "otlp",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_LOGS_EXPORTER": "none",
    # Inside services HTTP rather than gRPC, whose threads and eventlet's patches do not agree
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_PROPAGATORS": "tracecontext,baggage,requestshook",
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": str(MAX_ATTRIBUTES),
    # Somebody waits for the document of what he just did
    "OTEL_BSP_SCHEDULE_DELAY": "1000",
    "OTEL_BSP_MAX_QUEUE_SIZE": "2048",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "512",
    "OTEL_METRIC_EXPORT_INTERVAL": "60000",
}

REPLACED = frozenset({"requests", "urllib3", "flask", "falcon", "pyramid"})
"""Instrumentations that would record our exchanges a second time."""

_TELEMETRY_AUTO_VERSION = "telemetry.auto.version"
_SIGNALS = ("OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER", "OTEL_EXPORTER_OTLP_PROTOCOL")
# What only the SDK's configurator reads, or finds by entry points
_FOREIGN_PARTS = (
    "OTEL_CONFIG_FILE",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_PYTHON_ID_GENERATOR",
    "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED",
    "OTEL_PYTHON_TRACER_CONFIGURATOR",
    "OTEL_TRACES_SAMPLER",
)

_logger = logging.getLogger("otel_openstack")


class OpenStackDistro(BaseDistro):  # type: ignore[misc]  # untyped there
    """Sets the defaults, and leaves out the instrumentations that ours replace."""

    def _configure(self, **kwargs: Any) -> None:  # noqa: ARG002  # the interface
        if not os.environ.get("OTEL_PROPAGATORS"):
            # The launcher has loaded the API's default by now, which reads the variable once, on import
            propagators = (TraceContextTextMapPropagator(), W3CBaggagePropagator(), RequestshookPropagator())
            propagate.set_global_textmap(CompositePropagator(propagators))
        for variable, value in DEFAULTS.items():
            os.environ.setdefault(variable, value)

    def load_instrumentor(self, entry_point: EntryPoint, **kwargs: Any) -> None:
        """Load an instrumentation, unless it is one of :data:`REPLACED`."""
        if entry_point.name not in REPLACED:
            super().load_instrumentor(entry_point, **kwargs)


class OpenStackConfigurator:
    """Sets up the SDK: who this process is, and how its spans leave.

    The SDK's own configurator loads the metrics and logs of the SDK and the exporter wherever it runs, and each call of
    a client pays for that. Where only traces leave, and by OTLP over HTTP, there is nothing in it to be configured: the
    tracer provider reads its settings itself. Anything else is the SDK's own to configure.
    """

    def configure(self, auto_instrumentation_version: str, **kwargs: Any) -> None:
        """Set up the SDK, and join or begin the trace that this process belongs to.

        :param auto_instrumentation_version: version of the launcher.
        """
        process = services.identify(services.command_line(), os.environ)
        attributes = {_TELEMETRY_AUTO_VERSION: auto_instrumentation_version, **resource_attributes(process)}
        try:
            if only_traces(os.environ) and not entry_points(group="_opentelemetry_opamp"):
                _set_up_tracing(process, attributes)
            else:
                _set_up_all(attributes, kwargs)
        except (ImportError, RuntimeError, ValueError) as error:  # a variable asks for what there is not
            _logger.error("nothing is recorded: %s; otel-openstack doctor tells more", error)  # noqa: TRY400  # one line
            return
        runtime.begin(process, os.environ)
        if process.role is services.Role.OTHER:  # it may have metrics of its own, and nothing that we would notice
            begin_exports()


def only_traces(environ: Mapping[str, str]) -> bool:
    """Return whether nothing but spans leaves the process, by OTLP over HTTP, from an SDK without foreign parts."""
    return all(environ.get(variable) == DEFAULTS[variable] for variable in _SIGNALS) and not any(
        environ.get(variable) for variable in _FOREIGN_PARTS
    )


def _set_up_tracing(process: services.Process, attributes: dict[str, Any]) -> None:
    provider = TracerProvider(resource=Resource.create(attributes))
    trace.set_tracer_provider(provider)
    provider.add_span_processor(_bounded(receiver.new_exporter))
    if process.role is services.Role.SERVICE:
        import opentelemetry.exporter.otlp.proto.http.trace_exporter  # noqa: F401  # no request shall wait for it


def _set_up_all(attributes: dict[str, Any], kwargs: dict[str, Any]) -> None:
    """Have the SDK configure itself, but for the parts that would start threads before this process forks."""
    from opentelemetry.sdk._configuration import _OTelSDKConfigurator
    from opentelemetry.sdk.metrics import MeterProvider

    from otel_openstack.instrument.log_export import LateLogRecordProcessor
    from otel_openstack.instrument.metric_export import PeriodicMetrics, exporter_named

    said = "none" if os.environ.get("OTEL_CONFIG_FILE") else os.environ["OTEL_METRICS_EXPORTER"]
    exporters = {name: exporter_named(name, os.environ) for name in map(str.strip, said.split(","))}
    os.environ["OTEL_METRICS_EXPORTER"] = ",".join(name for name in exporters if exporters[name] is None)
    try:
        _OTelSDKConfigurator().configure(  # type: ignore[no-untyped-call]
            resource_attributes=attributes,
            export_span_processor=span_processor,
            export_log_record_processor=LateLogRecordProcessor,
            **kwargs,
        )
    finally:
        os.environ["OTEL_METRICS_EXPORTER"] = said
    provider = metrics.get_meter_provider()
    if isinstance(provider, MeterProvider):
        interval = _number("OTEL_METRIC_EXPORT_INTERVAL") / 1000
        exports.extend(PeriodicMetrics(provider, new, interval) for new in exporters.values() if new is not None)


def span_processor(exporter: SpanExporter) -> BoundedSpanProcessor:
    """Return the processor for an exporter that the environment configures: each process makes one like it."""
    is_http = type(exporter).__module__ == receiver.MODULE
    processor = _bounded(receiver.new_exporter if is_http else type(exporter), begin_exports)
    observe_processor(processor)
    return processor


def _bounded(
    new_exporter: Callable[[], SpanExporter], begin: Callable[[], object] = lambda: None
) -> BoundedSpanProcessor:
    return BoundedSpanProcessor(
        new_exporter,
        max_queue_size=_number("OTEL_BSP_MAX_QUEUE_SIZE"),
        schedule_delay=_number("OTEL_BSP_SCHEDULE_DELAY") / 1000,
        max_batch_size=_number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE"),
        begin=begin,
    )


def resource_attributes(process: services.Process) -> dict[str, Any]:
    """Return what this process is, without what the user says of it himself."""
    ours: dict[str, Any] = {
        names.SERVICE_NAME: process.name,
        names.SERVICE_NAMESPACE: "openstack",
        names.TELEMETRY_DISTRO_NAME: "otel-openstack",
        names.TELEMETRY_DISTRO_VERSION: __version__,
        names.HOST_NAME: socket.gethostname(),
        names.PROCESS_PID: os.getpid(),
    }
    if process.distribution:
        try:
            ours[names.SERVICE_VERSION] = version(process.distribution)
        except PackageNotFoundError:
            _logger.debug("%s is not installed as a distribution: no service.version", process.distribution)
    users: Mapping[str, Any] = OTELResourceDetector().detect().attributes
    return {name: value for name, value in ours.items() if name not in users}


def _number(variable: str) -> int:
    value = os.environ.get(variable, "")
    if value.isascii() and value.isdigit() and int(value) > 0:
        return int(value)
    if value:
        _logger.warning("%s=%r is not a whole number above 0; %s is used", variable, value, DEFAULTS[variable])
    return int(DEFAULTS[variable])
