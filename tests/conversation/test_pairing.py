"""Which spans are the two halves of one exchange."""

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from otel_openstack.conversation.pairing import Hop, pair
from otel_openstack.otlp import Span, SpanKind
from tests.conversation.strategies import span
from tests.strategies import span_lists

A, B, C, D = (digit * 16 for digit in "abcd")
REQUEST_ID = "1a2e4a3d05ce482586b9219ea2be036d"


def ids(hops: list[Hop]) -> list[tuple[str, str]]:
    """Return the span ids of the two halves of each hop, ``""`` for a missing one."""
    return [(hop.client.span_id if hop.client else "", hop.server.span_id if hop.server else "") for hop in hops]


def internal(span_id: str, parent: str) -> Span:
    """Build a span that is no HTTP span."""
    return Span("0" * 32, span_id, parent, kind=SpanKind.INTERNAL)


def test_a_server_span_belongs_to_its_parent() -> None:
    """The usual case: context came with the request."""
    assert ids(pair([span("openstack", A), span("keystone", B, A, server=True)])) == [(A, B)]


def test_other_spans_in_between_do_not_part_them() -> None:
    """A middleware's own span between the halves is passed over."""
    spans = [span("openstack", A), internal(C, A), internal(D, C), span("keystone", B, D, server=True)]
    assert ids(pair(spans)) == [(A, B)]


def test_halves_without_context_meet_by_their_request_id() -> None:
    """Dashes and case do not matter, nor whether the id stands in its attribute or among the headers."""
    dashed = "1A2E4A3D-05CE-4825-86B9-219EA2BE036D"
    by_attribute = {"openstack__requestshook__request_id": REQUEST_ID}
    by_header = {"http__request__header__x-requestshook-request-id": (dashed,)}
    spans = [span("openstack", A, **by_attribute), span("keystone", B, server=True, **by_header)]
    assert ids(pair(spans)) == [(A, B)]


def test_a_repeated_request_id_pairs_in_order_of_time() -> None:
    """The first call with the first answer, the second with the second."""
    known = {"openstack__requestshook__request_id": REQUEST_ID}
    spans = [
        span("openstack", A, start=1, end=4, **known),
        span("openstack", B, start=5, end=8, **known),
        span("keystone", D, server=True, start=6, end=7, **known),
        span("keystone", C, server=True, start=2, end=3, **known),
    ]
    assert ids(pair(spans)) == [(A, C), (B, D)]


def test_of_two_answers_to_one_call_the_one_that_the_client_saw_is_its_own() -> None:
    """A retry recorded as one client span: the failed attempt stays, alone, below the call."""
    spans = [
        span("openstack", A, start=1, end=9),
        span("keystone", B, A, server=True, start=2, end=3, http__response__status_code=503),
        span("keystone", C, A, server=True, start=4, end=5),
        span("keystone", D, A, server=True, start=6, end=7),
    ]
    hops = pair(spans)
    assert ids(hops) == [(A, C), ("", B), ("", D)]
    assert [hop.parent for hop in hops] == [None, hops[0], hops[0]]


def test_a_half_that_is_alone_is_kept() -> None:
    """Neither a lost client span nor a lost server span hides an exchange."""
    assert ids(pair([span("openstack", A), span("keystone", B, C, server=True)])) == [(A, ""), ("", B)]


def test_a_parent_is_found_through_other_spans() -> None:
    """Work in internal spans still belongs to the request that is being served."""
    spans = [
        span("openstack", A),
        span("glance-api", B, A, server=True),
        internal("e" * 16, B),
        span("glance-api", C, "e" * 16),
        span("keystone", D, C, server=True),
    ]
    outer, inner = pair(spans)
    assert inner.parent is outer
    assert outer.children == [inner]
    assert inner.above_is_server


def test_a_call_inside_a_call_has_it_as_parent() -> None:
    """Two layers of one client that are both instrumented."""
    outer, inner = pair([span("openstack", A), span("openstack", B, A)])
    assert inner.parent is outer
    assert not inner.above_is_server


def test_a_span_delivered_twice_counts_once() -> None:
    """Of two versions the one that ended is taken, whichever comes first."""
    whole, torn = span("openstack", A, start=1, end=2), span("openstack", A, start=1)
    for spans in ([whole, torn], [torn, whole], [whole, whole]):
        (hop,) = pair(spans)
        assert hop.client is whole


def test_client_and_server_may_share_an_id() -> None:
    """As Zipkin's instrumentations do: both halves are kept, and what hangs below is the server's."""
    spans = [span("openstack", A), span("keystone", A, server=True), span("keystone", B, A)]
    hops = pair(spans)
    assert ids(hops) == [(A, ""), (B, ""), ("", A)]
    assert hops[1].parent is hops[2]


def test_a_kind_that_nobody_set_is_guessed_from_the_url() -> None:
    """url.full is what clients record; other kinds are no HTTP halves."""
    client, server = span("openstack", A), span("keystone", B, A, server=True)
    spans = [replace(client, kind=SpanKind.UNSPECIFIED), replace(server, kind=SpanKind.UNSPECIFIED)]
    assert ids(pair(spans)) == [(A, B)]
    assert pair([replace(client, kind=SpanKind.PRODUCER), internal(B, A)]) == []


def test_a_ring_of_parents_is_opened_at_its_smallest_id() -> None:
    """Whatever comes first in the list: the hops are kept, and the opened one is marked."""
    spans = [span("a", B, C), span("b", C, D), span("c", D, B), span("d", A, C)]
    for order in (spans, spans[::-1], spans[2:] + spans[:2]):
        hops = {hop.top.span_id: hop for hop in pair(order)}
        assert {name for name, hop in hops.items() if hop.in_ring} == {B}
        assert hops[B].parent is None
        assert hops[C].parent is hops[D]
        assert hops[D].parent is hops[B]
        assert hops[A].parent is hops[C]


def test_a_span_that_is_its_own_parent_is_a_root() -> None:
    """The smallest ring, also of spans that are no HTTP spans."""
    (hop,) = pair([span("a", A, A)])
    assert hop.in_ring
    assert hop.parent is None
    (hop,) = pair([span("a", A, B), internal(B, C), internal(C, B)])
    assert hop.parent is None


@given(span_lists(), st.randoms(use_true_random=False))
def test_any_spans_can_be_paired_in_any_order(spans: list[Span], random: Random) -> None:
    """Nothing that OTLP can say makes pairing fail, and the order of delivery does not matter."""
    first = ids(pair(spans))
    random.shuffle(spans)
    assert ids(pair(spans)) == first
