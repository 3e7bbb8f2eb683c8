"""Mask a conversation again: for documents of tools that did not, by the rules that the agent has."""

from __future__ import annotations

from dataclasses import replace

from otel_openstack.conversation.model import Body, Conversation, Exchange, Message
from otel_openstack.redaction import masking

_RULES = masking()


def redacted(conversation: Conversation) -> Conversation:
    """Return the same conversation with its tokens and secrets masked (:mod:`otel_openstack.redaction`)."""
    masked = {id(message): _message(message) for message in conversation.messages}

    def exchange(whole: Exchange) -> Exchange:
        # Its spans go: they still hold what was masked
        return Exchange(
            request=whole.request and masked.get(id(whole.request), _message(whole.request)),
            response=whole.response and masked.get(id(whole.response), _message(whole.response)),
        )

    return replace(
        conversation,
        messages=tuple(masked[id(message)] for message in conversation.messages),
        exchanges=tuple(exchange(whole) for whole in conversation.exchanges),
    )


def _message(message: Message) -> Message:
    return replace(
        message,
        url=_RULES.text(message.url),
        path=_RULES.text(message.path),
        headers=tuple((name, _header(name, value)) for name, value in message.headers),
        body=_body(message),
    )


def _header(name: str, value: str) -> str:
    if name:
        return _RULES.header(name.lower(), value)
    # A line that a document holds among the headers: it may be one all the same, without the blank
    name, colon, rest = value.partition(":")
    return f"{name}:{_RULES.header(name.strip().lower(), rest)}" if colon else value


def _body(message: Message) -> Body:
    body, masked = message.body, _masked(message)
    if masked == body.content:
        return body
    shown = None if body.size is None else body.size - body.missing
    return replace(body, content=masked, previewed=shown)


def _masked(message: Message) -> str | bytes | None:
    content = message.body.content
    if content is None:
        return None
    if isinstance(content, bytes):
        return _RULES.body(content, path=message.path)
    kind = next((value for name, value in message.headers if name.lower() == "content-type"), "")
    form = kind.lower().startswith("application/x-www-form-urlencoded")
    return _RULES.body(content, form=form, path=message.path)
