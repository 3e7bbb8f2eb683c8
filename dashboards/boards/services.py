"""Which service and which route is slow or failing, since when, and who calls whom."""

from __future__ import annotations

from dashboards.grafana import TEMPO, Board, Panel, Query, Row, Variable, promql
from dashboards.metrics import (
    CALLS,
    EDGE_SECONDS,
    EDGES,
    FAILED_EDGES,
    RANGE,
    SECONDS,
    SERVER,
    quantile,
    rate,
    share,
)

_CHOSEN = f'{SERVER}, service_name=~"$service"'
_ROUTE = "service_name, http_request_method, http_route"
_ROUTE_COLUMNS = {"service_name": "service", "http_request_method": "method", "http_route": "route"}
_FAILING = share(
    rate(CALLS, f'{_CHOSEN}, http_response_status_code=~"5.."', "service_name"), rate(CALLS, _CHOSEN, "service_name")
)
_OF_EDGE = 'client=~"$service|openstack", server=~"$service"'

BOARD = Board(
    "openstack-services",
    "OpenStack services",
    "Which service and which route is slow or failing, and since when.",
    (Variable("service", "Service", f"label_values({CALLS}{{{SERVER}}}, service_name)"),),
    (
        Row(
            "Which service",
            (
                Panel(
                    "Requests",
                    "How much is each service asked?",
                    (promql(rate(CALLS, _CHOSEN, "service_name"), "{{service_name}}"),),
                    unit="reqps",
                ),
                Panel(
                    "Failing",
                    "Which share of its answers is 5xx?",
                    (promql(_FAILING, "{{service_name}}"),),
                    unit="percentunit",
                ),
                Panel(
                    "Duration, 95th percentile",
                    "How long does it take to answer?",
                    (promql(quantile(0.95, SECONDS, _CHOSEN, "service_name"), "{{service_name}}"),),
                    unit="s",
                ),
            ),
        ),
        Row(
            "Since when",
            (
                Panel(
                    "Failing since",
                    "Red where more than one answer in twenty was 5xx.",
                    (promql(_FAILING, "{{service_name}}"),),
                    kind="state-timeline",
                    unit="percentunit",
                    red=0.05,
                ),
            ),
            height=5,
        ),
        Row(
            "Which route",
            (
                Panel(
                    "Slowest routes, 95th percentile",
                    "Where is time lost?",
                    (promql(f"topk(15, {quantile(0.95, SECONDS, _CHOSEN, _ROUTE, RANGE)} > 0)"),),
                    kind="table",
                    unit="s",
                    columns={**_ROUTE_COLUMNS, "Value": "duration"},
                ),
                Panel(
                    "Failing routes",
                    "Which routes answer with an error, and with which?",
                    (
                        promql(
                            f"""topk(15, sum by ({_ROUTE}, http_response_status_code)
                            (increase({CALLS}{{{_CHOSEN}, http_response_status_code=~"[45].."}}{RANGE})) > 0)"""
                        ),
                    ),
                    kind="table",
                    columns={**_ROUTE_COLUMNS, "http_response_status_code": "status", "Value": "answers"},
                ),
            ),
        ),
        Row(
            "Who calls whom",
            (
                Panel(
                    "Service graph",
                    "Which services need which? Red is the share that fails.",
                    (Query("", source=TEMPO),),
                    kind="nodeGraph",
                ),
                Panel(
                    "Calls",
                    "How often and with what outcome does one service call another?",
                    (
                        promql(rate(EDGES, _OF_EDGE, "client, server", RANGE)),
                        promql(
                            share(
                                rate(FAILED_EDGES, _OF_EDGE, "client, server", RANGE),
                                rate(EDGES, _OF_EDGE, "client, server", RANGE),
                            )
                        ),
                        promql(quantile(0.95, EDGE_SECONDS, _OF_EDGE, "client, server", RANGE)),
                    ),
                    kind="table",
                    columns={
                        "client": "caller",
                        "server": "callee",
                        "Value #A": "requests a second",
                        "Value #B": "share that fails",
                        "Value #C": "95th percentile, seconds",
                    },
                ),
            ),
            height=12,
        ),
    ),
)
