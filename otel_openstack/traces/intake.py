"""What a receiver does with a request, whichever way it came: check it, keep it, say what was refused."""

from __future__ import annotations

import threading

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.trace.v1 import trace_pb2

from otel_openstack.otlp import json, protobuf
from otel_openstack.traces.store import Store

MAX_REQUEST_BYTES = 20 * 1024**2
"""The largest request, decompressed: what the Collector's own receiver takes over HTTP."""

_NO_TRACE, _NO_SPAN = bytes(16), bytes(8)


class Intake:
    """The way into a store, for threads to share.

    A hostile request can take a hundred times its size once it is parsed (empty spans of two bytes each), so only one
    is parsed at a time. That costs nothing: parsing holds the interpreter's lock anyway.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._parsing = threading.Lock()

    def take_protobuf(self, request: bytes) -> ExportTraceServiceResponse:
        """Commit an ``ExportTraceServiceRequest``, apart from spans that have no valid ids.

        :raises DecodeError: it is not one.
        :raises SourceError: the store cannot be written now.
        """
        with self._parsing:
            valid, rejected = _valid_part(request)
        return self._keep(valid, rejected)

    def take_json(self, request: bytes) -> ExportTraceServiceResponse:
        """Commit an ``ExportTraceServiceRequest`` in OTLP JSON, as :meth:`take_protobuf` does."""
        with self._parsing:
            spans = json.decode(request)
            valid = [span for span in spans if span.has_valid_ids]
            encoded = protobuf.encode(valid)
        return self._keep(encoded, len(spans) - len(valid))

    def _keep(self, request: bytes, rejected: int) -> ExportTraceServiceResponse:
        if request:
            self._store.append(request)
        response = ExportTraceServiceResponse()
        if rejected:
            response.partial_success.rejected_spans = rejected
            response.partial_success.error_message = (
                f"{rejected} spans lack a valid trace id (16 bytes) or span id (8 bytes), not all zero."
            )
        return response


def _valid_part(request: bytes) -> tuple[bytes, int]:
    """Return the request without the spans whose ids W3C Trace Context forbids, and how many those were."""
    message = protobuf.parse(request)
    rejected = kept = 0
    for resource_spans in message.resource_spans:
        for scope_spans in resource_spans.scope_spans:
            valid = [span for span in scope_spans.spans if _has_valid_ids(span)]
            kept += len(valid)
            if len(valid) < len(scope_spans.spans):
                rejected += len(scope_spans.spans) - len(valid)
                rest = trace_pb2.ScopeSpans(spans=valid)
                del scope_spans.spans[:]
                scope_spans.MergeFrom(rest)
    if not rejected:
        return (request if kept else b""), 0
    return (message.SerializeToString() if kept else b""), rejected


def _has_valid_ids(span: trace_pb2.Span) -> bool:
    trace_id, span_id = span.trace_id, span.span_id
    return len(trace_id) == 16 and len(span_id) == 8 and trace_id != _NO_TRACE and span_id != _NO_SPAN
