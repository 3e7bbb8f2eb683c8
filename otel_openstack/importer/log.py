"""A log becomes messages: the inverse of render/log.py."""

from __future__ import annotations

import re

from otel_openstack.conversation.messages import path_of
from otel_openstack.conversation.model import Message, MessageKind
from otel_openstack.importer.lines import GAP, Lines, Read, read_headers, read_status
from otel_openstack.render.body import read_body
from otel_openstack.render.log import ARROWS, HEADING, HEADING_LIKE
from otel_openstack.render.text import UNKNOWN

_ASKED = re.compile(r" (?P<method>\S+) (?P<url>[A-Za-z][A-Za-z0-9+.-]*://.*|/.*)$")


def read(lines: Lines) -> Read:
    """Read every message of a log.

    :raises DocumentError: a heading breaks the grammar, or a message has no body.
    """
    starts = []
    for index, line in enumerate(lines.all):
        if HEADING.match(line):
            starts.append(index)
        elif HEADING_LIKE.match(line):
            raise lines.error(
                index,
                f"{line!r:.80} is no heading of a log",
                'It should look like "### (a) REQ >>> (b) : GET http://…".',
            )
    return Read([_message(lines, start, end) for start, end in zip(starts, [*starts[1:], len(lines.all)], strict=True)])


def _message(lines: Lines, start: int, end: int) -> Message:
    """Read the message whose heading is at ``start``, up to the next heading or the end of the file."""
    heading = HEADING.match(lines.all[start])
    assert heading is not None
    kind = MessageKind.REQUEST if heading["arrow"] == ARROWS[MessageKind.REQUEST] else MessageKind.RESPONSE
    block = lines.all[start + 1 : end]
    # The empty line that starts the next message, or the end of the last line; then the one that ends this message
    for _ in range(2):
        if block and not block[-1]:
            block.pop()
    # An empty header block still has its line
    if "" not in block[1:]:
        raise lines.error(start, "a message without its body", "Is the file complete?")
    split = block.index("", 1)
    headers, body = block[:split], block[split + 1 :]
    gap = GAP.fullmatch(headers[0])
    if gap:
        headers = headers[1:] or [""]
    parsed = _request(heading["target"]) if kind is MessageKind.REQUEST else _response(heading["target"])
    if parsed is None:
        raise lines.error(
            start, f"{heading['target']!r:.80} is no {kind.value}", 'Such as "GET http://…" or "200 OK GET http://…".'
        )
    method, url, status, reason = parsed
    return Message(
        kind,
        heading["caller"],
        heading["callee"],
        method,
        url,
        path_of(url),
        status,
        reason,
        read_headers(headers) if headers != [""] else (),
        read_body("\n".join(body)),
        gap=gap["gap"] if gap else "",
    )


def _request(target: str) -> tuple[str, str, None, str] | None:
    method, separator, url = target.partition(" ")
    return (method, url, None, "") if separator and method else None


def _response(target: str) -> tuple[str, str, int, str] | None:
    parts = read_status(target)
    if parts is None:
        return None
    status, rest = parts
    if asked := _ASKED.search(" " + rest):
        method, url, reason = asked["method"], asked["url"], rest[: max(0, asked.start() - 1)]
    else:
        reason, method, url = ["", "", *rest.rsplit(" ", 2)][-3:]
    return "" if method == UNKNOWN else method, url, status, reason
