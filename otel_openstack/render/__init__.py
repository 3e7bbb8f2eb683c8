"""Conversation -> text: one file a format, and the table of them."""

from __future__ import annotations

from typing import Protocol

from otel_openstack.conversation.model import Conversation
from otel_openstack.render import curl, har, html, json, log, markdown, mermaid, page


class Renderer(Protocol):
    """Writes a conversation in one format."""

    def __call__(self, conversation: Conversation, *, numbers: bool = True) -> str:
        """Return the whole text; ``numbers`` says whether messages show their number, where the format has them."""
        ...


RENDERERS: dict[str, Renderer] = {
    "markdown": markdown.render,
    "diagram": mermaid.render,
    "log": log.render,
    "json": json.render,
    "curl": curl.render,
    "har": har.render,
    "page": page.render,
    "html": html.render,
}
"""The formats by name."""
