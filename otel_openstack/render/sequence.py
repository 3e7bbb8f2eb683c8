"""The whole sequence diagrams of a page: numbered as the document is, grouped, and cut where they grow too long."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from otel_openstack.conversation.model import Conversation, MessageKind
from otel_openstack.render.mermaid import participant_name
from otel_openstack.render.steps import Step, in_one_line, routed, steps_of
from otel_openstack.render.text import name, title

PART_MESSAGES = 50
"""More than so many messages in one diagram cannot be looked at together."""
_GROUP_MESSAGES = 20
_FRAME = "rect rgba(200, 60, 60, 0.1)"
# Entities, ends of statements, comments and directives, formulas, prefixes that change how a text is wrapped, and HTML
_IN_TEXT = re.compile(r"[#;&$%:\\<>]")


def diagrams(conversation: Conversation, steps: Sequence[Step] | None = None, *, numbers: bool = True) -> list[str]:
    """Draw a conversation as Mermaid sequence diagrams, without their fences.

    A message is an arrow; errors have a cross at its end. Token issue and token validation are ``opt`` blocks, a failed
    exchange is framed when nothing else happened meanwhile. Redirects, repetitions and missing responses are notes.

    :param steps: its steps, if somebody has told them already.
    :param numbers: whether the arrows are numbered; each part goes on where the one before ended.
    """
    told = _Told(conversation, steps_of(conversation) if steps is None else steps)
    return [told.part(first, last, numbers=numbers) for first, last in told.parts()]


class _Told:
    """A conversation on its way into diagrams; messages are meant by their numbers."""

    def __init__(self, conversation: Conversation, steps: Sequence[Step]) -> None:
        self.messages = conversation.messages
        self.by_request = {step.request: step for step in steps if step.request}
        self.by_response = {step.response: step for step in steps if step.response}
        self.groups = dict(groups(steps))
        self.ends = {end: start for start, end in self.groups.items()}

    def parts(self) -> Iterator[tuple[int, int]]:
        """Yield the first and the last number of each part; no group is cut."""
        first, depth = 1, 0
        for number in range(1, len(self.messages) + 1):
            depth += (number in self.groups) - (number in self.ends)
            if number == len(self.messages) or (number - first + 1 >= PART_MESSAGES and not depth):
                yield first, number
                first = number + 1

    def part(self, first: int, last: int, *, numbers: bool) -> str:
        """Draw the messages with these numbers."""
        lines = ["sequenceDiagram"]
        if numbers:
            lines.append("autonumber" if first == 1 else f"autonumber {first}")
        shown = self.messages[first - 1 : last]
        services = dict.fromkeys(service for message in shown for service in (message.caller, message.callee))
        lines += [f"participant {service}" for service in dict.fromkeys(map(_participant, services))]
        depth = 0
        for number in range(first, last + 1):
            if number in self.groups:
                lines.append("    " * depth + self._group(number))
                depth += 1
            lines += ["    " * depth + line for line in self._message(number, numbers=numbers)]
            if number in self.ends:
                depth -= 1
                lines.append("    " * depth + "end")
        return "\n".join([lines[0], *["    " + line for line in lines[1:]]])

    def _group(self, number: int) -> str:
        purpose = self.by_request[number].purpose
        return f"opt {purpose}" if purpose else _FRAME

    def _message(self, number: int, *, numbers: bool) -> Iterator[str]:
        message = self.messages[number - 1]
        caller, callee = _participant(message.caller), _participant(message.callee)
        if message.kind is MessageKind.REQUEST:
            step = self.by_request[number]
            text = _text(step.asked)
            if step.again:
                failed = f"({step.again})" if numbers else "a failure"
                yield f"Note over {','.join(dict.fromkeys((caller, callee)))}: again, after {failed}"
            yield f"{caller}->>{callee}: {text}"
            if not step.response:
                yield f"Note over {callee}: no response"
            return
        step = self.by_response[number]
        text = _text(in_one_line(routed(title(message))))
        yield f"{callee}{'--x' if step.is_failure else '-->>'}{caller}: {text}"
        if step.location:
            yield f"Note over {caller}: redirected to {_text(step.location)}"


def groups(steps: Sequence[Step]) -> Iterator[tuple[int, int]]:
    """Yield the first and last numbers of the exchanges that are framed: they nest, or have nobody else's in them."""
    ends = {step.first: step.response or step.request for step in steps}
    starts = {end: start for start, end in ends.items()}
    for step in steps:
        size = step.response - step.request
        is_framed = step.purpose or step.is_failure
        if is_framed and step.request and 0 < size <= _GROUP_MESSAGES:
            inner = range(step.request + 1, step.response)
            if all(
                (number in ends and ends[number] < step.response) or starts.get(number, 0) > step.request
                for number in inner
            ):
                yield step.request, step.response


@lru_cache(maxsize=256)
def _participant(service: str) -> str:
    return participant_name(in_one_line(name(service)))


def _text(text: str) -> str:
    """Write as an entity code whatever means something to Mermaid."""
    return _IN_TEXT.sub(lambda found: f"#{ord(found.group())};", text)
