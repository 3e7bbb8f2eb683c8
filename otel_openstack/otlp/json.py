"""Spans as OTLP JSON (opentelemetry-proto, docs/specification.md), read with tolerance and written to the letter.

Written: ids in hex, enums as integers, 64-bit integers as decimal strings, bytes in base64. Read also: ids in upper
case or base64 and enums by name (Tempo), numbers where strings are due, and the envelopes that back ends put around
``resourceSpans``: ``batches`` (Tempo v1), ``trace`` (Tempo v2), ``result`` (Jaeger), ``data``, and lists of them.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any, TypeVar

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

_loads: Callable[[str | bytes], Any]
try:
    from orjson import loads as _loads  # twice as quick, and optional
except ImportError:
    _loads = json.loads

_ENVELOPES = ("result", "trace", "data")
_INT32, _INT64 = range(-(2**31), 2**31), range(-(2**63), 2**63)
_UINT32, _UINT64 = range(2**32), range(2**64)
_E = TypeVar("_E", bound=IntEnum)


def decode(text: str | bytes) -> list[Span]:
    """Decode one JSON value.

    :raises DecodeError: it is not JSON, or not spans.
    """
    try:
        value = _loads(text)
    except (ValueError, RecursionError) as error:
        raise DecodeError(f"This is not JSON: {error}.", hint="OTLP JSON is one object.") from error
    return from_value(value)


def from_value(value: Any) -> list[Span]:
    """Convert a JSON value that is parsed already.

    :raises DecodeError: the value does not hold spans.
    """
    try:
        return [span for resource_spans in _unwrap(value) for span in _from_resource_spans(resource_spans)]
    except (TypeError, ValueError, AttributeError, KeyError, RecursionError) as error:
        raise DecodeError(
            f"This is JSON, but not OTLP JSON: {error}.",
            hint="See opentelemetry-proto, docs/specification.md.",
        ) from error


def encode(spans: Iterable[Span]) -> str:
    """Encode spans as one ``TracesData`` object on one line, the inverse of :func:`decode`."""
    return json.dumps(to_value(spans), ensure_ascii=False, separators=(",", ":"))


def to_value(spans: Iterable[Span]) -> dict[str, Any]:
    """Build the ``TracesData`` object that holds these spans."""
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": _key_values(resource.attributes)},
                "scopeSpans": [
                    {
                        "scope": {"name": scope.name, "version": scope.version},
                        "spans": [_span_to_value(span) for span in members],
                    }
                    for scope, members in scopes
                ],
            }
            for resource, scopes in group_by_origin(spans)
        ]
    }


def _unwrap(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in value:
            yield from _unwrap(item)
        return
    if not isinstance(value, dict):
        raise TypeError(f"{type(value).__name__} where an object is due")
    resource_spans = value.get("resourceSpans", value.get("batches"))
    if resource_spans is not None:
        yield from resource_spans
        return
    envelope = next((key for key in _ENVELOPES if key in value), None)
    if envelope is not None:
        yield from _unwrap(value[envelope])
    elif value and not _is_empty_answer(value):
        raise KeyError(f"no resourceSpans among {', '.join(sorted(value)[:5])}")


def _is_empty_answer(value: Mapping[str, Any]) -> bool:
    """Tempo answers an empty trace with its metrics or status alone."""
    return value.keys() <= {"metrics", "status", "message"}


def _from_resource_spans(value: Any) -> Iterator[Span]:
    resource = Resource(_attributes((value.get("resource") or {}).get("attributes")))
    # instrumentationLibrarySpans: the name before OTLP 0.15, still in old files
    for scope_spans in value.get("scopeSpans") or value.get("instrumentationLibrarySpans") or ():
        described = scope_spans.get("scope") or scope_spans.get("instrumentationLibrary") or {}
        scope = Scope(_text(described.get("name")), _text(described.get("version")))
        for span in scope_spans.get("spans") or ():
            yield _span_from_value(span, resource, scope)


def _span_from_value(value: Any, resource: Resource, scope: Scope) -> Span:
    status = value.get("status") or {}
    return Span(
        trace_id=_identifier(value.get("traceId"), 16),
        span_id=_identifier(value.get("spanId"), 8),
        parent_span_id=_identifier(value.get("parentSpanId"), 8),
        name=_text(value.get("name")),
        kind=_enum(SpanKind, value.get("kind"), "SPAN_KIND_"),
        start_unix_nano=_integer(value.get("startTimeUnixNano"), _UINT64),
        end_unix_nano=_integer(value.get("endTimeUnixNano"), _UINT64),
        attributes=_attributes(value.get("attributes")),
        resource=resource,
        scope=scope,
        status=Status(_enum(StatusCode, status.get("code"), "STATUS_CODE_"), _text(status.get("message"))),
        events=tuple(
            Event(_text(e.get("name")), _integer(e.get("timeUnixNano"), _UINT64), _attributes(e.get("attributes")))
            for e in value.get("events") or ()
        ),
        links=tuple(
            Link(
                _identifier(link.get("traceId"), 16),
                _identifier(link.get("spanId"), 8),
                _attributes(link.get("attributes")),
                _text(link.get("traceState")),
                _integer(link.get("flags"), _UINT32),
            )
            for link in value.get("links") or ()
        ),
        trace_state=_text(value.get("traceState")),
        flags=_integer(value.get("flags"), _UINT32),
        dropped_attributes_count=_integer(value.get("droppedAttributesCount"), _UINT32),
    )


def _span_to_value(span: Span) -> dict[str, Any]:
    value: dict[str, Any] = {
        "traceId": span.trace_id,
        "spanId": span.span_id,
        "parentSpanId": span.parent_span_id,
        "traceState": span.trace_state,
        "flags": span.flags,
        "name": span.name,
        "kind": int(span.kind),
        "startTimeUnixNano": str(span.start_unix_nano) if span.start_unix_nano else 0,
        "endTimeUnixNano": str(span.end_unix_nano) if span.end_unix_nano else 0,
        "attributes": _key_values(span.attributes),
        "droppedAttributesCount": span.dropped_attributes_count,
        "events": [
            {"name": e.name, "timeUnixNano": str(e.time_unix_nano), "attributes": _key_values(e.attributes)}
            for e in span.events
        ],
        "links": [
            {
                "traceId": link.trace_id,
                "spanId": link.span_id,
                "traceState": link.trace_state,
                "flags": link.flags,
                "attributes": _key_values(link.attributes),
            }
            for link in span.links
        ],
        "status": {"code": int(span.status.code), "message": span.status.message},
    }
    # Defaults are left out, as protobuf's JSON mapping does
    return {key: item for key, item in value.items() if item not in ("", 0, [])}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} where a string is due")
    if not value.isascii():
        value.encode()  # a lone surrogate, which JSON can spell, is no text
    return value


def _integer(value: Any, allowed: range) -> int:
    if value is None:
        return 0
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or number not in allowed or (isinstance(value, float) and number != value):
        raise ValueError(f"{value!r:.40} where an integer of {allowed.start} to {allowed.stop - 1} is due")
    return number


def _identifier(value: Any, size: int) -> str:
    """Return an id in lower-case hex; ``size`` is its length in bytes."""
    text = _text(value)
    if not text:
        return ""
    try:
        if len(text) == 2 * size:
            return bytes.fromhex(text).hex()
        raw = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    if len(raw) != size:
        raise ValueError(f"{text!r:.40} is no id of {2 * size} hex digits")
    return raw.hex()


def _enum(kind: type[_E], value: Any, prefix: str) -> _E:
    """Return the member with this number or name, the first one (unspecified) when there is none."""
    if isinstance(value, str) and not value.isdigit():
        return kind.__members__.get(value.upper().removeprefix(prefix), kind(0))
    number = _integer(value, _INT32)
    return kind(number) if number in kind._value2member_map_ else kind(0)


def _attributes(pairs: Any) -> dict[str, AttributeValue]:
    return {_text(pair.get("key")): _value(pair.get("value")) for pair in pairs or ()}


def _value(value: Any) -> AttributeValue:
    if not value:
        return None
    which, content = next(iter(value.items()))
    read = _READ.get(which)
    return None if read is None else read(content)


def _boolean(content: Any) -> bool:
    if not isinstance(content, bool):
        raise TypeError(f"{content!r:.40} where true or false is due")
    return content


# One line for each member of AnyValue's oneof; unknown ones are ignored, as the specification demands
_READ: dict[str, Callable[[Any], AttributeValue]] = {
    "stringValue": _text,
    "boolValue": _boolean,
    "intValue": lambda content: _integer(content, _INT64),
    "doubleValue": float,
    "bytesValue": lambda content: base64.b64decode(_text(content), validate=True),
    "arrayValue": lambda content: tuple(_value(item) for item in content.get("values") or ()),
    "kvlistValue": lambda content: _attributes(content.get("values")),
}


def _key_values(attributes: Mapping[str, AttributeValue]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _any_value(value)} for key, value in attributes.items()]


def _any_value(value: AttributeValue) -> dict[str, Any]:
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": _number(value)}
    if isinstance(value, bytes):
        return {"bytesValue": base64.b64encode(value).decode()}
    if isinstance(value, Mapping):
        return {"kvlistValue": {"values": _key_values(value)}}
    if isinstance(value, Sequence):
        return {"arrayValue": {"values": [_any_value(item) for item in value]}}
    return {}


def _number(value: float) -> float | str:
    """Return what protobuf's JSON mapping writes: JSON itself has no word for these three."""
    if math.isnan(value):
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return value
