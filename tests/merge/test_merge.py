"""What becomes of an author's text, one kind at a time."""

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from otel_openstack.conversation.command import Command
from otel_openstack.conversation.model import Body, Conversation, Message
from otel_openstack.exceptions import DocumentError
from otel_openstack.merge import ORPHANS, Updated, is_page, refuse_unless_page, update
from otel_openstack.render import log, markdown, page
from tests.golden.cases import CASES, request, response

LIST = CASES["image-list"]()
MESSAGES = LIST.messages
POLL = request("openstack", "glance-api", "GET", "http://h/v2/images/3856e92b-6c1c-48d6-9308-186ad966da6f")
DONE = response(POLL, 200, "OK", body=Body('{"status": "active"}'))
DOCUMENT = markdown.render(LIST)
PAGE = page.render(LIST, command=Command(("openstack", "image", "list"), "old\n"))


def of(*messages: Message) -> Conversation:
    """Return a conversation of these messages."""
    return Conversation("", messages)


def updated(text: str, *messages: Message, command: Command | None = None) -> Updated:
    """Update a document from these messages, twice: the second time nothing happens."""
    once = update(text, of(*messages), name="x.md", command=command)
    if not once.conflicts:
        assert update(once.text, of(*messages), name="x.md", command=command).text == once.text
    return once


def test_prose_between_messages_stays_between_them() -> None:
    """From a heading on it belongs to the message below, without one to the message above."""
    text = DOCUMENT.replace("\n### (3)", "\nabove\n\n## Images\n\nbelow\n\n### (3)")
    shown = updated(text, *MESSAGES[:2], POLL, DONE, *MESSAGES[2:]).text
    assert "    ```\n\n\nabove\n\n\n### (3) GET /v2/images/3856" in shown
    assert "\n## Images\n\nbelow\n\n### (5) GET /v2/images\n" in shown


def test_numbers_in_the_text_follow_their_messages() -> None:
    """Single, in ranges and lists, in links; not in code, not in a call, and not what is no number of a message."""
    text = "(3), (3-6), (4, 5), 요청(3) [x](#3) `(3)` f(3) (2023)\n\n``` text\n(3)\n```\n" + DOCUMENT
    shown = updated(text, *MESSAGES[:2], POLL, DONE, *MESSAGES[2:]).text
    assert shown.startswith("(5), (5-8), (6, 7), 요청(5) [x](#5) `(3)` f(3) (2023)\n\n``` text\n(3)\n```\n")


def test_what_has_no_message_any_more_is_kept_at_the_end() -> None:
    """Under a heading that says so, with what it was about; mentions of it get a question mark."""
    text = DOCUMENT.replace("### (3) GET /v2/images\n", "### (3) Listing\n").replace(
        "\n### (4)", "\n!!! note\n    the list (3)\n\n### (4)"
    )
    once = updated("See (3) and (6).\n" + text, *MESSAGES[:2])
    assert once.text.startswith("See (3?) and (6?).\n")
    assert once.text.endswith(
        f"\n\n{ORPHANS}\n\n`openstack` → `glance-api`: `GET /v2/images`\n\n**Listing**\n\n!!! note\n    the list (3?)\n"
    )
    assert len(once.warnings) == 2


def test_a_second_round_of_such_notes_goes_below_the_first() -> None:
    """The heading is not repeated."""
    text = DOCUMENT.replace("\n### (2)", "\nfirst\n\n### (2)").replace("\n### (4)", "\nthird\n\n### (4)")
    once = updated(text, *MESSAGES[:2]).text
    assert once.index("first") < once.index("third")
    again = updated(once, POLL, DONE).text
    assert again.count(ORPHANS) == 1
    assert again.index("third") < again.index("first")


def test_highlighted_lines_move_with_their_lines() -> None:
    """Of JSON by its key where the value is another one; what is gone is told."""
    asked = request("a", "b", "GET", "http://h/x")
    old = of(asked, response(asked, 200, "OK", body=Body('{"id": "1", "b": 2, "c": 3}')))
    text = markdown.render(old).replace('json title="200 OK /x" linenums="1"', 'json title="200 OK /x" hl_lines="2-4"')
    once = updated(text, asked, response(asked, 200, "OK", body=Body('{"new": 0, "id": "5", "c": 4}')))
    assert 'json title="200 OK /x" hl_lines="3-4"' in once.text
    assert once.warnings == ("Message (2): highlighted line 3 is no more.",)


def test_renamed_participants_stay_renamed() -> None:
    """New messages have the author's names, too; the API reference is still found."""
    text = PAGE.replace("`keystone`", "`Identity`").replace("keystone\n", "keystone as Identity\n")
    shown = updated(text, *MESSAGES[:2], *MESSAGES[:2], *MESSAGES[2:]).text
    assert "`keystone`" not in shown.partition("## Messages")[2].partition("## Log")[0]
    assert shown.count("#authentication-and-token-management") == 2
    assert "(keystone)" in shown.partition("## Log")[2]


def test_a_hand_grouped_diagram_and_edited_steps_stay() -> None:
    """What the recording changed beside it is changed."""
    text = PAGE.replace(
        "    openstack->>glance-api", "    Note over openstack: 이제 (3)\n    openstack->>glance-api", 1
    )
    text = text.replace("- [(3)](#3) [(6)](#6)", "- **the list** [(3)](#3) [(6)](#6)")
    shown = updated(text, POLL, DONE, *MESSAGES).text
    assert "    Note over openstack: 이제 (5)\n    openstack->>glance-api: GET /v2/images\n" in shown
    assert "- **the list** [(5)](#5) [(8)](#8)" in shown
    assert "    openstack->>glance-api: GET /v2/images/{image_id}\n" in shown


