from __future__ import annotations

import sys
from contextlib import ExitStack

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from otel_openstack.exceptions import SourceError
from otel_openstack.otlp import Span, protobuf
from otel_openstack.traces.intake import MAX_REQUEST_BYTES
from otel_openstack.traces.receiver import Receiver
from otel_openstack.traces.store import Store
from tests.strategies import exact
from tests.traces.contract import SPANS, TRACE

LOOPBACK = ("127.0.0.1", 0)


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "traces.db", create=True) as store:
        yield store


@pytest.fixture
def export(store):
    with Receiver(store, grpc=LOOPBACK) as receiver, ExitStack() as opened:
        channel = opened.enter_context(grpc.insecure_channel(receiver.grpc_endpoint.removeprefix("http://")))
        yield channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Export")


def _refusal(export, request, **options):
    with pytest.raises(grpc.RpcError) as caught:
        export(request, timeout=20, **options)
    return caught.value.code(), caught.value.details()


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_what_was_acknowledged_can_be_read_at_once(store, export, compression):
    assert export(protobuf.encode(SPANS), compression=compression) == b""
    assert exact(store.trace(TRACE)) == exact(SPANS[:2])


def test_spans_without_valid_ids_are_refused_and_the_others_kept(store, export):
    answer = ExportTraceServiceResponse.FromString(export(protobuf.encode([*SPANS, Span("", "")])))
    assert answer.partial_success.rejected_spans == 1
    assert exact(store.trace(TRACE)) == exact(SPANS[:2])


def test_a_malformed_request_is_an_invalid_argument(export):
    code, details = _refusal(export, b"nonsense")
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "not an OTLP" in details


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_a_request_that_is_too_large_exhausts_a_resource(export, compression):
    code, _ = _refusal(export, bytes(MAX_REQUEST_BYTES + 1), compression=compression)
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_request_of_five_megabytes_is_taken(store, export):
    large = Span(TRACE, "1" * 16, attributes={"http.response.body.content": bytes(5 * 2**20)})
    export(protobuf.encode([large]))
    assert exact(store.trace(TRACE)) == exact([large])


def test_a_store_that_cannot_be_written_is_unavailable(store, export):
    store.close()
    code, details = _refusal(export, protobuf.encode(SPANS))
    assert code is grpc.StatusCode.UNAVAILABLE
    assert "cannot be used" in details


def test_without_the_extra_the_error_names_the_command(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "grpc", None)
    monkeypatch.delitem(sys.modules, "otel_openstack.traces.receiver_grpc", raising=False)
    with pytest.raises(SourceError, match="not installed: grpc") as caught:
        Receiver(store, grpc=LOOPBACK).start()
    assert "pip install 'otel-openstack[grpc]'" in caught.value.hint
