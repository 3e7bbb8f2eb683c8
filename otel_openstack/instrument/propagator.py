"""``X-Requestshook-Request-Id`` as a propagation format: one header, one span context.

The id has 32 hex digits and is new for every hop. Ours are the last 16 digits of the trace id and the 16 of the client
span's id, so an id names its span; there is no randomness and no state. An older host makes ids of its own: without a
``traceparent`` such an id *is* the remote context, its 32 digits the trace id and the last 16 the span id.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otel_openstack import attributes as names
from otel_openstack.instrument.guard import never_raises

_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# Trace Context, version 00, as nearly everybody writes it
_TRACEPARENT = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_LOW_64_BITS = (1 << 64) - 1
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


def request_id(context: SpanContext) -> str:
    """Return the id that names a hop by its client span: 32 lower-case hex digits."""
    return f"{context.trace_id & _LOW_64_BITS:016x}{context.span_id:016x}"


def parse_request_id(text: str) -> str | None:
    """Return an id as 32 lower-case hex digits, with or without dashes before; ``None`` when it is none."""
    return text.replace("-", "").lower() if _ID.fullmatch(text) else None


def remote_context(identifier: str) -> SpanContext | None:
    """Return the span context that an id of 32 hex digits stands for; ``None`` when a half of it is all zeros."""
    trace_id, span_id = int(identifier, 16), int(identifier[16:], 16)
    if not trace_id or not span_id:
        return None
    return SpanContext(trace_id, span_id, is_remote=True, trace_flags=_SAMPLED)


@never_raises
def plain_context(environ: Mapping[str, Any]) -> Context | None:
    """Return the context of a request that came with a ``traceparent`` and nothing else, ``None`` for any other.

    It is what the propagators that the distribution sets would give, which take 7 µs more of each request for it.
    """
    match = _TRACEPARENT.fullmatch(environ.get("HTTP_TRACEPARENT", ""))
    if match is None or "HTTP_TRACESTATE" in environ or "HTTP_BAGGAGE" in environ:
        return None
    if not _are_ours(propagate.get_global_textmap()):
        return None
    trace_id, span_id, flags = match.groups()
    span_context = SpanContext(
        int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16))
    )
    return trace.set_span_in_context(NonRecordingSpan(span_context), Context()) if span_context.is_valid else None


@lru_cache(maxsize=8)
def _are_ours(propagator: TextMapPropagator) -> bool:
    """Tell whether these propagators read a ``traceparent`` first, and then the headers of the other two alone."""
    kinds = [type(each) for each in getattr(propagator, "_propagators", ())]
    others = {W3CBaggagePropagator, RequestshookPropagator}
    return kinds[:1] == [TraceContextTextMapPropagator] and others.issuperset(kinds[1:])


class RequestshookPropagator(TextMapPropagator):
    """The pair of headers, to stand behind ``tracecontext`` in ``OTEL_PROPAGATORS``: a valid ``traceparent`` wins."""

    @never_raises
    def inject(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        setter: Setter[CarrierT] = default_setter,
    ) -> None:
        """Write the id of the current span and the name of this service."""
        span_context = trace.get_current_span(context).get_span_context()
        if not span_context.is_valid:
            return
        setter.set(carrier, names.HEADER_REQUESTSHOOK_REQUEST_ID, request_id(span_context))
        # The provider that is configured knows the name, whether a user chose it or we found it
        resource = getattr(trace.get_tracer_provider(), "resource", None)
        if resource is not None:
            setter.set(carrier, names.HEADER_REQUESTSHOOK_REQUEST_FROM, str(resource.attributes[names.SERVICE_NAME]))

    def extract(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        getter: Getter[CarrierT] = default_getter,
    ) -> Context:
        """Return the context with the hop's span in it, unless there is a remote one already."""
        context = Context() if context is None else context
        found = self._found(carrier, context, getter)
        return found if type(found) is Context else context

    @never_raises
    def _found(self, carrier: CarrierT, context: Context, getter: Getter[CarrierT]) -> Context | None:
        present = trace.get_current_span(context).get_span_context()
        if present.is_valid and present.is_remote:
            return None
        values = getter.get(carrier, names.HEADER_REQUESTSHOOK_REQUEST_ID)
        identifier = parse_request_id(values[0]) if values and len(values) == 1 else None
        span_context = remote_context(identifier) if identifier else None
        if span_context is None:
            return None
        return trace.set_span_in_context(NonRecordingSpan(span_context), context)

    @property
    def fields(self) -> set[str]:
        """The headers that :meth:`inject` writes."""
        return {names.HEADER_REQUESTSHOOK_REQUEST_ID, names.HEADER_REQUESTSHOOK_REQUEST_FROM}


def keep_propagator(
    wrapped: Callable[..., None], _instance: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> None:
    """Wrap ``set_global_textmap``: who sets propagators in a service (oslo.middleware does) leaves ours in its place.

    Only where it has one: users who leave it out of ``OTEL_PROPAGATORS`` do not get it back.
    """
    kept = _kept(*args, **kwargs)
    if type(kept) is CompositePropagator:
        wrapped(kept)
    else:
        wrapped(*args, **kwargs)


@never_raises
def _kept(http_text_format: TextMapPropagator) -> CompositePropagator | None:
    header = names.HEADER_REQUESTSHOOK_REQUEST_ID
    if header in http_text_format.fields or header not in propagate.get_global_textmap().fields:
        return None
    return CompositePropagator([http_text_format, RequestshookPropagator()])
