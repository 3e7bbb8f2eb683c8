"""One HTTP exchange as attributes: headers in order, a bounded preview of each body, secrets masked.

Everything is gathered in one plain dictionary and handed to the span once, when the exchange ends
(:mod:`.handover`). Nothing is gathered for a span that is not recorded.
"""

from __future__ import annotations

import atexit
import os
import re
import traceback
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import islice

from opentelemetry.trace import Span, Status, StatusCode
from opentelemetry.util.types import AnyValue

from otel_openstack import attributes as names
from otel_openstack.instrument.errors import error_type
from otel_openstack.instrument.guard import never_raises
from otel_openstack.instrument.handover import hand_over
from otel_openstack.instrument.preview import Preview, masking_of
from otel_openstack.settings import Settings

Pairs = Iterable[tuple[str, str]]
"""Header lines in order."""

Block = dict[str, tuple[str, ...]]
"""A header block as attributes: the values of each name, and the names in order."""

_NO_VALUES = ("",)
MAX_HEADERS = 128
"""Header lines kept of a message; with both blocks and all else a span stays under :data:`.MAX_ATTRIBUTES`."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "COPY", "QUERY"})
"""Methods that are recorded as such; any other is ``_OTHER``, so that nobody can invent new ones without end."""

_HEADERS_TO_KNOW = 65536  # bytes that are looked at where none are kept: they tell what the body is

_KEYS_OF: dict[str, dict[str, tuple[str, str]]] = {
    names.HTTP_REQUEST_HEADER_PREFIX: {},
    names.HTTP_RESPONSE_HEADER_PREFIX: {},
}
_MOST_HEADER_NAMES = 1024

_GLOBAL_REQUEST_ID_HEADER = names.HTTP_REQUEST_HEADER_PREFIX + names.HEADER_OPENSTACK_REQUEST_ID.lower()
_REQUEST_ID_HEADERS = tuple(
    names.HTTP_RESPONSE_HEADER_PREFIX + name.lower()
    for name in (names.HEADER_OPENSTACK_REQUEST_ID, names.HEADER_COMPUTE_REQUEST_ID, names.HEADER_TRANS_ID)
)


@lru_cache(maxsize=16)
def _header_filter(wanted: str) -> Callable[[str], object]:
    """Return what tells whether a header is among those that are wanted: names or regular expressions, with commas."""
    return re.compile("|".join(f"(?:{name.strip()})" for name in wanted.split(",")), re.IGNORECASE).fullmatch


_open: set[Exchange] = set()
"""A client's exchanges whose response nobody has read to its end, closed or dropped yet."""


@never_raises
def end_open() -> None:
    """End them at exit, before the tracer provider goes: a traceback, for one, keeps the response of an error alive."""
    for exchange in tuple(_open):
        exchange.end()


@lru_cache(maxsize=1)
def _end_open_at_exit() -> None:
    """Register it when the first is opened: the provider has registered itself by then, and what came last goes first.

    Not on import: CPython 3.10 loads the entry points in another order.
    """
    atexit.register(end_open)


os.register_at_fork(after_in_child=_open.clear)  # they are the parent's


