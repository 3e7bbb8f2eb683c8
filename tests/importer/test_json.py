"""Our JSON comes back, and what is none is named."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given

from otel_openstack.conversation import conversation
from otel_openstack.conversation.model import Conversation
from otel_openstack.exceptions import DocumentError
from otel_openstack.importer import import_document
from otel_openstack.render import RENDERERS
from tests.conversation.strategies import TRACE_ID, Call, calls, clocks, conversations, nasty_text, record
from tests.golden.cases import CASES


def written(shown: Conversation) -> str:
    """Return the JSON of a conversation, without the id of its trace."""
    return RENDERERS["json"](shown).replace(shown.trace_id, "")


def read(text: str) -> Conversation:
    """Return the conversation of a JSON text, by way of its spans."""
    imported = import_document(text)
    return conversation(imported.trace_id, imported.spans)


@given(calls())
def test_a_recorded_conversation_comes_back(drawn: list[Call]) -> None:
    """Messages, times, exchanges and what they were made for, to the byte."""
    recorded = conversation(TRACE_ID, record(drawn)[0])
    assert written(read(RENDERERS["json"](recorded))) == written(recorded)


@given(calls(), clocks())
def test_of_clocks_that_disagree_the_order_comes_back(drawn: list[Call], wrong_by: dict[str, int]) -> None:
    """All but the times, which rise from then on."""
    recorded = conversation(TRACE_ID, record(drawn, wrong_by)[0])
    once = read(RENDERERS["json"](recorded))
    without_times = [re.sub(r'"time_unix_nano": "\d+"', "", written(shown)) for shown in (recorded, once)]
    assert without_times[0] == without_times[1]
    assert written(read(RENDERERS["json"](once))) == written(once)


@given(conversations(nasty_text()))
def test_whatever_stands_in_messages_comes_back(shown: Conversation) -> None:
    """Headers, bodies and gaps at once; what an import adds, after that."""
    once = read(RENDERERS["json"](shown))
    told = [
        sorted((m.kind.value, m.caller, m.path, m.headers, repr(m.body), m.gap) for m in one.messages)
        for one in (shown, once)
    ]
    assert told[0] == told[1]
    assert written(read(RENDERERS["json"](once))) == written(once)


def golden() -> dict[str, Any]:
    """Return the JSON of a golden conversation, with its exchanges."""
    value: dict[str, Any] = json.loads(RENDERERS["json"](read(RENDERERS["json"](CASES["image-list"]()))))
    return value


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (["version"], 2, "has version 2"),
        (["messages"], None, "has no messages"),
        (["messages"], [], "there is no message 1"),
        (["messages", 0], 3, "message 1: 3 is not an object"),
        (["messages", 0, "kind"], "reply", "'reply' is neither"),
        (["messages", 0, "caller"], None, "message 1 has no caller"),
        (["messages", 1, "status"], "200", "'200' is not a whole number"),
        (["messages", 1, "status"], 20, "20 has not three digits"),
        (["messages", 1, "headers", 0], ["a"], "is no pair"),
        (["messages", 1, "body", "base64"], "!", "message 2, body, base64"),
        (["messages", 1, "body", "layout"], "x", "layout: 'x'"),
        (["messages", 1, "body", "size"], -1, "-1 is no number of bytes"),
        (["messages", 1, "time_unix_nano"], "now", "'now' is no time"),
        (["exchanges", 0, "request"], 9, "there is no message 9"),
        (["exchanges", 0, "request"], 2, "message 2 is none"),
        (["exchanges", 0, "response"], 5, "message 2 does not belong to exactly one exchange"),
        (["exchanges", 0, "made_for"], 3, "no exchange before it starts with message 3"),
    ],
)
def test_what_is_wrong_is_named_by_its_place(place: list[str | int], value: object, said: str) -> None:
    """The message or exchange, the member and the value."""
    whole: Any = golden()
    inner = whole
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    with pytest.raises(DocumentError, match=re.escape(said)):
        import_document(json.dumps(whole))


def test_a_file_that_was_cut_is_no_json() -> None:
    """And is not taken for a document without messages."""
    with pytest.raises(DocumentError, match="is no JSON"):
        import_document(RENDERERS["json"](CASES["image-list"]())[:-10])
