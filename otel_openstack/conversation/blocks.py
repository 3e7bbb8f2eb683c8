"""Header blocks and bodies: from the attributes of a span and into them, inverse functions side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from otel_openstack import attributes as names
from otel_openstack.conversation.model import Body, BodyLayout, Headers
from otel_openstack.otlp import Attributes, AttributeValue


class Half(NamedTuple):
    """Where a span keeps one half of an exchange."""

    header_prefix: str
    header_names: str
    body_content: str
    body_size: str
    body_previewed: str
    body_layout: str
    gap: str


REQUEST = Half(
    names.HTTP_REQUEST_HEADER_PREFIX,
    names.OPENSTACK_HTTP_REQUEST_HEADER_NAMES,
    names.HTTP_REQUEST_BODY_CONTENT,
    names.HTTP_REQUEST_BODY_SIZE,
    names.OPENSTACK_HTTP_REQUEST_BODY_PREVIEWED,
    names.OPENSTACK_DOCUMENT_REQUEST_BODY_LAYOUT,
    names.OPENSTACK_DOCUMENT_REQUEST_GAP,
)
RESPONSE = Half(
    names.HTTP_RESPONSE_HEADER_PREFIX,
    names.OPENSTACK_HTTP_RESPONSE_HEADER_NAMES,
    names.HTTP_RESPONSE_BODY_CONTENT,
    names.HTTP_RESPONSE_BODY_SIZE,
    names.OPENSTACK_HTTP_RESPONSE_BODY_PREVIEWED,
    names.OPENSTACK_DOCUMENT_RESPONSE_BODY_LAYOUT,
    names.OPENSTACK_DOCUMENT_RESPONSE_GAP,
)


def header_attributes(headers: Headers, half: Half) -> dict[str, AttributeValue]:
    """Write a header block: one attribute a name with all its values, and the list of names that tells the order."""
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(half.header_prefix + name.lower(), []).append(value)
    result: dict[str, AttributeValue] = {key: tuple(found) for key, found in values.items()}
    result[half.header_names] = tuple(name for name, _ in headers)
    return result


def read_headers(attributes: Attributes, half: Half) -> Headers:
    """Read a header block; without a list of names, the names are in Title-Case and in the order of the attributes."""
    prefix = half.header_prefix
    listed = attributes.get(half.header_names)
    if not isinstance(listed, tuple):
        return tuple(
            (title_case(key[len(prefix) :].replace("_", "-")), value)
            for key, found in attributes.items()
            if key.startswith(prefix)
            for value in _values(found)
        )
    used: dict[str, int] = {}
    result: list[tuple[str, str]] = []
    for name in listed:
        if isinstance(name, str):
            key = prefix + name.lower()
            values, place = _values(attributes.get(key)), used.get(key, 0)
            used[key] = place + 1
            result.append((name, values[place] if place < len(values) else ""))
    return tuple(result)


def spelled(headers: Headers, caller: Attributes | None) -> Headers:
    """Give request header names their case back when the server lost it: the caller's spelling, else Title-Case."""
    if any(name != name.lower() for name, _ in headers):
        return headers
    listed = caller.get(REQUEST.header_names) if caller is not None else None
    known = {name.lower(): name for name in listed if isinstance(name, str)} if isinstance(listed, tuple) else {}
    return tuple((known[name] if name in known else title_case(name), value) for name, value in headers)


def title_case(name: str) -> str:
    """Spell a header name as most clients do: ``Content-Type``."""
    return "-".join([part.capitalize() for part in name.split("-")])


def body_attributes(body: Body, half: Half) -> Iterator[tuple[str, AttributeValue]]:
    """Write a body."""
    if body.content is not None:
        yield half.body_content, body.content
    if body.size is not None:
        yield half.body_size, body.size
    if body.previewed is not None:
        yield half.body_previewed, body.previewed
    if body.layout is not BodyLayout.OURS:
        yield half.body_layout, body.layout.value


def read_body(views: list[Attributes], half: Half) -> Body:
    """Read a body from the first view that has its content, else its size."""
    size: int | None = None
    for view in views:
        content = view.get(half.body_content)
        counted = view.get(half.body_size)
        is_content = isinstance(content, str | bytes)
        if isinstance(counted, int) and counted >= 0 and (is_content or size is None):
            size = counted
        if isinstance(content, str | bytes):
            previewed = view.get(half.body_previewed)
            return Body(
                content,
                size,
                _layout(view.get(half.body_layout)),
                previewed if isinstance(previewed, int) and previewed >= 0 else None,
            )
    return Body(None, size)


def _layout(value: AttributeValue) -> BodyLayout:
    if value:
        for layout in BodyLayout:
            if layout.value == value:
                return layout
    return BodyLayout.OURS


def _values(value: AttributeValue) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return tuple([item if isinstance(item, str) else str(item) for item in value])
    return () if value is None else (str(value),)
