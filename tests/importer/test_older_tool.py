"""A long conversation as the older tool wrote it, by a writer that shares nothing with ours."""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random

import pytest

from otel_openstack.conversation import conversation
from otel_openstack.conversation.model import Conversation
from otel_openstack.importer import import_document
from otel_openstack.otlp import protobuf
from otel_openstack.render import RENDERERS

SERVICES = (
    "openstack",
    "keystone",
    "glance-api",
    "nova-api",
    "neutron-server",
    "placement",
    "swift-proxy-server",
)
HTML = "<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n\n <body>gone</body>\n</html>"
BODIES = (
    "none",
    json.dumps({"server": {"id": "4b", "links": [], "progress": 0}}, indent=2),
    '[\n  {\n    "op": "add"\n  }\n]',
    "b'QFI\\xfb\\x00\\x00\\x00\\x03'...",
    'b"it\'s \\x00"...',
    HTML,
    'Not JSON; and `ticks`, <b>tags</b> & "quotes"',
    '{"on": "one line"}',
    "",
)


@dataclass
class Said:
    """One message, as the tool knew it."""

    caller: str
    callee: str
    method: str
    url: str
    headers: list[tuple[str, str]]
    body: str
    status: str = ""

    @property
    def path(self) -> str:
        """The path without its query; of some responses the tool did not know the URL."""
        return self.url.removeprefix("http://192.0.2.1").partition("?")[0]


def markdown(said: list[Said], number: bool, between: str) -> str:
    """Write the document; ``between`` is what moves each further line of a body."""
    text = ""
    for place, one in enumerate(said, start=1):
        title = f"{one.status or one.method} {one.path}"
        arrow = "<--" if one.status else "-->"
        headers = "\n    ".join(f"{name}: {value}" for name, value in one.headers)
        text += f"""
### {f"({place}) " if number else ""}{title}
`{one.caller}` {arrow} `{one.callee}`

=== "Header"
    ``` http title="{title}" linenums="1"
    {headers}
    ```

=== "Body"
    ``` json title="{title}" linenums="1"
    {one.body.replace(chr(10), chr(10) + between)}
    ```

"""
    return text


def log(said: list[Said]) -> str:
    """Write the log."""
    text = ""
    for one in said:
        arrow = "RESP <<<" if one.status else "REQ >>>"
        target = f"{one.status} {one.method} {one.url}".strip()
        headers = "\n".join(f"{name}: {value}" for name, value in one.headers)
        text += f"\n### ({one.caller}) {arrow} ({one.callee}) : {target}\n{headers}\n\n{one.body}\n\n"
    return text


def diagram(said: list[Said]) -> str:
    """Write the diagram."""
    return "".join(
        f"{one.callee}-->>{one.caller}: {one.status} {one.path}\n"
        if one.status
        else f"{one.caller}->>{one.callee}: {one.method} {one.path}\n"
        for one in said
    )


def converse(random: Random) -> list[Said]:
    """Make 110 messages: nested and interleaved calls, answers out of order, lost and repeated messages."""
    said: list[Said] = []
    waiting: list[Said] = []
    while len(said) < 110:
        if waiting and random.random() < 0.5:
            asked = waiting.pop(random.randrange(len(waiting)) if random.random() < 0.2 else -1)
            url = "None" if random.random() < 0.1 else asked.url
            status = random.choice(("200 OK", "300 MULTIPLE CHOICES", "404 Not Found", "204 No Content"))
            headers = [("Content-Type", ""), *asked.headers[-2:], ("x-openstack-request-id", "req-4b")]
            said.append(Said(asked.caller, asked.callee, asked.method, url, headers, random.choice(BODIES), status))
        else:
            caller = random.choice([one.callee for one in waiting] or SERVICES[:1])
            callee = random.choice([name for name in SERVICES[1:] if name != caller])
            query = random.choice(("", "", "?limit=1", "?name=a%20b&marker="))
            url = f"http://192.0.2.1/{callee}/v2/{random.randrange(20)}{query}"
            identifiers = [
                ("X-Requestshook-Request-Id", f"{random.getrandbits(128):032x}"),
                ("X-Requestshook-Request-From", caller),
            ]
            headers = [("host", "192.0.2.1"), ("Accept", ""), ("Accept", "*/*"), *identifiers]
            asked = Said(caller, callee, random.choice(("GET", "POST")), url, headers, random.choice(BODIES))
            said.append(asked)
            if random.random() < 0.95:
                waiting.append(asked)
        if random.random() < 0.05:
            said.append(said[-1])
    return said


def imported(text: str) -> Conversation:
    """Import a text, send its spans as protobuf, and read the conversation from them."""
    document = import_document(text)
    assert document.warnings == ()
    return conversation(document.trace_id, protobuf.decode(protobuf.encode(document.spans)))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("between", ["    ", "", "  "])
@pytest.mark.parametrize("number", [True, False])
def test_long_documents_come_back(seed: int, between: str, number: bool) -> None:
    """To the byte, however the tool moved the lines of bodies that are not JSON."""
    said = converse(Random(seed))
    text = markdown(said, number, between)
    shown = imported(text)
    assert RENDERERS["markdown"](shown, numbers=number) == text
    assert RENDERERS["diagram"](shown) == diagram(said)


@pytest.mark.parametrize("seed", range(5))
def test_long_logs_come_back_in_every_form(seed: int) -> None:
    """The log with its queries, the document without them, and the diagram."""
    said = converse(Random(seed))
    shown = imported(log(said))
    assert RENDERERS["log"](shown) == log(said)
    assert RENDERERS["markdown"](shown, numbers=False) == markdown(said, False, "    ")
    assert RENDERERS["diagram"](shown) == diagram(said)


def test_bodies_in_which_empty_lines_were_not_moved_come_back() -> None:
    """As textwrap.indent does it, or an editor that cuts blanks at the end of a line."""
    said = converse(Random(9))
    text = markdown(said, True, "    ").replace("\n    \n", "\n\n")
    assert RENDERERS["markdown"](imported(text)) == text
