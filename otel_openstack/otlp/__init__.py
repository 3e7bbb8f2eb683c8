"""One span, and its two forms on the wire: OTLP protobuf and OTLP JSON (opentelemetry-proto 1.x).

``span`` is plain data and loads nothing; :mod:`.protobuf` and :mod:`.json` are inverse pairs of functions beside it,
imported by whoever needs that form.
"""

from otel_openstack.otlp.span import (
    Attributes,
    AttributeValue,
    Event,
    Link,
    Resource,
    Scope,
    Span,
    SpanKind,
    Status,
    StatusCode,
    group_by_origin,
)

__all__ = [
    "AttributeValue",
    "Attributes",
    "Event",
    "Link",
    "Resource",
    "Scope",
    "Span",
    "SpanKind",
    "Status",
    "StatusCode",
    "group_by_origin",
]
