"""The document."""

from hypothesis import given
from hypothesis import strategies as st

from otel_openstack.conversation.model import Body, BodyLayout, Conversation, Message, MessageKind
from otel_openstack.render.markdown import INDENTS, render


def document(body: Body) -> str:
    """Return the document of one message with this body."""
    return render(Conversation("", (Message(MessageKind.REQUEST, "a", "b", "GET", "", "/", body=body),)))


@given(st.integers(1, 9))
def test_no_run_of_backticks_ends_a_block(length: int) -> None:
    """The fence is longer than the longest run, and three where three do."""
    lines = document(Body("x\n" + "`" * length + "\ny")).split("\n")
    fence = "`" * max(3, length + 1 if length >= 3 else 3)
    assert lines.count(f"    {fence}") == 2
    assert f'    {fence} json title="GET /" linenums="1"' in lines


def test_layouts_move_lines_as_the_document_had_them() -> None:
    """Ours indents every line."""
    shown = {layout: INDENTS[layout]("a\n\nb") for layout in BodyLayout}
    assert shown == {
        BodyLayout.OURS: "    a\n    \n    b",
        BodyLayout.AS_IS: "    a\n    \n    b",
        BodyLayout.BARE_BLANK_LINES: "    a\n\n    b",
        BodyLayout.FIRST_LINE: "    a\n\nb",
    }
