"""The sequence diagram as SVG, drawn here: needs no script, scales, prints, and each arrow leads to its message."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from markupsafe import escape

from otel_openstack.conversation.model import Conversation, MessageKind
from otel_openstack.render.sequence import PART_MESSAGES, groups
from otel_openstack.render.steps import Step, in_one_line

# In CSS pixels; the letters are monospaced, so that their width is known here
_LETTER, _LINE, _ROW, _MARGIN = 7.25, 16, 38, 12
_COLUMN_LEAST, _COLUMN_MOST, _WIDTH = 104, 220, 1080
_LONGEST = 90  # letters of what stands at an arrow
_PIECE = re.compile(r"[^-._:/@ ]*[-._:/@ ]?")


def drawings(conversation: Conversation, steps: Sequence[Step], *, numbers: bool = True) -> list[str]:
    """Draw a conversation as SVG elements, one below the other, each with the participants that speak in it.

    A message is a link to ``#8``, the anchor of message 8. Its classes tell what it is: ``request``, ``response``,
    ``failure``. Exchanges that belong together (token validation, what failed) have a frame of the class ``group``.

    :param numbers: whether the arrows are numbered.
    """
    frames = dict(groups(steps))
    by_number = {step.request: step for step in steps} | {step.response: step for step in steps}
    requests = [message.kind is MessageKind.REQUEST for message in conversation.messages]
    return [
        _Drawing(first, by_number, frames, requests[first - 1 : last], numbers=numbers).render()
        for first, last in _parts(len(requests), frames)
    ]


def _parts(count: int, frames: dict[int, int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last number of each drawing; no frame is cut."""
    first, end = 1, 0
    for number in range(1, count + 1):
        end = max(end, frames.get(number, 0))
        if number == count or (number - first + 1 >= PART_MESSAGES and number >= end):
            yield first, number
            first = number + 1


