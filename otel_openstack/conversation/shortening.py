"""A list in a JSON body, cut after its first entries: the rest of the text stays as it was sent."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace

from otel_openstack.conversation.model import Body

_SPACE = re.compile(r"\s*")
_DECODER = json.JSONDecoder(strict=False)


def shortened(body: Body, member: str, entries: int) -> Body:
    """Return a body whose list is cut, and says how many entries follow; the same one when there is nothing to cut.

    :param member: the name of the list, with dots between names: ``token.catalog``.
    :param entries: how many stay.
    """
    if not isinstance(body.content, str):
        return body
    try:
        text = _cut(body.content, member.split("."), entries)
    except (ValueError, IndexError, RecursionError):
        return body  # no JSON, or not all of it was captured
    if text is None:
        return body
    return replace(body, content=text, previewed=None if body.size is None else body.size - body.missing)


def _cut(text: str, names: Sequence[str], entries: int) -> str | None:
    start = _after_space(text, 0)
    for name in names:
        found = _member(text, start, name)
        if found is None:
            return None
        start = found
    items = _items(text, start)
    if items is None or len(items) <= entries:
        return None
    head = items[entries - 1][1] if entries else items[0][0]
    # What stands between two entries, white space and all
    between = text[items[0][1] : items[1][0]] if entries else ""
    return f'{text[:head]}{between}"... ({len(items) - entries} more)"{text[items[-1][1] :]}'


def _member(text: str, start: int, name: str) -> int | None:
    """Return where the value of this member starts, ``None`` when the object at ``start`` has none."""
    if text[start] != "{":
        return None
    place = _after_space(text, start + 1)
    while text[place] != "}":
        key, place = _DECODER.raw_decode(text, place)
        value = _after_space(text, _after_space(text, place) + 1)
        if key == name:
            return value
        _, place = _DECODER.raw_decode(text, value)
        place = _after_comma(text, place)
    return None


def _items(text: str, start: int) -> list[tuple[int, int]] | None:
    """Return start and end of each entry of the list at ``start``, ``None`` when it is no list."""
    if text[start] != "[":
        return None
    result = []
    place = _after_space(text, start + 1)
    while text[place] != "]":
        _, end = _DECODER.raw_decode(text, place)
        result.append((place, end))
        place = _after_comma(text, end)
    return result


def _after_space(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    assert found is not None
    return found.end()


def _after_comma(text: str, place: int) -> int:
    place = _after_space(text, place)
    return _after_space(text, place + 1) if text[place] == "," else place