class Exchange:
    """What is recorded of a request and its response, on whichever side: two header blocks, two previews, one span.

    :param span: a recording span; it is ended by :meth:`end`, once.
    :param is_server: on which side we are; a status below 500 is no error of the server's.
    :param path: path of the URL.
    """

    __slots__ = (
        "_masking", "_path", "_response", "_response_headers", "_settings", "attributes", "ended", "is_server",
        "request_body", "response_body", "span",
    )  # fmt: skip

    def __init__(self, settings: Settings, span: Span, *, is_server: bool, path: str = "") -> None:
        self._path = path
        self.span = span
        self.is_server = is_server
        self.ended = False
        self.attributes: dict[str, AnyValue] = {}
        self.request_body: Preview | None = None
        self.response_body: Preview | None = None
        self._response: Mapping[str, AnyValue] = {}
        self._response_headers: Block = {}
        self._settings = settings
        self._masking = masking_of(settings)
        if not is_server:
            _end_open_at_exit()
            _open.add(self)

    def request(self, headers: Pairs) -> None:
        """Record the request's header block, and make ready for its body."""
        prefix = names.HTTP_REQUEST_HEADER_PREFIX
        block = self._block(prefix, names.OPENSTACK_HTTP_REQUEST_HEADER_NAMES, headers)
        self.request_body = self._preview(block, prefix)
        self.attributes.update(self._kept(block, prefix, names.OPENSTACK_HTTP_REQUEST_HEADER_NAMES, is_request=True))
        if agent := block.get(prefix + "user-agent"):
            self.attributes[names.USER_AGENT_ORIGINAL] = agent[0]
        global_id = block.get(_GLOBAL_REQUEST_ID_HEADER)
        if global_id and global_id[0].startswith("req-"):
            self.attributes[names.OPENSTACK_GLOBAL_REQUEST_ID] = global_id[0]

    def response(self, status: int, reason: str, headers: Pairs) -> None:
        """Record status and header block of the response; a second call replaces the first."""
        prefix = names.HTTP_RESPONSE_HEADER_PREFIX
        block = self._block(prefix, names.OPENSTACK_HTTP_RESPONSE_HEADER_NAMES, headers)
        self.response_body = self._preview(block, prefix)
        self._response_headers = block
        response: dict[str, AnyValue] = {
            **self._kept(block, prefix, names.OPENSTACK_HTTP_RESPONSE_HEADER_NAMES, is_request=False),
            names.HTTP_RESPONSE_STATUS_CODE: status,
            names.OPENSTACK_HTTP_RESPONSE_REASON: reason,
        }
        for key in _REQUEST_ID_HEADERS:
            if key in block:
                response[names.OPENSTACK_REQUEST_ID] = block[key][0]
                break
        self._response = response

    def response_header(self, name: str) -> str:
        """Return the first value of a response header by its lower-case name, ``""`` when there is none."""
        return self._response_headers.get(names.HTTP_RESPONSE_HEADER_PREFIX + name, _NO_VALUES)[0]

    @never_raises
    def fail(self, error: BaseException) -> None:
        """Record what was raised instead of a response, or in the middle of one, and end."""
        if self.ended:
            return
        mask = self._masking.body
        kind, message = error_type(error), mask(str(error))
        self.attributes[names.ERROR_TYPE] = kind
        self.span.set_status(Status(StatusCode.ERROR, f"{kind}: {message}"))
        self.span.add_event(
            "exception",
            {
                "exception.type": kind,
                "exception.message": message,
                "exception.stacktrace": mask("".join(traceback.format_exception(error))),
            },
        )
        self.end()

    @never_raises
    def end(self) -> None:
        """End the span with all that was gathered; a second call does nothing."""
        if self.ended:
            return
        self.ended = True
        _open.discard(self)
        try:
            self._finish()
        finally:
            self.span.end()

    def _finish(self) -> None:
        attributes = self.attributes
        attributes.update(self._response)
        if self.request_body is not None and self.request_body.size:
            self._body(
                self.request_body,
                names.HTTP_REQUEST_BODY_CONTENT,
                names.HTTP_REQUEST_BODY_SIZE,
                names.OPENSTACK_HTTP_REQUEST_BODY_PREVIEWED,
            )
        if self.response_body is not None:
            self._body(
                self.response_body,
                names.HTTP_RESPONSE_BODY_CONTENT,
                names.HTTP_RESPONSE_BODY_SIZE,
                names.OPENSTACK_HTTP_RESPONSE_BODY_PREVIEWED,
            )
        status = self._response.get(names.HTTP_RESPONSE_STATUS_CODE)
        # Semantic conventions, HTTP spans: what the client did wrong is no error of the server's
        if isinstance(status, int) and status >= (500 if self.is_server else 400):
            attributes.setdefault(names.ERROR_TYPE, str(status))
            self.span.set_status(Status(StatusCode.ERROR))
        hand_over(attributes, self.span)

    def _body(self, preview: Preview, content_name: str, size_name: str, previewed_name: str) -> None:
        content = preview.content()
        size = self.attributes.setdefault(size_name, preview.size)
        if not content:
            return
        self.attributes[content_name] = content
        shown = preview.shown
        if preview.came_decoded and isinstance(size, int):  # count what is shown by its share of the bytes on the wire
            shown = shown * size // preview.size
        if len(content) != shown or not content.isascii():
            self.attributes[previewed_name] = shown

    def _kept(self, block: Block, prefix: str, order_name: str, *, is_request: bool) -> Block:
        """Return what of a header block becomes attributes: all of it, unless the settings say less."""
        settings = self._settings
        if not settings.header_limit:
            return {}
        if self.is_server:
            wanted = settings.server_request_headers if is_request else settings.server_response_headers
        else:
            wanted = settings.client_request_headers if is_request else settings.client_response_headers
        if not wanted:
            return block
        is_wanted = _header_filter(wanted)
        kept = {key: values for key, values in block.items() if is_wanted(key[len(prefix) :])}
        return kept | {order_name: tuple(name for name in block[order_name] if is_wanted(name))}

    def _preview(self, block: Block, prefix: str) -> Preview:
        content_type = block.get(prefix + "content-type", _NO_VALUES)
        encoding = block.get(prefix + "content-encoding", _NO_VALUES)
        return Preview(self._settings, content_type[0], encoding[0], self._path, self._masking)

    def _block(self, prefix: str, order_name: str, headers: Pairs) -> Block:
        mask, keys_of = self._masking.header, _KEYS_OF[prefix]
        room = self._settings.header_limit or _HEADERS_TO_KNOW
        block: Block = {}
        order: list[str] = []
        for name, value in islice(headers, MAX_HEADERS):
            if not (name.isascii() and value.isascii()):
                name, value = _text(name), _text(value)
            lower, key = keys_of.get(name) or _header_keys(prefix, name)
            value = mask(lower, value)
            room -= len(name) + len(value)
            if room < 0:
                if len(value) + room <= 0:
                    break
                value = value[:room]
            block[key] = (*block[key], value) if key in block else (value,)
            order.append(name)
        block[order_name] = tuple(order)
        return block


def _header_keys(prefix: str, name: str) -> tuple[str, str]:
    """Return a header's name in lower case, and the attribute that its values are; remember both."""
    lower = name.lower()
    keys = lower, prefix + lower
    known = _KEYS_OF[prefix]
    if len(known) < _MOST_HEADER_NAMES:  # a client may send any name
        known[name] = keys
    return keys


def _text(value: str) -> str:
    """Read a native string (PEP 3333: bytes as latin-1) as UTF-8 where it is that, and keep out lone surrogates."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value.encode("utf-8", "replace").decode("utf-8")
