"""A real document with notes, updated from a later recording of the same command."""

from __future__ import annotations

from dataclasses import replace

import pytest

from otel_openstack.conversation.model import Body, Conversation, Message
from otel_openstack.importer.document import read as read_document
from otel_openstack.importer.lines import Lines
from otel_openstack.merge import update
from otel_openstack.render import markdown
from tests.importer.test_corpus import pytestmark, read
from tests.merge.notes import IMAGE, KEPT, annotated

__all__ = ["pytestmark"]

LATER = "/v2/images/3856e92b-6c1c-48d6-9308-186ad966da6f"


def later(messages: list[Message]) -> Conversation:
    """Return what a later client says: it asks for the versions before and for the image again after."""
    moved = [replace(message, path=message.path.replace(IMAGE, LATER)) for message in messages]
    versions = [replace(message, path="/", callee="glance-api") for message in moved[:2]]
    shown = moved[7].body.content
    assert isinstance(shown, str)
    swapped = replace(moved[7], body=Body(shown.replace('"size": 21233664,', '"size": 100000,\n  "new": true,')))
    return Conversation("", (*moved[:4], *versions, *moved[4:7], swapped, moved[4], swapped, *moved[8:]))


def test_every_note_survives_a_later_recording() -> None:
    """In its place, with the numbers of now; and a third update finds nothing to do."""
    text = annotated(read("image-save.md"))
    conversation = later(read_document(Lines(read("image-save.md"), "")).messages)
    updated = update(text, conversation, name="image-save.md")
    for note in KEPT:
        assert note in updated.text
    assert updated.text.endswith("\n## 참고\n\n끝.\n")
    assert f'json title="200 OK {LATER}" linenums="1" hl_lines="3 6-7"' in updated.text
    assert (updated.conflicts, updated.warnings) == (0, ())
    assert update(updated.text, conversation, name="image-save.md").text == updated.text


@pytest.mark.parametrize("name", ["image-save.md", "image-set.raw.md"])
def test_a_document_without_notes_is_simply_written_anew(name: str) -> None:
    """Numbered or not, as it was; with the line ends that it had."""
    text = read(name)
    conversation = later(read_document(Lines(read("image-save.md"), "")).messages)
    wanted = markdown.render(conversation, numbers=name == "image-save.md")
    assert update(text, conversation, name=name).text == wanted
    assert update(text.replace("\n", "\r\n"), conversation, name=name).text == wanted.replace("\n", "\r\n")
