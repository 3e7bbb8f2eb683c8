"""What differs in meaning, and what only looks different."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter

import pytest
from hypothesis import given

from otel_openstack.conversation import conversation
from otel_openstack.conversation.diff import Change, Finding, diff
from otel_openstack.conversation.model import Body, Conversation, Exchange, Headers, Message, MessageKind
from tests.conversation.strategies import TRACE_ID, Call, calls, clocks, record

BODY = "response body"
IDS = (
    "a42bfade-78ec-4c95-b7b4-272ba265072c",
    "7c4cda7e4807414bbdfcb22b535a9802",
    "dac56602-fc17-4806-8bd4-6776bb1f3de0",
)


def exchange(
    path: str = "/v2/images",
    status: int = 200,
    headers: Headers = (),
    body: str | bytes | None = None,
    asked: Headers = (),
    callee: str = "glance-api",
    reason: str = "X",
) -> Exchange:
    """Build one call of the client."""
    request = Message(MessageKind.REQUEST, "openstack", callee, "GET", "", path, headers=asked)
    answer = Message(MessageKind.RESPONSE, "openstack", callee, "GET", "", path, status, reason, headers, Body(body))
    return Exchange(request, answer)


def said(*exchanges: Exchange) -> Conversation:
    """Return a conversation of these."""
    messages = [message for one in exchanges for message in (one.request, one.response) if message is not None]
    return Conversation(TRACE_ID, tuple(messages), exchanges)


def found(first: Exchange, second: Exchange, *, strict: bool = False) -> list[tuple[str, str, str, str]]:
    """Return what differs between two conversations of one exchange."""
    findings = diff(said(first), said(second), strict=strict)
    return [(one.change.value, one.what, one.before, one.after) for one in findings]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (exchange(f"/v2/images/{IDS[0]}"), exchange(f"/v2/images/{IDS[1]}")),
        (exchange(body='{"at": "2023-01-02T07:17:21Z"}'), exchange(body='{"at": "2026-11-23T22:51:01.5Z"}')),
        (exchange(body='{"links": ["http://10.0.0.1:80/v3"]}'), exchange(body='{"links": ["http://cloud:5000/v3"]}')),
        (exchange(body=f'{{"{IDS[0]}": {{"a": 1}}}}'), exchange(body=f'{{"{IDS[1]}": {{"a": 1}}}}')),
        (exchange(body='{"expires": 1672651041}'), exchange(body='{"expires": 1700000000.5}')),
        (exchange(asked=(("User-Agent", "a/1.0 b-c-4.1.0"),)), exchange(asked=(("User-Agent", "a/2 b-c-4.11.0"),))),
        (exchange(asked=(("X-Auth-Token", "gAAAA1"),)), exchange(asked=(("X-Auth-Token", "{SHA256}12"),))),
        (exchange(headers=(("Date", "a"), ("X-Openstack-Request-Id", f"req-{IDS[0]}"))),
         exchange(headers=(("Date", "b"), ("X-Openstack-Request-Id", f"req-{IDS[2]}")))),
    ],
)  # fmt: skip
def test_roles_are_no_differences(first: Exchange, second: Exchange) -> None:
    """Ids, times, addresses, tokens and versions count for somebody who is strict."""
    assert found(first, second) == []
    assert found(first, second, strict=True) != []


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        (exchange(headers=(("X-A", "1"), ("X-B", "2"))), exchange(headers=(("x-b", "2"), ("x-a", "1")))),
        (exchange(body='[{"name": "a"}, {"name": "b"}]'), exchange(body='[{"name": "b"}, {"name": "a"}]')),
        (exchange(body='{"a": 1, "b": 2}'), exchange(body='{"b":2,"a":1}')),
        (exchange(body='{"password": "a"}'), exchange(body='{"password": "***"}')),
    ],
)
def test_order_spelling_and_secrets_never_count(first: Exchange, second: Exchange, strict: bool) -> None:
    """Not even for somebody who is strict."""
    assert found(first, second, strict=strict) == []


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (exchange(), exchange(status=404), ("changed", "status of GET /v2/images", "200 X", "404 X")),
        (exchange(), exchange("/image/v2/images"), ("changed", "path", "/v2/images", "/image/v2/images")),
        (exchange(callee="glance"), exchange(), ("changed", "participant", "glance", "glance-api")),
        (exchange(headers=(("Vary", "a"),)), exchange(), ("went", "response header vary", "a", "")),
        (exchange(), exchange(asked=(("X-Auth-Token", "a"),)), ("came", "request header x-auth-token", "", "{token}")),
        (exchange(body='{"a": {"b": 1}}'), exchange(body='{"a": {"b": []}}'), ("changed", BODY + " a.b", "1", "[…]")),
        (exchange(body='{"a": 1}'), exchange(body='{"a": 1, "b": [1]}'), ("came", "response body b", "", "[…]")),
        (exchange(body='{"a": 1}'), exchange(body='{"a": 1, "secret": 3}'), ("came", BODY + " secret", "", "***")),
        (exchange(body='{"a": 1}'), exchange(body='{"a": true}'), ("changed", "response body a", "1", "true")),
        (exchange(body='["a", "b"]'), exchange(body='["b", "c", "c"]'), ("changed", "response body[]", "a", "c (2)")),
        (exchange(body="some text"), exchange(body="some test"), ("changed", "response body", "sometext", "sometest")),
        (exchange(body="text"), exchange(body=b"\xff"), ("changed", "response body", "text", "binary")),
        (exchange(body="text"), exchange(), ("went", "response body", "text", "")),
        (exchange(body=b"\xff"), exchange(body=b"\xfe"), ("changed", BODY, "b'\\xff'", "b'\\xfe'")),
        (exchange(body=b"\xff"), exchange(body=b"\xff\x00"), ("changed", BODY, "b'\\xff'", "b'\\xff\\x00'")),
        (exchange(body="[[1]]"), exchange(body="[[2]]"), ("changed", "response body[][]", "1", "2")),
        (exchange(reason="OK"), exchange(reason="Fine"), ("changed", "reason", "OK", "Fine")),
    ],
)  # fmt: skip
def test_a_difference_is_named_with_both_values(
    first: Exchange, second: Exchange, expected: tuple[str, str, str, str]
) -> None:
    """And it is the only one."""
    assert found(first, second) == [expected]


def test_an_id_has_to_stand_for_the_same_thing_everywhere() -> None:
    """A client that asks for another image than it was told of does something else."""
    first = said(exchange(f"/v2/{IDS[0]}"), exchange("/v2", body=f'{{"id": "{IDS[0]}"}}'))
    second = said(exchange(f"/v2/{IDS[1]}"), exchange("/v2", body=f'{{"id": "{IDS[2]}"}}'))
    (finding,) = diff(first, second)
    assert finding == Finding(Change.CHANGED, "response body id: not the same thing as elsewhere", IDS[0], IDS[2], (4,))


def test_queries_are_compared_where_both_tell_them() -> None:
    """A document does not; the order of parameters means nothing."""

    def listing(query: str) -> Exchange:
        one = exchange()
        assert one.request is not None
        return replace(one, request=replace(one.request, url=f"http://h/v2/images{query}"))

    known = exchange("/v2"), listing("?known=1")
    for first, second, expected in (
        ("?a=1&b=2", "?b=2&a=1", []),
        ("?a=1", "?a=2", [Finding(Change.CHANGED, "query", "a=1", "a=2", (5,))]),
        ("", "?a=2", [Finding(Change.CAME, "query", "", "a=2", (5,))]),
    ):
        assert list(diff(said(*known, listing(first)), said(*known, listing(second)))) == expected
    assert diff(said(listing("")), said(listing("?a=2"))) == ()


def test_a_path_has_to_name_the_same_thing_everywhere() -> None:
    """As an id in a body has to."""
    first = said(exchange(f"/v2/{IDS[0]}"), exchange(f"/v2/{IDS[0]}/file"))
    second = said(exchange(f"/v2/{IDS[1]}"), exchange(f"/v2/{IDS[2]}/file"))
    (finding,) = diff(first, second)
    assert (finding.what, finding.numbers) == ("path: not the same thing as elsewhere", (3,))


def test_exchanges_come_go_and_move() -> None:
    """With the numbers of their messages."""
    paths = [exchange(f"/{name}") for name in "abcde"]
    a, b, c, d, e = paths
    findings = diff(said(a, b, c, d), said(b, c, a, e))
    title = "openstack → glance-api: GET /{} (200)".format
    assert findings == (
        Finding(Change.MOVED, title("a"), numbers=(1, 2)),
        Finding(Change.WENT, title("d"), numbers=(7, 8)),
        Finding(Change.CAME, title("e"), numbers=(7, 8)),
    )


def test_what_came_with_every_message_is_one_finding() -> None:
    """So that a new header does not hide the rest."""
    first = [exchange(f"/{number}") for number in range(9)]
    second = [exchange(f"/{number}", asked=(("traceparent", f"00-{number}"),)) for number in range(9)]
    assert diff(said(*first), said(*second)) == (
        Finding(Change.CAME, "request header traceparent", numbers=tuple(range(1, 19, 2))),
    )


def test_a_body_that_was_cut_is_compared_as_far_as_it_goes() -> None:
    """What was not captured may be anything."""
    whole, cut, other = ('{"a": [1, 2, 3]}', '{"a": [1, ', '{"a": [7, ')

    def body(content: str, size: int) -> Exchange:
        made = exchange()
        assert made.response is not None
        return Exchange(made.request, replace(made.response, body=Body(content, size)))

    assert found(body(whole, len(whole)), body(cut, 99)) == []
    assert found(body(whole, len(whole)), body(other, 99)) == [
        ("changed", "response body", '{"a":[1,2,3]}', '{"a":[7,')
    ]
    assert found(exchange(body=whole), body("", 99)) == []


def test_no_secret_is_shown() -> None:
    """Wherever a token stands, strict or not."""
    token = "gAAAAABjsoUBidK_dtSo6s04L6HQ5WB6XDcLhYyaRXYNAhH7A1bnXkF18BtoVGL7BP799R3yTWMz"
    second = exchange(
        headers=(("X-Auth-Token", token), ("X-Note", token)), body=f'{{"password": "s3cret", "n": "{token}"}}'
    )
    for strict in (False, True):
        for pair in ((exchange(body="{}"), second), (second, exchange(body='{"password": "other", "n": ""}'))):
            shown = str(found(*pair, strict=strict))
            assert not [part for part in ("gAAAA", "s3cret", "other") if part in shown]


@given(calls(), clocks())
def test_a_second_run_means_the_same(drawn: list[Call], wrong_by: dict[str, int]) -> None:
    """Whatever the clocks say."""
    first, second = (conversation(TRACE_ID, record(drawn, clock)[0]) for clock in ({}, wrong_by))
    assert diff(first, second) == ()


def test_thousands_of_messages_take_a_moment() -> None:
    """With bodies of which every value is another: under the 5 seconds that a job would wait."""
    body = '{{"images": [{{"id": "{0:032x}", "name": "a", "tags": ["{0:032x}"], "at": "2026-01-01T00:00:{1:02}Z"}}]}}'

    def run(start: int) -> Conversation:
        return said(*(exchange(f"/v2/{start + n:032x}", body=body.format(start + n, n % 60)) for n in range(2500)))

    began = perf_counter()
    assert diff(run(0), run(10**30)) == ()
    assert perf_counter() - began < 5
