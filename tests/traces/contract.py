"""What every source of traces must do, whatever is behind it: the MUST sentences of ``TraceSource`` as tests.

A source passes by a class that inherits from :class:`SourceContract` and has a fixture ``keep``: a function that puts
spans, in this order, where a new source then reads them from.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings

from otel_openstack.otlp import Resource, Span, SpanKind
from otel_openstack.traces import TraceSource
from tests.strategies import exact, span_lists

Keep = Callable[[Sequence[Span]], TraceSource]

TRACE, OTHER = "5b8efff798038103d269b633813fc60c", "00000000000000000000000000000abc"
REQUEST_ID = "8f3d0a5e00c14f4b9d1f7c2a6b3e4d5f"
DASHED = "8f3d0a5e-00c1-4f4b-9d1f-7c2a6b3e4d5f"
OPENSTACK_ID = "req-0F6A7E7C-4D65-4E0B-8F0A-4F4F5C1D2E3B"

T0 = time.time_ns() - 60 * 10**9  # a minute ago: back ends let go of what is old

SPANS = [
    Span(
        TRACE,
        "eee19b7ec3c1b174",
        name="openstack image save",
        start_unix_nano=T0 + 1_000,
        end_unix_nano=T0 + 9_000,
        resource=Resource({"service.name": "openstack"}),
    ),
    Span(
        TRACE,
        "eee19b7ec3c1b175",
        "eee19b7ec3c1b174",
        name="GET /v2/images/{image_id}",
        kind=SpanKind.SERVER,
        start_unix_nano=T0 + 2_000,
        end_unix_nano=T0 + 10_000,
        attributes={
            "openstack.requestshook.request_id": DASHED.upper(),
            "openstack.request_id": OPENSTACK_ID,
            "openstack.global_request_id": "req-global",
            "http.request.body.content": b"\x00\xff",
            "http.request.header.accept": ("*/*", "text/plain"),
        },
        resource=Resource({"service.name": "glance-api"}),
    ),
    Span(
        OTHER,
        "eee19b7ec3c1b176",
        name="periodic work",
        start_unix_nano=T0 + 5_000,
        end_unix_nano=T0 + 6_000,
        attributes={"openstack.global_request_id": "req-global"},
        resource=Resource({"service.name": "nova-compute"}),
    ),
]


class SourceContract:
    """The contract; see the module."""

    @pytest.fixture
    def source(self, keep: Keep) -> Iterator[TraceSource]:
        """Three spans of two traces."""
        with closing(keep(SPANS)) as source:
            yield source

    def test_it_is_a_trace_source(self, source):
        assert isinstance(source, TraceSource)

    def kept(self, span: Span) -> Span:
        """Return a span as this keeper is known to keep it: as it is, unless a suite says otherwise."""
        return span

    def exact(self, spans: Iterable[Span]) -> list[str]:
        """Return spans in a form that compares all that this keeper keeps."""
        return exact(map(self.kept, spans))

    @settings(
        max_examples=25,
        # Each keeper's suite runs this very function, and takes the time that its keeper takes
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.differing_executors,
            HealthCheck.too_slow,
        ],
    )
    @given(spans=span_lists())
    def test_it_gives_each_span_exactly_once_and_whole(self, keep, spans):
        with closing(keep(spans)) as source:
            found = [span for trace in {s.trace_id for s in spans} for span in source.trace(trace)]
            assert self.exact(found) == self.exact(spans)

    def test_it_gives_a_span_once_that_was_delivered_twice(self, keep):
        with closing(keep([*SPANS, *SPANS])) as source:
            assert self.exact(source.trace(TRACE)) == self.exact(SPANS[:2])
            assert [summary.span_count for summary in source.summaries()] == [1, 2]

    def test_it_keeps_apart_spans_of_two_traces_that_have_the_same_span_id(self, keep):
        twins = [
            Span(trace, "1" * 16, name=name, start_unix_nano=T0, end_unix_nano=T0 + 1, resource=SPANS[0].resource)
            for trace, name in ((TRACE, "one"), (OTHER, "other"))
        ]
        with closing(keep(twins)) as source:
            assert self.exact(source.trace(TRACE)) == self.exact(twins[:1])
            assert sorted(source.find("1" * 16)) == sorted([TRACE, OTHER])

    @pytest.mark.parametrize("trace_id", [TRACE.upper(), "5b8efff7-9803-8103-d269-b633813fc60c", f" {TRACE}\n"])
    def test_it_takes_a_trace_id_in_any_spelling(self, source, trace_id):
        assert self.exact(source.trace(trace_id)) == self.exact(SPANS[:2])

    @pytest.mark.parametrize("unknown", ["f" * 32, "f" * 31, "", "req-unknown", "no hex at all", "é", "\0", "%", "*"])
    def test_it_answers_an_unknown_id_with_nothing(self, source, unknown):
        assert list(source.trace(unknown)) == []
        assert list(source.find(unknown)) == []

    @pytest.mark.parametrize(
        "identifier",
        [
            TRACE,
            TRACE.upper(),
            "eee19b7ec3c1b174",
            "EEE19B7EC3C1B175",
            REQUEST_ID,
            REQUEST_ID.upper(),
            DASHED,
            OPENSTACK_ID,
            OPENSTACK_ID.lower(),
        ],
    )
    def test_every_id_leads_to_its_trace(self, source, identifier):
        assert list(source.find(identifier)) == [TRACE]

    def test_an_id_of_several_traces_leads_to_the_latest_first(self, source):
        assert list(source.find("req-global")) == [OTHER, TRACE]

    def test_a_summary_tells_what_a_list_shows(self, source):
        summary = source.summaries()[1]
        assert (summary.trace_id, summary.root_name) == (TRACE, "openstack image save")
        assert summary.services == ("openstack", "glance-api")
        assert (summary.start_unix_nano, summary.duration_nano, summary.span_count) == (T0 + 1_000, 9_000, 2)

    def test_summaries_come_latest_first(self, source):
        assert [summary.trace_id for summary in source.summaries()] == [OTHER, TRACE]

    def test_summaries_are_limited(self, source):
        assert [summary.trace_id for summary in source.summaries(limit=1)] == [OTHER]

    def test_summaries_can_be_of_one_service(self, source):
        assert [summary.trace_id for summary in source.summaries(service="glance-api")] == [TRACE]
        assert list(source.summaries(service="nobody")) == []

    def test_summaries_can_begin_at_a_time(self, source):
        assert [summary.trace_id for summary in source.summaries(since_unix_nano=T0 + 1_001)] == [OTHER]
        assert len(source.summaries(since_unix_nano=T0 + 1_000)) == 2

    def test_nothing_is_a_source_without_traces(self, keep):
        with closing(keep([])) as source:
            assert list(source.summaries()) == []
            assert list(source.find(TRACE)) == []

    def test_closing_twice_does_nothing(self, source):
        source.close()
        source.close()
