"""Lists of traces: a table for people on a terminal, tab-separated lines in a pipe, JSON for machines."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import datetime

from otel_openstack.render.difference import Difference, text_lines
from otel_openstack.traces import TraceSummary

COLOURS = {"+": "green", "-": "red", "~": "yellow", "»": "cyan"}
HEADINGS = ("started", "took", "spans", "trace id", "root", "services")
_TABLE_WIDTH = 110


def print_json(summaries: Sequence[TraceSummary]) -> None:
    """Print one JSON object a line, with the names of :class:`~otel_openstack.traces.TraceSummary`."""
    for summary in summaries:
        fields = {name: getattr(summary, name) for name in TraceSummary.__slots__}
        print(json.dumps(fields, ensure_ascii=False))


def print_table(summaries: Sequence[TraceSummary]) -> None:
    """Print one line a trace, laid out and in colour only on a terminal."""
    if not sys.stdout.isatty():
        for summary in summaries:
            print("\t".join(_cells(summary)))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if console.width < _TABLE_WIDTH:  # rich would leave out columns that have no room
        for started, took, spans, trace_id, root, services in map(_cells, summaries):
            line = Text.assemble(f"{started}  {took}  {spans} spans  ", (trace_id, "cyan"))
            console.print(line + Text.assemble("\n  ", (root, "bold"), f"  {services}"), soft_wrap=True)
        return
    table = Table(box=None, pad_edge=False)
    for heading, style in zip(HEADINGS, ("", "", "", "cyan", "bold", ""), strict=True):
        table.add_column(heading, style=style, no_wrap=heading not in ("root", "services"), overflow="fold")
    for summary in summaries:
        # Text, not str: a span name may look like rich's markup
        table.add_row(*map(Text, _cells(summary)))
    console.print(table)


def print_difference(difference: Difference) -> None:
    """Print what differs, on a terminal: in colour, unless ``NO_COLOR`` is set (no-color.org; rich minds it)."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for line in text_lines(difference):
        console.print(Text(line, COLOURS.get(line[:1], "")))


def _cells(summary: TraceSummary) -> tuple[str, ...]:
    started = datetime.fromtimestamp(summary.start_unix_nano / 1e9)
    cells = (
        f"{started:%Y-%m-%d %H:%M:%S}",
        f"{summary.duration_nano / 1e9:.3f} s",
        str(summary.span_count),
        summary.trace_id,
        summary.root_name,
        ", ".join(summary.services),
    )
    # A name is whatever a client sent: it must not steer the terminal nor break the line
    return tuple("".join(c if c.isprintable() else "�" for c in cell) for cell in cells)
