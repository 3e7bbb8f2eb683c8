"""Hypothesis strategies: what an author does to a document, and what a new recording does to a conversation."""

from __future__ import annotations

import re
from dataclasses import replace

from hypothesis import strategies as st

from otel_openstack.conversation.model import Body, Conversation, Message, MessageKind
from otel_openstack.importer.document import read_drafts
from otel_openstack.importer.lines import Lines, Read
from tests.conversation.strategies import TRACE_ID

PATHS = (
    "/identity/v3/auth/tokens",
    "/v2/images/3856e92b-6c1c-48d6-9308-186ad966da6f",
    "/v2/images/a42bfade-78ec-4c95-b7b4-272ba265072c/file",
    "/v2/images",
    "/",
)
NOTES = (
    "토큰을 발급받는다. 메시지(2)와 (1-3)을 보라.",
    '!!! note "토큰"\n    본문 (1)',
    "The client asks again, see (1), [the answer](#2) and `f(1)`.",
    "#### Why {}",
    "## 요약 {}",
    "``` console\n$ openstack (1)\n```",
    "| a | b |\n|---|---|\n| (1) | 2 |",
    "- one\n    - two (2)",
    '=== "curl"\n    ``` bash\n    curl -s http://h/\n    ```',
)
"""Texts of an author; each occurrence gets a word of its own, by which it is found again."""


def exchanges() -> st.SearchStrategy[tuple[Message, Message]]:
    """Draw calls as services make them."""

    def build(services: tuple[str, str], method: str, path: str, status: int, content: str) -> tuple[Message, Message]:
        caller, callee = services
        request = Message(
            MessageKind.REQUEST, caller, callee, method, f"http://h{path}", path, headers=(("Host", "h"),)
        )
        answered = replace(request, kind=MessageKind.RESPONSE, status=status, reason="OK", body=Body(content))
        return request, answered

    services = st.sampled_from((("openstack", "keystone"), ("openstack", "glance-api"), ("glance-api", "keystone")))
    content = st.sampled_from(('{"id": "a", "status": "queued", "list": [1, 2]}', "text\n\nmore", "none"))
    return st.builds(
        build, services, st.sampled_from(("GET", "POST")), st.sampled_from(PATHS), st.sampled_from((200, 404)), content
    )


def recordings() -> st.SearchStrategy[Conversation]:
    """Draw a conversation whose exchanges nest or follow each other."""

    def build(drawn: list[tuple[tuple[Message, Message], bool]]) -> Conversation:
        messages: list[Message] = []
        for (request, response), wraps in drawn:
            messages = [request, *messages, response] if wraps else [*messages, request, response]
        timed = [replace(message, time_unix_nano=10**18 + n * 10**7) for n, message in enumerate(messages)]
        return Conversation(TRACE_ID, tuple(timed))

    return st.lists(st.tuples(exchanges(), st.booleans()), min_size=1, max_size=5).map(build)


def open_places(text: str) -> list[int]:
    """Return the indexes of lines before which an author may write: outside of code blocks and what starts them."""
    lines = Lines(text, "x")
    drafts = [draft for _, draft in read_drafts(lines, Read())]
    blocks = [block for draft in drafts for block in draft.blocks.values()]
    inside = {index for block in blocks for index in range(block.index, block.last + 1)}
    inside |= {draft.participants_index for draft in drafts}
    result: list[int] = []
    index = 0
    while index < len(lines.all):
        if index not in inside:
            result.append(index)
            index = max(index + 1, lines.after_fence(index))
        else:
            index += 1
    return result


@st.composite
def annotated(draw: st.DrawFn, text: str) -> tuple[str, list[str]]:
    """Draw what an author made of a document: the text, and the words by which each note is found again."""
    words: list[str] = []
    lines = text.split("\n")
    places = draw(st.lists(st.sampled_from(open_places(text)), max_size=4))
    for count, place in enumerate(sorted(places, reverse=True)):
        word = f"zq{count}"
        note = draw(st.sampled_from(NOTES))
        words.append(word)
        note = note.replace("{}", word) if "{}" in note else f"{note}\n\n{word}"
        lines[place:place] = ["", *note.split("\n"), ""]
    document = "\n".join(lines)
    edits = draw(st.lists(st.sampled_from(range(4)), unique=True))
    if 0 in edits:
        document = document.replace('linenums="1"\n    Host', 'linenums="1" hl_lines="1"\n    Host', 1)
    if 1 in edits:
        document = re.sub(r"\n### \(1\) GET (/.*\n`)", r"\n### (1) zqtitle \1", document, count=1)
        words += ["zqtitle"] * ("zqtitle" in document)
    if 2 in edits:
        document = document.replace("`openstack` -->", "`나의 client` -->").replace(
            "`openstack` <--", "`나의 client` <--"
        )
    if 3 in edits:
        document = document.replace("\n`openstack` --> `keystone`\n", "\n`openstack` --> `keystone` zqmore\n", 1)
        words += ["zqmore"] * ("zqmore" in document)
    return document, words
