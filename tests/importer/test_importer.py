"""Text into spans and back: the laws that every document keeps."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_openstack.conversation import conversation
from otel_openstack.conversation.model import Body, Conversation, Message
from otel_openstack.exceptions import DocumentError
from otel_openstack.importer import import_document
from otel_openstack.otlp import protobuf
from otel_openstack.render import RENDERERS
from tests.conversation.strategies import Call, calls, conversations, nasty_text, record, tame_text
from tests.golden.cases import CASES

GOLDEN = Path(__file__).parent.parent / "golden"


def imported(text: str) -> Conversation:
    """Import a text, send its spans as protobuf, and read the conversation from them."""
    document = import_document(text)
    shown = conversation(document.trace_id, protobuf.decode(protobuf.encode(document.spans)))
    assert len(shown.messages) == document.message_count
    return shown


@pytest.mark.parametrize("form", ["markdown", "log"])
@given(shown=conversations(nasty_text()))
def test_what_was_shown_once_comes_back_to_the_byte(form: str, shown: Conversation) -> None:
    """Whatever the messages hold and in whatever order they stand: a document that we wrote is one that we read."""
    text = RENDERERS[form](shown)
    assert RENDERERS[form](imported(text)) == text


def normal(message: Message) -> Message:
    """Return a message without what a document does not tell: times, URLs, the method of a response, sizes."""
    content = message.body.content
    return replace(
        message,
        method=message.method if message.status is None else "",
        url="",
        time_unix_nano=0,
        body=Body(content if isinstance(content, str) and content != "none" else None),
    )


@given(conversations(tame_text()))
def test_a_conversation_comes_back_from_its_document(shown: Conversation) -> None:
    """Message for message, up to what a document does not tell."""
    back = imported(RENDERERS["markdown"](shown))
    assert [normal(message) for message in back.messages] == [normal(message) for message in shown.messages]


@given(calls())
def test_a_recorded_trace_comes_back_from_its_document_and_its_log(made: list[Call]) -> None:
    """Numbered or not, and the diagram of what comes back is that of the trace."""
    spans, _ = record(made)
    shown = conversation(spans[0].trace_id, spans)
    for form, numbers in (("markdown", True), ("markdown", False), ("log", True)):
        text = RENDERERS[form](shown, numbers=numbers)
        back = imported(text)
        assert RENDERERS[form](back, numbers=numbers) == text
        assert RENDERERS["diagram"](back) == RENDERERS["diagram"](shown)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("suffix", [".md", ".log"])
def test_golden_files_come_back(case: str, suffix: str) -> None:
    """From the file, not from what made it."""
    text = (GOLDEN / f"{case}{suffix}").read_bytes().decode()
    assert RENDERERS["log" if suffix == ".log" else "markdown"](imported(text)) == text


def test_the_same_text_is_the_same_trace() -> None:
    """Ids are derived from the messages: numbers, notes and the name of the file do not matter, a message does."""
    text = (GOLDEN / "image-list.md").read_bytes().decode()
    first = import_document(text, name="one.md")
    assert import_document("\ufeff# Title\n" + text.replace("\n### (", "\n\n## Note\n\n### ("), name="two.md") == first
    bare = RENDERERS["markdown"](CASES["image-list"](), numbers=False)
    assert import_document(bare) == first
    assert import_document(text.replace("CREATED", "Created")).trace_id != first.trace_id
    assert len(first.trace_id) == 32
    assert {each.trace_id for each in first.spans} == {first.trace_id}
    assert all(each.has_valid_ids for each in first.spans)


@pytest.mark.parametrize("text", ["", "\n", "# Title\n\nprose\n", "```\n### (a) REQ >>> (b) : GET http://c/\n```\n"])
def test_a_text_without_messages_is_refused(text: str) -> None:
    """By name."""
    with pytest.raises(DocumentError, match=r"^notes\.md holds no message\.$") as caught:
        import_document(text, name="notes.md")
    assert caught.value.hint


@given(st.sampled_from(sorted(CASES)), st.sampled_from((".md", ".log")), st.data())
def test_of_a_torn_file_no_message_is_lost_in_silence(case: str, suffix: str, data: st.DataObject) -> None:
    """Cut anywhere: as many messages as there are headings, or an error of ours."""
    text = (GOLDEN / f"{case}{suffix}").read_bytes().decode()
    torn = text[: data.draw(st.integers(0, len(text)))]
    try:
        document = import_document(torn)
    except DocumentError:
        return
    heading = r"(?m)^### \(.*\) RE(?:Q|SP) .*\n" if suffix == ".log" else r"(?m)^### \(\d+\) .*\n"
    assert document.message_count == len(re.findall(heading, torn))
