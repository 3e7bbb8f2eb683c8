"""The diagrams of a page, and the steps that they and the list of steps are made from."""

from dataclasses import replace

from hypothesis import given

from otel_openstack.conversation.model import Conversation, Message
from otel_openstack.render.sequence import PART_MESSAGES, diagrams
from otel_openstack.render.steps import steps_of
from tests.conversation.strategies import conversations, nasty_text
from tests.golden.cases import CASES, request, response

ARROWS = ("->>", "-->>", "--x")
IMAGE = "http://192.0.2.1/v2/images/3856e92b-6c1c-48d6-9308-186ad966da6f"


def drawn(*messages: Message) -> str:
    """Return the one diagram of these messages."""
    (diagram,) = diagrams(Conversation("", messages))
    return diagram


def is_arrow(line: str) -> bool:
    """Whether a line is a message."""
    return any(arrow in line.partition(": ")[0] for arrow in ARROWS)


def test_errors_redirects_and_repetitions_are_told() -> None:
    """A cross, a frame and notes; the route stands for the path."""
    asked = request("openstack", "glance-api", "GET", IMAGE)
    moved = response(asked, 301, "Moved", (("location", "/v3;#a<br>"),))
    failed = response(asked, 503, "Busy")
    assert drawn(asked, failed, asked, moved, asked).split("\n")[4:] == [
        "    rect rgba(200, 60, 60, 0.1)",
        "        openstack->>glance-api: GET /v2/images/{image_id}",
        "        glance-api--xopenstack: 503 Busy /v2/images/{image_id}",
        "    end",
        "    Note over openstack,glance-api: again, after (1)",
        "    openstack->>glance-api: GET /v2/images/{image_id}",
        "    glance-api-->>openstack: 301 Moved /v2/images/{image_id}",
        "    Note over openstack: redirected to /v3#59;#35;a#60;br#62;",
        "    openstack->>glance-api: GET /v2/images/{image_id}",
        "    Note over glance-api: no response",
    ]


def test_a_long_conversation_is_drawn_in_parts_that_number_on() -> None:
    """No group is cut, and each part names its own participants."""
    asked = request("a", "keystone", "POST", "http://h/v3/auth/tokens")
    plain = request("a", "b", "GET", "http://h/")
    parts = diagrams(Conversation("", (*[plain] * (PART_MESSAGES - 1), asked, response(asked, 201, "Created"), plain)))
    assert [part.split("\n")[1:4] for part in parts] == [
        ["    autonumber", "    participant a", "    participant b"],
        [f"    autonumber {PART_MESSAGES + 2}", "    participant a", "    participant b"],
    ]
    assert "autonumber" not in diagrams(Conversation("", (plain,)), numbers=False)[0]


def test_crossing_exchanges_are_not_framed() -> None:
    """A block that holds half of another exchange would tell a lie."""
    token, other = request("a", "keystone", "POST", "http://h/v3/auth/tokens"), request("a", "b", "GET", "http://h/")
    assert "opt" not in drawn(token, other, response(token, 201, "Created"), response(other, 200, "OK"))
    assert "opt token issue" in drawn(token, other, response(other, 200, "OK"), response(token, 201, "Created"))


@given(conversations(nasty_text()))
def test_whatever_is_sent_every_message_is_one_arrow(conversation: Conversation) -> None:
    """Blocks are closed, and no text ends a statement, starts a directive or writes HTML."""
    lines = [line.strip() for part in diagrams(conversation) for line in part.split("\n")]
    assert sum(map(is_arrow, lines)) == len(conversation.messages)
    assert sum(line.startswith(("opt ", "rect ")) for line in lines) == lines.count("end")
    for line in lines:
        text = line.partition(": ")[2]
        assert not set("<>&%$\\\n\r\u202e") & set(text)
        assert all(part.rpartition("#")[2].isdigit() for part in text.split(";")[:-1])


@given(conversations(nasty_text()))
def test_every_message_belongs_to_one_step(conversation: Conversation) -> None:
    """In the order of their first messages."""
    steps = steps_of(conversation)
    numbers = [number for step in steps for number in (step.request, step.response) if number]
    assert sorted(numbers) == list(range(1, len(conversation.messages) + 1))
    assert [step.first for step in steps] == sorted(step.first for step in steps)


def test_steps_tell_times_and_nesting() -> None:
    """Since the first message; what an exchange was made for stands around it."""
    conversation = CASES["image-list"]()
    timed = tuple(replace(message, time_unix_nano=10**9 + n * 10**7) for n, message in enumerate(conversation.messages))
    steps = steps_of(replace(conversation, messages=timed))
    assert [(step.at, step.took, step.depth, step.purpose) for step in steps] == [
        ("+0.000 s", "10 ms", 0, "token issue"),
        ("+0.020 s", "30 ms", 0, ""),
        ("+0.030 s", "10 ms", 1, "token validation"),
    ]
