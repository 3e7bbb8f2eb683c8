"""Gives a span of the SDK attributes that need no cleaning: those that it starts with, and those of its end.

``Span.set_attributes`` walks every value and every element of a sequence, to make of anything what OTLP can carry: for
an exchange that is most of what the SDK costs. What :mod:`.capture` has gathered is clean by construction (keys are
non-empty ``str``; values ``str``, ``bytes``, ``int`` or tuples of ``str``), so it is put where cleaned ones would be.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace import Tracer as SdkTracer
from opentelemetry.sdk.trace.sampling import ParentBased, Sampler, StaticSampler, TraceIdRatioBased
from opentelemetry.trace import Link, Span, SpanKind, Tracer
from opentelemetry.util.types import AnyValue

MAX_ATTRIBUTES = 512
"""Attributes that a span of ours may have: the distribution's default for the SDK's limit."""


_OF_PARENTS = ("_root", "_remote_parent_sampled", "_remote_parent_not_sampled", "_local_parent_sampled",
               "_local_parent_not_sampled")  # fmt: skip


def start_span(
    tracer: Tracer,
    name: str,
    parent: Context,
    kind: SpanKind,
    attributes: dict[str, AnyValue],
    links: Sequence[Link] = (),
) -> Span:
    """Start a span with attributes; they are put into it afterwards where nobody could tell: 6 µs of each request.

    Samplers and processors that are not the SDK's own may decide by them when it starts, and get them then.

    :param attributes: values of the types above.
    """
    if not (isinstance(tracer, SdkTracer) and _is_blind(tracer.sampler) and _are_deaf(_processors(tracer))):
        return tracer.start_span(name, parent, kind, attributes, links)
    span = tracer.start_span(name, parent, kind, None, links)
    if span.is_recording():
        hand_over(attributes, span)
    return span


def _processors(tracer: SdkTracer) -> tuple[SpanProcessor, ...] | None:
    return getattr(tracer.span_processor, "_span_processors", None)


@lru_cache(maxsize=8)
def _is_blind(sampler: Sampler) -> bool:
    """Tell whether a sampler is known not to look at attributes."""
    if type(sampler) is ParentBased:
        return all(_is_blind(getattr(sampler, name, None)) for name in _OF_PARENTS)
    return type(sampler) in (StaticSampler, TraceIdRatioBased)


@lru_cache(maxsize=8)
def _are_deaf(processors: tuple[SpanProcessor, ...] | None) -> bool:
    """Tell whether span processors are known not to look at attributes when a span starts."""
    return processors is not None and all(
        type(processor).on_start is SpanProcessor.on_start
        or type(processor).__module__.startswith(("otel_openstack.", "opentelemetry.sdk."))
        for processor in processors
    )


def hand_over(attributes: dict[str, AnyValue], span: Span) -> None:
    """Add the attributes to the span, past the SDK's cleaning where that changes nothing.

    The SDK's own way is taken wherever it has something to say: limits that the user set and the attributes reach, a
    span that has ended, spans of another make, or an SDK that is not built as this one is.

    :param attributes: values of the types above; the dictionary must not be changed afterwards.
    """
    bounded = getattr(span, "_attributes", None)
    if not (isinstance(bounded, BoundedAttributes) and _take(bounded, attributes)):
        span.set_attributes(attributes)


def _take(bounded: BoundedAttributes, attributes: dict[str, AnyValue]) -> bool:
    try:
        if bounded._immutable or bounded.max_value_len is not None:
            return False
        with bounded._lock:
            held = bounded._dict
            if bounded.maxlen is not None and len(held) + len(attributes) > bounded.maxlen:
                return False
            held.update(attributes)
    except AttributeError:
        return False
    return True
