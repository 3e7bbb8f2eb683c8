"""The golden files show what the formats look like; they are read and edited by people."""

from pathlib import Path

import pytest
from hypothesis import given

from otel_openstack import __version__
from otel_openstack.conversation.model import Conversation
from otel_openstack.render import RENDERERS
from tests.conversation.strategies import conversations, nasty_text
from tests.golden.cases import CASES

GOLDEN = Path(__file__).parent.parent / "golden"
SUFFIXES = {
    "markdown": ".md",
    "log": ".log",
    "diagram": ".diagram.md",
    "json": ".json",
    "curl": ".sh",
    "har": ".har",
    "page": ".page.md",
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("form", SUFFIXES)
def test_a_conversation_is_shown_as_its_golden_file(case: str, form: str) -> None:
    """To the byte; only an archive tells who wrote it."""
    golden = (GOLDEN / f"{case}{SUFFIXES[form]}").read_bytes().decode()
    assert RENDERERS[form](CASES[case]()).replace(f'"version": "{__version__}"', '"version": "VERSION"') == golden


def test_numbers_can_be_left_out() -> None:
    """Nothing else changes, and only the document has them."""
    conversation = CASES["image-list"]()
    numbered, bare = (RENDERERS["markdown"](conversation, numbers=numbers) for numbers in (True, False))
    assert "### (6) 200 OK /v2/images\n" in numbered
    for number in range(1, 7):
        numbered = numbered.replace(f"### ({number}) ", "### ")
    assert numbered == bare
    for form in ("log", "diagram"):
        assert RENDERERS[form](conversation, numbers=False) == RENDERERS[form](conversation)


@given(conversations(nasty_text()))
def test_every_message_is_one_line_of_the_diagram(conversation: Conversation) -> None:
    """Whatever stands in its names and paths, in a line that Mermaid can read."""
    lines = RENDERERS["diagram"](conversation).split("\n")
    assert lines.pop() == ""
    assert len(lines) == len(conversation.messages)
    for line in lines:
        hop, _, text = line.partition(": ")
        assert len(hop.replace("-->>", "->>").split("->>")) == 2
        assert not set(";") & set(text.replace("#35;", "").replace("#59;", ""))
