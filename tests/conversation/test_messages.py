"""Spans into messages and back."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_openstack.conversation.messages import (
    GAP_CALLEE,
    GAP_CALLER,
    GAP_END,
    GAP_REQUEST,
    GAP_RESPONSE,
    GAP_RING,
    exchange_of,
    path_of,
    spans_of,
)
from otel_openstack.conversation.model import Body, BodyLayout, Exchange, Message, MessageKind
from otel_openstack.conversation.pairing import Hop, pair
from otel_openstack.otlp import AttributeValue, Span, protobuf
from tests.conversation.strategies import TRACE_ID, bodies, nasty_text, span

A, B = "a" * 16, "b" * 16
CLIENT = span("openstack", A, path="/image/v2/images?limit=1", start=1, end=9)
SERVER = span("glance-api", B, A, path="/v2/images", server=True, start=3, end=7)


def with_attributes(of: Span, **attributes: AttributeValue) -> Span:
    """Return the span with further attributes, named with ``__`` for each dot; None takes one away."""
    known = {**of.attributes, **{name.replace("__", "."): value for name, value in attributes.items()}}
    return replace(of, attributes={name: value for name, value in known.items() if value is not None})


def read(client: Span | None, server: Span | None) -> tuple[Message, Message]:
    """Read an exchange that has both messages."""
    exchange = exchange_of(Hop(client, server))
    assert exchange.request
    assert exchange.response
    return exchange.request, exchange.response


def test_the_document_shows_the_callees_path_and_the_callers_url() -> None:
    """Between the two there may be a proxy that rewrites paths."""
    for message in read(CLIENT, SERVER):
        assert (message.caller, message.callee) == ("openstack", "glance-api")
        assert message.path == "/v2/images"
        assert message.url == "http://192.0.2.1/image/v2/images?limit=1"
        assert message.gap == ""


def test_a_message_has_the_time_at_which_it_was_sent() -> None:
    """The request by the caller's clock, the response by the callee's."""
    request, response = read(CLIENT, SERVER)
    assert request.time_unix_nano == CLIENT.start_unix_nano
    assert response.time_unix_nano == SERVER.end_unix_nano
    assert read(CLIENT, replace(SERVER, end_unix_nano=0))[1].time_unix_nano == CLIENT.end_unix_nano


def test_half_an_exchange_says_so() -> None:
    """Each message of it, and whose half is missing."""
    assert [message.gap for message in read(CLIENT, None)] == [GAP_CALLEE, GAP_CALLEE]
    assert [message.gap for message in read(None, SERVER)] == [GAP_CALLER, GAP_CALLER]


def test_the_callees_view_wins_and_the_callers_fills_in() -> None:
    """Status, reason, headers and body are the callee's; what it lacks is the caller's."""
    client = with_attributes(
        CLIENT,
        http__response__status_code=502,
        openstack__http__response__reason="Bad Gateway",
        http__response__header__via=("proxy",),
        openstack__http__response__header_names=("Via",),
        http__request__body__content="{}",
        http__request__body__size=2,
    )
    server = with_attributes(
        SERVER,
        openstack__http__response__header_names=("x-trans-id",),
        **{"http__response__header__x-trans-id": ("tx1",)},
    )
    request, response = read(client, server)
    assert (response.status, response.reason) == (200, "Bad Gateway")
    assert response.headers == (("x-trans-id", "tx1"),)
    assert request.body == Body("{}", 2)


def test_without_a_response_the_request_says_why() -> None:
    """A status that is no status code counts as none."""
    cases: list[tuple[dict[str, AttributeValue], int, str]] = [
        ({"http__response__status_code": None}, 9, GAP_RESPONSE),
        ({"http__response__status_code": 0}, 0, GAP_END),
        (
            {"http__response__status_code": None, "error__type": "ConnectTimeout"},
            9,
            "No response was recorded: ConnectTimeout.",
        ),
    ]
    for attributes, end, gap in cases:
        server = with_attributes(SERVER, http__response__status_code=None)
        exchange = exchange_of(Hop(with_attributes(replace(CLIENT, end_unix_nano=end), **attributes), server))
        assert exchange.response is None
        assert exchange.request
        assert exchange.request.gap == gap


def test_without_a_method_only_the_response_is_shown() -> None:
    """And it says that it is not all."""
    exchange = exchange_of(Hop(None, with_attributes(SERVER, http__request__method=None)))
    assert exchange.request is None
    assert exchange.response
    assert exchange.response.gap == f"{GAP_CALLER} {GAP_REQUEST}"


def test_dropped_attributes_and_rings_are_gaps() -> None:
    """Whoever reads the document shall know that it may not be all."""
    request, _ = read(replace(CLIENT, dropped_attributes_count=3), SERVER)
    assert request.gap == "openstack dropped 3 attributes of this exchange."
    (hop,) = pair([replace(SERVER, parent_span_id=B)])
    exchange = exchange_of(hop)
    assert exchange.request
    assert exchange.request.gap == f"{GAP_CALLER} {GAP_RING}"


def test_a_method_outside_the_known_ones_is_shown_as_sent() -> None:
    """Semantic conventions fold it to _OTHER and keep the original beside it."""
    server = with_attributes(SERVER, http__request__method="_OTHER", http__request__method_original="PURGE")
    assert read(None, server)[0].method == "PURGE"


def test_the_registered_phrase_stands_in_for_a_reason_that_nobody_recorded() -> None:
    """An empty one that was recorded stays empty; a code without a phrase has none."""
    assert read(CLIENT, SERVER)[1].reason == "OK"
    assert read(CLIENT, with_attributes(SERVER, openstack__http__response__reason=""))[1].reason == ""
    assert read(CLIENT, with_attributes(SERVER, http__response__status_code=599))[1].reason == ""


@pytest.mark.parametrize(
    ("attributes", "callee"),
    [
        ({"service__peer__name": "glance"}, "glance"),
        ({"peer__service": "glance"}, "glance"),
        ({"server__address": "192.0.2.9", "server__port": 9292}, "192.0.2.9:9292"),
        ({"server__address": "2001:db8::1", "server__port": 80}, "[2001:db8::1]"),
        ({}, "192.0.2.1"),
        ({"url__full": None}, "unknown"),
    ],
)
def test_a_callee_that_recorded_nothing_gets_the_nearest_name(
    attributes: dict[str, AttributeValue], callee: str
) -> None:
    """What the client called it, else where it is."""
    assert read(with_attributes(CLIENT, **attributes), None)[0].callee == callee


def test_a_caller_that_recorded_nothing_gets_the_nearest_name() -> None:
    """What it called itself, else whoever is above, else where it is."""
    named = with_attributes(SERVER, openstack__requestshook__request_from="horizon")
    assert read(None, named)[0].caller == "horizon"
    assert read(None, with_attributes(SERVER, client__address="192.0.2.7"))[0].caller == "192.0.2.7"
    assert read(None, SERVER)[0].caller == "unknown"
    stray = replace(SERVER, span_id="c" * 16, start_unix_nano=SERVER.start_unix_nano + 1)
    request = exchange_of(pair([CLIENT, SERVER, stray])[1]).request
    assert request
    assert request.caller == "openstack"


def test_the_url_is_put_together_when_the_caller_recorded_none() -> None:
    """From what the server knows; a default port is left out."""
    server = with_attributes(SERVER, url__scheme="https", server__address="cloud", server__port=9292, url__query="a=b")
    assert read(None, server)[0].url == "https://cloud:9292/v2/images?a=b"
    assert read(None, with_attributes(server, server__port=443, url__query=None))[0].url == "https://cloud/v2/images"
    assert read(None, SERVER)[0].url == ""


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://a/b?c=/d#e", "/b"),
        ("http://a", ""),
        ("http://a?b", ""),
        ("http://a/b#c?d", "/b"),
        ("/b?c", "/b"),
        ("None", "None"),
        ("", ""),
    ],
)
def test_the_path_of_a_url(url: str, path: str) -> None:
    """Absolute, relative, or no URL at all."""
    assert path_of(url) == path


REQUESTS = st.builds(
    Message,
    st.just(MessageKind.REQUEST),
    st.just("openstack"),
    st.just("keystone"),
    st.sampled_from(("GET", "POST", "get", "_WEIRD")),
    st.one_of(
        st.just("None"), st.text().map("http://host:5000/{}?q=1".format), st.text().map("http://u@[::1]/{}".format)
    ),
    st.one_of(st.sampled_from(("", "None", "/")), st.text()),
    headers=st.lists(st.tuples(nasty_text(), nasty_text()), max_size=5).map(tuple),
    body=st.builds(
        lambda body, layout: replace(body, layout=layout if body.content is not None else body.layout),
        bodies(nasty_text()),
        st.sampled_from(BodyLayout),
    ),
    time_unix_nano=st.just(5),
    gap=nasty_text(),
)


@given(REQUESTS, REQUESTS, nasty_text(), st.sampled_from(("both", "request", "response")))
def test_messages_written_as_spans_are_read_back_equal(one: Message, two: Message, reason: str, which: str) -> None:
    """Whatever a document says, also where request and response disagree, survives spans and protobuf."""
    response = replace(two, kind=MessageKind.RESPONSE, status=404, reason=reason, time_unix_nano=9)
    exchange = Exchange(one if which != "response" else None, response if which != "request" else None)
    spans = spans_of(exchange, trace_id=TRACE_ID, parent_span_id="", client_span_id=A, server_span_id=B)
    (hop,) = pair(protobuf.decode(protobuf.encode(spans)))
    back = exchange_of(hop)
    assert (back.request, back.response) == (exchange.request, exchange.response)


def test_an_exchange_without_messages_is_refused() -> None:
    """There is nothing to write."""
    with pytest.raises(ValueError, match="a request, a response or both"):
        spans_of(Exchange(None, None), trace_id=TRACE_ID, parent_span_id="", client_span_id=A, server_span_id=B)


def test_ids_become_attributes_that_can_be_found() -> None:
    """Request id, its sender, and the service's own req- id, from either message."""
    request, response = read(CLIENT, SERVER)
    request = replace(request, headers=(("X-Requestshook-Request-Id", "1a"), ("X-Requestshook-Request-From", "cli")))
    response = replace(response, headers=(("x-compute-request-id", "req-2"), ("X-Openstack-Request-Id", "req-1")))
    spans = spans_of(
        Exchange(request, response), trace_id=TRACE_ID, parent_span_id="", client_span_id=A, server_span_id=B
    )
    for each in spans:
        assert each.attributes["openstack.requestshook.request_id"] == "1a"
        assert each.attributes["openstack.requestshook.request_from"] == "cli"
        assert each.attributes["openstack.request_id"] == "req-1"
