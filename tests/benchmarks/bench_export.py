"""Spans to documents: what pairing, ordering and rendering cost beside decoding the same spans with protobuf.

The limit is what no reader can go below: protobuf's own parser, and one walk over every attribute. The spans are those
that an agent on both sides of each hop records for an ``image save``: 16 messages, 20 headers an exchange on each side,
JSON bodies between 0 and 4 KB, seven services.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from otel_openstack import attributes as names
from otel_openstack.conversation import conversation
from otel_openstack.otlp import AttributeValue, Resource, Scope, Span, SpanKind, protobuf
from otel_openstack.render import RENDERERS

SERVICES = ("openstack", "keystone", "glance-api", "swift-proxy-server", "nova-api", "placement-api", "neutron-server")
CALLS = (
    # caller, callee, index of the call it is made for, response body in bytes
    (0, 1, None, 274),
    (0, 1, None, 3952),
    (0, 2, None, 950),
    (2, 1, 2, 3952),
    (0, 2, None, 0),
    (2, 1, 4, 3908),
    (2, 3, 4, 0),
    (3, 1, 6, 604),
)
EXCHANGES = len(CALLS)


@dataclass(frozen=True)
class Row:
    """One measured stage, in seconds."""

    name: str
    seconds: float


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    exchanges = 10_000 if parser.parse_args().quick else 100_000
    payload = protobuf.encode(trace_spans())
    traces = exchanges // EXCHANGES
    limit = best(lambda: walk(payload), traces)
    rows = [
        Row("protobuf: parse and walk every attribute", limit),
        Row("otlp: decode to spans", best(lambda: protobuf.decode(payload), traces)),
        *(
            Row(f"otlp + conversation + {name}", best(lambda render=render: export(payload, render), traces))
            for name, render in RENDERERS.items()
        ),
    ]
    print(f"{exchanges} exchanges, {2 * exchanges} spans, {len(payload) // (2 * EXCHANGES)} bytes a span")
    print(f"{'stage':<44}{'µs/exchange':>12}{'ratio':>8}")
    for row in rows:
        print(f"{row.name:<44}{row.seconds / (traces * EXCHANGES) * 1e6:>12.1f}{row.seconds / limit:>8.2f}")
    payload = protobuf.encode(large_trace_spans())
    took = {name: best(lambda render=render: export(payload, render), 1) for name, render in RENDERERS.items()}
    print(f"\n{'one trace of 5008 messages':<44}{'ms':>12}{'log = 1':>8}")
    for name, seconds in took.items():
        print(f"{name:<44}{seconds * 1e3:>12.0f}{seconds / took['log']:>8.2f}")


def best(work: Callable[[], object], times: int) -> float:
    """Return the least time of three rounds, in seconds."""
    rounds = []
    for _ in range(3):
        start = time.perf_counter()
        for _ in range(times):
            work()
        rounds.append(time.perf_counter() - start)
    return min(rounds)


def walk(payload: bytes) -> int:
    """Parse with protobuf and look at every attribute, as any reader must."""
    seen = 0
    for resource_spans in protobuf.parse(payload).resource_spans:
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                for attribute in span.attributes:
                    seen += len(attribute.key) + value_size(attribute.value)
    return seen


def value_size(value: Any) -> int:
    """Look at one AnyValue."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return sum(value_size(item) for item in value.array_value.values)
    content = getattr(value, kind)
    return content if isinstance(content, int) else len(content)


def export(payload: bytes, render: Callable[..., str]) -> str:
    """Make a document of one stored trace."""
    spans = protobuf.decode(payload)
    return render(conversation(spans[0].trace_id, spans))


