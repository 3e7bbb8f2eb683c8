"""One HTML file that needs nothing else: the diagram, the messages, a search, and each call as a ``curl`` command.

A policy (Content Security Policy, level 3) in the file lets its own style and script work, known by their digests, and
nothing else: whatever a service sent is shown, and cannot run, load or send anything.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from otel_openstack.conversation.command import Command
from otel_openstack.conversation.model import Conversation, Exchange, MessageKind
from otel_openstack.conversation.redacted import redacted
from otel_openstack.render import curl, svg
from otel_openstack.render.body import body_text
from otel_openstack.render.links import Viewer
from otel_openstack.render.page import Page, transcript
from otel_openstack.render.references import api_reference
from otel_openstack.render.steps import Step, in_one_line, steps_of
from otel_openstack.render.template import Templates
from otel_openstack.render.text import header_block, straight, target, title


@dataclass(frozen=True, slots=True)
class _Shown:
    """One message, in the words of the template."""

    number: int
    kind: str
    depth: int
    hop: tuple[str, ...]
    title: str
    when: str
    other: int
    line: str
    headers: str
    body: str
    size: int | None
    gap: str
    reference: str
    curl: str


def render(
    conversation: Conversation,
    *,
    numbers: bool = True,
    command: Command | None = None,
    templates: str | Path | None = None,
    viewers: Sequence[Viewer] = (),
) -> str:
    """Write a conversation as one HTML file.

    :param numbers: whether messages show their number; ``#8`` leads to message 8 all the same.
    :param command: what was run; without it the file does not tell.
    :param templates: a folder; ``html.html``, ``html.css`` and ``html.js`` there go before ours.
    :param viewers: where it says that its trace can be browsed.
    :raises SettingsError: there is no such folder or template, or it has an error.
    """
    own = Templates("html.*", templates)
    steps = steps_of(conversation)
    style, script = (own.text(f"html.{kind}") for kind in ("css", "js"))
    values = {
        "title": Page(conversation, command=command).heading,
        "trace_id": conversation.trace_id,
        "links": [(viewer.name, viewer.url(conversation)) for viewer in viewers],
        "transcript": straight(transcript(command)) if command else "",
        "command": command,
        "numbers": numbers,
        "count": len(conversation.messages),
        "services": sorted({service for step in steps for service in (step.caller, step.callee)}),
        "failures": sum(step.is_failure for step in steps),
        "took": _took(conversation),
        "left_out": list(map(straight, conversation.left_out)),
        "drawings": svg.drawings(conversation, steps, numbers=numbers),
        "messages": list(_messages(conversation, steps)),
        "style": style,
        "script": script,
        "style_digest": _digest(style),
        "script_digest": _digest(script),
    }
    return own.fill("html.html", values)


def _messages(conversation: Conversation, steps: list[Step]) -> Iterator[_Shown]:
    by_number = {step.request: step for step in steps} | {step.response: step for step in steps}
    calls = _calls(conversation)
    for number, message in conversation.numbered():
        step = by_number[number]
        is_request = message.kind is MessageKind.REQUEST
        shown = title(message)
        method, _, path = shown.partition(" ")
        yield _Shown(
            number=number,
            kind="request" if is_request else "response failure" if step.is_failure else "response",
            depth=step.level,
            hop=tuple(map(straight, (step.caller, step.callee)[:: 1 if is_request else -1])),
            title=in_one_line(shown),
            when=step.at if is_request else step.took if step.request else "",
            other=step.response if is_request else step.request,
            line=straight(target(message)),
            headers=straight(header_block(message.headers)),
            body=straight(body_text(message.body)),
            size=message.body.size,
            gap=straight(message.gap),
            reference=api_reference(message.callee, method, path, message.body.content) if is_request else "",
            curl=straight(curl.call(calls[id(message)], number)) if id(message) in calls else "",
        )


def _calls(conversation: Conversation) -> dict[int, Exchange]:
    """Return for each request (by identity) its call, without its answer and with its secrets masked."""
    requests = [message for message in conversation.messages if message.kind is MessageKind.REQUEST]
    masked = redacted(replace(conversation, messages=tuple(requests), exchanges=(), parents=()))
    return {
        id(request): Exchange(request=shown, response=None)
        for request, shown in zip(requests, masked.messages, strict=True)
    }


def _took(conversation: Conversation) -> str:
    times = [message.time_unix_nano for message in conversation.messages]
    return f"{(max(times) - min(times)) / 1e9:.3f} s" if any(times) else ""


def _digest(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()