def test_thousands_of_messages_that_are_alike_are_merged_at_once() -> None:
    """Which of them is which is asked only where there are notes; for all of them it took minutes."""
    asked = [request("nova-api", "neutron-server", "GET", f"http://h/v2.0/ports/{n}") for n in range(6000)]
    text = markdown.render(of(*asked))
    begun = time.process_time()
    assert updated(text, *asked).text == text
    assert time.process_time() - begun < 10


def test_what_both_changed_is_shown_like_a_merge() -> None:
    """And nothing more is merged before it is resolved."""
    text = PAGE.replace("glance-api-->>openstack: 200 OK /v2/images\n", "glance-api-->>openstack: the list\n", 1)
    later = replace(MESSAGES[5], status=203, reason="Else")
    once = updated(text, *MESSAGES[:5], later)
    conflict = once.text.partition("<<<<<<< x.md\n")[2].partition(">>>>>>> new recording\n")[0]
    assert "glance-api-->>openstack: the list\n=======\n" in conflict
    assert "glance-api-->>openstack: 203 Else /v2/images\n" in conflict
    assert once.conflicts == 1
    with pytest.raises(DocumentError, match=r"x\.md, line 32: a merge conflict that is not resolved"):
        updated(once.text, *MESSAGES)


def test_the_command_and_its_output_are_the_recordings() -> None:
    """The author's text around them stays, an own console too; without a command nothing changes."""
    text = PAGE.replace("``` console\n", "``` console\n$ pwd\n```\n\nthen:\n\n``` console\n", 1)
    shown = updated(text, *MESSAGES, command=Command(("openstack", "image", "list", "--all"), "new\n", 1)).text
    assert "``` console\n$ pwd\n```\n\nthen:\n\n``` console\n$ openstack image list --all\nnew\n```\n" in shown
    assert "\nThe command failed with exit code 1.\n" in shown
    mended = updated(shown, *MESSAGES, command=Command(("openstack", "image", "list"), "old\n")).text
    assert mended == text
    assert updated(text, *MESSAGES).text == text


def test_a_section_that_was_taken_out_stays_out() -> None:
    """Sections are found by the comments around them."""
    start, rest = PAGE.split("## Log\n")
    assert rest
    shown = updated(start, *MESSAGES, POLL).text
    assert "## Log" not in shown
    assert "### (7) GET" in shown


def test_notes_that_match_two_messages_equally_well_are_not_guessed() -> None:
    """Without notes it does not matter which; where the answers differ, they tell."""
    text = markdown.render(of(POLL, DONE))
    updated(text, POLL, DONE, POLL, DONE)
    noted = text.replace("\n### (2)", "\nstill waiting\n\n### (2)")
    with pytest.raises(DocumentError, match=r"x.md, line 2: the notes .* could belong to \(1\) or \(3\) of the new"):
        updated(noted, POLL, DONE, POLL, DONE)
    twice = markdown.render(of(POLL, DONE, POLL, DONE)).replace("\n### (4)", "\nthe last\n\n### (4)")
    shown = updated(twice, *[POLL, DONE] * 3).text
    assert shown.index("### (5)") < shown.index("the last") < shown.index("### (6)")
    queued = replace(DONE, body=Body('{"status": "queued"}'))
    shown = updated(noted, POLL, queued, POLL, DONE).text
    assert shown.index("### (3)") < shown.index("still waiting") < shown.index("### (4)")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("# nothing\n", "x.md holds no message"),
        (log.render(LIST), "x.md is a log"),
        ("<<<<<<< HEAD\n" + DOCUMENT, "x.md, line 1: a merge conflict that is not resolved"),
        (PAGE.replace("<!-- /otel-openstack:steps -->", ""), "x.md: the section 'steps' never ends"),
        (PAGE.replace("<!-- otel-openstack:steps -->", ""), "x.md: the section 'steps' ends but never starts"),
        (DOCUMENT.replace("(4)", "(9)"), r"message \(9\) follows \(3\)"),
    ],
)
def test_what_cannot_be_updated_is_an_error(text: str, problem: str) -> None:
    """In one sentence that names the place."""
    with pytest.raises(DocumentError, match=problem):
        updated(text, *MESSAGES)


@pytest.mark.parametrize("write", [markdown.render, page.render])
def test_what_is_left_out_is_told_anew(write: Callable[[Conversation], str]) -> None:
    """The sentences are the recording's, what stands around them the author's."""
    first, second = (replace(LIST, left_out=(f"{count} polls.", "Else.")) for count in (6, 7))
    text = "note\n" + write(first)
    assert update(text, first, name="x.md").text == text
    assert update(text, second, name="x.md").text == "note\n" + write(second)
    assert update("note\n" + write(LIST), first, name="x.md").text == text
    assert update(text, LIST, name="x.md").text == "note\n" + write(LIST)


def test_a_document_is_no_page() -> None:
    """The comments around its sections tell."""
    assert is_page(PAGE, "x.md")
    assert not is_page(DOCUMENT, "x.md")
    with pytest.raises(DocumentError, match=r"x\.md has no section marked"):
        refuse_unless_page(DOCUMENT, "x.md")


def test_blanks_that_an_editor_took_away_stay_away() -> None:
    """Where nothing else changed."""
    text = "\n".join(line.rstrip() for line in DOCUMENT.split("\n"))
    assert text != DOCUMENT
    assert update(text, LIST, name="x.md").text == text
