"""One service: its routes, durations, callers and callees, bodies, redirects, and its slowest requests."""

from __future__ import annotations

from dashboards.grafana import Board, Panel, Row, Variable, promql, traceql
from dashboards.metrics import (
    CALLS,
    CLIENT,
    DOWNLOADED,
    EDGE_SECONDS,
    EDGES,
    IN_FLIGHT,
    SECONDS,
    SERVER,
    UPLOADED,
    quantile,
    rate,
)

_OF_SERVICE = f'{SERVER}, service_name="$service"'
_CHOSEN = f'{_OF_SERVICE}, http_route=~"$route"'
_JOB = 'job=~"(.*/)?$service"'  # the namespace is before it, where the agent's default stands
_REQUEST = 'resource.service.name = "$service" && kind = server && span.http.route =~ "$route"'
_SHOWN = "select(span.http.route, span.http.response.status_code, span.openstack.request_id)"

BOARD = Board(
    "openstack-service",
    "One service",
    "What one service is asked, how it answers, and on whom it waits.",
    (
        Variable("service", "Service", f"label_values({CALLS}{{{SERVER}}}, service_name)", every=False),
        Variable("route", "Route", f"label_values({CALLS}{{{_OF_SERVICE}}}, http_route)"),
    ),
    (
        Row(
            "Requests",
            (
                Panel(
                    "Requests by route",
                    "What is it asked?",
                    (
                        promql(
                            rate(CALLS, _CHOSEN, "http_request_method, http_route"),
                            "{{http_request_method}} {{http_route}}",
                        ),
                    ),
                    unit="reqps",
                ),
                Panel(
                    "Answers by status",
                    "How does it answer?",
                    (promql(rate(CALLS, _CHOSEN, "http_response_status_code"), "{{http_response_status_code}}"),),
                    unit="reqps",
                ),
                Panel(
                    "Requests in flight",
                    "Do requests pile up? From the agents, with OTEL_METRICS_EXPORTER=otlp.",
                    (
                        promql(
                            f"sum by (http_request_method) ({IN_FLIGHT}{{{_JOB}}})",
                            "{{http_request_method}}",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            "Durations",
            (
                Panel(
                    "Duration",
                    "How long do half, most and nearly all of its answers take?",
                    tuple(
                        promql(quantile(share, SECONDS, _CHOSEN), name)
                        for share, name in ((0.5, "median"), (0.95, "95th percentile"), (0.99, "99th percentile"))
                    ),
                    unit="s",
                ),
                Panel(
                    "Durations",
                    "Are there two kinds of answers, quick and slow?",
                    (promql(rate(SECONDS, _CHOSEN, "le"), "{{le}}"),),
                    kind="heatmap",
                    unit="reqps",
                ),
                Panel(
                    "Duration by route, 95th percentile",
                    "Which route is slow?",
                    (promql(quantile(0.95, SECONDS, _CHOSEN, "http_route"), "{{http_route}}"),),
                    unit="s",
                ),
            ),
        ),
        Row(
            "Its neighbours",
            (
                Panel(
                    "Callers",
                    "Who asks it?",
                    (promql(rate(EDGES, 'server="$service"', "client"), "{{client}}"),),
                    unit="reqps",
                ),
                Panel(
                    "Waiting for others, 95th percentile",
                    "Is it slow because another is?",
                    (promql(quantile(0.95, EDGE_SECONDS, 'client="$service"', "server"), "{{server}}"),),
                    unit="s",
                ),
                Panel(
                    "Errors that it is answered with",
                    "Which of its own calls fail?",
                    (
                        promql(
                            rate(
                                CALLS,
                                f'{CLIENT}, service_name="$service", status_code="STATUS_CODE_ERROR"',
                                "span_name, http_response_status_code",
                            ),
                            "{{span_name}} {{http_response_status_code}}",
                        ),
                    ),
                    unit="reqps",
                ),
            ),
        ),
        Row(
            "Bodies and redirects",
            (
                Panel(
                    "Bytes received by route",
                    "What is uploaded? From the agents.",
                    (promql(rate(f"{UPLOADED}_sum", f'{_JOB}, http_route=~"$route"', "http_route"), "{{http_route}}"),),
                    unit="Bps",
                ),
                Panel(
                    "Size of answers, 95th percentile",
                    "Are lists too long? From the agents.",
                    (
                        promql(
                            quantile(0.95, f"{DOWNLOADED}_bucket", f'{_JOB}, http_route=~"$route"', "http_route"),
                            "{{http_route}}",
                        ),
                    ),
                    unit="bytes",
                ),
                Panel(
                    "Redirects and choices",
                    "Which clients are sent elsewhere? Each costs one more request.",
                    (
                        promql(
                            rate(
                                CALLS,
                                f'{_CHOSEN}, http_response_status_code=~"3.."',
                                "http_route, http_response_status_code",
                            ),
                            "{{http_route}} {{http_response_status_code}}",
                        ),
                    ),
                    unit="reqps",
                ),
            ),
        ),
        Row(
            "Its requests",
            (
                Panel(
                    "Slow requests",
                    "Which requests took longer than 100 ms?",
                    (traceql(f"{{ {_REQUEST} && duration > 100ms }} | {_SHOWN}"),),
                    kind="table",
                ),
                Panel(
                    "Failed requests",
                    "Which requests were answered with 4xx or 5xx?",
                    (traceql(f"{{ {_REQUEST} && span.http.response.status_code >= 400 }} | {_SHOWN}"),),
                    kind="table",
                ),
            ),
            height=10,
        ),
    ),
)
