"""From what a person types to one trace, whatever keeps it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from otel_openstack.exceptions import SourceError
from otel_openstack.otlp import Span
from otel_openstack.traces import TraceSource, TraceSummary
from otel_openstack.traces.identifiers import is_hex, normalize

LATEST = "latest"


def resolve(source: TraceSource, identifier: str) -> str:
    """Return the one trace id that an identifier stands for.

    :param identifier: what :meth:`TraceSource.find` understands, or ``latest``.
    :raises SourceError: it stands for no trace, or for several.
    """
    if identifier == LATEST:
        latest = source.summaries(limit=1)
        if not latest:
            raise SourceError("There is no trace yet.", hint="Record one: otel-openstack record -- COMMAND.")
        return latest[0].trace_id
    found = source.find(identifier)
    if not found:
        raise SourceError(
            f"No span carries the id {identifier!r:.100}.",
            hint="A trace id has 32 hex digits; otel-openstack list shows those that are there.",
        )
    if len(found) > 1:
        shown = ", ".join(found[:3])
        raise SourceError(
            f"{identifier} occurs in {len(found)} traces: {shown}{', …' if len(found) > 3 else ''}.",
            hint="Name one of them by its trace id; otel-openstack find shows them all.",
        )
    return found[0]


def read_trace(source: TraceSource, identifier: str) -> tuple[str, Sequence[Span]]:
    """Return the id and the spans of the one trace that an identifier stands for.

    A trace id is asked for at once: back ends take longer to search than to answer it.

    :raises SourceError: as :func:`resolve` does.
    """
    key = normalize(identifier)
    if is_hex(key, 32) and (spans := source.trace(key)):
        return key, spans
    trace_id = resolve(source, identifier)
    return trace_id, source.trace(trace_id)


def group_by_trace(spans: Iterable[Span]) -> dict[str, list[Span]]:
    """Return the spans of each trace, each span once; those without valid ids are left out."""
    traces: dict[str, dict[str, Span]] = {}
    for span in spans:
        if span.has_valid_ids:
            traces.setdefault(span.trace_id, {}).setdefault(span.span_id, span)
    return {trace_id: list(members.values()) for trace_id, members in traces.items()}


def start_of(spans: Iterable[Span]) -> int:
    """Return the start of the earliest span."""
    return min(span.start_unix_nano for span in spans)


def summarize(trace_id: str, spans: Sequence[Span]) -> TraceSummary:
    """Summarize a trace from its spans, of which there is at least one.

    The root is the earliest span without a parent, else the earliest whose parent is not among the spans.
    """
    in_order = sorted(spans, key=lambda span: (span.start_unix_nano, span.span_id))
    known = {span.span_id for span in spans}
    orphans = [span for span in in_order if span.parent_span_id not in known]
    root = next((span for span in orphans if not span.parent_span_id), (orphans or in_order)[0])
    start = in_order[0].start_unix_nano
    return TraceSummary(
        trace_id=trace_id,
        root_name=root.name,
        services=tuple(dict.fromkeys(span.service_name for span in in_order)),
        start_unix_nano=start,
        duration_nano=max(0, *(span.end_unix_nano - start for span in spans), 0),
        span_count=len(spans),
    )
