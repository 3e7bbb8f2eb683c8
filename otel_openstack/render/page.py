"""The page of one command: its output, diagram, steps, messages and log, ready to be published.

Templates write everything but the messages, which stand as in the document (:mod:`.markdown`), so that a page can be
read back. What a template wrote stands between two comments; that is how a later recording finds it again.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from otel_openstack.conversation.command import Command
from otel_openstack.conversation.model import Conversation, Message, MessageKind
from otel_openstack.exceptions import SettingsError
from otel_openstack.render import links, log, sequence
from otel_openstack.render.body import message_blocks
from otel_openstack.render.markdown import fence_for, message_text
from otel_openstack.render.references import api_reference, command_reference
from otel_openstack.render.steps import Step, in_one_line, steps_of
from otel_openstack.render.template import Templates
from otel_openstack.render.text import title, visible

HEADINGS = {
    "command": "Command",
    "diagram": "Sequence diagram",
    "steps": "Steps",
    "messages": "Messages",
    "log": "Log",
}
"""The sections by name, in their order, and their headings."""

MESSAGES = "messages"
START, END = "<!-- otel-openstack:{} -->", "<!-- /otel-openstack:{} -->"
"""Between these stands a section that was made from a template."""


def render(
    conversation: Conversation,
    *,
    numbers: bool = True,
    command: Command | None = None,
    sections: Sequence[str] = tuple(HEADINGS),
    templates: str | Path | None = None,
    viewers: Sequence[links.Viewer] = (),
) -> str:
    """Write a conversation as a page.

    :param numbers: whether messages show their number.
    :param command: what was run; without it the page does not tell.
    :param sections: the names of what to show, in this order.
    :param templates: a folder; a template there goes before the one of the same name here.
    :param viewers: where the page says that its trace can be browsed.
    :raises SettingsError: there is no such folder, section or template, or one of the templates has an error.
    """
    return Page(conversation, numbers=numbers, command=command, templates=templates).render(sections, viewers)


class Page:
    """A page by its sections; see :func:`render`."""

    def __init__(
        self,
        conversation: Conversation,
        *,
        numbers: bool = True,
        command: Command | None = None,
        templates: str | Path | None = None,
        services: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.conversation = conversation
        self.numbers = numbers
        self.command = command
        self._templates = Templates("*.md", templates)
        self._callees = dict(services)

    def render(self, sections: Sequence[str], viewers: Sequence[links.Viewer] = ()) -> str:
        """Write the whole page."""
        for name in sections:
            if name not in HEADINGS:
                raise SettingsError(f"A page has no section {name!r}.", hint=f"It has {', '.join(HEADINGS)}.")
        written = {name: self._between_markers(name) for name in sections if name != "command" or self.command}
        return self._fill(
            "page.md",
            {
                "title": self.heading,
                "sections": list(written),
                "headings": HEADINGS,
                "section": written.__getitem__,
                "command": self.command,
                "trace_id": self.conversation.trace_id,
                "trace": links.line(self.conversation, viewers) if viewers else "",
            },
        )

    def section(self, name: str) -> str:
        """Write one section but the messages, without the comments around it; it ends without a line end."""
        return self._fill(f"{name}.md", getattr(self, f"_{name}")()).strip("\n")

    def message(self, number: int) -> str:
        """Write one message."""
        message = self.conversation.messages[number - 1]
        reference = self._reference(message)
        return message_text(
            message,
            f"({number}) " if self.numbers else "",
            above=f'<a id="{number}"></a>\n' if self.numbers else "",
            below=f"\n[API reference]({reference})\n" if reference else "",
            blocks=self._blocks[number - 1],
        )

    def _between_markers(self, name: str) -> str:
        if name == MESSAGES:
            numbers = range(1, len(self.conversation.messages) + 1)
            return "".join([self.message(number) for number in numbers]).removeprefix("\n")
        return f"{START.format(name)}\n{self.section(name)}\n{END.format(name)}\n"

    @cached_property
    def _blocks(self) -> list[tuple[str, str]]:
        return list(map(message_blocks, self.conversation.messages))

    @cached_property
    def _told(self) -> list[Step]:
        return steps_of(self.conversation)

    @property
    def heading(self) -> str:
        """Return what the page is called: the command, else the first message."""
        if self.command:
            return _words(self.command)
        first = self.conversation.messages[0]
        return in_one_line(title(first))

    def _reference(self, message: Message) -> str:
        if message.kind is not MessageKind.REQUEST:
            return ""
        method, _, path = title(message).partition(" ")
        callee = self._callees.get(message.callee, message.callee)
        return api_reference(callee, method, path, message.body.content)

    def _command(self) -> dict[str, Any]:
        assert self.command is not None
        return {
            "command": self.command,
            "transcript": transcript(self.command),
            "reference": command_reference(self.command.arguments),
        }

    def _diagram(self) -> dict[str, Any]:
        return {"diagrams": sequence.diagrams(self.conversation, self._told, numbers=self.numbers)}

    def _steps(self) -> dict[str, Any]:
        return {
            "steps": self._told,
            "numbers": self.numbers,
            "left_out": [visible(sentence) for sentence in self.conversation.left_out],
        }

    def _log(self) -> dict[str, Any]:
        return {"log": log.render(self.conversation, blocks=self._blocks).strip("\n")}

    @cached_property
    def _helpers(self) -> dict[str, Any]:
        return {"fence": fence_for}

    def _fill(self, name: str, values: dict[str, Any]) -> str:
        return self._templates.fill(name, self._helpers | values)


def transcript(command: Command) -> str:
    """Return what the terminal showed, below the command."""
    return f"$ {in_one_line(shlex.join(command.arguments))}\n{command.output}".rstrip("\n")


def _words(command: Command) -> str:
    """Return the name of a command: the program and the words before its options."""
    program, *arguments = command.arguments
    reference = command_reference(command.arguments)
    if reference:
        return f"{program} {reference.rpartition('#')[2].replace('-', ' ')}"
    words = [program]
    for argument in arguments:
        if not argument.replace("-", "").isalpha() or argument.startswith("-"):
            break
        words.append(argument)
    return in_one_line(" ".join(words))
