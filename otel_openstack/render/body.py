"""The text of a body, and a body from its text: inverse functions, side by side.

JSON that stands on one line is laid out, and nothing but its white space changes: numbers, escapes, duplicate keys and
their order stay as they were sent. Text that has line ends already is shown as it came. A body that is not textual is
shown as the older tool did, by its first bytes. A body that was cut ends with a mark that says how much is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson

from otel_openstack.conversation.model import Body, BodyLayout, Message
from otel_openstack.render.text import header_block, visible_json, visible_text

NONE = "none"
PREVIEW_BYTES = 32
"""How much is shown of a body that is not textual; the older tool's habit."""

_CUT = re.compile(r"(?s)(.*)\n\.\.\. \(([1-9][0-9]*) more bytes\)")
_NOT_CAPTURED = re.compile(r"\.\.\. \(([1-9][0-9]*) bytes, not captured\)")
_BYTES = re.compile(
    r"""b(?P<quote>['"])(?P<content>.*)(?P=quote)(?P<cut>\.\.\.(?: \((?P<missing>[1-9][0-9]*) more bytes\))?)?"""
)
# A string, or what stands between strings and brackets, or a bracket or comma
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{](?:\s*[\]}])?|[\]},:]|[^\s"\[\]{},:]+')


def message_blocks(message: Message) -> tuple[str, str]:
    """Return the lines that show the headers of a message, and those that show its body."""
    return header_block(message.headers), body_text(message.body)


def body_text(body: Body) -> str:
    """Return the lines that show a body."""
    content = body.content
    if body.layout is not BodyLayout.OURS and isinstance(content, str):
        return visible_text(content)
    if not content:
        return f"... ({body.size} bytes, not captured)" if body.size else NONE
    if isinstance(content, bytes):
        return _bytes_text(content, body)
    if body.missing:
        return f"{visible_text(content)}\n... ({body.missing} more bytes)"
    if content[0] in "{[":
        spread = spread_json(content)
        if spread is not None:
            return visible_json(spread)
    return visible_text(content)


def read_body(text: str) -> Body:
    """Read a body from its lines, the inverse of :func:`body_text`: the result is always shown as the same text."""
    for body in _readings(text):
        if body_text(body) == text:
            return body
    return Body(text, layout=BodyLayout.AS_IS)


def _readings(text: str) -> Iterator[Body]:
    if text == NONE:
        yield Body()
    elif missing := _NOT_CAPTURED.fullmatch(text):
        yield Body(None, int(missing[1]))
    elif preview := _BYTES.fullmatch(text):
        yield from _bytes_readings(preview)
    elif cut := _CUT.fullmatch(text):
        yield Body(cut[1], len(cut[1].encode("utf-8", "surrogatepass")) + int(cut[2]))
    yield Body(text)


def _bytes_text(content: bytes, body: Body) -> str:
    if body.size is None:
        # Nobody counted: the older tool's documents, which never say how much there was
        return f"{content!r}..."
    shown = content[:PREVIEW_BYTES]
    missing = body.missing + len(content) - len(shown)
    return f"{shown!r}... ({missing} more bytes)" if missing else f"{shown!r}"


def _bytes_readings(preview: re.Match[str]) -> Iterator[Body]:
    try:
        content = preview["content"].encode("latin-1").decode("unicode_escape").encode("latin-1")
    except UnicodeError:
        return
    if preview["cut"] is None:
        yield Body(content, len(content))
    elif preview["missing"] is None:
        yield Body(content)
    else:
        yield Body(content, len(content) + int(preview["missing"]))


def spread_json(text: str) -> str | None:
    """Lay out JSON that stands on one line, by two spaces a level.

    :returns: ``None`` when the text is not JSON, or has several lines already.
    """
    line = text.rstrip()
    if "\n" in line:
        return None
    try:
        value = orjson.loads(line)
        # The same without spaces: no number, escape or duplicate key was changed on the way
        if orjson.dumps(value).decode().replace(" ", "") == line.replace(" ", ""):
            return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        # Not JSON, or more than orjson takes: lone surrogates, deep nesting
        if not _is_json(line):
            return None
    return _spread_tokens(line)


def _is_json(line: str) -> bool:
    """Whether the standard library, which knows lone surrogates and any number, takes it for JSON."""
    import json  # Here: hardly a body needs it

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        json.loads(line, parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _spread_tokens(line: str) -> str:
    """Lay out what is known to be JSON, token by token."""
    result: list[str] = []
    depth = 0
    for piece in _TOKEN.findall(line):
        if piece in "[{":
            depth += 1
            result += piece, "\n", "  " * depth
        elif piece in "]}":
            depth -= 1
            result += "\n", "  " * depth, piece
        elif piece == ",":
            result += ",\n", "  " * depth
        elif piece == ":":
            result.append(": ")
        elif piece[0] in "[{":
            result.append(piece[0] + piece[-1])
        else:
            result.append(piece)
    return "".join(result)
