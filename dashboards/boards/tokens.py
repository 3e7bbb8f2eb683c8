"""Keystone's token traffic: who asks for tokens, who asks whether they are valid, and how well that is cached."""

from __future__ import annotations

from dashboards.grafana import Board, Panel, Row, promql, traceql
from dashboards.metrics import CALLS, CLIENT, RANGE, SECONDS, SERVER, quantile, rate

_TOKENS = ".*/v3/auth/tokens"
_VALIDATED = rate(CALLS, f'{CLIENT}, span_name=~"(GET|HEAD) {_TOKENS}"', "service_name")
_AT_KEYSTONE = f'{SERVER}, service_name="keystone"'

BOARD = Board(
    "openstack-tokens",
    "Token traffic",
    "What keystone is asked about tokens, by whom, and how many of these questions a cache would have saved.",
    (),
    (
        Row(
            "Callers",
            (
                Panel(
                    "Tokens validated, by caller",
                    "Whose middleware asks keystone?",
                    (promql(_VALIDATED, "{{service_name}}"),),
                    unit="reqps",
                ),
                Panel(
                    "Cache misses of keystonemiddleware",
                    "How often is keystone asked for each request to a service? Near 0 with a shared memcached.",
                    (promql(f"{_VALIDATED} / {rate(CALLS, SERVER, 'service_name')}", "{{service_name}}"),),
                    unit="percentunit",
                ),
                Panel(
                    "Tokens issued, by caller",
                    "Who logs in again and again?",
                    (
                        promql(
                            rate(CALLS, f'{CLIENT}, span_name=~"POST {_TOKENS}"', "service_name"), "{{service_name}}"
                        ),
                    ),
                    unit="reqps",
                ),
            ),
        ),
        Row(
            "Keystone",
            (
                Panel(
                    "Duration of token requests",
                    "How long does everybody wait?",
                    tuple(
                        promql(
                            quantile(
                                share,
                                SECONDS,
                                f'{_AT_KEYSTONE}, http_route=~"{_TOKENS}"',
                                "http_request_method",
                            ),
                            f"{{{{http_request_method}}}}, {name}",
                        )
                        for share, name in ((0.5, "median"), (0.95, "95th percentile"))
                    ),
                    unit="s",
                ),
                Panel(
                    "Answers to token requests",
                    "Are tokens refused?",
                    (
                        promql(
                            rate(
                                CALLS,
                                f'{_AT_KEYSTONE}, http_route=~"{_TOKENS}"',
                                "http_request_method, http_response_status_code",
                            ),
                            "{{http_request_method}} {{http_response_status_code}}",
                        ),
                    ),
                    unit="reqps",
                ),
                Panel(
                    "Share of keystone's requests that are about tokens",
                    "What else is keystone busy with?",
                    (
                        promql(
                            f"""{rate(CALLS, f'{_AT_KEYSTONE}, http_route=~"{_TOKENS}"')}
                            / {rate(CALLS, _AT_KEYSTONE)}""",
                            "tokens",
                        ),
                    ),
                    unit="percentunit",
                ),
            ),
        ),
        Row(
            "Refused and slow",
            (
                Panel(
                    "Refused, by caller",
                    "Who comes with a wrong password or a token that has ended?",
                    (
                        promql(
                            f"""sum by (service_name, http_response_status_code) (increase({CALLS}{{{CLIENT},
                            span_name=~".* {_TOKENS}", http_response_status_code=~"4.."}}{RANGE})) > 0"""
                        ),
                    ),
                    kind="table",
                    columns={"service_name": "caller", "http_response_status_code": "status", "Value": "answers"},
                ),
                Panel(
                    "Slow token requests",
                    "Which took longer than 50 ms?",
                    (
                        traceql(
                            f"""{{ resource.service.name = "keystone" && kind = server
                            && span.http.route =~ "{_TOKENS}" && duration > 50ms }}
                            | select(span.openstack.requestshook.request_from, span.http.response.status_code)"""
                        ),
                    ),
                    kind="table",
                ),
            ),
        ),
    ),
)
