"""Header blocks and bodies in attributes."""

from hypothesis import given
from hypothesis import strategies as st

from otel_openstack.conversation.blocks import (
    REQUEST,
    RESPONSE,
    body_attributes,
    header_attributes,
    read_body,
    read_headers,
    spelled,
)
from otel_openstack.conversation.model import Body, BodyLayout
from otel_openstack.otlp import Attributes, AttributeValue
from tests.conversation.strategies import bodies

CONTENT, SIZE = RESPONSE.body_content, RESPONSE.body_size


@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3))).map(tuple))
def test_header_blocks_come_back(headers: tuple[tuple[str, str], ...]) -> None:
    """Order, case and repeated names included."""
    assert read_headers(header_attributes(headers, REQUEST), REQUEST) == headers


def test_headers_without_a_list_of_names_are_shown_in_title_case() -> None:
    """Other instrumentations record values alone, some with underscores for dashes, some with one string."""
    attributes: Attributes = {
        "http.response.header.content_type": ("text/plain",),
        "http.response.header.x-trans-id": "tx1",
        "http.response.header.set-cookie": ("a=1", "b=2"),
        "http.request.header.host": ("h",),
    }
    assert read_headers(attributes, RESPONSE) == (
        ("Content-Type", "text/plain"),
        ("X-Trans-Id", "tx1"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
    )


def test_a_name_without_its_value_is_still_a_header() -> None:
    """A limit on attributes may have dropped it; what is no name is passed over."""
    listed: AttributeValue = ("Host", "Accept", "Accept", 7)
    attributes: Attributes = {REQUEST.header_names: listed, "http.request.header.accept": ("*/*", 1)}
    assert read_headers(attributes, REQUEST) == (("Host", ""), ("Accept", "*/*"), ("Accept", "1"))


def test_names_that_a_server_spoiled_are_spelled_as_their_sender_did() -> None:
    """What the sender's list does not have, a proxy added: Title-Case."""
    spoiled = (("x-auth-token", "t"), ("x-forwarded-for", "f"))
    assert spelled(spoiled, {REQUEST.header_names: ("X-AUTH-Token",)}) == (
        ("X-AUTH-Token", "t"),
        ("X-Forwarded-For", "f"),
    )
    assert spelled(spoiled, {}) == spelled(spoiled, None) == (("X-Auth-Token", "t"), ("X-Forwarded-For", "f"))


def test_names_in_lower_case_among_others_were_sent_so() -> None:
    """A server that kept one capital kept them all."""
    headers = (("Host", "h"), ("traceparent", "00"))
    assert spelled(headers, {REQUEST.header_names: ("HOST", "TraceParent")}) == headers


@given(bodies(st.text(max_size=5)), st.sampled_from(BodyLayout))
def test_bodies_come_back(body: Body, layout: BodyLayout) -> None:
    """Content, size and layout."""
    whole = Body(body.content, body.size, layout if body.content is not None else BodyLayout.OURS)
    assert read_body([dict(body_attributes(whole, RESPONSE))], RESPONSE) == whole


def test_the_first_view_with_content_is_taken_with_its_own_size() -> None:
    """The other one's size counts only when there is no content at all, or its own is not known."""
    assert read_body([{SIZE: 4}, {CONTENT: "ab", SIZE: 2}], RESPONSE) == Body("ab", 2)
    assert read_body([{CONTENT: "ab"}, {CONTENT: "abc", SIZE: 3}], RESPONSE) == Body("ab")
    assert read_body([{SIZE: 4}, {CONTENT: b"ab"}], RESPONSE) == Body(b"ab", 4)
    assert read_body([{}, {SIZE: 4}], RESPONSE) == Body(None, 4)


def test_values_that_mean_nothing_are_ignored() -> None:
    """A layout that nobody knows, a size below zero, content of another type."""
    layout = RESPONSE.body_layout
    assert read_body([{CONTENT: "a", SIZE: -1, layout: "askew"}], RESPONSE) == Body("a")
    assert read_body([{CONTENT: 7}], RESPONSE) == Body()
