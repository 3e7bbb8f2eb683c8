"""An HTTP Archive, version 1.2 (http://www.softwareishard.com/blog/har-12-spec/): browsers' network panels open it.

One entry an exchange, in the order of the conversation. Names that begin with ``_`` are ours, as the specification has
it; so are the comments that say what was not captured.
"""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qsl, quote

import orjson

from otel_openstack import __version__
from otel_openstack.attributes import NETWORK_PROTOCOL_VERSION
from otel_openstack.conversation.model import Body, Conversation, Exchange, Headers, Message
from otel_openstack.otlp import Span
from otel_openstack.render.text import UNKNOWN

_ABSOLUTE = re.compile(r"(?is)(https?)://([^/?#]+)(.*)")
_AUTHORITY = re.compile(r"(?a)(?:[\w.~!$&'()*+,;=:-]*@)?(?:[\w.~!$&'()*+,;=-]+|\[[0-9A-Fa-f:.]+\])(?::\d*)?")
_IN_URL = "%/:=&?~+!$,;'@()*"  # of a path or query (RFC 3986)
_BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def render(conversation: Conversation, *, numbers: bool = True) -> str:
    """Write a conversation as an archive.

    :param numbers: whether the comment of each entry starts with the numbers of its messages.
    """
    places = {id(message): number for number, message in conversation.numbered()} if numbers else {}
    comment = [f"Trace {conversation.trace_id}.", *(f"{sentence}." for sentence in conversation.left_out)]
    log = {
        "version": "1.2",
        "creator": {"name": "otel-openstack", "version": __version__},
        "entries": [_entry(exchange, places) for exchange in conversation.exchanges],
        "comment": " ".join(comment),
    }
    return orjson.dumps({"log": log}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _entry(exchange: Exchange, places: dict[int, int]) -> dict[str, Any]:
    told = [message for message in (exchange.request, exchange.response) if message is not None]
    first = exchange.first
    numbers = [f"({places[id(message)]})" for message in told if id(message) in places]
    gaps = dict.fromkeys(message.gap for message in told if message.gap)
    timings = _timings(exchange)
    return {
        "startedDateTime": _time(first.time_unix_nano),
        "time": sum(timings.values()),
        "request": _request(exchange.request or first, exchange),
        "response": _response(exchange.response, exchange),
        "cache": {},
        "timings": timings,
        "comment": " ".join([*numbers, f"{first.caller} → {first.callee}.", *gaps]),
        "_caller": first.caller,
        "_callee": first.callee,
    }


def _request(message: Message, exchange: Exchange) -> dict[str, Any]:
    known = message is exchange.request
    headers, body = (message.headers, message.body) if known else ((), Body())
    result: dict[str, Any] = {
        "method": message.method or UNKNOWN,
        "url": _url(message),
        "httpVersion": _version(exchange),
        "cookies": _cookies(headers, "cookie"),
        "headers": _headers(headers),
        "queryString": _query(message.url),
        "headersSize": -1,
        "bodySize": _size(body),
    }
    if body.content or body.size:
        result["postData"] = {"mimeType": _header(headers, "content-type"), **_content(body)}
    return result


def _response(message: Message | None, exchange: Exchange) -> dict[str, Any]:
    # Without a response, status 0: what browsers write
    headers, body = (message.headers, message.body) if message is not None else ((), Body())
    return {
        "status": message.status if message is not None else 0,
        "statusText": message.reason if message is not None else "",
        "httpVersion": _version(exchange),
        "cookies": _cookies(headers, "set-cookie"),
        "headers": _headers(headers),
        "content": {
            "size": body.size if body.size is not None else _length(body),
            "mimeType": _header(headers, "content-type"),
            **_content(body),
        },
        "redirectURL": _header(headers, "location"),
        "headersSize": -1,
        "bodySize": _size(body),
    }


def _content(body: Body) -> dict[str, str]:
    result: dict[str, str] = {}
    if isinstance(body.content, str):
        result["text"] = body.content
    elif body.content is not None:
        # The specification has an encoding for responses only; of a request, this one is ours
        result |= {"text": b64encode(body.content).decode(), "encoding": "base64"}
    if body.missing:
        result["comment"] = f"{body.missing} more bytes were not captured."
    return result


def _length(body: Body) -> int:
    return len(body.content.encode() if isinstance(body.content, str) else body.content or b"")


def _size(body: Body) -> int:
    return -1 if body.size is None else body.size


def _headers(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _header(headers: Headers, wanted: str) -> str:
    return next((value for name, value in headers if name.lower() == wanted), "")


def _cookies(headers: Headers, wanted: str) -> list[dict[str, str]]:
    """Return name and value of each cookie; of what a server sets, the rest stands in its header."""
    values = [value for name, value in headers if name.lower() == wanted]
    pairs = [
        pair for value in values for pair in (value.split(";") if wanted == "cookie" else [value.partition(";")[0]])
    ]
    split = [pair.strip().partition("=") for pair in pairs]
    return [{"name": name, "value": value} for name, _, value in split]


def _query(url: str) -> list[dict[str, str]]:
    pairs = parse_qsl(url.partition("?")[2].partition("#")[0], keep_blank_values=True)
    return [{"name": name, "value": value} for name, value in pairs]


def _url(message: Message) -> str:
    """Return an absolute URL (RFC 3986); where nobody told one, the callee's name stands for its host."""
    absolute = _ABSOLUTE.fullmatch(message.url)
    if absolute is None:
        return f"http://{quote(message.callee, safe='')}/{_quoted(message.path.lstrip('/'))}"
    scheme, authority, path = absolute.groups()
    return f"{scheme}://{authority if _AUTHORITY.fullmatch(authority) else quote(authority, safe='')}{_quoted(path)}"


def _quoted(path: str) -> str:
    return _BARE_PERCENT.sub("%25", quote(path, safe=_IN_URL))


def _version(exchange: Exchange) -> str:
    for span in (exchange.client, exchange.server):
        version = span.attributes.get(NETWORK_PROTOCOL_VERSION) if span is not None else None
        if isinstance(version, str):
            return f"HTTP/{version}"
    return "unknown"


def _time(unix_nano: int) -> str:
    moment = datetime.fromtimestamp(unix_nano // 10**9, tz=timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{unix_nano % 10**9 // 1000:06}Z"


def _timings(exchange: Exchange) -> dict[str, float]:
    """Return milliseconds: what the network took where both sides tell it in clocks that agree, else all is waiting."""
    client, server = exchange.client, exchange.server
    if client is not None and server is not None and _encloses(client, server):
        return {
            "send": (server.start_unix_nano - client.start_unix_nano) / 1e6,
            "wait": (server.end_unix_nano - server.start_unix_nano) / 1e6,
            "receive": (client.end_unix_nano - server.end_unix_nano) / 1e6,
        }
    top = client or server
    if top is not None:
        took = top.end_unix_nano - top.start_unix_nano
    elif exchange.request is not None and exchange.response is not None:
        took = exchange.response.time_unix_nano - exchange.request.time_unix_nano
    else:
        took = 0
    return {"send": 0, "wait": max(0, took) / 1e6, "receive": 0}


def _encloses(client: Span, server: Span) -> bool:
    return client.start_unix_nano <= server.start_unix_nano <= server.end_unix_nano <= client.end_unix_nano
