"""Which exchange is which."""

from __future__ import annotations

import random
from dataclasses import replace
from time import perf_counter

from hypothesis import given
from hypothesis import strategies as st

from otel_openstack.conversation import conversation
from otel_openstack.conversation.alignment import Pair, align
from otel_openstack.conversation.model import Conversation, Exchange, Message
from tests.conversation.strategies import TRACE_ID, Call, calls, record, span


def made(*wanted: Call) -> Conversation:
    """Return the conversation of these calls, all of one route for each callee."""
    return conversation(TRACE_ID, [*record(list(wanted))[0]])


def listed(paths: str) -> Conversation:
    """Return the conversation of one call a letter, one after the other."""
    return conversation(
        TRACE_ID,
        [
            span("openstack", f"{n:016x}", path=f"/{path}", start=10 * n, end=10 * n + 5)
            for n, path in enumerate(paths, 1)
        ],
    )


def aligned(first: str, second: str) -> str:
    """Return the letters of two conversations: ``-a`` only in the first, ``+a`` only in the second, ``>a`` moved."""
    shown = []
    for pair in align(listed(first), listed(second), {}):
        letter = second[pair.second or 0] if pair.first is None else first[pair.first]
        shown.append(
            ("+" if pair.first is None else "-" if pair.second is None else ">" if pair.moved else "") + letter
        )
        assert pair.first is None or pair.second is None or first[pair.first] == second[pair.second]
    return " ".join(shown)


def test_what_came_and_went_is_found_where_it_is() -> None:
    """However often the same call is made around it."""
    assert aligned("abab", "abab") == "a b a b"
    assert aligned("abcabc", "abcab") == "a b c a b -c"
    assert aligned("aaaa", "aaaaa") == "a a a a +a"
    assert aligned("xaaay", "xaay") == "x a a -a y"
    assert aligned("a", "ba") == "a +b"


def test_what_stands_elsewhere_has_moved() -> None:
    """The fewest that explain the new order."""
    assert aligned("abcd", "bcda") == ">a b c d"
    assert aligned("abcde", "aebcd") == "a b c d >e"


def test_what_was_under_way_at_the_same_time_has_no_order() -> None:
    """In one of the two runs; otherwise a job that guards a flow would fail now and then."""

    def run(*calls: tuple[str, int, int]) -> Conversation:
        spans = [span("openstack", f"{n:016x}", path=path, start=a, end=b) for n, (path, a, b) in enumerate(calls, 1)]
        return conversation(TRACE_ID, spans)

    in_turn, swapped = run(("/a", 0, 2), ("/b", 3, 5)), run(("/b", 0, 2), ("/a", 3, 5))
    at_once = run(("/b", 0, 5), ("/a", 1, 4))
    assert [pair.moved for pair in align(in_turn, swapped, {})].count(True) == 1
    assert not [pair for pair in align(in_turn, at_once, {}) if pair.moved]
    assert not [pair for pair in align(at_once, in_turn, {}) if pair.moved]


def test_a_call_that_was_made_for_another_one_has_moved() -> None:
    """What was made for it stands where it stood."""
    image, network, place = Call("glance-api", [Call("keystone")]), Call("neutron"), Call("placement")
    first = made(Call("nova-api", [image, network]), Call("keystone"), Call("nova-api", [place]))
    second = made(Call("nova-api", [network]), Call("keystone"), Call("nova-api", [place, image]))
    assert align(same_paths(first), same_paths(second), {}) == [
        Pair(0, 0), Pair(1, 5, moved=True), Pair(2, 6), Pair(3, 1), Pair(4, 2), Pair(5, 3), Pair(6, 4),
    ]  # fmt: skip


def same_paths(one: Conversation) -> Conversation:
    """Return a conversation whose calls have one path."""
    bare = [replace(exchange, request=replace(asked(exchange), path="/"), response=None) for exchange in one.exchanges]
    return replace(one, exchanges=tuple(bare))


def asked(exchange: Exchange) -> Message:
    """Return the request, which there is."""
    assert exchange.request is not None
    return exchange.request


def test_of_equal_calls_those_with_equal_inner_calls_belong_together() -> None:
    """The call that came is the one that did nothing."""
    validated, bare = Call("glance-api", [Call("keystone")]), Call("glance-api")
    first, second = same_paths(made(validated)), same_paths(made(validated, bare))
    assert align(first, second, {}) == [Pair(0, 0), Pair(1, 1), Pair(None, 2)]


@given(calls(), calls())
def test_every_exchange_is_in_one_pair(first: list[Call], second: list[Call]) -> None:
    """None is lost, none is taken twice."""
    a, b = same_paths(made(*first)), same_paths(made(*second))
    pairs = align(a, b, {})
    assert [pair.first for pair in pairs if pair.first is not None] == list(range(len(a.exchanges)))
    assert sorted(pair.second for pair in pairs if pair.second is not None) == list(range(len(b.exchanges)))


@given(st.text("abc", max_size=12))
def test_a_conversation_is_aligned_with_itself(paths: str) -> None:
    """In order."""
    whole = listed(paths + "d")
    assert align(whole, whole, {}) == [Pair(place, place) for place in range(len(paths) + 1)]


def test_thousands_of_siblings_in_another_order_take_no_time() -> None:
    """Quadratic work would take minutes."""
    letters = [chr(0x4E00 + number % 700) for number in range(5000)]
    shuffled = random.Random(0).sample(letters, len(letters))
    first, second = listed("".join(letters)), listed("".join(shuffled))
    began = perf_counter()
    assert len(align(first, second, {})) == 5000
    assert perf_counter() - began < 2
