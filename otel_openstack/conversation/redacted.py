"""Mask a conversation again: for documents of tools that did not, by the rules that the agent has."""

from __future__ import annotations

from dataclasses import replace

from otel_openstack.conversation.model import Body, Conversation, Exchange, Message
from otel_openstack.redaction import Masking, masking


def redacted(conversation: Conversation, rules: Masking | None = None) -> Conversation:
    """Return the same conversation with its tokens and secrets masked.

    :param rules: what is masked (:func:`otel_openstack.redaction.masking`), without the user's additions by default.
    """
    rules = rules or masking()
    masked = {id(message): _message(message, rules) for message in conversation.messages}

    def exchange(whole: Exchange) -> Exchange:
        # Its spans go: they still hold what was masked
        return Exchange(
            request=whole.request and masked.get(id(whole.request), _message(whole.request, rules)),
            response=whole.response and masked.get(id(whole.response), _message(whole.response, rules)),
        )

    return replace(
        conversation,
        messages=tuple(masked[id(message)] for message in conversation.messages),
        exchanges=tuple(exchange(whole) for whole in conversation.exchanges),
    )


def _message(message: Message, rules: Masking) -> Message:
    return replace(
        message,
        url=rules.text(message.url),
        path=rules.text(message.path),
        headers=tuple((name, _header(name, value, rules)) for name, value in message.headers),
        body=_body(message, rules),
    )


def _header(name: str, value: str, rules: Masking) -> str:
    if name:
        return rules.header(name.lower(), value)
    # A line that a document holds among the headers: it may be one all the same, without the blank
    name, colon, rest = value.partition(":")
    return f"{name}:{rules.header(name.strip().lower(), rest)}" if colon else value


def _body(message: Message, rules: Masking) -> Body:
    body, masked = message.body, _masked(message, rules)
    if masked == body.content:
        return body
    shown = None if body.size is None else body.size - body.missing
    return replace(body, content=masked, previewed=shown)


def _masked(message: Message, rules: Masking) -> str | bytes | None:
    content = message.body.content
    if content is None:
        return None
    if isinstance(content, bytes):
        return rules.body(content, path=message.path)
    kind = next((value for name, value in message.headers if name.lower() == "content-type"), "")
    form = kind.lower().startswith("application/x-www-form-urlencoded")
    return rules.body(content, form=form, path=message.path)
