"""The log."""

from otel_openstack.conversation.model import Body, Conversation, Message, MessageKind
from otel_openstack.render.log import HEADING_LIKE, render


def test_a_heading_in_a_body_or_header_moves_by_one_space() -> None:
    """A log that was sent as a body stays a body."""
    spoof = "### (a) REQ >>> (b) : GET http://c/"
    message = Message(
        MessageKind.REQUEST,
        "a",
        "b",
        "GET",
        "http://h/",
        "/",
        headers=((spoof, "x"),),
        body=Body(f"y\n{spoof}\n### (a) RESP"),
    )
    text = render(Conversation("", (message,)))
    assert len(HEADING_LIKE.findall(text)) == 1
    assert f"\n {spoof}: x\n\ny\n {spoof}\n ### (a) RESP\n" in text


def test_a_gap_is_told_before_the_headers() -> None:
    """As in the document, by the same words."""
    message = Message(MessageKind.REQUEST, "a", "b", "GET", "http://h/", "/", headers=(("A", "1"),), gap="It's gone.")
    assert 'GET http://h/\n!!! missing "It\'s gone."\nA: 1\n\nnone\n\n' in render(Conversation("", (message,)))
