"""The distribution that ``opentelemetry-instrument`` finds: defaults for OpenStack, and the SDK set up by them.

A default is a line in :data:`DEFAULTS`; whatever the user's environment says wins.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping
from typing import Any

from opentelemetry import propagate
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined]  # the module is exempt from types
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk._configuration import _OTelSDKConfigurator
from opentelemetry.sdk.resources import OTELResourceDetector
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util._importlib_metadata import EntryPoint, PackageNotFoundError, version

from otel_openstack import __version__
from otel_openstack import attributes as names
from otel_openstack.instrument import runtime, services
from otel_openstack.instrument.capture import MAX_ATTRIBUTES
from otel_openstack.instrument.export import BoundedSpanProcessor
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
}

REPLACED = frozenset({"requests", "urllib3", "flask", "falcon", "pyramid"})
"""Instrumentations that would record our exchanges a second time."""

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


class OpenStackConfigurator(_OTelSDKConfigurator):
    """Sets up the SDK: who this process is, and how its spans leave."""

    def _configure(self, **kwargs: Any) -> None:
        process = services.identify(services.command_line(), os.environ)
        super()._configure(  # type: ignore[no-untyped-call]
            resource_attributes=resource_attributes(process),
            export_span_processor=span_processor,
            **kwargs,
        )
        runtime.begin(process, os.environ)


def span_processor(exporter: SpanExporter) -> BoundedSpanProcessor:
    """Return the processor for an exporter that the environment configures: each process makes one like it."""
    return BoundedSpanProcessor(
        type(exporter),
        max_queue_size=_number("OTEL_BSP_MAX_QUEUE_SIZE"),
        schedule_delay=_number("OTEL_BSP_SCHEDULE_DELAY") / 1000,
        max_batch_size=_number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE"),
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
