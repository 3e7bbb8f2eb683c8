"""Which open request a message belongs to."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from otel_openstack.conversation.waiting import Waiting


class Said(NamedTuple):
    """A request or a response."""

    is_request: bool
    caller: str
    callee: str
    request_id: str
    path: str


SAID = st.builds(Said, st.booleans(), *[st.sampled_from(names) for names in ("ab", "ab", ("", "1", "2"), ("/", "/x"))])


def searched(response: Said, waiting: Sequence[Said]) -> Said | None:
    """Return what a response answers by looking at all there is, latest first: the rule as it is written."""
    fitting = [
        asked
        for asked in reversed(waiting)
        if (asked.caller, asked.callee) == (response.caller, response.callee)
        and (asked.request_id == response.request_id or not asked.request_id or not response.request_id)
    ]
    return max(
        fitting,
        key=lambda asked: ("" != asked.request_id == response.request_id, asked.path == response.path),
        default=None,
    )


@given(st.lists(SAID, max_size=30))
def test_a_response_answers_what_a_search_would_find(said: list[Said]) -> None:
    """And a request was made for the latest one whose callee is its caller."""
    waiting: Waiting[int] = Waiting()
    opened: dict[int, Said] = {}
    for number, message in enumerate(said):
        _, caller, callee, request_id, path = message
        causes = [place for place, asked in opened.items() if asked.callee == caller]
        assert waiting.cause(caller) == (causes[-1] if causes else None)
        if message.is_request:
            waiting.add(number, caller, callee, request_id, path)
            opened[number] = message
            continue
        expected = searched(message, list(opened.values()))
        answered = waiting.answered(caller, callee, request_id, [path])
        assert (None if answered is None else opened.pop(answered)) is expected


def test_of_several_paths_the_latest_request_s_is_meant() -> None:
    """A title does not tell where a reason ends."""
    waiting: Waiting[str] = Waiting()
    for path in ("/a /b", "/b", "/c"):
        waiting.add(path, "a", "b", "", path)
    assert waiting.answered("a", "b", "", ["/a /b", "/b"]) == "/b"


def test_thousands_may_be_open_at_once() -> None:
    """Whoever answers first: a search among them took minutes."""
    count = 20_000
    begun = time.process_time()
    for numbers in (range(count), reversed(range(count))):
        waiting: Waiting[int] = Waiting()
        for number in range(count):
            assert waiting.cause("b") == (number - 1 if number else None)
            waiting.add(number, "b", "b", "", f"/{number}")
        assert all(waiting.answered("b", "b", "", [f"/{number}"]) == number for number in numbers)
    assert time.process_time() - begun < 10
