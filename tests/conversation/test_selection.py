"""What a selection leaves of conversations as services make them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from otel_openstack.conversation import conversation
from otel_openstack.conversation.model import Body, Conversation
from otel_openstack.conversation.patterns import Pattern
from otel_openstack.conversation.rules import BUILT_IN
from otel_openstack.conversation.selection import Rule, Selection, Shortening, select
from otel_openstack.exceptions import EmptyTraceError
from otel_openstack.importer import import_document
from otel_openstack.render import RENDERERS
from tests.conversation.strategies import TRACE_ID, Call, calls, record, shown, span


def made(*wanted: Call) -> Conversation:
    """Return the conversation of these calls of ``openstack``; the path of a call is its place among the spans."""
    return conversation(TRACE_ID, record(list(wanted))[0])


def polled(*paths: str, caller: str = "openstack") -> Conversation:
    """Return the conversation of one call a path, one after the other."""
    spans = [
        span(caller, f"{number:016x}", path=path, start=10 * number, end=10 * number + 5)
        for number, path in enumerate(paths, start=1)
    ]
    return conversation(TRACE_ID, spans)


def test_what_is_dropped_takes_along_what_was_made_for_it() -> None:
    """And what is left is numbered anew, in its order."""
    whole = made(Call("glance-api", [Call("swift-proxy-server", [Call("keystone")])]), Call("keystone"))
    left = select(whole, Selection(drop=(Rule(Pattern(callee=("swift-*",)), "storage"),)))
    assert shown(left) == ["GET /1", "200 /1", "GET /7", "200 /7"]
    assert [number for number, _ in left.numbered()] == [1, 2, 3, 4]
    assert left.left_out == ("4 messages are left out: storage",)
    assert left.parents == (None, None)


def test_a_subtree_is_kept_with_all_below_it() -> None:
    """Neither what it was made for nor what came beside it."""
    whole = made(Call("nova-api", [Call("glance-api", [Call("keystone")]), Call("keystone")]))
    left = select(whole, Selection(keep=(Rule(Pattern(callee=("glance-api",))),)))
    assert [(one.request.callee if one.request else "") for one in left.exchanges] == ["glance-api", "keystone"]
    assert left.parents == (None, 0)
    assert left.left_out == ("4 messages are left out: what is not part of calls at glance-api",)


def test_of_polls_the_last_stays_and_says_so() -> None:
    """Another call by the same caller ends a run, another query is another call."""
    image = "/v2/images/a42bfade-78ec-4c95-b7b4-272ba265072c"
    left = select(
        polled(image, image, image, "/v2/images?marker=1", "/v2/images?marker=2", image), BUILT_IN["no-polling"]
    )
    assert shown(left) == [
        f"GET {image}", f"200 {image}", "GET /v2/images", "200 /v2/images", "GET /v2/images", "200 /v2/images",
        f"GET {image}", f"200 {image}",
    ]  # fmt: skip
    assert left.messages[0].gap.endswith("The last of 3 polls of GET /v2/images/{id}: the others are left out.")
    assert left.left_out == (
        "4 messages are left out: all but the last of 3 polls of GET /v2/images/{id} by openstack",
    )


def test_validation_of_tokens_is_a_built_in_selection() -> None:
    """The issue of a token stays."""
    spans = [
        span("glance-api", "1" * 16, path="/identity/v3/auth/tokens", start=1, end=2),
        span("glance-api", "2" * 16, path="/identity/v3/auth/tokens", start=3, end=4, http__request__method="POST"),
    ]
    left = select(conversation(TRACE_ID, spans), BUILT_IN["no-token-validation"])
    assert [message.method for message in left.messages] == ["POST", "POST"]
    assert left.left_out == ("2 messages are left out: validation of tokens",)


@pytest.mark.parametrize(
    ("caller", "method", "path", "is_periodic"),
    [
        ("haproxy", "GET", "/healthcheck", True),
        ("nova-compute", "PUT", "/placement/resource_providers/1/inventories", True),
        ("nova-scheduler", "GET", "/resource_providers", False),
        ("swift-object-updater", "PUT", "/sda/1/AUTH_a/c/o", True),
        ("swift-object-server", "REPLICATE", "/sda/1/2", True),
        ("swift-proxy-server", "PUT", "/sda/1/AUTH_a/c/o", False),
    ],
)
def test_periodic_work_is_a_built_in_selection(caller: str, method: str, path: str, is_periodic: bool) -> None:
    """What a service does for a request stays."""
    spans = [
        span(caller, "1" * 16, path=path, start=1, end=2, http__request__method=method),
        span("openstack", "2" * 16, start=3, end=4),
    ]
    left = select(conversation(TRACE_ID, spans), BUILT_IN["no-periodic"])
    assert len(left.exchanges) == (1 if is_periodic else 2)


def test_a_participant_gets_another_name_wherever_it_stands() -> None:
    """By its name, or by the start of its URL."""
    whole = polled("/identity/v3", "/v2/images", caller="192.0.2.9:1")
    left = select(whole, Selection(rename=(("192.0.2.1/identity", "keystone"), ("192.0.2.*", "host"))))
    assert [(message.caller, message.callee) for message in left.messages[::2]] == [
        ("host", "keystone"),
        ("host", "host"),
    ]
    assert all(one.request in left.messages and one.response in left.messages for one in left.exchanges)


def test_a_shortened_list_says_how_many_entries_follow() -> None:
    """The rest of the body stays as it was sent, and the body counts as whole."""
    content = '{"a": 1.0, "token": {"x": "]", "catalog": [{"id": 1}, {"id": 2}, {"id": 3}], "é": []}}'
    whole = conversation(TRACE_ID, [span("a", "1" * 16, http__response__body__content=content, end=1)])
    left = select(whole, Selection(shorten=(Shortening(Pattern(), "token.catalog", 1),)))
    body = left.messages[1].body
    assert body == replace(body, content=content.replace('{"id": 2}, {"id": 3}', '"... (2 more)"'))
    assert left.messages[1] is left.exchanges[0].response
    assert left.left_out == ("token.catalog of 1 body is shortened to its first 1",)
    assert whole.messages[1].body == Body(content)


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        (Selection(drop=(Rule(Pattern(method=("GET",)), "reading"),)), "4 messages are left out: reading"),
        (Selection(keep=(Rule(Pattern(method=("PUT",), path=("/x",))),)), "no exchange is PUT /x"),
    ],
)
def test_nothing_left_is_an_error_that_names_the_rule(selection: Selection, said: str) -> None:
    """Rather than an empty document."""
    with pytest.raises(EmptyTraceError, match=said) as error:
        select(made(Call("keystone"), Call("glance-api")), selection)
    assert error.value.hint


@given(calls())
def test_nothing_selected_changes_nothing(drawn: list[Call]) -> None:
    """Neither does a rule that matches nothing."""
    whole = made(*drawn)
    for selection in (Selection(), Selection(drop=(Rule(Pattern(callee=("nobody",))),), fold=(Rule(Pattern()),))):
        assert select(whole, selection) == whole


@given(calls())
def test_a_selected_document_is_imported_as_what_it_shows(drawn: list[Call]) -> None:
    """What says that something is left out is no message, in documents and logs alike."""
    whole = made(*drawn, Call("cinder-api"))
    left = select(whole, Selection(drop=(Rule(Pattern(callee=("keystone",)), 'a "rule" with `a` --> `b`\n### GET /'),)))
    for form in ("markdown", "log"):
        text = RENDERERS[form](left)
        imported = import_document(text)
        again = RENDERERS[form](conversation(imported.trace_id, imported.spans))
        assert text.endswith(again)
        assert text.count("!!! missing") - again.count("!!! missing") == len(left.left_out)
