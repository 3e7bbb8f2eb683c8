"""A picture of a dashboard's layout, drawn from its JSON: what stands where, in which unit, asked of whom."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

_CELL, _UNIT, _GAP, _TOP = 48, 17, 3, 34  # pixels: a column, a unit of height, between panels, the title
_INK, _FAINT, _LINE, _PAPER = "#1f2937", "#6b7280", "#d1d5db", "#ffffff"
_COLOURS = {"prometheus": "#e6522c", "tempo": "#2563eb"}
_FONT = "font-family=\"ui-sans-serif, 'DejaVu Sans', sans-serif\""
# What a panel of each kind looks like, in a box of 100 by 40
_SKETCHES = {
    "timeseries": "M0 30 15 22 30 26 45 10 60 18 75 14 100 4",
    "table": "M0 4H100M0 16H100M0 28H100M0 40H100M34 4V40M67 4V40",
    "heatmap": "M4 30h16v8h-16zM24 22h16v8h-16zM44 26h16v8h-16zM64 10h16v8h-16zM84 18h16v8h-16z",
    "state-timeline": "M0 8H60V18H0zM64 8H100V18H64zM0 26H20V36H0zM24 26H100V36H24z",
    "nodeGraph": "M12 20a6 6 0 1 0 .1 0zM50 4a6 6 0 1 0 .1 0zM88 22a6 6 0 1 0 .1 0zM18 24 44 12M56 12 82 26",
    "stat": "M20 36H80M40 8H60V28H40z",
}


def picture(dashboard: dict[str, Any]) -> str:
    """Return an SVG.

    :param dashboard: its JSON, decoded.
    """
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    width = 24 * _CELL
    height = _TOP + _UNIT * max(place["y"] + place["h"] for place in places)
    chosen = ", ".join(variable["label"] for variable in dashboard["templating"]["list"])
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {_FONT} font-size="12">',
        f"<title>{escape(dashboard['title'])}</title>",
        f'<rect width="{width}" height="{height}" fill="#f3f4f6"/>',
        f'<text x="8" y="23" font-size="17" font-weight="600" fill="{_INK}">{escape(dashboard["title"])}</text>',
    ]
    if chosen:
        lines.append(f'<text x="{width - 8}" y="23" text-anchor="end" fill="{_FAINT}">choose: {escape(chosen)}</text>')
    for panel in dashboard["panels"]:
        lines += _row(panel) if panel["type"] == "row" else _panel(panel)
    return "\n".join([*lines, "</svg>"]) + "\n"


def _row(panel: dict[str, Any]) -> Iterator[str]:
    baseline = _TOP + panel["gridPos"]["y"] * _UNIT + _UNIT - 4
    yield f'<text x="8" y="{baseline}" font-weight="600" fill="{_INK}">{escape(panel["title"])}</text>'


def _panel(panel: dict[str, Any]) -> Iterator[str]:
    place, source = panel["gridPos"], panel["datasource"]["type"]
    x, y = place["x"] * _CELL + _GAP, _TOP + place["y"] * _UNIT + _GAP
    width, height = place["w"] * _CELL - 2 * _GAP, place["h"] * _UNIT - 2 * _GAP
    language = {"prometheus": "PromQL", "tempo": "TraceQL"}[source]
    if panel["type"] == "nodeGraph":
        language = "service graph"
    unit = panel["fieldConfig"]["defaults"]["unit"]
    about = f"{panel['type']} · {unit} · {language}" if unit != "short" else f"{panel['type']} · {language}"
    colour = _COLOURS[source]
    yield f'<g transform="translate({x} {y})">'
    yield f'<rect width="{width}" height="{height}" rx="3" fill="{_PAPER}" stroke="{_LINE}"/>'
    yield f'<text x="8" y="17" fill="{_INK}">{escape(panel["title"])}</text>'
    yield f'<text x="8" y="32" font-size="10" fill="{colour}">{escape(about)}</text>'
    if height > 90:  # else there is no room
        across, down = (width - 40) / 100, (height - 66) / 40
        yield (
            f'<path transform="translate(20 46) scale({across:.2f} {down:.2f})" d="{_SKETCHES[panel["type"]]}" '
            f'fill="none" stroke="{colour}" stroke-width="1" stroke-opacity="0.35" vector-effect="non-scaling-stroke"/>'
        )
    yield "</g>"
