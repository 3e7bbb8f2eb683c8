"""A span as OTLP defines it, as plain frozen data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TypeAlias

from otel_openstack.attributes import SERVICE_NAME

AttributeValue: TypeAlias = (
    "str | bool | int | float | bytes | tuple[AttributeValue, ...] | Mapping[str, AttributeValue] | None"
)
Attributes = Mapping[str, AttributeValue]


class SpanKind(IntEnum):
    """``opentelemetry.proto.trace.v1.Span.SpanKind``."""

    UNSPECIFIED = 0
    INTERNAL = 1
    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


class StatusCode(IntEnum):
    """``opentelemetry.proto.trace.v1.Status.StatusCode``."""

    UNSET = 0
    OK = 1
    ERROR = 2


@dataclass(frozen=True, slots=True)
class Resource:
    """The entity that recorded spans: a process of a service.

    :param attributes: ``service.name`` and what else is known of it.
    """

    attributes: Attributes = field(default_factory=dict)

    @property
    def service_name(self) -> str:
        """``service.name``, or ``unknown_service`` as the SDKs say when there is none."""
        name = self.attributes.get(SERVICE_NAME)
        return name if isinstance(name, str) and name else "unknown_service"


@dataclass(frozen=True, slots=True)
class Scope:
    """The instrumentation that recorded spans."""

    name: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """How the operation ended."""

    code: StatusCode = StatusCode.UNSET
    message: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at one moment of a span; time in nanoseconds since the epoch."""

    name: str
    time_unix_nano: int = 0
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Link:
    """A span context that is related, but not the parent."""

    trace_id: str
    span_id: str
    attributes: Attributes = field(default_factory=dict)
    trace_state: str = ""
    flags: int = 0


@dataclass(frozen=True, slots=True)
class Span:
    """One timed operation.

    :param trace_id: 32 lower-case hex digits.
    :param span_id: 16 lower-case hex digits.
    :param parent_span_id: the same, or ``""`` for a root.
    :param start_unix_nano: nanoseconds since the epoch, 0 when unknown.
    :param end_unix_nano: the same; 0 when the span never ended.
    :param flags: W3C trace flags in bits 0-7, remote-parent bits 8 and 9.
    """

    trace_id: str
    span_id: str
    parent_span_id: str = ""
    name: str = ""
    kind: SpanKind = SpanKind.UNSPECIFIED
    start_unix_nano: int = 0
    end_unix_nano: int = 0
    attributes: Attributes = field(default_factory=dict)
    resource: Resource = Resource()
    scope: Scope = Scope()
    status: Status = Status()
    events: tuple[Event, ...] = ()
    links: tuple[Link, ...] = ()
    trace_state: str = ""
    flags: int = 0
    dropped_attributes_count: int = 0

    @property
    def service_name(self) -> str:
        """Name of the service that recorded this span."""
        return self.resource.service_name

    @property
    def has_valid_ids(self) -> bool:
        """Whether both ids have the right length and are not all zero, as W3C Trace Context demands."""
        return _is_id(self.trace_id, 32) and _is_id(self.span_id, 16)


def group_by_origin(spans: Iterable[Span]) -> list[tuple[Resource, list[tuple[Scope, list[Span]]]]]:
    """Group spans as OTLP nests them: by resource, then by scope, each in order of first appearance.

    Spans decoded together share their resource object, so identity is asked first and equality only across inputs.
    """
    groups: dict[str, tuple[Resource, dict[Scope, list[Span]]]] = {}
    by_identity: dict[tuple[int, Scope], list[Span]] = {}
    for span in spans:
        members = by_identity.get((id(span.resource), span.scope))
        if members is None:
            # By repr, because to == the attributes 1, 1.0 and True are the same
            _, scopes = groups.setdefault(repr(span.resource), (span.resource, {}))
            members = by_identity[id(span.resource), span.scope] = scopes.setdefault(span.scope, [])
        members.append(span)
    return [(resource, list(scopes.items())) for resource, scopes in groups.values()]


def _is_id(text: str, digits: int) -> bool:
    if len(text) != digits or text.count("0") == digits:
        return False
    try:
        return len(bytes.fromhex(text)) * 2 == digits
    except ValueError:
        return False
