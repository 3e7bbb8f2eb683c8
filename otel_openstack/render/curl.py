"""A shell script that makes the client's calls again, with curl; what it calls in turn happens by itself.

No secret is in it: tokens and what was masked are shell variables. A token that the client got from one call and used
in a later one is taken over from the answer; the others the script asks for before it does anything. Ids are those of
the recording. Whatever a service or client sent stands in quotes.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cached_property
from urllib.parse import urlsplit

from otel_openstack.conversation.model import Body, Conversation, Exchange, Headers, Message
from otel_openstack.conversation.redacted import redacted
from otel_openstack.render.text import title, visible

_CURL = "curl --silent --show-error --globoff --path-as-is --proto '=http,https'"
_START = f"""\
#!/bin/sh
# {{what}}
# Ids in it are those of the recording.
set -eu

ask() {{ {_CURL} "$@"; }}
"""
_JSON = """\
json() { printf %s "$1" | sed 's/[\\\\"]/\\\\&/g'; }
"""
# curl sets them itself, or they name the recording's spans and not those of this run
_NOT_SENT = frozenset(
    {
        "content-length", "connection", "keep-alive", "transfer-encoding", "te", "upgrade", "expect", "accept-encoding",
        "traceparent", "tracestate", "baggage", "x-requestshook-request-id", "x-requestshook-request-from",
    }
)  # fmt: skip
# RFC 9110, section 5.6.2: without any of these in it, a text cannot leave its header line
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_MASK = re.compile(r"(\{SHA256\}[0-9a-f]+|\*\*\*)")
_MEMBER = re.compile(r'"(\w+)\\*"\s*:\s*\\*"$')
_LONGEST_WORD = 100_000
"""Bytes; Linux takes no argument of 128 KiB (MAX_ARG_STRLEN)."""


def render(conversation: Conversation, *, numbers: bool = True) -> str:
    """Write a conversation as a script.

    :param numbers: whether the comment above each call starts with the numbers of its messages.
    """
    masked = redacted(conversation)
    places = {id(message): number for number, message in masked.numbered()}
    calls = list(_clients(masked))
    variables = _Variables(calls)
    steps = []
    for exchange, request in calls:
        number = places[id(request)]
        shown = f"({number}) " if numbers else ""
        answer = title(exchange.response) if exchange.response is not None else "no answer"
        steps.append(f"\n# {shown}{visible(title(request))}: {visible(answer)}\n")
        file = f"message-{places.get(id(exchange.response), 0)}.body"
        steps += [f"{line}\n" for line in _step(exchange, request, number, variables, file)]
    client = visible(calls[0][1].caller) if calls else "nobody"
    start = _START.replace("{what}", f"The calls of {client} in trace {conversation.trace_id}.")
    asked = [f': "${{{name}:?is not in the recording: {what}}}"\n' for name, what in variables.asked.items()]
    left_out = [f"# {visible(sentence)}\n" for sentence in conversation.left_out]
    return "".join([start, _JSON if variables.has_json else "", *left_out, *(["\n"] if asked else []), *asked, *steps])


def call(exchange: Exchange, number: int) -> str:
    """Write one call as one command, to be pasted into a shell.

    :param exchange: one that has a request; its secrets should be masked (:func:`.redacted.redacted`).
    :param number: of the request; variables for secrets of a body have it in their names.
    :returns: the command; tokens and what was masked are variables (``OS_TOKEN``, ``OS_PASSWORD``) in it.
    """
    request = exchange.request
    assert request is not None
    variables = _Variables([(exchange, request)])
    lines = _step(exchange, request, number, variables, f"answer-{number}.body", program=_CURL)
    text = "\n".join(lines).removesuffix("\necho")
    return (_JSON if variables.has_json else "") + text


def _clients(conversation: Conversation) -> Iterator[tuple[Exchange, Message]]:
    """Yield the calls that were made for no other one, of whoever made the first of them."""
    parents = conversation.parents or (None,) * len(conversation.exchanges)
    client: str | None = None
    for exchange, parent in zip(conversation.exchanges, parents, strict=True):
        request = exchange.request
        if parent is None and request is not None and client in (None, request.caller):
            client = request.caller
            yield exchange, request


class _Variables:
    """The shell variables that stand for what the recording does not have.

    :ivar asked: those that somebody has to set, and what they are.
    :ivar has_json: whether one of them stands in JSON.
    """

    def __init__(self, calls: list[tuple[Exchange, Message]]) -> None:
        self.asked: dict[str, str] = {}
        self.has_json = False
        self._tokens: dict[str, str] = {}
        self._known: set[str] = set()
        self._calls = calls

    @cached_property
    def _used(self) -> set[str]:
        return {
            digest
            for _, request in self._calls
            for digest in _MASK.findall(f"{request.headers} {request.body.content!r}")
        }

    def obtained(self, response: Message | None) -> str:
        """Return the variable for the token that an answer brings, ``""`` when it brings none that is used."""
        for name, value in response.headers if response is not None else ():
            if name.lower() == "x-subject-token" and value in self._used and value.startswith("{"):
                variable = self._token(value)
                self._known.add(value)
                return variable
        return ""

    def word(self, text: str, number: int, *, ending: str = "", json: bool = False) -> str:
        """Return a shell word for a text of message ``number``, its masks replaced by variables.

        :param ending: of the names of variables for secrets; the same name is the same secret.
        """
        pieces = []
        before = ""
        for place, part in enumerate(_MASK.split(text)):
            if place % 2 == 0:
                pieces.append(shlex.quote(part) if part else "")
            elif part.startswith("{"):
                pieces.append(f'"${self._asked_token(part, number)}"')
            else:
                member = _MEMBER.search(before)
                name = f"OS_{member[1].upper() if member and member[1].isascii() else 'SECRET'}{ending}"
                self.asked.setdefault(name, f"the {member[1] if member else 'secret'} of message {number}")
                self.has_json |= json
                pieces.append(f'"$(json "${name}")"' if json else f'"${name}"')
            before = part
        return "".join(pieces) or "''"

    def file(self, body: Body, number: int) -> str:
        """Return a shell word for the file with a body that was not captured as a whole."""
        name = f"BODY_{number}"
        self.asked[name] = f"the file with the {body.size} bytes that message {number} sent"
        return f'"@${name}"'

    def _token(self, digest: str) -> str:
        count = len(self._tokens)
        return self._tokens.setdefault(digest, f"OS_TOKEN_{count + 1}" if count else "OS_TOKEN")

    def _asked_token(self, digest: str, number: int) -> str:
        name = self._token(digest)
        if digest not in self._known:
            self.asked.setdefault(name, f"a token of message {number}")
        return name


def _step(
    exchange: Exchange, request: Message, number: int, variables: _Variables, file: str, *, program: str = "ask"
) -> Iterator[str]:
    """Yield the lines that make one call.

    :param file: for an answer that is not textual.
    :param program: what is run.
    """
    authority = _authority(request.url)
    if authority is None or not _TOKEN.fullmatch(request.method):
        yield "# It cannot be made again: its URL or its method is not known."
        return
    options = ["--head"] if request.method == "HEAD" else [f"--request {shlex.quote(request.method)}"]
    headers = list(_sent(request.headers, authority))
    for name, value in headers:
        if not _TOKEN.fullmatch(name) or _CONTROL.search(value):
            yield "# A header that would not stay one was left out."
        else:
            # An empty value has to be asked for in another way
            header = variables.word(f"{name}: {value}" if value else f"{name};", number)
            options.append(f"--header {header}")
    source, data = _body(request, number, variables)
    known = {name.lower() for name, _ in headers}
    unwanted = ("Accept", "User-Agent", *(["Content-Type"] if data else []))
    options += [f"--header '{name}:'" for name in unwanted if name.lower() not in known]
    options += [data] if data else []
    options.append(f"--url {variables.word(request.url, number)}")
    token = variables.obtained(exchange.response)
    if token:
        lines = " \\\n    ".join([f"{token}=$({source}{program} --dump-header - --output /dev/null", *options])
        yield f"{lines} |"
        yield "    sed -n 's/^[Xx]-[Ss]ubject-[Tt]oken: *//p' | tr -d '\\r')"
        yield f': "${{{token}:?did not come with the answer}}"'
        return
    is_textual = exchange.response is None or not isinstance(exchange.response.body.content, bytes)
    yield " \\\n    ".join([f"{source}{program} {'--include' if is_textual else f'--output {file}'}", *options])
    if is_textual:
        yield "echo"


def _authority(url: str) -> str | None:
    """Return the host and port of a URL, or ``None`` when it is none that curl can ask."""
    if not url.startswith(("http://", "https://")) or _CONTROL.search(url) or " " in url:
        return None
    try:
        return urlsplit(url).netloc
    except ValueError:  # http://[::1
        return None


def _sent(headers: Headers, authority: str) -> Iterator[tuple[str, str]]:
    """Yield the headers that curl does not set better itself."""
    for name, value in headers:
        if name.lower() not in _NOT_SENT and not (name.lower() == "host" and value == authority):
            yield name, value


def _body(request: Message, number: int, variables: _Variables) -> tuple[str, str]:
    """Return what goes before the call, and the option that sends the body; both are ``""`` when there is none."""
    body = request.body
    if not body.content and not body.size:
        return "", ""
    if body.content is None or body.missing:
        return "", f"--data-binary {variables.file(body, number)}"
    if isinstance(body.content, bytes) or "\0" in body.content:
        content = body.content if isinstance(body.content, bytes) else body.content.encode()
        return f"printf '{''.join([f'{chr(92)}{byte:03o}' for byte in content])}' | ", "--data-binary @-"
    is_json = body.content.lstrip()[:1] in ("{", "[")
    ending = "" if request.path.endswith("/auth/tokens") else f"_{number}"
    word = variables.word(body.content, number, ending=ending, json=is_json)
    if len(word.encode()) > _LONGEST_WORD:
        return f"printf %s {word} | ", "--data-binary @-"
    return "", f"--data-raw {word}"
