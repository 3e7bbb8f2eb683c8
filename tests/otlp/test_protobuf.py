from __future__ import annotations

import pytest
from hypothesis import given
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from otel_openstack.exceptions import DecodeError
from otel_openstack.otlp import Resource, Span, SpanKind, Status, StatusCode, protobuf
from tests.strategies import exact, span_lists


@given(span_lists())
def test_spans_come_back_from_protobuf_as_they_were(spans):
    assert exact(protobuf.decode(protobuf.encode(spans))) == exact(spans)


def test_resources_that_python_takes_for_equal_are_kept_apart():
    spans = [
        Span("1" * 32, str(n) * 16, resource=Resource({"process.pid": value}))
        for n, value in enumerate((1, True, 1.0, "1"), start=1)
    ]
    assert exact(protobuf.decode(protobuf.encode(spans))) == exact(spans)


def test_bytes_that_are_not_protobuf_are_refused_with_a_reason():
    with pytest.raises(DecodeError, match="7 bytes are not an OTLP") as caught:
        protobuf.decode(b"\xffnothing"[:7])
    assert "ExportTraceServiceRequest" in caught.value.hint


def test_kinds_and_status_codes_that_otlp_does_not_define_become_unspecified():
    message = trace_pb2.Span(trace_id=b"\1" * 16, span_id=b"\2" * 8, name="odd")
    message.kind = 77
    message.status.code = -4
    data = trace_pb2.TracesData(
        resource_spans=[trace_pb2.ResourceSpans(scope_spans=[trace_pb2.ScopeSpans(spans=[message])])]
    ).SerializeToString()

    [span] = protobuf.decode(data)

    assert (span.name, span.kind, span.status) == ("odd", SpanKind.UNSPECIFIED, Status(StatusCode.UNSET))


def test_an_attribute_without_a_value_is_none():
    data = protobuf.encode([Span("1" * 32, "2" * 16, attributes={"empty": None})])
    assert protobuf.decode(data)[0].attributes == {"empty": None}


def test_a_reference_into_a_string_table_is_none_and_the_rest_is_read():
    message = protobuf.to_message([Span("1" * 32, "2" * 16, attributes={"kept": "yes"})])
    [span] = message.resource_spans[0].scope_spans[0].spans
    span.attributes.append(common_pb2.KeyValue(key="lost", value=common_pb2.AnyValue(string_value_strindex=3)))

    [decoded] = protobuf.decode(message.SerializeToString())

    assert decoded.attributes == {"kept": "yes", "lost": None}


def test_spans_of_one_process_travel_under_one_resource():
    resource = Resource({"service.name": "keystone"})
    equal = Resource({"service.name": "keystone"})
    message = protobuf.to_message(
        [Span("1" * 32, "2" * 16, resource=resource), Span("1" * 32, "3" * 16, resource=equal)]
    )
    assert len(message.resource_spans) == 1
