"""The log: one heading, one header block and one body a message, with the URL that the caller used."""

from __future__ import annotations

import re
from collections.abc import Sequence

from otel_openstack.conversation.model import Conversation, Message, MessageKind
from otel_openstack.render.body import message_blocks
from otel_openstack.render.text import gap_mark, left_out_marks, name, target

ARROWS = {MessageKind.REQUEST: "REQ >>>", MessageKind.RESPONSE: "RESP <<<"}
HEADING = re.compile(
    r"^### \((?P<caller>.*?)\) (?P<arrow>REQ >>>|RESP <<<) \((?P<callee>.*?)\) : (?P<target>.*)$", re.MULTILINE
)
HEADING_LIKE = re.compile(r"^### \(.*\) (?:REQ|RESP)\b", re.MULTILINE)


def render(conversation: Conversation, *, numbers: bool = True, blocks: Sequence[tuple[str, str]] | None = None) -> str:
    """Write a conversation as a log.

    :param numbers: changes nothing, a log has none.
    :param blocks: the headers and the body of each message, if somebody has written them already.
    """
    del numbers
    messages = conversation.messages
    shown = map(_message, messages, map(message_blocks, messages) if blocks is None else blocks)
    return left_out_marks(conversation) + "".join(shown)


def _message(message: Message, blocks: tuple[str, str]) -> str:
    block, body = blocks
    if message.gap:
        block = gap_mark(message.gap) + ("\n" if block else "") + block
    content = f"{block}\n\n{body}"
    if "### (" in content:
        # A body may hold a log: what would be read as a heading moves by one space
        content = HEADING_LIKE.sub(lambda heading: f" {heading.group()}", content)
    return f"""
### ({name(message.caller)}) {ARROWS[message.kind]} ({name(message.callee)}) : {target(message)}
{content}

"""
