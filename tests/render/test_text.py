"""Titles, targets and header lines."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_openstack.conversation.model import Body, Conversation, Message, MessageKind
from otel_openstack.render import html, log, markdown, mermaid, page
from otel_openstack.render.body import body_text
from otel_openstack.render.text import header_block, name, target, title, visible_text
from tests.conversation.strategies import conversations, nasty_text

STEERING = {*map(chr, range(0x80, 0xA0)), *"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"}


def request(method: str = "GET", url: str = "http://h/p?q", path: str = "/p") -> Message:
    """Build a request."""
    return Message(MessageKind.REQUEST, "a", "b", method, url, path)


def response(reason: str = "OK", url: str = "http://h/p?q", path: str = "/p", method: str = "GET") -> Message:
    """Build a response."""
    return Message(MessageKind.RESPONSE, "a", "b", method, url, path, 200, reason)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (request(), "GET /p"),
        (request(path="/a b/가"), "GET /a b/가"),
        (request(path="no slash"), "GET no%20slash"),
        (request(method="GE T", path='/"`<b>[x](y)\n\x7f'), "GE%20T /%22%60%3Cb%3E%5Bx%5D(y)%0A%7F"),
        (request(path="/\x9b31m\u202e"), "GET /%C2%9B31m%E2%80%AE"),
        (response(), "200 OK /p"),
        (response(reason="", path="None"), "200  None"),
        (response(reason="see /other"), "200 see %2Fother /p"),
    ],
)
def test_a_title_is_one_line_that_can_be_split_again(message: Message, shown: str) -> None:
    """What RFC 3986 forbids in a path, and what could be markup, is percent-encoded; blanks and letters stay."""
    assert title(message) == shown


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        (request(), "GET http://h/p?q"),
        (request(url=""), "GET /p"),
        (request(url="", path=""), "GET /"),
        (request(url="a b"), "GET a%20b"),
        (response(), "200 OK GET http://h/p?q"),
        (response(method=""), "200 OK - http://h/p?q"),
        (response(reason="http://x"), "200 http:%2F/x GET http://h/p?q"),
    ],
)
def test_a_target_has_the_url(message: Message, shown: str) -> None:
    """And stands on one line, where it can be split again."""
    assert target(message) == shown


def test_a_header_is_one_line_whatever_is_in_it() -> None:
    """Control characters are shown as pictures; a line that is no header stands as it is."""
    headers = (("A", "1\r\n2"), ("B\x00", ""), ("", "no header"), ("", ""), ("C", "\u3000x"))
    assert header_block(headers).split("\n") == ["A: 1␍␊2", "B␀: ", "no header", ": ", "C: \u3000x"]
    assert header_block(()) == ""
    assert header_block((("A", "\n"),)) == "A: ␊"


def test_text_keeps_its_lines_and_nothing_else_that_moves_the_cursor() -> None:
    """A lone carriage return would be a line end to Markdown, and lead out of the block."""
    assert visible_text("a\tb\r\nc\rd\x1be\r") == "a\tb\r\nc␍d␛e␍"
    assert visible_text("\u2028가\n") == "\u2028가\n"


def test_a_name_stays_in_its_code_span() -> None:
    """Backticks and line ends cannot end it."""
    assert name("a`b\n") == "a'b␊"


@given(conversations(nasty_text()), st.sampled_from(sorted(STEERING)))
def test_nothing_steers_a_terminal_or_turns_a_text_around(conversation: Conversation, control: str) -> None:
    """Wherever it stands: C1 controls (ECMA-48) and bidirectional controls (UAX #9)."""
    messages = []
    for message in conversation.messages:
        fields = {field: getattr(message, field) + control for field in ("caller", "callee", "url", "path", "reason")}
        headers = (*message.headers, ("X", control), (f"Y{control}", ""))
        content = f'{{"a": "{control}31m"}}' if message.kind is MessageKind.REQUEST else f"a{control}31m"
        gap = message.gap and message.gap + control
        messages.append(replace(message, **fields, headers=headers, body=Body(content), gap=gap))
    hostile = replace(conversation, messages=tuple(messages), left_out=(control,))
    for render in (markdown.render, log.render, mermaid.render, page.render, html.render):
        assert not STEERING & set(render(hostile))


def test_json_says_what_it_said() -> None:
    """Its own escapes stand for what cannot be shown."""
    said = '{"a\u202e": ["\x9b\x7f\\\\\u2066"]}'
    shown = body_text(Body(said))
    assert not {*STEERING, "\x7f"} & set(shown)
    assert json.loads(shown) == json.loads(said)
