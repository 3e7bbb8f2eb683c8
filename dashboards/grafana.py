"""Dashboards as tables of panels, and the JSON that Grafana reads.

Plain Python and no library: Grafana's own SDK asks for Python 3.11 and an exact version of itself for each version of
Grafana. What is written here is the part of Grafana's model that has been stable since version 10.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

PROMETHEUS, TEMPO = "prometheus", "tempo"  # types of data sources, and their uids in provisioning/datasources.yaml
COLUMNS = 24  # of Grafana's grid
TAG = "otel-openstack"


@dataclass(frozen=True)
class Query:
    """One query of a panel.

    :param expression: PromQL or TraceQL.
    :param legend: what a series is called, ``{{label}}`` for its labels; PromQL only.
    :param source: the type of the data source that answers.
    :param form: ``traces`` or ``spans``, what a row of a TraceQL table is.
    """

    expression: str
    legend: str = ""
    source: str = PROMETHEUS
    form: str = "spans"


@dataclass(frozen=True)
class Panel:
    """One panel.

    :param title: what it shows.
    :param question: what an operator asks of it; Grafana shows it beside the title.
    :param kind: Grafana's panel type.
    :param unit: Grafana's name of the unit.
    :param columns: of a table, label -> heading, in their order; other labels are left out.
    :param red: value from which a cell or state is red.
    """

    title: str
    question: str
    queries: tuple[Query, ...]
    kind: str = "timeseries"
    unit: str = "short"
    columns: dict[str, str] = field(default_factory=dict)
    red: float | None = None


@dataclass(frozen=True)
class Row:
    """Panels side by side, each as wide as the others.

    :param height: in units of Grafana's grid, of 30 pixels.
    """

    title: str
    panels: tuple[Panel, ...]
    height: int = 8


@dataclass(frozen=True)
class Variable:
    """What the reader chooses at the top of a dashboard.

    :param query: where its values come from: ``label_values(metric, label)`` of Prometheus, or the name of an attribute
        in Tempo; none, and the reader types it.
    :param every: whether all values may be chosen, and are at first.
    """

    name: str
    label: str
    query: str = ""
    source: str = PROMETHEUS
    every: bool = True


@dataclass(frozen=True)
class Board:
    """One dashboard.

    :param uid: the name in its URL, and of its files.
    """

    uid: str
    title: str
    description: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]
    since: str = "now-1h"


def promql(expression: str, legend: str = "") -> Query:
    """Return a query of Prometheus."""
    return Query(" ".join(expression.split()), legend)


def traceql(expression: str, form: str = "spans") -> Query:
    """Return a query of Tempo."""
    return Query(" ".join(expression.split()), source=TEMPO, form=form)


def model(board: Board) -> dict[str, Any]:
    """Return a dashboard as Grafana reads it."""
    return {
        "uid": board.uid,
        "title": board.title,
        "description": board.description,
        "tags": [TAG],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,  # one crosshair through all panels
        "refresh": "30s",
        "time": {"from": board.since, "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_variable(variable) for variable in board.variables]},
        "annotations": {"list": [_firing_alerts()]},
        "links": [
            {
                "type": "dashboards",
                "title": "OpenStack",
                "tags": [TAG],
                "asDropdown": False,
                "includeVars": True,
                "keepTime": True,
            }
        ],
        "panels": list(_panels(board)),
    }


def _firing_alerts() -> dict[str, Any]:
    return {
        "name": "Alerts",
        "datasource": _source(PROMETHEUS),
        "enable": True,
        "iconColor": "red",
        "expr": 'ALERTS{alertstate="firing"}',
        "titleFormat": "{{alertname}}",
        "textFormat": "{{service_name}}{{job}} {{instance}}",
        "step": "60s",
    }


def _source(kind: str) -> dict[str, str]:
    return {"type": kind, "uid": kind}


def _variable(variable: Variable) -> dict[str, Any]:
    common = {"name": variable.name, "label": variable.label, "hide": 0}
    if not variable.query:
        return common | {"type": "textbox", "query": "", "current": {"text": "", "value": ""}}
    query: dict[str, Any] = {"refId": variable.name, "query": variable.query, "qryType": 1}
    if variable.source == TEMPO:
        query = {"refId": variable.name, "type": 1, "label": variable.query, "stream": ""}
    chosen = {"current": {"text": ["All"], "value": ["$__all"]}, "allValue": ".*"} if variable.every else {}
    return {
        **common,
        "type": "query",
        "datasource": _source(variable.source),
        "query": query,
        "refresh": 2,  # whenever the time range changes
        "sort": 1,
        "multi": variable.every,
        "includeAll": variable.every,
        **chosen,
    }


def _panels(board: Board) -> Iterator[dict[str, Any]]:
    number = top = 0
    for row in board.rows:
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": row.title,
            "collapsed": False,
            "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1},
            "panels": [],
        }
        top += 1
        width = COLUMNS // len(row.panels)
        for place, panel in enumerate(row.panels):
            number += 1
            yield {
                "id": number,
                "type": panel.kind,
                "title": panel.title,
                "description": panel.question,
                "gridPos": {"x": place * width, "y": top, "w": width, "h": row.height},
                "datasource": _source(panel.queries[0].source),
                "targets": [_target(query, panel, letter) for letter, query in zip("ABCDE", panel.queries)],  # noqa: B905
                "fieldConfig": _field_config(panel),
                "options": _OPTIONS.get(panel.kind, {}),
                "transformations": _transformations(panel),
            }
        top += row.height


def _target(query: Query, panel: Panel, letter: str) -> dict[str, Any]:
    target: dict[str, Any] = {"refId": letter, "datasource": _source(query.source)}
    if panel.kind == "nodeGraph":
        return target | {"queryType": "serviceMap", "serviceMapQuery": query.expression}
    if query.source == TEMPO:
        # Of each trace as many spans as fit in a table: Tempo gives three if it is not asked for more
        asked = {"queryType": "traceql", "query": query.expression, "tableType": query.form, "limit": 20, "spss": 20}
        return target | asked
    is_table = panel.kind == "table"
    return target | {
        "expr": query.expression,
        "legendFormat": query.legend or "__auto",
        "range": not is_table,
        "instant": is_table,
        "format": {"table": "table", "heatmap": "heatmap"}.get(panel.kind, "time_series"),
        "exemplar": panel.kind == "timeseries" and "histogram_quantile" in query.expression,
    }


_LEGEND = {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"], "showLegend": True}
_OPTIONS: dict[str, dict[str, Any]] = {
    "timeseries": {"legend": _LEGEND, "tooltip": {"mode": "multi", "sort": "desc"}},
    "stat": {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "background", "textMode": "auto"},
    "state-timeline": {"mergeValues": True, "showValue": "never", "rowHeight": 0.8},
    "heatmap": {"calculate": False, "yAxis": {"unit": "s"}, "color": {"scheme": "Oranges"}, "cellGap": 0},
    "table": {"showHeader": True, "cellHeight": "sm"},
}
_OF_A_SERVICE = "service_name", "client", "server"


def _field_config(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit}
    if panel.kind == "timeseries":
        defaults |= {"custom": {"fillOpacity": 10, "showPoints": "never", "spanNulls": False}, "min": 0}
    if panel.red is not None:
        steps = [{"color": "green", "value": None}, {"color": "red", "value": panel.red}]
        defaults |= {"thresholds": {"mode": "absolute", "steps": steps}, "color": {"mode": "thresholds"}}
    if panel.kind == "timeseries" and any("{{service_name}}" in query.legend for query in panel.queries):
        defaults["links"] = [_to_service("${__field.labels.service_name}")]
    overrides = [
        {
            "matcher": {"id": "byName", "options": panel.columns[label]},
            "properties": [{"id": "links", "value": [_to_service("${__value.raw}")]}],
        }
        for label in _OF_A_SERVICE
        if label in panel.columns
    ]
    return {"defaults": defaults, "overrides": overrides}


def _to_service(name: str) -> dict[str, str]:
    return {"title": "This service", "url": f"/d/openstack-service?var-service={name}&${{__url_time_range}}"}


def _transformations(panel: Panel) -> list[dict[str, Any]]:
    """Return what makes a table of the vectors that its queries yield: a row for each set of labels."""
    if not panel.columns:
        return []
    order = {name: place for place, name in enumerate(panel.columns)}
    rename = {name: heading for name, heading in panel.columns.items() if name != heading}
    return [
        {"id": "merge", "options": {}},
        {"id": "filterFieldsByName", "options": {"include": {"names": list(panel.columns)}}},
        {"id": "organize", "options": {"indexByName": order, "renameByName": rename}},
    ]
