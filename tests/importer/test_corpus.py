"""Real documents come back to the byte: imported, sent as protobuf, paired, ordered and shown again."""

import os
from pathlib import Path

import pytest

from otel_openstack.conversation import conversation
from otel_openstack.conversation.model import Conversation
from otel_openstack.importer import import_document
from otel_openstack.otlp import protobuf
from otel_openstack.render import RENDERERS

HOME = Path(__file__).parent.parent.parent
CORPUS = Path(os.environ.get("OTEL_OPENSTACK_CORPUS", HOME.parent / "shared" / "corpus"))
pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no real documents at {CORPUS}: set OTEL_OPENSTACK_CORPUS")


def read(name: str) -> str:
    """Return a document as it is."""
    return (CORPUS / name).read_bytes().decode()


def imported(name: str) -> Conversation:
    """Import a document, and read the conversation from its spans."""
    document = import_document(read(name), name=name)
    assert document.warnings == ()
    return conversation(document.trace_id, protobuf.decode(protobuf.encode(document.spans)))


def test_the_numbered_document_comes_back() -> None:
    """All 16 messages of an image save."""
    assert RENDERERS["markdown"](imported("image-save.md")) == read("image-save.md")


@pytest.mark.parametrize("source", ["image-set.raw.md", "image-set.log"])
def test_each_form_of_one_conversation_gives_all_of_them(source: str) -> None:
    """The log, the diagram and the document without numbers, from the document and from the log."""
    shown = imported(source)
    assert RENDERERS["markdown"](shown, numbers=False) == read("image-set.raw.md")
    assert RENDERERS["log"](shown) == read("image-set.log")
    assert RENDERERS["diagram"](shown) == read("image-set.diagram.md")


def test_the_older_tools_documents_have_no_gaps() -> None:
    """What it recorded was whole."""
    assert not any(message.gap for message in imported("image-save.md").messages)


def test_windows_line_ends_change_nothing() -> None:
    """The same trace, byte for byte the same document."""
    text = read("image-save.md").replace("\n", "\r\n")
    assert import_document(text).trace_id == import_document(read("image-save.md")).trace_id


def test_an_authors_text_changes_nothing() -> None:
    """Prose, admonitions, headings, a diagram and highlighted lines, wherever an author would put them."""
    text = read("image-save.md")
    for old, new in (
        (
            "\n### (1) GET",
            "# openstack image save\n\n```mermaid\nsequenceDiagram\n### (7) x\n```\n\n## 요약\n\n### (1) GET",
        ),
        ("\n### (5) ", '\n!!! note "토큰"\n    본문\n\n    ``` console\n    $ openstack\n    ```\n\n### (5) '),
        (
            "` --> `keystone`\n",
            "` --> `keystone` ([API](https://docs.openstack.org))\n\n토큰을 `발급`한다.\n\n#### 참고\n",
        ),
        (' http title="GET /identity/" linenums="1"', ' http title="GET /identity/" linenums="1" hl_lines="1 3"'),
        ("### (8) 200 OK /v2/images/a42bfade-78ec-4c95-b7b4-272ba265072c", "### (8) 200 OK /v2/images/{image_id}"),
        ("### (9) GET /v2", "### (9) [GET /v2"),
    ):
        assert old in text
        text = text.replace(old, new)
    text += "\n## Log\n\n```\n### (openstack) REQ >>> (keystone) : GET http://h/\n\n\nnone\n```\n"
    document = import_document(text)
    assert document.trace_id == import_document(read("image-save.md")).trace_id
    assert document.message_count == 16
