"""Masking a conversation on its way out."""

from otel_openstack.conversation.model import Body, Conversation, Exchange, Message, MessageKind
from otel_openstack.conversation.redacted import redacted

TOKEN = "gAAAAABjsoUBidK_dtSo6s04L6HQ5WB6XDcLhYyaRXYNAhH7A1bnXkF18BtoVGL7BP799R3yTWMz"


def conversation() -> Conversation:
    """Return one exchange with a secret wherever one can be."""
    request = Message(
        MessageKind.REQUEST,
        "openstack",
        "keystone",
        "POST",
        f"http://admin:hunter2@127.0.0.1:5000/v3/auth/tokens?token={TOKEN}",
        "/v3/auth/tokens",
        headers=(("X-Auth-Token", TOKEN), ("Accept", "*/*")),
        body=Body('{"auth": {"password": "hunter2", "name": "admin"}}', 50),
    )
    response = Message(MessageKind.RESPONSE, "openstack", "keystone", "POST", "", "/v3/auth/tokens", 201, "CREATED")
    return Conversation("4b" * 16, (request, response), (Exchange(request, response),))


def test_no_secret_is_left_anywhere() -> None:
    """Headers, body, URL and the exchanges behind them are masked."""
    shown = repr(redacted(conversation()))
    assert TOKEN not in shown
    assert "hunter2" not in shown


def test_what_is_no_secret_stays() -> None:
    """Names, other headers, sizes and messages without secrets are as they were."""
    before, after = conversation(), redacted(conversation())
    assert after.messages[0].headers[1] == ("Accept", "*/*")
    assert '"name": "admin"' in str(after.messages[0].body.content)
    assert after.messages[0].body.size == 50
    assert after.messages[1] == before.messages[1]


def test_a_secret_in_a_form_is_masked() -> None:
    """A body of pairs is read as such when its content type says so."""
    message = Message(
        MessageKind.REQUEST,
        "a",
        "b",
        "POST",
        "",
        "/",
        headers=(("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),),
        body=Body("user=admin&password=hunter2", 27),
    )
    assert redacted(Conversation("4b" * 16, (message,))).messages[0].body.content == "user=admin&password=***"


def test_a_line_that_is_no_header_is_masked_as_if_it_were_one() -> None:
    """A document may have lost the blank after the colon; a body that was not captured stays so."""
    message = Message(
        MessageKind.REQUEST, "a", "b", "GET", "", "/", headers=(("", f"X-Auth-Token:{TOKEN}"), ("", "no header"))
    )
    (masked,) = redacted(Conversation("4b" * 16, (message,))).messages
    assert TOKEN not in repr(masked)
    assert masked.headers[0][1].startswith("X-Auth-Token:")
    assert masked.headers[1] == ("", "no header")
    assert masked.body == Body()


def test_masking_does_not_make_a_body_look_cut() -> None:
    """It is shorter, or longer, and shows as much as before."""
    for size, missing in ((50, 0), (90, 40), (None, 0)):
        body = Body('{"auth": {"password": "hunter2", "name": "admin"}}', size)
        message = Message(MessageKind.REQUEST, "a", "b", "POST", "", "/", body=body)
        (masked,) = redacted(Conversation("4b" * 16, (message,))).messages
        assert masked.body.content != body.content
        assert masked.body.missing == missing
