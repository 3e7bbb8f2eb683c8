"""The beginning of a client's exchange, the same for every library that is not ``requests``."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Tracer

from otel_openstack import attributes as names
from otel_openstack.instrument import runtime
from otel_openstack.instrument.capture import METHODS, Exchange
from otel_openstack.instrument.preview import masking_of
from otel_openstack.instrument.propagator import request_id
from otel_openstack.route import is_excluded, route
from otel_openstack.settings import Settings

_DEFAULT_PORTS = {"http": 80, "https": 443}


def injected(context: Context) -> dict[str, str]:
    """Return the header lines that pass a context on, without any that a header cannot have (RFC 9110, 5.5).

    They are made of what users set (the service's name) and by propagators of anybody's making.
    """
    carrier: dict[str, str] = {}
    propagate.inject(carrier, context)
    return {name: value for name, value in carrier.items() if value.isascii() and value.isprintable()}


def begin(
    settings: Settings, tracer: Tracer, method: str, url: str, put_header: Callable[[str, str], object]
) -> Exchange | None:
    """Start the span of a hop, pass its ids on, and return its exchange; ``None`` when it is not recorded.

    :param put_header: adds a header line to the request.
    """
    if is_excluded(url, settings.excluded_urls):
        return None
    parts = urlsplit(url)
    known = method in METHODS
    parent = runtime.parent_context()
    span = tracer.start_span(
        f"{method if known else 'HTTP'} {route(parts.path)}",
        parent,
        SpanKind.CLIENT,
        # What a sampler may decide by (semantic conventions, HTTP client spans); the rest follows at the end
        {
            names.HTTP_REQUEST_METHOD: method if known else "_OTHER",
            names.URL_FULL: masking_of(settings).text(url),
            names.SERVER_ADDRESS: parts.hostname or "",
            names.SERVER_PORT: _port(parts),
        },
    )
    carrier = injected(trace.set_span_in_context(span, parent))
    for name, value in carrier.items():
        put_header(name, value)
    if not span.is_recording():
        return None
    exchange = Exchange(settings, span, is_server=False, path=parts.path)
    attributes = exchange.attributes
    attributes[names.OPENSTACK_REQUESTSHOOK_REQUEST_ID] = request_id(span.get_span_context())
    if caller := carrier.get(names.HEADER_REQUESTSHOOK_REQUEST_FROM):
        attributes[names.OPENSTACK_REQUESTSHOOK_REQUEST_FROM] = caller
    if not known:
        attributes[names.HTTP_REQUEST_METHOD_ORIGINAL] = method
    return exchange


def _port(url: SplitResult) -> int:
    try:
        return url.port or _DEFAULT_PORTS.get(url.scheme, 0)
    except ValueError:  # no port at all, which whoever connects will find out
        return 0
