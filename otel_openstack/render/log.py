"""The log: one heading, one header block and one body a message, with the URL that the caller used."""

from __future__ import annotations

import re

from otel_openstack.conversation.model import Conversation, Message, MessageKind
from otel_openstack.render.body import body_text
from otel_openstack.render.text import gap_mark, header_block, left_out_marks, name, target

ARROWS = {MessageKind.REQUEST: "REQ >>>", MessageKind.RESPONSE: "RESP <<<"}
HEADING = re.compile(
    r"^### \((?P<caller>.*?)\) (?P<arrow>REQ >>>|RESP <<<) \((?P<callee>.*?)\) : (?P<target>.*)$", re.MULTILINE
)
HEADING_LIKE = re.compile(r"^### \(.*\) (?:REQ|RESP)\b", re.MULTILINE)


def render(conversation: Conversation, *, numbers: bool = True) -> str:
    """Write a conversation as a log; ``numbers`` changes nothing, a log has none."""
    del numbers
    return left_out_marks(conversation) + "".join([_message(message) for message in conversation.messages])


def _message(message: Message) -> str:
    block = header_block(message.headers)
    if message.gap:
        block = gap_mark(message.gap) + ("\n" if block else "") + block
    content = f"{block}\n\n{body_text(message.body)}"
    if "### (" in content:
        # A body may hold a log: what would be read as a heading moves by one space
        content = HEADING_LIKE.sub(lambda heading: f" {heading.group()}", content)
    return f"""
### ({name(message.caller)}) {ARROWS[message.kind]} ({name(message.callee)}) : {target(message)}
{content}

"""
