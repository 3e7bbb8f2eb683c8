"""From spans to a conversation."""

import pytest

from otel_openstack.conversation import conversation
from otel_openstack.exceptions import EmptyTraceError
from otel_openstack.otlp import Span, SpanKind
from tests.conversation.strategies import TRACE_ID, record, shown, span
from tests.conversation.strategies import Call as Of


def test_messages_are_numbered_and_exchanges_stand_in_the_order_of_their_first_message() -> None:
    """One nested call."""
    spans, said = record([Of("glance-api", [Of("keystone")]), Of("keystone")])
    built = conversation(TRACE_ID, spans)
    assert shown(built) == said
    assert [number for number, _ in built.numbered()] == [1, 2, 3, 4, 5, 6]
    assert [each.request for each in built.exchanges] == [built.messages[0], built.messages[1], built.messages[4]]
    assert built.trace_id == TRACE_ID


def test_an_exchange_of_which_only_the_response_is_known_has_its_place() -> None:
    """It stands where its response stands."""
    spans = [span("a", "a" * 16, path="/1", http__request__method=""), span("a", "b" * 16, path="/2", start=5)]
    built = conversation(TRACE_ID, spans)
    assert [each.request is None for each in built.exchanges] == [True, False]


@pytest.mark.parametrize(("count", "words"), [(0, "0 spans"), (1, "1 span"), (2, "2 spans")])
def test_a_trace_without_messages_says_so(count: int, words: str) -> None:
    """With its id and how much there is."""
    spans = [Span(TRACE_ID, f"{number:016x}", kind=SpanKind.INTERNAL) for number in range(count)]
    with pytest.raises(EmptyTraceError, match=f"^Trace {TRACE_ID} holds {words} but no HTTP message.$") as caught:
        conversation(TRACE_ID, spans)
    assert caught.value.hint


def test_an_http_span_that_says_nothing_is_no_message() -> None:
    """A method that is empty and a status that is none."""
    with pytest.raises(EmptyTraceError):
        conversation(TRACE_ID, [span("a", "a" * 16, http__request__method="", http__response__status_code=0)])
