"""Single requests: where an operation spends its time, who made them, and which cost more than they need."""

from __future__ import annotations

from dashboards.grafana import TEMPO, Board, Panel, Row, Variable, promql, traceql
from dashboards.metrics import CALLS, ROOT, SECONDS, quantile

_ROOTS = f'{ROOT}, span_name=~"$operation"'
_OPERATION = 'rootName =~ "$operation"'
_WHO = 'span.openstack.project_id =~ "$project" && span.openstack.user_id =~ "$user"'
_ID = " || ".join(
    f'span.openstack.{name} = "$request"' for name in ("request_id", "global_request_id", "requestshook.request_id")
)
_ANSWER = "span.http.response.status_code, span.openstack.request_id"
_ROUTE = f"span.http.route, {_ANSWER}"

BOARD = Board(
    "openstack-requests",
    "Requests",
    "Single operations and requests, in Tempo: each row leads to its trace.",
    (
        Variable("operation", "Operation", f"label_values({CALLS}{{{ROOT}}}, span_name)"),
        Variable("project", "Project", "openstack.project_id", TEMPO),
        Variable("user", "User", "openstack.user_id", TEMPO),
        Variable("request", "Request id", every=False),
    ),
    (
        Row(
            "Operations: server create, image save",
            (
                Panel(
                    "Duration of operations",
                    "How long do whole commands take?",
                    tuple(
                        promql(quantile(share, SECONDS, _ROOTS, "span_name"), f"{{{{span_name}}}}, {name}")
                        for share, name in ((0.5, "median"), (0.95, "95th percentile"))
                    ),
                    unit="s",
                ),
                Panel(
                    "Operations",
                    "Which commands were run, and how long did each take?",
                    (traceql(f"{{ {_OPERATION} && kind = internal }}", "traces"),),
                    kind="table",
                ),
            ),
            height=9,
        ),
        Row(
            "Where their time goes",
            (
                Panel(
                    "Time by service",
                    "On which service did an operation wait?",
                    (
                        traceql(
                            f"""{{ {_OPERATION} && kind = server }} | by(resource.service.name)
                            | select(resource.service.name, span.http.route, span.http.response.status_code)"""
                        ),
                    ),
                    kind="table",
                ),
                Panel(
                    "Steps above 100 ms",
                    "Which of its requests were the slow ones?",
                    (
                        traceql(
                            f"{{ {_OPERATION} && kind = server && duration > 100ms }} | select({_ROUTE})",
                        ),
                    ),
                    kind="table",
                ),
            ),
            height=9,
        ),
        Row(
            "Of one project or user, or with one id",
            (
                Panel(
                    "Requests of the project and user",
                    "What did they ask for?",
                    (traceql(f"{{ kind = server && {_WHO} }} | select({_ROUTE})"),),
                    kind="table",
                ),
                Panel(
                    "Failed requests of the project and user",
                    "What went wrong for them?",
                    (
                        traceql(
                            f"{{ kind = server && {_WHO} && span.http.response.status_code >= 400 }} | select({_ROUTE})"
                        ),
                    ),
                    kind="table",
                ),
                Panel(
                    "With the request id",
                    "What belongs to an id that a log or a user tells?",
                    (traceql(f"{{ {_ID} }} | select({_ANSWER})"),),
                    kind="table",
                ),
            ),
            height=9,
        ),
        Row(
            "What costs more than it needs",
            (
                Panel(
                    "Sent again",
                    "Which requests were retried by urllib3?",
                    (
                        traceql(
                            f"""{{ span.http.request.resend_count > 0 }}
                            | select(span.http.request.resend_count, span.server.address, {_ANSWER})"""
                        ),
                    ),
                    kind="table",
                ),
                Panel(
                    "Redirects and choices",
                    "Which clients ask at an address that sends them elsewhere?",
                    (
                        traceql(
                            f"""{{ kind = client && span.http.response.status_code >= 300
                            && span.http.response.status_code < 400 }} | select(span.url.full, {_ANSWER})"""
                        ),
                    ),
                    kind="table",
                ),
                Panel(
                    "Large uploads",
                    "Which uploads are above 64 KiB, and how long did they take?",
                    (
                        traceql(
                            f"""{{ kind = server && span.http.request.body.size > 65536 }}
                            | select(span.http.request.body.size, {_ROUTE})"""
                        ),
                    ),
                    kind="table",
                ),
            ),
            height=9,
        ),
    ),
)
