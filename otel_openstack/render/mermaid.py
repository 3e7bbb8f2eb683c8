"""The diagram: one line of a Mermaid sequence diagram a message, without the line that starts the diagram."""

from __future__ import annotations

import re

from otel_openstack.conversation.model import Conversation, MessageKind
from otel_openstack.render.text import title, visible

# Mermaid's own way to write a character that means something to it: the entity code without its ampersand
_IN_TEXT = re.compile(r"[#;]")
# "-x" within a name would be the end of an arrow, "-" before it a part of one, a number its place
_IN_NAME = re.compile(r"[^\w .-]|--+|^-|^\d(?=\d*\s)|-(?=x)|-$|^\s|\s$")
# A participant whose name starts with one of these words would start a statement; a word, to Mermaid, is ASCII
_KEYWORD = re.compile(
    r"(?ai)^(?=(?:activate|actor|alt|and|autonumber|box|break|create|critical|deactivate|destroy|details|else|end|links?|"
    r"loop|note|opt|option|par|par_over|participant|properties|rect|sequencediagram|title|accTitle|accDescr)\b)."
)


def render(conversation: Conversation, *, numbers: bool = True) -> str:
    """Write a conversation as the lines of a sequence diagram; ``numbers`` changes nothing, Mermaid counts itself."""
    del numbers
    lines = []
    participants: dict[str, str] = {}
    for message in conversation.messages:
        for service in (message.caller, message.callee):
            if service not in participants:
                participants[service] = participant_name(service)
        caller, callee = participants[message.caller], participants[message.callee]
        text = _IN_TEXT.sub(_entities, title(message))
        if message.kind is MessageKind.REQUEST:
            lines.append(f"{caller}->>{callee}: {text}\n")
        else:
            lines.append(f"{callee}-->>{caller}: {text}\n")
    if conversation.left_out:
        across = ",".join(dict.fromkeys((next(iter(participants.values())), [*participants.values()][-1])))
        notes = [_IN_TEXT.sub(_entities, visible(sentence)) for sentence in conversation.left_out]
        lines[:0] = [f"Note over {across}: {note}\n" for note in notes]
    return "".join(lines)


def participant_name(service: str) -> str:
    """Return a service name that Mermaid takes for nothing else."""
    return _KEYWORD.sub(_entities, _IN_NAME.sub(_entities, visible(service)), count=1)


def _entities(found: re.Match[str]) -> str:
    return "".join([f"#{ord(character)};" for character in found.group()])
