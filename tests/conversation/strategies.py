"""Hypothesis strategies for conversations: calls as services make them, and messages with anything in them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from otel_openstack.attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    SERVICE_NAME,
    URL_FULL,
    URL_PATH,
)
from otel_openstack.conversation.model import Body, Conversation, Message, MessageKind
from otel_openstack.otlp import AttributeValue, Resource, Span, SpanKind

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SERVICES = ("openstack", "keystone", "glance-api", "swift-proxy-server", "nova-api")
EPOCH = 1_700_000_000_000_000_000
YEAR = 365 * 24 * 3600 * 1_000_000_000


# -- spans of calls ------------------------------------------------------------------------------------------------


@dataclass
class Call:
    """One call and what its callee does for it, one thing after the other."""

    callee: str
    inner: list[Call] = field(default_factory=list)


def calls() -> st.SearchStrategy[list[Call]]:
    """Draw what a client calls, one after the other."""
    leaf = st.builds(Call, st.sampled_from(SERVICES[1:]))
    tree = st.recursive(
        leaf,
        lambda inner: st.builds(Call, st.sampled_from(SERVICES[1:]), st.lists(inner, max_size=3)),
        max_leaves=8,
    )
    return st.lists(tree, min_size=1, max_size=4)


def clocks() -> st.SearchStrategy[dict[str, int]]:
    """Draw by how much the clock of each service is wrong, in nanoseconds."""
    return st.fixed_dictionaries({service: st.integers(-YEAR, YEAR) for service in SERVICES})


def record(made: list[Call], wrong_by: dict[str, int] | None = None) -> tuple[list[Span], list[str]]:
    """Return the spans of calls made by ``openstack``, and the messages in the order in which they were sent.

    Each call has a path of its own, and its messages are ``"GET /1"`` and ``"200 /1"``.
    """
    spans: list[Span] = []
    said: list[str] = []
    now = EPOCH

    def tick() -> int:
        nonlocal now
        now += 1000
        return now

    def make(call: Call, caller: str, parent: str) -> None:
        number = len(spans) + 1
        client_id, server_id = f"{number:016x}", f"{number + 1:016x}"
        path = f"/{number}"
        said.append(f"GET {path}")
        place = len(spans)
        spans.extend(
            [span(caller, client_id, parent, path), span(call.callee, server_id, client_id, path, server=True)]
        )
        times = [tick(), tick()]
        for inner in call.inner:
            make(inner, call.callee, server_id)
        times += [tick(), tick()]
        said.append(f"200 {path}")
        for index, start, end in ((place, times[0], times[3]), (place + 1, times[1], times[2])):
            shift = (wrong_by or {}).get(spans[index].service_name, 0)
            spans[index] = replace(spans[index], start_unix_nano=start + shift, end_unix_nano=end + shift)

    for call in made:
        make(call, "openstack", "")
    return spans, said


def span(
    service: str,
    span_id: str,
    parent: str = "",
    path: str = "/",
    *,
    server: bool = False,
    start: int = 0,
    end: int = 0,
    **attributes: AttributeValue,
) -> Span:
    """Build one half of ``GET path -> 200``; further attributes are named with ``__`` for each dot."""
    known: dict[str, AttributeValue] = {HTTP_REQUEST_METHOD: "GET", HTTP_RESPONSE_STATUS_CODE: 200}
    where: dict[str, AttributeValue] = {URL_PATH: path} if server else {URL_FULL: f"http://192.0.2.1{path}"}
    named = {name.replace("__", "."): value for name, value in attributes.items()}
    return Span(
        TRACE_ID,
        span_id,
        parent,
        kind=SpanKind.SERVER if server else SpanKind.CLIENT,
        start_unix_nano=EPOCH + start,
        end_unix_nano=EPOCH + end if end else 0,
        attributes={**known, **where, **named},
        resource=Resource({SERVICE_NAME: service}),
    )


def shown(conversation: Conversation) -> list[str]:
    """Return the messages in the form of :func:`record`."""
    return [f"{message.status or message.method} {message.path}" for message in conversation.messages]


# -- messages with anything in them -------------------------------------------------------------------------------


NASTY = (
    "```", "    ```", "````", "\r", "\r\n", "\n", "\n\n", "\x00", "\x1b[31m", "\u2028", "\x85", "\u202e", "|", "#", ";",
    '"', "'", "`", "<script>", "### (1) GET /", "### (a) REQ >>> (b) : GET http://c/", "### (a) RESP bla", "none",
    '=== "Header"', "`a` --> `b`", "!!! missing", "b'x'...", "... (3 more bytes)", "... (3 bytes, not captured)", " ",
    "{", "}", '{"a": 1}', '{"a": 1.0, "a": [1e5, "\\u00e9"]}', "end", ": ", ") REQ >>> (", "None", " /", "://", "\t",
)  # fmt: skip
"""What could end a fence, start a message, or be taken for a mark."""


def nasty_text() -> st.SearchStrategy[str]:
    """Draw text that tries to break out of wherever it is shown."""
    return st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=5)), max_size=5).map("".join)


def tame_text(alphabet: str = "abcXYZ019-_") -> st.SearchStrategy[str]:
    """Draw text as services send it where a name or a path segment is due."""
    return st.text(alphabet, min_size=1, max_size=8)


def bodies(text: st.SearchStrategy[str]) -> st.SearchStrategy[Body]:
    """Draw bodies that are absent, whole, cut or not captured."""

    def whole(content: str | bytes) -> Body:
        return Body(content, len(content.encode() if isinstance(content, str) else content))

    def cut(content: str | bytes, more: int) -> Body:
        return replace(whole(content), size=(whole(content).size or 0) + more)

    content = st.one_of(text, st.binary(max_size=40))
    return st.one_of(
        st.just(Body()),
        content.map(whole),
        content.map(Body),
        st.builds(cut, content, st.integers(1, 10**9)),
        st.builds(Body, st.none(), st.integers(0, 10**9)),
    )


def messages(text: st.SearchStrategy[str]) -> st.SearchStrategy[Message]:
    """Draw one message; the text is used wherever a service or its client could have put something."""
    request = st.fixed_dictionaries({"kind": st.just(MessageKind.REQUEST), "method": st.sampled_from(("GET", "PATCH"))})
    response = st.fixed_dictionaries(
        {
            "kind": st.just(MessageKind.RESPONSE),
            "method": st.just(""),
            "status": st.integers(100, 599),
            "reason": text,
        }
    )
    shared = st.fixed_dictionaries(
        {
            "caller": st.sampled_from(SERVICES),
            "callee": st.sampled_from(SERVICES),
            "url": st.just(""),
            "path": st.one_of(text.map("/{}".format), st.sampled_from(("/", "", "*", "None"))),
            "headers": st.lists(st.tuples(text, text), max_size=4).map(tuple),
            "body": bodies(text),
            "gap": st.one_of(st.just(""), text),
        }
    )
    return st.builds(lambda kind, rest: Message(**kind, **rest), st.one_of(request, response), shared)


def conversations(text: st.SearchStrategy[str]) -> st.SearchStrategy[Conversation]:
    """Draw messages in any order: answered or not, repeated, interleaved."""
    return st.lists(messages(text), min_size=1, max_size=6).map(lambda drawn: Conversation(TRACE_ID, tuple(drawn)))
