"""Hypothesis strategies for what OTLP can say: attributes, resources, spans and traces.

Compare what comes back with :func:`exact`, not with ``==``: to Python ``1``, ``1.0`` and ``True`` are equal and NaN
is not, to OTLP they are three types and one value.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import strategies as st

from otel_openstack.attributes import SERVICE_NAME
from otel_openstack.otlp import (
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
)

SERVICES = ("openstack", "keystone", "glance-api", "swift-proxy-server", "nova-api")


def exact(spans: Iterable[Span]) -> list[str]:
    """Return the spans in a form that compares types, order of attributes and NaN too, whatever their order."""
    return sorted(repr(span) for span in spans)


def texts(max_size: int = 20) -> st.SearchStrategy[str]:
    """Draw any text that UTF-8 can carry: no surrogates."""
    return st.text(max_size=max_size)


def _ids(size: int) -> st.SearchStrategy[str]:
    return st.binary(min_size=size, max_size=size).filter(any).map(bytes.hex)


def trace_ids() -> st.SearchStrategy[str]:
    """Draw valid trace ids: 32 lower-case hex digits, not all zero."""
    return _ids(16)


def span_ids() -> st.SearchStrategy[str]:
    """Draw valid span ids: 16 lower-case hex digits, not all zero."""
    return _ids(8)


def times() -> st.SearchStrategy[int]:
    """Nanoseconds since the epoch, as far as SQLite and Go can count (2262)."""
    return st.integers(0, 2**63 - 1)


def attribute_values() -> st.SearchStrategy[AttributeValue]:
    """Draw every kind of AnyValue, nested too."""
    scalars: st.SearchStrategy[AttributeValue] = st.one_of(
        texts(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.binary(max_size=20), st.none()
    )
    return st.recursive(
        scalars,
        lambda inner: st.one_of(st.lists(inner, max_size=3).map(tuple), st.dictionaries(texts(8), inner, max_size=3)),
        max_leaves=5,
    )


def attributes(max_size: int = 5) -> st.SearchStrategy[Attributes]:
    """Draw a span's attributes: names that are not empty, values of every kind."""
    return st.dictionaries(st.text(min_size=1, max_size=12), attribute_values(), max_size=max_size)


def resources() -> st.SearchStrategy[Resource]:
    """Draw a process of a service; now and then one that does not say its name."""
    named = st.builds(
        lambda name, rest: Resource({SERVICE_NAME: name, **rest}), st.sampled_from(SERVICES), attributes(2)
    )
    return st.one_of(named, st.builds(Resource, attributes(2)))


def scopes() -> st.SearchStrategy[Scope]:
    """Draw an instrumentation library."""
    return st.builds(Scope, st.sampled_from(("", "otel_openstack", "other")), st.sampled_from(("", "1.0")))


def events() -> st.SearchStrategy[Event]:
    """Draw something that happened within a span."""
    return st.builds(Event, texts(), times(), attributes(2))


def links() -> st.SearchStrategy[Link]:
    """Draw a related span context."""
    return st.builds(Link, trace_ids(), span_ids(), attributes(2), texts(), st.integers(0, 2**32 - 1))


def spans() -> st.SearchStrategy[Span]:
    """Draw a span with valid ids and any other field as OTLP allows it."""
    return st.builds(
        Span,
        trace_id=trace_ids(),
        span_id=span_ids(),
        parent_span_id=st.one_of(st.just(""), span_ids()),
        name=texts(),
        kind=st.sampled_from(SpanKind),
        start_unix_nano=times(),
        end_unix_nano=times(),
        attributes=attributes(),
        resource=resources(),
        scope=scopes(),
        status=st.builds(Status, st.sampled_from(StatusCode), texts()),
        events=st.lists(events(), max_size=2).map(tuple),
        links=st.lists(links(), max_size=2).map(tuple),
        trace_state=texts(),
        flags=st.integers(0, 2**32 - 1),
        dropped_attributes_count=st.integers(0, 2**32 - 1),
    )


def span_lists(max_size: int = 6) -> st.SearchStrategy[list[Span]]:
    """Draw spans of at most two traces and two processes, each span once."""
    return st.builds(
        _share,
        st.lists(spans(), max_size=max_size, unique_by=lambda span: span.span_id),
        st.lists(trace_ids(), min_size=1, max_size=2),
        st.lists(resources(), min_size=1, max_size=2),
    )


def _share(drawn: list[Span], traces: list[str], processes: list[Resource]) -> list[Span]:
    return [
        replace(span, trace_id=traces[n % len(traces)], resource=processes[n % len(processes)])
        for n, span in enumerate(drawn)
    ]
