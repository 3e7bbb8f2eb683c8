"""The numbered document: one heading, one line of participants and two tabs a message (docs/document-format.md)."""

from __future__ import annotations

import re
from collections.abc import Callable

from otel_openstack.conversation.model import BodyLayout, Conversation, Message, MessageKind
from otel_openstack.render.body import message_blocks
from otel_openstack.render.text import gap_mark, left_out_marks, name, title

INDENT = "    "
_BACKTICKS = re.compile(r"`{3,}")


def render(conversation: Conversation, *, numbers: bool = True) -> str:
    """Write a conversation as a document.

    :param numbers: whether each heading starts with the number of its message, as in ``### (1) GET /``.
    """
    shown = [message_text(message, f"({number}) " if numbers else "") for number, message in conversation.numbered()]
    return left_out_marks(conversation) + "".join(shown)


def message_text(
    message: Message, number: str, *, above: str = "", below: str = "", blocks: tuple[str, str] | None = None
) -> str:
    """Write one message.

    :param number: ``"(1) "``, or ``""`` for none.
    :param above: lines that go above the heading, each with its end.
    :param below: lines that go below the participants, each with its end.
    :param blocks: its headers and its body, if somebody has written them already.
    """
    heading = title(message)
    arrow = "-->" if message.kind is MessageKind.REQUEST else "<--"
    gap = f"\n{gap_mark(message.gap)}\n" if message.gap else ""
    headers, body = blocks or message_blocks(message)
    fence = fence_for(headers, body)
    attributes = f'title="{heading}" linenums="1"'
    return f"""
{above}### {number}{heading}
`{name(message.caller)}` {arrow} `{name(message.callee)}`
{below}{gap}
=== "Header"
    {fence} http {attributes}
{INDENTS[BodyLayout.OURS](headers)}
    {fence}

=== "Body"
    {fence} json {attributes}
{INDENTS[message.body.layout](body)}
    {fence}

"""


def fence_for(*blocks: str) -> str:
    """Return a fence that no line of these blocks can end."""
    # One character is found far sooner than three, and hardly a block has it
    runs = [len(run) for block in blocks if "`" in block for run in _BACKTICKS.findall(block)]
    return "`" * (max(runs) + 1) if runs else "```"


def _indent(text: str) -> str:
    return INDENT + text.replace("\n", "\n" + INDENT)


def _indent_filled(text: str) -> str:
    return "\n".join([INDENT + line if line else "" for line in text.split("\n")])


def _indent_first(text: str) -> str:
    return INDENT + text


INDENTS: dict[BodyLayout, Callable[[str], str]] = {
    BodyLayout.OURS: _indent,
    BodyLayout.AS_IS: _indent,
    BodyLayout.BARE_BLANK_LINES: _indent_filled,
    BodyLayout.FIRST_LINE: _indent_first,
}
"""How the lines of a body are moved into their tab."""
