"""The one model of an HTTP conversation; everything that is shown is shown from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from otel_openstack.otlp import Span

Headers = tuple[tuple[str, str], ...]
"""Header lines in order, with their spelling; a name occurs as often as it was sent.

A line that is no header (a document can hold one) has the name ``""`` and is its own value.
"""


class MessageKind(Enum):
    """Which half of an exchange a message is."""

    REQUEST = "request"
    RESPONSE = "response"


class BodyLayout(str, Enum):
    """How the text of a body stands in the document that it was read from."""

    OURS = ""
    """As this package lays it out: JSON that stands on one line is spread, every line indented."""
    AS_IS = "as-is"
    """The text as it came, JSON or not, every line indented."""
    BARE_BLANK_LINES = "bare-blank-lines"
    """As it came, and lines that are empty are not indented."""
    FIRST_LINE = "first-line"
    """As it came, and only the first line is indented."""


@dataclass(frozen=True, slots=True)
class Body:
    """What is known of a message's body.

    :param content: the preview, ``str`` when the body is textual, ``bytes`` otherwise; ``None`` when nothing was
        captured (there was no body, or capturing was off: ``size`` tells which).
    :param size: bytes on the wire, or ``None`` when nobody counted them.
    :param previewed: how many of those the content shows; ``None`` when its own length tells: it was neither masked nor
        decoded.
    :param layout: how the text is laid out; only a body that was read from a document says something else than ours.
    """

    content: str | bytes | None = None
    size: int | None = None
    layout: BodyLayout = BodyLayout.OURS
    previewed: int | None = None

    @property
    def missing(self) -> int:
        """How many bytes the content does not show; 0 when it is whole, or nobody counted."""
        if self.size is None:
            return 0
        shown = self.previewed
        if shown is None:
            content = self.content or b""
            # Counting characters first: encoding is only needed when there are fewer of them than bytes
            if self.size <= len(content):
                return 0
            shown = len(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
        return max(0, self.size - shown)


@dataclass(frozen=True, slots=True)
class Message:
    """One request or one response.

    :param kind: request or response.
    :param caller: service name of the side that asked.
    :param callee: service name of the side that answers.
    :param method: HTTP method of the exchange, ``""`` when no half tells.
    :param url: absolute URL with query, as the caller used it; ``""`` when no half tells.
    :param path: path without query, as the callee saw it.
    :param status: status code; ``None`` on a request.
    :param reason: reason phrase as sent, ``""`` on a request.
    :param headers: the header block.
    :param body: what is known of the body.
    :param time_unix_nano: when the message was sent, by the clock of the side that recorded it.
    :param gap: one sentence about what is missing of this message, ``""`` when it is whole.
    """

    kind: MessageKind
    caller: str
    callee: str
    method: str
    url: str
    path: str
    status: int | None = None
    reason: str = ""
    headers: Headers = ()
    body: Body = Body()
    time_unix_nano: int = 0
    gap: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its response over one hop, seen by its caller, its callee or both.

    :param request: ``None`` when only the answer is known.
    :param response: ``None`` when there was none: a connection that broke, a span that never ended.
    :param client: the caller's span, if it was recorded.
    :param server: the callee's span, if it was recorded.
    """

    request: Message | None
    response: Message | None
    client: Span | None = None
    server: Span | None = None

    @property
    def first(self) -> Message:
        """The request, or the response of an exchange whose request nobody recorded; one of the two always is there."""
        message = self.request or self.response
        assert message is not None
        return message


@dataclass(frozen=True, slots=True)
class Conversation:
    """The messages of one trace in causal order; a message's number is its place in ``messages``, from 1.

    :param trace_id: 32 lower-case hex digits.
    :param messages: every message, in order.
    :param exchanges: the exchanges they belong to, in the order of their first message.
    :param left_out: one sentence for each kind of thing that the conversation does not show.
    :param parents: for each exchange the place in ``exchanges`` of the one that it was made for, ``None`` for none;
        empty when nobody knows.
    """

    trace_id: str
    messages: tuple[Message, ...]
    exchanges: tuple[Exchange, ...] = ()
    left_out: tuple[str, ...] = ()
    parents: tuple[int | None, ...] = ()

    def numbered(self) -> Iterator[tuple[int, Message]]:
        """Yield each message with its number."""
        return enumerate(self.messages, start=1)
