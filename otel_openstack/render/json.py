"""The model itself, for programs: docs/json-format.md tells its members; importer/json.py is its inverse."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator

import orjson

from otel_openstack.conversation.model import Body, BodyLayout, Conversation, Message

VERSION = 1
"""Rises when a member changes its meaning or goes away; members may be added at any time."""


def render(conversation: Conversation, *, numbers: bool = True) -> str:
    """Write a conversation as one JSON object.

    :param numbers: whether each message says its number; exchanges always do.
    """
    places = {id(message): number for number, message in conversation.numbered()}
    value = {
        "version": VERSION,
        "trace_id": conversation.trace_id,
        "left_out": conversation.left_out,
        "messages": [
            {**({"number": number} if numbers else {}), **dict(_message(message))}
            for number, message in conversation.numbered()
        ],
        "exchanges": _exchanges(conversation, places),
    }
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _message(message: Message) -> Iterator[tuple[str, object]]:
    """Yield the members of a message; what is not known, or as it mostly is, is left out."""
    yield "kind", message.kind.value
    yield "caller", message.caller
    yield "callee", message.callee
    yield "method", message.method
    if message.url:
        yield "url", message.url
    yield "path", message.path
    if message.status is not None:
        yield "status", message.status
        yield "reason", message.reason
    yield "headers", message.headers
    if body := dict(_body(message.body)):
        yield "body", body
    if message.time_unix_nano:
        # A string, as OTLP has 64-bit numbers: JavaScript would round it
        yield "time_unix_nano", str(message.time_unix_nano)
    if message.gap:
        yield "gap", message.gap


def _body(body: Body) -> Iterator[tuple[str, object]]:
    if isinstance(body.content, str):
        yield "text", body.content
    elif body.content is not None:
        yield "base64", b64encode(body.content).decode()
    if body.size is not None:
        yield "size", body.size
    if body.previewed is not None:
        yield "previewed", body.previewed
    if body.layout is not BodyLayout.OURS:
        yield "layout", body.layout.value


def _exchanges(conversation: Conversation, places: dict[int, int]) -> list[dict[str, int]]:
    """Return which messages belong together, by their numbers."""
    parents = conversation.parents or (None,) * len(conversation.exchanges)
    result = []
    for exchange, parent in zip(conversation.exchanges, parents, strict=True):
        numbers = {"request": _place(exchange.request, places), "response": _place(exchange.response, places)}
        if parent is not None:
            numbers["made_for"] = places[id(conversation.exchanges[parent].first)]
        result.append({name: number for name, number in numbers.items() if number is not None})
    return result


def _place(message: Message | None, places: dict[int, int]) -> int | None:
    return None if message is None else places[id(message)]
