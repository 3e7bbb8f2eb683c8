"""Attributes reach a span as the SDK would have put them there."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Span, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import INVALID_SPAN_CONTEXT, NonRecordingSpan, SpanKind
from opentelemetry.util.types import AnyValue

from otel_openstack.instrument.handover import hand_over, start_span

ATTRIBUTES: dict[str, AnyValue] = {
    "http.request.header.accept": ("a/b", "c/d"),
    "http.request.body.content": b"\x00\xff",
    "http.request.body.size": 2,
    "url.path": "/v2/images",
}


@pytest.mark.parametrize(
    "limits",
    [
        SpanLimits(max_span_attributes=512),
        SpanLimits(max_span_attributes=SpanLimits.UNSET),
        SpanLimits(max_span_attributes=3),
        SpanLimits(max_span_attributes=0),
        SpanLimits(max_span_attribute_length=3),
    ],
    ids=["roomy", "unlimited", "too-few", "none-at-all", "short-values"],
)
def test_a_span_ends_up_with_what_the_sdk_would_have_given_it(limits: SpanLimits) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(span_limits=limits, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    ours, theirs = (tracer.start_span("span", attributes={"url.scheme": "http", "url.path": "/"}) for _ in range(2))

    hand_over(ATTRIBUTES, ours)
    theirs.set_attributes(ATTRIBUTES)
    ours.end()
    theirs.end()

    ours_ended, theirs_ended = exporter.get_finished_spans()
    assert dict(ours_ended.attributes or {}) == dict(theirs_ended.attributes or {})
    assert ours_ended.dropped_attributes == theirs_ended.dropped_attributes


def test_an_ended_span_gets_nothing_more() -> None:
    span = TracerProvider(shutdown_on_exit=False).get_tracer("test").start_span("span")
    span.end()

    hand_over(ATTRIBUTES, span)

    assert not dict(getattr(span, "attributes", {}))


def test_a_span_of_another_make_is_given_them_by_its_own_method() -> None:
    class Foreign(NonRecordingSpan):
        given: Mapping[str, AnyValue] | None = None

        def set_attributes(self, attributes: Mapping[str, AnyValue]) -> None:
            self.given = attributes

    span = Foreign(INVALID_SPAN_CONTEXT)

    hand_over(ATTRIBUTES, span)

    assert span.given == ATTRIBUTES


def test_an_sdk_that_is_built_otherwise_is_served_through_its_front_door(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bounded(BoundedAttributes):
        """One that keeps its items elsewhere."""

        def __init__(self) -> None:
            self.kept: dict[str, AnyValue] = {}

        def _set_items(self, attributes: Mapping[str, AnyValue]) -> None:
            self.kept.update(attributes)

    span = TracerProvider(shutdown_on_exit=False).get_tracer("test").start_span("span")
    bounded = Bounded()
    monkeypatch.setattr(span, "_attributes", bounded)

    hand_over(ATTRIBUTES, span)

    assert bounded.kept == ATTRIBUTES


class Curious(Sampler, SpanProcessor):
    """Looks at attributes when a span starts, as a sampler or as a processor."""

    seen: dict[str, AnyValue] | None = None

    def should_sample(self, *args: object, **kwargs: object) -> SamplingResult:
        """Look at them."""
        given = kwargs.get("attributes", args[4] if len(args) > 4 else None)
        self.seen = dict(given) if isinstance(given, Mapping) else None
        return SamplingResult(Decision.RECORD_AND_SAMPLE, self.seen)

    def get_description(self) -> str:
        """Say who it is."""
        return "curious"

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002  # the interface
        """Look at them."""
        self.seen = dict(span.attributes or {})


@pytest.mark.parametrize("sampler", [ALWAYS_ON, ALWAYS_OFF, ParentBased(ALWAYS_ON), TraceIdRatioBased(1.0)])
def test_a_span_starts_with_what_the_sdk_would_have_given_it(sampler: Sampler) -> None:
    tracer = TracerProvider(sampler=sampler, shutdown_on_exit=False).get_tracer("test")

    ours = start_span(tracer, "span", Context(), SpanKind.SERVER, dict(ATTRIBUTES))
    theirs = tracer.start_span("span", Context(), SpanKind.SERVER, ATTRIBUTES)

    assert type(ours) is type(theirs)
    assert getattr(ours, "attributes", None) == getattr(theirs, "attributes", None)


@pytest.mark.parametrize("wrap", [lambda curious: curious, ParentBased], ids=["itself", "of-roots"])
def test_a_sampler_that_looks_at_attributes_sees_them(wrap: Callable[[Sampler], Sampler]) -> None:
    curious = Curious()
    tracer = TracerProvider(sampler=wrap(curious), shutdown_on_exit=False).get_tracer("test")

    start_span(tracer, "span", Context(), SpanKind.SERVER, dict(ATTRIBUTES))

    assert curious.seen == ATTRIBUTES


def test_a_processor_that_looks_at_attributes_sees_them() -> None:
    curious = Curious()
    provider = TracerProvider(shutdown_on_exit=False)
    tracer = provider.get_tracer("test")
    start_span(tracer, "span", Context(), SpanKind.SERVER, dict(ATTRIBUTES))
    provider.add_span_processor(curious)

    start_span(tracer, "span", Context(), SpanKind.SERVER, dict(ATTRIBUTES))

    assert curious.seen == ATTRIBUTES
