"""The diagram."""

import pytest

from otel_openstack.conversation.model import Conversation, Message, MessageKind
from otel_openstack.render.mermaid import render


@pytest.mark.parametrize(
    ("service", "shown"),
    [
        ("glance-api", "glance-api"),
        ("swift.proxy_1", "swift.proxy_1"),
        ("192.0.2.1:9292", "192.0.2.1#58;9292"),
        ("a->>b", "a-#62;#62;b"),
        ("a--b-", "a#45;#45;b#45;"),
        ("nova-xvpvncproxy", "nova#45;xvpvncproxy"),
        ("end", "#101;nd"),
        ("endé", "#101;ndé"),
        ("endend", "endend"),
        ("-a", "#45;a"),
        (" end", "#32;end"),
        ("10 a", "#49;0 a"),
        ("Note-keeper", "#78;ote-keeper"),
        ("noted", "noted"),
        ("a\nb", "a#9226;b"),
    ],
)
def test_names_cannot_break_the_line(service: str, shown: str) -> None:
    """What has a meaning to Mermaid is written as an entity code, keywords by their first letter."""
    message = Message(MessageKind.REQUEST, service, "b", "GET", "", "/")
    assert render(Conversation("", (message,))) == f"{shown}->>b: GET /\n"


@pytest.mark.parametrize(("callee", "across"), [("b", "a,b"), ("a", "a")])
def test_what_is_left_out_is_a_note_across_all(callee: str, across: str) -> None:
    """One note each, before the first message."""
    message = Message(MessageKind.REQUEST, "a", callee, "GET", "", "/")
    shown = render(Conversation("", (message,), left_out=("2 messages; #1", "a\nb")))
    assert shown == (f"Note over {across}: 2 messages#59; #35;1\nNote over {across}: a\u240ab\na->>{callee}: GET /\n")
