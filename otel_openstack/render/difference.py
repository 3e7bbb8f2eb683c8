"""What differs between two conversations, for people: as text, as Markdown and as one HTML file."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from otel_openstack.conversation.diff import Change, Finding

SIGNS = {Change.CAME: "+", Change.WENT: "-", Change.MOVED: "»", Change.CHANGED: "~"}
_SAME = "Both mean the same."
_NUMBERS = "Numbers are messages of A; of what came, of B."
# The colon: GitHub makes a link of what looks like a URL
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|~#!&]|:(?=//))")
_STYLE = """\
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;vertical-align:top;border-bottom:1px
solid #8884;overflow-wrap:anywhere}td+td{font-family:ui-monospace,monospace;font-size:.9em}
.came td:first-child{color:light-dark(#176f2c,#57d97b)}.went td:first-child{color:light-dark(#b3261e,#ff8a80)}
.changed td:first-child,.moved td:first-child{color:light-dark(#7a5300,#f0c060)}"""


@dataclass(frozen=True, slots=True)
class Difference:
    """Two conversations by the names that their reader gave them, and what differs."""

    first: str
    second: str
    findings: tuple[Finding, ...]

    def summary(self) -> str:
        """Return one sentence."""
        count = len(self.findings)
        return f"{count} difference{'' if count == 1 else 's'}. {_NUMBERS}" if count else _SAME


def text(difference: Difference) -> str:
    """Write one line for each difference, below who is who."""
    return "".join([f"{line}\n" for line in text_lines(difference)])


def text_lines(difference: Difference) -> Iterator[str]:
    """Yield the lines of :func:`text`; those of differences start with a sign."""
    yield f"A: {_plain(difference.first)}"
    yield f"B: {_plain(difference.second)}"
    yield difference.summary()
    for finding in difference.findings:
        values = [value for value in (finding.before, finding.after) if value]
        arrow = " → " if finding.change is Change.CHANGED else ""
        shown = f": {arrow.join(values)}" if values else ""
        yield _plain(f"{SIGNS[finding.change]} {finding.what}{shown}{_places(finding.numbers)}")


def markdown(difference: Difference) -> str:
    """Write a table."""
    lines = [
        f"# {_escaped(difference.first)} and {_escaped(difference.second)}",
        "",
        f"A is {_escaped(difference.first)}, B is {_escaped(difference.second)}. {difference.summary()}",
    ]
    if difference.findings:
        lines += ["", "| change | what | A | B | messages |", "|---|---|---|---|---|"]
    for finding in difference.findings:
        cells = (finding.change.value, finding.what, finding.before, finding.after, _ranges(finding.numbers))
        lines.append(f"| {' | '.join(map(_escaped, cells))} |")
    return "\n".join(lines) + "\n"


def page(difference: Difference) -> str:
    """Write one HTML file that needs nothing else."""
    first, second = _html(difference.first), _html(difference.second)
    rows = [
        f'<tr class="{finding.change.value}">'
        + "".join(
            f"<td>{_html(cell)}</td>"
            for cell in (finding.change.value, finding.what, finding.before, finding.after, _ranges(finding.numbers))
        )
        + "</tr>\n"
        for finding in difference.findings
    ]
    columns = "".join(f'<th scope="col">{name}</th>' for name in ("change", "what", "A", "B", "messages"))
    head = f"<thead><tr>{columns}</tr></thead>"
    table = f"<table>\n{head}\n<tbody>\n{''.join(rows)}</tbody>\n</table>\n" if rows else ""
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{first} and {second}</title>
<style>
{_STYLE}
</style>
</head>
<body>
<main>
<h1>What differs</h1>
<p>A is <b>{first}</b>, B is <b>{second}</b>. {difference.summary()}</p>
{table}</main>
</body>
</html>
"""


FORMS: dict[str, Callable[[Difference], str]] = {"text": text, "markdown": markdown, "html": page}
"""The forms by name."""


def _places(numbers: Sequence[int]) -> str:
    return f"  ({_ranges(numbers)})" if numbers else ""


def _ranges(numbers: Sequence[int]) -> str:
    """Return ``1-3, 7`` for 1, 2, 3 and 7; of many ranges the first ones and how many messages there are."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][-1] + 1:
            ranges[-1][1:] = [number]
        else:
            ranges.append([number])
    shown = ", ".join("-".join(map(str, one)) for one in ranges[:8])
    return f"{shown}, … {len(numbers)} messages" if len(ranges) > 8 else shown


def _plain(line: str) -> str:
    # Whatever a service sent: it must not steer the terminal nor break the line
    return "".join([character if character.isprintable() else "\ufffd" for character in line])


def _escaped(cell: str) -> str:
    return _MARKDOWN.sub(r"\\\1", _plain(cell))


def _html(cell: str) -> str:
    return html.escape(_plain(cell))
