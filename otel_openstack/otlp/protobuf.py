"""Spans as OTLP protobuf: ``TracesData`` and ``ExportTraceServiceRequest``, which are the same on the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from google.protobuf.message import DecodeError as ProtobufError
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from otel_openstack.exceptions import DecodeError
from otel_openstack.otlp.span import (
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


def decode(data: bytes) -> list[Span]:
    """Decode the bytes of a ``TracesData`` message.

    :raises DecodeError: the bytes are not such a message.
    """
    return [span for resource_spans in parse(data).resource_spans for span in from_resource_spans(resource_spans)]


def parse(data: bytes) -> trace_pb2.TracesData:
    """Parse the bytes of a ``TracesData`` message and leave it as protobuf has it.

    :raises DecodeError: the bytes are not such a message.
    """
    message = trace_pb2.TracesData()
    try:
        message.ParseFromString(data)
    except ProtobufError as error:
        raise DecodeError(
            f"{len(data)} bytes are not an OTLP TracesData message: {error}.",
            hint="Send an ExportTraceServiceRequest of opentelemetry-proto 1.x.",
        ) from error
    return message


def encode(spans: Iterable[Span]) -> bytes:
    """Encode spans as the bytes of one ``TracesData`` message, the inverse of :func:`decode`."""
    return to_message(spans).SerializeToString()


def to_message(spans: Iterable[Span]) -> trace_pb2.TracesData:
    """Build the ``TracesData`` message that holds these spans."""
    return trace_pb2.TracesData(
        resource_spans=[
            trace_pb2.ResourceSpans(
                resource=resource_to_message(resource),
                scope_spans=[
                    trace_pb2.ScopeSpans(
                        scope=common_pb2.InstrumentationScope(name=scope.name, version=scope.version),
                        spans=[span_to_message(span) for span in members],
                    )
                    for scope, members in scopes
                ],
            )
            for resource, scopes in group_by_origin(spans)
        ]
    )


def from_resource_spans(message: trace_pb2.ResourceSpans) -> list[Span]:
    """Convert one ``ResourceSpans``; its spans share one :class:`~.span.Resource`."""
    resource = resource_from_message(message.resource)
    spans: list[Span] = []
    for scope_spans in message.scope_spans:
        scope = Scope(scope_spans.scope.name, scope_spans.scope.version)
        spans.extend(span_from_message(span, resource, scope) for span in scope_spans.spans)
    return spans


def resource_from_message(message: resource_pb2.Resource) -> Resource:
    """Convert a resource, the inverse of :func:`resource_to_message`."""
    return Resource(_attributes(message.attributes))


def resource_to_message(resource: Resource) -> resource_pb2.Resource:
    """Convert a resource."""
    return resource_pb2.Resource(attributes=_key_values(resource.attributes))


def span_from_message(message: trace_pb2.Span, resource: Resource, scope: Scope) -> Span:
    """Convert one span; a kind or status that OTLP does not define becomes the unspecified one."""
    kind = message.kind
    status = _UNSET
    if message.HasField("status"):
        code = message.status.code
        status = Status(StatusCode(code) if 0 <= code <= 2 else StatusCode.UNSET, message.status.message)
    return Span(
        trace_id=message.trace_id.hex(),
        span_id=message.span_id.hex(),
        parent_span_id=message.parent_span_id.hex(),
        name=message.name,
        kind=_KINDS[kind] if 0 <= kind < len(_KINDS) else SpanKind.UNSPECIFIED,
        start_unix_nano=message.start_time_unix_nano,
        end_unix_nano=message.end_time_unix_nano,
        attributes=_attributes(message.attributes),
        resource=resource,
        scope=scope,
        status=status,
        events=tuple(Event(e.name, e.time_unix_nano, _attributes(e.attributes)) for e in message.events),
        links=tuple(
            Link(k.trace_id.hex(), k.span_id.hex(), _attributes(k.attributes), k.trace_state, k.flags)
            for k in message.links
        ),
        trace_state=message.trace_state,
        flags=message.flags,
        dropped_attributes_count=message.dropped_attributes_count,
    )


def span_to_message(span: Span) -> trace_pb2.Span:
    """Convert one span, the inverse of :func:`span_from_message`."""
    return trace_pb2.Span(
        trace_id=bytes.fromhex(span.trace_id),
        span_id=bytes.fromhex(span.span_id),
        parent_span_id=bytes.fromhex(span.parent_span_id),
        name=span.name,
        kind=trace_pb2.Span.SpanKind.ValueType(span.kind),
        start_time_unix_nano=span.start_unix_nano,
        end_time_unix_nano=span.end_unix_nano,
        attributes=_key_values(span.attributes),
        status=trace_pb2.Status(
            code=trace_pb2.Status.StatusCode.ValueType(span.status.code), message=span.status.message
        ),
        events=[
            trace_pb2.Span.Event(
                name=event.name, time_unix_nano=event.time_unix_nano, attributes=_key_values(event.attributes)
            )
            for event in span.events
        ],
        links=[
            trace_pb2.Span.Link(
                trace_id=bytes.fromhex(link.trace_id),
                span_id=bytes.fromhex(link.span_id),
                attributes=_key_values(link.attributes),
                trace_state=link.trace_state,
                flags=link.flags,
            )
            for link in span.links
        ],
        trace_state=span.trace_state,
        flags=span.flags,
        dropped_attributes_count=span.dropped_attributes_count,
    )


_UNSET = Status()
_KINDS = tuple(SpanKind)


def _attributes(pairs: Iterable[common_pb2.KeyValue]) -> dict[str, AttributeValue]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(message: common_pb2.AnyValue) -> AttributeValue:
    which = message.WhichOneof("value")
    return None if which is None else _READ[which](message)


# One line for each member of AnyValue's oneof
_READ: dict[str, Callable[[Any], AttributeValue]] = {
    "string_value": lambda m: m.string_value,
    "bool_value": lambda m: m.bool_value,
    "int_value": lambda m: m.int_value,
    "double_value": lambda m: m.double_value,
    "bytes_value": lambda m: m.bytes_value,
    "array_value": lambda m: tuple([_value(v) for v in m.array_value.values]),
    "kvlist_value": lambda m: _attributes(m.kvlist_value.values),
    # A reference into a string table that trace messages do not have: nothing can be said of it
    "string_value_strindex": lambda _: None,
}


def _key_values(attributes: Mapping[str, AttributeValue]) -> list[common_pb2.KeyValue]:
    return [common_pb2.KeyValue(key=key, value=_any_value(value)) for key, value in attributes.items()]


def _any_value(value: AttributeValue) -> common_pb2.AnyValue:
    if isinstance(value, str):
        return common_pb2.AnyValue(string_value=value)
    if isinstance(value, bool):
        return common_pb2.AnyValue(bool_value=value)
    if isinstance(value, int):
        return common_pb2.AnyValue(int_value=value)
    if isinstance(value, float):
        return common_pb2.AnyValue(double_value=value)
    if isinstance(value, bytes):
        return common_pb2.AnyValue(bytes_value=value)
    if isinstance(value, Mapping):
        return common_pb2.AnyValue(kvlist_value=common_pb2.KeyValueList(values=_key_values(value)))
    if isinstance(value, Sequence):
        return common_pb2.AnyValue(array_value=common_pb2.ArrayValue(values=[_any_value(v) for v in value]))
    return common_pb2.AnyValue()
