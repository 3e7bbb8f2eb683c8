from __future__ import annotations

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given

from otel_openstack.otlp import protobuf
from otel_openstack.traces.digest import digest
from otel_openstack.traces.identifiers import identifiers_of
from tests.strategies import span_lists
from tests.traces.contract import OTHER, SPANS, T0, TRACE


def test_a_digest_tells_what_the_index_needs():
    traces = {}
    digest(protobuf.encode(SPANS), traces, first_place=10)
    first = traces[bytes.fromhex(TRACE)]
    assert first.start_unix_nano == T0 + 1_000
    assert first.services == {"openstack", "glance-api"}
    assert "8f3d0a5e00c14f4b9d1f7c2a6b3e4d5f" in first.identifiers
    assert [place for place, _ in first.spans] == [10, 11]
    assert [(place, span_id.hex()) for place, span_id in traces[bytes.fromhex(OTHER)].spans] == [(12, SPANS[2].span_id)]


@given(span_lists())
def test_a_digest_agrees_with_the_spans_themselves(spans):
    request = protobuf.encode(spans)
    traces = {}
    digest(request, traces, received_unix_nano=2**63 - 1)
    for place, span in enumerate(protobuf.decode(request)):
        found = traces[bytes.fromhex(span.trace_id)]
        assert (place, bytes.fromhex(span.span_id)) in found.spans
        assert set(identifiers_of(span)) <= {span.trace_id, span.span_id, *found.identifiers}
        assert found.start_unix_nano <= (span.start_unix_nano or 2**63 - 1)
    assert sum(len(found.spans) for found in traces.values()) == len(spans)


def test_requests_add_up():
    traces = {}
    digest(protobuf.encode(SPANS[1:]), traces)
    digest(protobuf.encode(SPANS[:1]), traces, first_place=100)
    assert traces[bytes.fromhex(TRACE)].start_unix_nano == T0 + 1_000
    assert len(traces[bytes.fromhex(TRACE)].spans) == 2


def test_what_is_no_request_is_an_error():
    with pytest.raises(DecodeError):
        digest(b"\xff\xff", {})
