"""OTLP over gRPC (opentelemetry-proto, docs/specification.md, "OTLP/gRPC"); needs the extra ``grpc``."""

from __future__ import annotations

from concurrent import futures
from typing import Any

import grpc

from otel_openstack.exceptions import DecodeError, SourceError
from otel_openstack.traces.intake import MAX_REQUEST_BYTES, Intake

_THREADS = 8
_MAX_CONCURRENT = 64  # calls; gRPC answers RESOURCE_EXHAUSTED to more
_STOP_SECONDS = 5


class GrpcReceiver:
    """An OTLP/gRPC server.

    :param address: host and port to listen on, port 0 for a free one.
    :raises OSError: the address cannot be listened on.
    """

    def __init__(self, intake: Intake, address: tuple[str, int]) -> None:
        self._intake = intake
        self._server = grpc.server(
            futures.ThreadPoolExecutor(_THREADS, thread_name_prefix="otlp-grpc"),
            maximum_concurrent_rpcs=_MAX_CONCURRENT,
            options=[("grpc.max_receive_message_length", MAX_REQUEST_BYTES), ("grpc.so_reuseport", 0)],
        )
        # Requests stay bytes: the intake keeps them as they are
        export = grpc.unary_unary_rpc_method_handler(self._export)
        service = "opentelemetry.proto.collector.trace.v1.TraceService"
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Export": export}),))
        host, port = address
        try:
            self.port: int = self._server.add_insecure_port(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        except RuntimeError as error:
            raise OSError(str(error)) from error
        self._server.start()

    def stop(self) -> None:
        """Answer what has arrived, then close; no longer than a few seconds."""
        self._server.stop(_STOP_SECONDS).wait()

    def _export(self, request: bytes, context: Any) -> bytes:
        try:
            return self._intake.take_protobuf(request).SerializeToString()
        except DecodeError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"{error} {error.hint}")
        except SourceError as error:
            context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
        raise AssertionError("abort() raises")
