"""Our own JSON becomes messages and their exchanges: the inverse of render/json.py (docs/json-format.md)."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from typing import TypeVar

import orjson

from otel_openstack.conversation.model import Body, BodyLayout, Headers, Message, MessageKind
from otel_openstack.exceptions import DocumentError
from otel_openstack.importer.lines import Links, Read
from otel_openstack.render.json import VERSION

_T = TypeVar("_T", str, int, list[object], dict[str, object])
_START = re.compile(r'\ufeff?\s*\{\s*"')
_KINDS = {str: "a string", int: "a whole number", list: "a list", dict: "an object"}


def is_json(text: str) -> bool:
    """Whether a file starts as an object does, which no document and no log does."""
    return _START.match(text) is not None


def read(text: str, name: str) -> Read:
    """Read every message of a conversation.

    :param name: what errors call the file.
    :raises DocumentError: it is no JSON, of another version, or a member is missing or of another type.
    """
    try:
        value = orjson.loads(text.removeprefix("\ufeff"))
    except orjson.JSONDecodeError as error:
        raise DocumentError(f"{name} is no JSON: {error}.", hint="Is the file complete?") from error
    version = value.get("version")
    if version != VERSION:
        raise DocumentError(
            f"{name} has version {version!r:.40} of a conversation in JSON, where {VERSION} is known.",
            hint="Is it from otel-openstack export --format json? A newer version of this program may read it.",
        )
    messages = [
        _message(_object(item, f"{name}, message {number}"), f"{name}, message {number}")
        for number, item in enumerate(_get(value, "messages", list, name), start=1)
    ]
    links = [
        _links(_object(item, f"{name}, exchange {number}"), f"{name}, exchange {number}", messages)
        for number, item in enumerate(_get(value, "exchanges", list, name, []), start=1)
    ]
    _check(links, messages, name)
    return Read(messages, links=links)


def _message(value: Mapping[str, object], where: str) -> Message:
    kind = _get(value, "kind", str, where)
    if kind not in ("request", "response"):
        raise DocumentError(f"{where}, kind: {kind!r:.40} is neither request nor response.")
    is_request = kind == "request"
    body = _get(value, "body", dict, where, {})
    return Message(
        MessageKind(kind),
        _get(value, "caller", str, where),
        _get(value, "callee", str, where),
        _get(value, "method", str, where),
        _get(value, "url", str, where, ""),
        _get(value, "path", str, where),
        None if is_request else _status(value, where),
        "" if is_request else _get(value, "reason", str, where, ""),
        _headers(_get(value, "headers", list, where, []), where),
        _body(body, f"{where}, body"),
        _time(_get(value, "time_unix_nano", str, where, "0"), where),
        _get(value, "gap", str, where, ""),
    )


def _status(value: Mapping[str, object], where: str) -> int:
    status = _get(value, "status", int, where)
    if not 100 <= status <= 999:
        raise DocumentError(f"{where}, status: {status} has not three digits.")
    return status


def _headers(items: list[object], where: str) -> Headers:
    headers = []
    for item in items:
        if not (isinstance(item, list) and len(item) == 2 and all(isinstance(part, str) for part in item)):
            raise DocumentError(f"{where}, headers: {item!r:.60} is no pair of a name and a value.")
        headers.append((item[0], item[1]))
    return tuple(headers)


def _body(value: Mapping[str, object], where: str) -> Body:
    content: str | bytes | None = _get(value, "text", str, where) if "text" in value else None
    if "base64" in value:
        try:
            content = b64decode(_get(value, "base64", str, where), validate=True)
        except ValueError as error:
            raise DocumentError(f"{where}, base64: {error}.") from error
    layout = _get(value, "layout", str, where, "")
    if layout not in {known.value for known in BodyLayout}:
        raise DocumentError(f"{where}, layout: {layout!r:.40} is not known.")
    return Body(content, _count(value, "size", where), BodyLayout(layout), _count(value, "previewed", where))


def _count(value: Mapping[str, object], key: str, where: str) -> int | None:
    if key not in value:
        return None
    count = _get(value, key, int, where)
    if not 0 <= count < 2**63:
        raise DocumentError(f"{where}, {key}: {count} is no number of bytes.")
    return count


def _time(text: str, where: str) -> int:
    if not re.fullmatch(r"[0-9]{1,19}", text) or int(text) >= 2**63:
        raise DocumentError(f"{where}, time_unix_nano: {text!r:.40} is no time in nanoseconds.")
    return int(text)


def _links(value: Mapping[str, object], where: str, messages: list[Message]) -> Links:
    places: list[int | None] = []
    for key in ("request", "response", "made_for"):
        number = _get(value, key, int, where) if key in value else None
        if number is not None and not 1 <= number <= len(messages):
            raise DocumentError(f"{where}, {key}: there is no message {number}.")
        places.append(None if number is None else number - 1)
    request, response, made_for = places
    for place, kind in ((request, MessageKind.REQUEST), (response, MessageKind.RESPONSE)):
        if place is not None and messages[place].kind is not kind:
            raise DocumentError(f"{where}, {kind.value}: message {place + 1} is none.")
    return request, response, made_for


def _check(links: list[Links], messages: list[Message], name: str) -> None:
    """Let every message belong to one exchange, and be made for one that came before; or tell none of it."""
    if not links:
        return
    places = sorted(place for request, response, _ in links for place in (request, response) if place is not None)
    if places != list(range(len(messages))):
        wrong = next((n for n, place in enumerate([*places, None]) if place != n), 0)
        raise DocumentError(
            f"{name}: message {min(wrong, len(messages) - 1) + 1} does not belong to exactly one exchange.",
            hint="Leave all exchanges out to have them found anew.",
        )
    known: set[int] = set()
    for number, (request, response, made_for) in enumerate(links, start=1):
        if made_for is not None and made_for not in known:
            raise DocumentError(
                f"{name}, exchange {number}, made_for: no exchange before it starts with message {made_for + 1}."
            )
        first = response if request is None else request
        if first is not None:
            known.add(first)


def _get(value: Mapping[str, object], key: str, kind: type[_T], where: str, default: _T | None = None) -> _T:
    """Return a member of a type, the default when there is none."""
    found = value.get(key, default)
    if found is None:
        raise DocumentError(f"{where} has no {key}.", hint="docs/json-format.md tells what there has to be.")
    if not isinstance(found, kind) or isinstance(found, bool):
        raise DocumentError(f"{where}, {key}: {found!r:.60} is not {_KINDS[kind]}.")
    return found


def _object(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise DocumentError(f"{where}: {value!r:.60} is not an object.")
    return value
