"""The order of messages: the same spans give the same numbers, whatever the clocks say."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_openstack.conversation import conversation
from otel_openstack.conversation.ordering import order
from otel_openstack.conversation.pairing import pair
from otel_openstack.otlp import Span
from tests.conversation.strategies import TRACE_ID, Call, calls, clocks, record, shown, span
from tests.strategies import span_lists

A, B, C, D, E, F = (digit * 16 for digit in "abcdef")
HOUR = 3600 * 1_000_000_000
RANDOMS = st.randoms(use_true_random=False)


def messages(spans: list[Span]) -> list[str]:
    """Return the messages of these spans in their order."""
    return shown(conversation(TRACE_ID, spans))


@given(calls(), clocks(), RANDOMS)
def test_no_clock_and_no_delivery_changes_what_is_determined(
    made: list[Call], wrong_by: dict[str, int], random: Random
) -> None:
    """Every service's clock may be wrong by a year: the messages stand in the order in which they were sent."""
    spans, said = record(made, wrong_by)
    random.shuffle(spans)
    assert messages(spans) == said


@given(calls(), clocks(), RANDOMS, st.data())
def test_halves_that_are_lost_do_not_shuffle_the_others(
    made: list[Call], wrong_by: dict[str, int], random: Random, data: st.DataObject
) -> None:
    """Without the server halves of the innermost calls, the client halves still tell the whole order."""
    spans, said = record(made, wrong_by)
    parents = {each.parent_span_id for each in spans}
    lost = {each.span_id for each in spans[1::2] if each.span_id not in parents and data.draw(st.booleans())}
    left = [each for each in spans if each.span_id not in lost]
    random.shuffle(left)
    assert messages(left) == said


@given(span_lists(), RANDOMS)
def test_any_spans_have_one_order(spans: list[Span], random: Random) -> None:
    """Whatever OTLP can say is ordered, both messages of a hop once, requests first, and always in the same way."""
    first = order(pair(spans))
    places = {(hop.top.span_id, kind): place for place, (hop, kind) in enumerate(first)}
    assert len(places) == len(first)
    random.shuffle(spans)
    assert [(hop.top, kind) for hop, kind in order(pair(spans))] == [(hop.top, kind) for hop, kind in first]


def test_calls_of_one_client_interleave_as_its_clock_saw() -> None:
    """Two calls at once, to hosts whose clocks are an hour apart from the client's and each other."""
    spans = [
        span("openstack", A, path="/a", start=10, end=40),
        span("openstack", B, path="/b", start=20, end=30),
        span("nova-api", C, A, path="/a", server=True, start=HOUR, end=HOUR + 20),
        span("glance-api", D, B, path="/b", server=True, start=-HOUR, end=-HOUR + 5),
    ]
    assert messages(spans) == ["GET /a", "GET /b", "200 /b", "200 /a"]


@pytest.mark.parametrize("skew", [0, HOUR, -HOUR])
def test_work_that_starts_after_the_answer_comes_after_it(skew: int) -> None:
    """The callee answers first and calls on later: its own clock says so, and it is the only one asked."""
    spans = [
        span("openstack", A, path="/a", start=10, end=100),
        span("nova-api", B, A, path="/a", server=True, start=skew + 20, end=skew + 30),
        span("nova-api", C, B, path="/c", start=skew + 40, end=skew + 50),
        span("glance-api", D, C, path="/c", server=True, start=42, end=44),
    ]
    assert messages(spans) == ["GET /a", "200 /a", "GET /c", "200 /c"]


def test_work_that_outlives_the_answer_ends_after_it() -> None:
    """A call that was open when its parent answered."""
    spans = [
        span("openstack", A, path="/a", start=10, end=100),
        span("nova-api", B, A, path="/a", server=True, start=20, end=30),
        span("nova-api", C, B, path="/c", start=25, end=50),
    ]
    assert messages(spans) == ["GET /a", "GET /c", "200 /a", "200 /c"]


def test_coarse_clocks_keep_requests_before_what_they_caused() -> None:
    """All times equal: cause alone decides, then ids."""
    spans = [
        span("openstack", A, path="/a", start=1, end=1),
        span("nova-api", B, A, path="/a", server=True, start=1, end=1),
        span("nova-api", C, B, path="/c", start=1, end=1),
        span("nova-api", D, B, path="/d", start=1, end=1),
    ]
    assert messages(spans) == ["GET /a", "GET /c", "200 /c", "GET /d", "200 /d", "200 /a"]


def test_a_call_that_ends_when_the_next_begins_comes_first() -> None:
    """At one tick of the clock, what began earlier ends before something begins."""
    spans = [span("openstack", B, path="/1", start=1, end=5), span("openstack", A, path="/2", start=5, end=9)]
    assert messages(spans) == ["GET /1", "200 /1", "GET /2", "200 /2"]


def test_a_callee_that_never_ended_keeps_its_calls_inside() -> None:
    """The server span has no end, the client's has one: what was done for it is inside."""
    spans = [
        span("openstack", A, path="/a", start=10, end=100),
        span("nova-api", B, A, path="/a", server=True, start=HOUR),
        span("nova-api", C, B, path="/c", start=HOUR + 5, end=HOUR + 6),
        span("openstack", D, path="/d", start=101, end=102),
    ]
    assert messages(spans) == ["GET /a", "GET /c", "200 /c", "200 /a", "GET /d", "200 /d"]


def test_a_client_that_never_ended_still_starts_first() -> None:
    """Neither a client span without an end nor a server with an early clock turns cause and effect."""
    spans = [
        span("openstack", A, path="/a", start=10, http__response__status_code=""),
        span("nova-api", B, A, path="/a", server=True, start=-HOUR, end=-HOUR + 2),
        span("nova-api", C, B, path="/c", start=-HOUR + 1, end=-HOUR + 2),
    ]
    assert messages(spans) == ["GET /a", "GET /c", "200 /c", "200 /a"]


def test_attempts_under_one_call_stay_inside_it() -> None:
    """Two callees' halves under one client span; one service is both caller and callee."""
    spans = [
        span("nova-api", A, path="/a", start=10, end=20),
        span("nova-api", B, A, path="/a", server=True, start=HOUR, end=HOUR + 5),
        span("nova-api", C, A, path="/late", server=True, start=HOUR + 50, end=HOUR + 90),
        span("nova-api", D, path="/d", start=30, end=40),
    ]
    assert messages(spans) == ["GET /a", "GET /late", "200 /late", "200 /a", "GET /d", "200 /d"]


def test_deep_chains_do_not_exhaust_the_stack() -> None:
    """Three thousand nested calls."""
    spans = [
        span("nova-api", f"{number + 1:016x}", f"{number:016x}" if number else "", f"/{number}", start=number, end=9999)
        for number in range(3000)
    ]
    said = messages(spans)
    assert said[:3000] == [f"GET /{number}" for number in range(3000)]
    assert said[3000:] == [f"200 /{number}" for number in reversed(range(3000))]
