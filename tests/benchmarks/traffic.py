"""Spans as the agent makes them, for the benchmarks: exchanges with headers and bodies, many to a trace."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

from opentelemetry.proto.trace.v1 import trace_pb2

from otel_openstack.attributes import IDENTIFIERS
from otel_openstack.otlp import Resource, Scope, Span, SpanKind, protobuf

BATCH_SPANS = 512
SPANS_A_TRACE = 16
BODY_BYTES = 2048

_HEADERS = (
    ("Host", "127.0.0.1:9292"),
    ("User-Agent", "openstacksdk/4.0 keystoneauth1/5.8 python-requests/2.32 CPython/3.11"),
    ("Accept-Encoding", "gzip, deflate"),
    ("Accept", "application/json"),
    ("Connection", "keep-alive"),
    ("X-Auth-Token", "{SHA256}3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0"),
    ("Content-Type", "application/json"),
    ("Content-Length", "2048"),
)


def span(chance: random.Random, *, body_bytes: int = BODY_BYTES) -> Span:
    """Make one server span of an exchange, with ids of its own."""
    names = tuple(name for name, _ in _HEADERS)
    attributes = {
        "http.request.method": "POST",
        "url.path": "/v2/images",
        "url.full": "http://127.0.0.1:9292/v2/images",
        "url.scheme": "http",
        "server.address": "127.0.0.1",
        "server.port": 9292,
        "client.address": "127.0.0.1",
        "http.route": "/v2/images",
        "http.response.status_code": 201,
        "openstack.http.request.header_names": names,
        "openstack.http.response.header_names": names,
        "openstack.http.response.reason": "Created",
        "openstack.requestshook.request_id": chance.randbytes(16).hex(),
        "openstack.requestshook.request_from": "openstack",
        "openstack.request_id": f"req-{chance.randbytes(16).hex()}",
        "http.request.body.content": ('{"name": "cirros"}' * body_bytes)[:body_bytes],
        "http.response.body.content": ('{"status": "queued"}' * body_bytes)[:body_bytes],
        "http.request.body.size": body_bytes,
        "http.response.body.size": body_bytes,
        **{f"http.request.header.{name.lower()}": (value,) for name, value in _HEADERS},
        **{f"http.response.header.{name.lower()}": (value,) for name, value in _HEADERS},
    }
    start = 1_700_000_000_000_000_000 + chance.randrange(10**12)
    return Span(
        chance.randbytes(16).hex(),
        chance.randbytes(8).hex(),
        chance.randbytes(8).hex(),
        "POST /v2/images",
        SpanKind.SERVER,
        start,
        start + 10**6,
        attributes,
        _RESOURCE,
        _SCOPE,
    )


_RESOURCE = Resource({"service.name": "glance-api", "service.instance.id": "9c0f1a2b", "host.name": "controller"})
_SCOPE = Scope("otel_openstack", "1")


def lean_span(chance: random.Random) -> Span:
    """Make a span with no more than its ids, for a store that is to be large in number."""
    whole = span(chance, body_bytes=0)
    return replace(whole, attributes={name: whole.attributes[name] for name in IDENTIFIERS if name in whole.attributes})


def batches(count: int, *, make: Callable[[random.Random], Span] = span, seed: int = 1) -> Iterator[bytes]:
    """Yield OTLP requests of 512 spans, every span and every id of it new."""
    chance = random.Random(seed)
    message = trace_pb2.TracesData.FromString(protobuf.encode(make(chance) for _ in range(BATCH_SPANS)))
    spans = message.resource_spans[0].scope_spans[0].spans
    for _ in range(count):
        for position, member in enumerate(spans):
            if position % SPANS_A_TRACE == 0:
                trace_id = chance.randbytes(16)
            member.trace_id, member.span_id = trace_id, chance.randbytes(8)
            for attribute in member.attributes:
                if attribute.key == "openstack.requestshook.request_id":
                    attribute.value.string_value = chance.randbytes(16).hex()
                elif attribute.key == "openstack.request_id":
                    attribute.value.string_value = f"req-{chance.randbytes(16).hex()}"
        yield message.SerializeToString()