class _Drawing:
    """One part: its rows are messages, its columns participants."""

    def __init__(
        self, first: int, steps: dict[int, Step], frames: dict[int, int], requests: Sequence[bool], *, numbers: bool
    ) -> None:
        self.first, self.steps, self.frames, self.requests = first, steps, frames, requests
        self.numbers = numbers
        self.last = first + len(requests) - 1
        shown = [steps[number] for number in range(first, self.last + 1)]
        services = list(dict.fromkeys(service for step in shown for service in (step.caller, step.callee)))
        self.labels = [_label(step, is_request=is_request) for step, is_request in zip(shown, requests, strict=True)]
        column = max(_COLUMN_LEAST, min(_COLUMN_MOST, _WIDTH // len(services)))
        self.names = {service: _wrapped(in_one_line(service), int((column - 28) / _LETTER)) for service in services}
        self.boxes = {service: round(max(map(len, lines)) * _LETTER) + 20 for service, lines in self.names.items()}
        left, right = (max(self.boxes[services[place]] // 2, 24) for place in (0, -1))
        longest = max(map(len, self.labels)) * _LETTER + 2 * _MARGIN
        self.width = round(max(left + column * (len(services) - 1) + right, longest))
        if len(services) > 1:
            column = (self.width - left - right) // (len(services) - 1)
        self.places = {service: left + column * index for index, service in enumerate(services)}
        self.head = max(map(len, self.names.values())) * _LINE + 12

    def render(self) -> str:
        """Write the element."""
        bottom = self.head + len(self.requests) * _ROW + _MARGIN
        height = bottom + self.head
        what = f"Messages {self.first} to {self.last}" if self.numbers else "Messages"
        pieces = [
            f'<svg width="{self.width}" height="{height}" viewBox="0 0 {self.width} {height}" role="group"'
            f' aria-label="{what}">',
            *self._participants(0),
            *[f'<path class="life" d="M{x} {self.head}V{bottom}"/>' for x in self.places.values()],
            *[
                self._frame(number, self.frames[number])
                for number in range(self.first, self.last + 1)
                if number in self.frames
            ],
            *[self._arrow(row) for row in range(len(self.requests))],
            *self._participants(bottom),
            "</svg>",
        ]
        return "".join(pieces)

    def _participants(self, top: int) -> Iterator[str]:
        for service, x in self.places.items():
            lines = self.names[service]
            width = self.boxes[service]
            yield f'<g class="participant"><title>{escape(in_one_line(service))}</title>'
            yield f'<rect x="{x - width // 2}" y="{top}" width="{width}" height="{self.head}" rx="6"/><text>'
            above = top + (self.head - len(lines) * _LINE) // 2 - 4
            for row, line in enumerate(lines, start=1):
                yield f'<tspan x="{x}" y="{above + row * _LINE}">{escape(line)}</tspan>'
            yield "</text></g>"

    def _frame(self, start: int, end: int) -> str:
        step = self.steps[start]
        columns = [self.places[self.steps[number].caller] for number in range(start, end + 1)]
        columns += [self.places[self.steps[number].callee] for number in range(start, end + 1)]
        left, right = min(columns) - 20, max(columns) + 20
        top, height = self._row(start - self.first) + 3, (end - start + 1) * _ROW
        name = escape(step.purpose or "failed")
        kind = "group failure" if step.is_failure else "group"
        return (
            f'<g class="{kind}"><title>{name}</title>'
            f'<rect x="{left}" y="{top}" width="{right - left}" height="{height}" rx="6"/></g>'
        )

    def _arrow(self, row: int) -> str:
        number, is_request, label = self.first + row, self.requests[row], self.labels[row]
        step = self.steps[number]
        start, end = self.places[step.caller], self.places[step.callee]
        if not is_request:
            start, end = end, start
        top = self._row(row)
        y = top + 28
        kind = "request" if is_request else "response failure" if step.is_failure else "response"
        if start == end:  # a service that asks itself
            line, tip, end = f"M{start} {y - 8}h26v8h-24", -7, end + 2
        else:
            tip = 7 if end > start else -7
            line = f"M{start} {y}H{end - tip}"
        middle, half = (start + end) / 2, len(label) * _LETTER / 2 + 4
        x = round(min(max(middle, half), self.width - half))
        badge = ""
        if self.numbers:
            wide = len(str(number)) * 7 + 8
            badge = (
                f'<rect class="badge" x="{start - wide // 2}" y="{y - 8}" width="{wide}" height="16" rx="8"/>'
                f'<text class="number" x="{start}" y="{y + 4}">{number}</text>'
            )
        hop = f"{step.caller} → {step.callee}" if is_request else f"{step.callee} → {step.caller}"
        return (
            f'<a href="#{number}" class="{kind}"><title>{escape(in_one_line(f"{number}. {hop}: {label}"))}</title>'
            f'<rect class="row" y="{top + 4}" width="{self.width}" height="{_ROW}"/>'
            f'<path class="line" d="{line}"/><path class="head" d="M{end - tip} {y - 4}L{end} {y}l{-tip} 4z"/>'
            f'<text x="{x}" y="{y - 10}">{escape(label)}</text>{badge}</a>'
        )

    def _row(self, row: int) -> int:
        return self.head + row * _ROW


def _label(step: Step, *, is_request: bool) -> str:
    """Return what stands at an arrow: what was asked and whether again, or what was answered and how soon."""
    if is_request:
        text = f"{step.asked} (again)" if step.again else step.asked
        if not step.response:
            text += " (no response)"
    else:
        text = f"{step.answered} · {step.took}" if step.request else step.answered
        if step.location:
            text += f" → {step.location}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


@lru_cache(maxsize=256)
def _wrapped(service: str, width: int) -> tuple[str, ...]:
    """Return a name in at most four lines, broken after punctuation where there is some."""
    lines = [""]
    for piece in _PIECE.findall(service):
        rest = piece
        if lines[-1] and len(lines[-1]) + len(rest) > width:
            lines.append("")
        while len(rest) > width:
            lines[-1] = rest[:width]
            lines.append("")
            rest = rest[width:]
        lines[-1] += rest
    lines = [line for line in lines if line] or ["-"]
    return tuple(lines if len(lines) <= 4 else [*lines[:3], f"{lines[3][: width - 1]}…"])