def trace_spans() -> list[Span]:
    """Build the spans of one trace."""
    spans: list[Span] = []
    clock = 1_700_000_000_000_000_000
    for index, (caller, callee, made_for, size) in enumerate(CALLS):
        start = (
            clock + index * 10_000_000 if made_for is None else spans[2 * made_for].start_unix_nano + index * 100_000
        )
        end = start + (9_000_000 if made_for is None else 900_000 // (1 + made_for))
        parent = "" if made_for is None else spans[2 * made_for + 1].span_id
        both = attributes(index, SERVICES[callee], size)
        for kind, service, identifier, above, margin in (
            (SpanKind.CLIENT, SERVICES[caller], f"{2 * index + 1:016x}", parent, 0),
            (SpanKind.SERVER, SERVICES[callee], f"{2 * index + 2:016x}", f"{2 * index + 1:016x}", 1000),
        ):
            spans.append(
                Span(
                    trace_id="0123456789abcdef" * 2,
                    span_id=identifier,
                    parent_span_id=above,
                    name="GET",
                    kind=kind,
                    start_unix_nano=start + margin,
                    end_unix_nano=end - margin,
                    attributes=both,
                    resource=Resource({names.SERVICE_NAME: service, names.HOST_NAME: "controller"}),
                    scope=Scope("otel_openstack", "1"),
                )
            )
    return spans


def large_trace_spans() -> list[Span]:
    """Build one trace of 5008 messages: the same calls, one second after the other."""
    return [
        replace(
            span,
            span_id=f"{turn + 1:06x}{span.span_id[6:]}",
            parent_span_id=span.parent_span_id and f"{turn + 1:06x}{span.parent_span_id[6:]}",
            start_unix_nano=span.start_unix_nano + turn * 10**9,
            end_unix_nano=span.end_unix_nano + turn * 10**9,
        )
        for turn in range(313)
        for span in trace_spans()
    ]


def attributes(index: int, service: str, size: int) -> dict[str, AttributeValue]:
    """Build what an agent records of one exchange."""
    request = {
        "Host": "192.0.2.1",
        "User-Agent": "openstacksdk/4.0 keystoneauth1/5.0 python-requests/2.32 CPython/3.11",
        "Accept-Encoding": "gzip, deflate",
        "Accept": "application/json",
        "Connection": "keep-alive",
        "X-Auth-Token": "{SHA256}" + "5f" * 32,
        "traceparent": "00-" + "0123456789abcdef" * 2 + "-00000000000000aa-01",
        "X-Requestshook-Request-Id": f"{index:032x}",
        "X-Requestshook-Request-From": "openstack",
    }
    response = {
        "Date": "Mon, 02 Jan 2023 07:17:21 GMT",
        "Server": "uwsgi",
        "Content-Type": "application/json",
        "Content-Length": str(size),
        "Vary": "X-Auth-Token",
        "x-openstack-request-id": "req-376866e1-2795-4d38-b104-47f2ec527369",
        "X-Requestshook-Request-Id": f"{index:032x}",
        "X-Requestshook-Request-From": "openstack",
    }
    result: dict[str, AttributeValue] = {
        names.HTTP_REQUEST_METHOD: "GET",
        names.URL_FULL: f"http://192.0.2.1/{service}/v3/things/{index}?limit=10",
        names.URL_SCHEME: "http",
        names.URL_PATH: f"/{service}/v3/things/{index}",
        names.URL_QUERY: "limit=10",
        names.SERVER_ADDRESS: "192.0.2.1",
        names.SERVER_PORT: 80,
        names.HTTP_RESPONSE_STATUS_CODE: 200,
        names.OPENSTACK_HTTP_RESPONSE_REASON: "OK",
        names.OPENSTACK_REQUESTSHOOK_REQUEST_ID: f"{index:032x}",
        **header_block(request, names.HTTP_REQUEST_HEADER_PREFIX, names.OPENSTACK_HTTP_REQUEST_HEADER_NAMES),
        **header_block(response, names.HTTP_RESPONSE_HEADER_PREFIX, names.OPENSTACK_HTTP_RESPONSE_HEADER_NAMES),
    }
    if size:
        content = body(size)
        result[names.HTTP_RESPONSE_BODY_CONTENT] = content
        result[names.HTTP_RESPONSE_BODY_SIZE] = len(content)
    return result


def header_block(headers: dict[str, str], prefix: str, names_key: str) -> dict[str, AttributeValue]:
    """Build the attributes of one header block."""
    values: Iterable[tuple[str, AttributeValue]] = (
        (prefix + name.lower(), (value,)) for name, value in headers.items()
    )
    return {**dict(values), names_key: tuple(headers)}


def body(size: int) -> str:
    """Build JSON of about this size, shaped as a service catalogue."""
    entries: list[dict[str, object]] = []
    text = ""
    while len(text) < size:
        endpoint = {
            "id": "6fbbbec7587e4989a4de6e7a43c7205f",
            "interface": "public",
            "url": "http://192.0.2.1/placement",
        }
        entries.append({"endpoints": [endpoint], "id": "10304edc7ec942d282567b8c4f5610d6", "name": "placement"})
        text = json.dumps({"token": {"is_domain": False, "catalog": entries}})
    return text


if __name__ == "__main__":
    main()
