"""What the tests of the Collector send, and how they count what became of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing

import requests

from otel_openstack.otlp import AttributeValue, Resource, Scope, Span, SpanKind, Status, StatusCode
from otel_openstack.traces import open_sink


def exchange(trace_id: str, span_id: str = "a" * 16, *, failed: bool = False, **attributes: AttributeValue) -> Span:
    """Make the server span of one exchange; a gateway keeps those that failed."""
    now = time.time_ns()
    return Span(
        trace_id,
        span_id,
        name="GET /v2/images",
        kind=SpanKind.SERVER,
        start_unix_nano=now - 10**6,
        end_unix_nano=now,
        attributes={"http.request.method": "GET", "http.route": "/v2/images", **attributes},
        resource=Resource({"service.name": "glance-api"}),
        scope=Scope("otel_openstack"),
        status=Status(StatusCode.ERROR if failed else StatusCode.UNSET),
    )


def trace_ids(count: int, first: int = 1) -> list[str]:
    """Return trace ids in a row."""
    return [f"{n:032x}" for n in range(first, first + count)]


def send(endpoint: str, spans: Sequence[Span]) -> None:
    """Send spans by OTLP, such as to ``otlp+http://127.0.0.1:4318``, and have them acknowledged."""
    with closing(open_sink(endpoint)) as sink:
        sink.write(spans)


def metric(url: str, name: str) -> float:
    """Return the sum of a metric's samples."""
    lines = requests.get(url, timeout=5).text.splitlines()
    return sum(float(line.rpartition("}")[2].split()[0]) for line in lines if line.startswith(f"{name}{{"))
