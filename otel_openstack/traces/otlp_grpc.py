"""An OTLP/gRPC endpoint as a sink; needs the extra ``grpc``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from otel_openstack.exceptions import SourceError
from otel_openstack.otlp import Span
from otel_openstack.settings import SourceSettings
from otel_openstack.traces.http_api import check_files
from otel_openstack.traces.otlp_sink import check_refused, encode_requests

_METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


class OtlpGrpcSink:
    """A :class:`~otel_openstack.traces.TraceSink` that sends to an OTLP/gRPC endpoint.

    :param endpoint: ``grpc://HOST:PORT``, or ``grpcs://`` with TLS.
    :param settings: headers, certificates, patience.
    :raises SourceError: the endpoint names no host and port.
    """

    def __init__(self, endpoint: str, settings: SourceSettings) -> None:
        self._endpoint, self._settings = endpoint, settings
        parts = urlsplit(endpoint)
        if not parts.hostname or not parts.port:
            raise SourceError(f"{endpoint} names no host and port.", hint="Such as otlp+grpc://127.0.0.1:4317.")
        self._channel = (
            grpc.secure_channel(parts.netloc, _credentials(settings))
            if parts.scheme == "grpcs"
            else grpc.insecure_channel(parts.netloc)
        )
        self._export = self._channel.unary_unary(
            _METHOD, request_serializer=None, response_deserializer=ExportTraceServiceResponse.FromString
        )

    def write(self, spans: Iterable[Span]) -> None:
        """Send spans, as many requests as it takes.

        :raises SourceError: the endpoint cannot be reached, or does not take them all.
        """
        metadata = [(name.lower(), value) for name, value in self._settings.headers]
        for request in encode_requests(spans):
            try:
                response = self._export(request, timeout=self._settings.timeout, metadata=metadata)
            except grpc.RpcError as error:
                raise SourceError(
                    f"{self._endpoint} answered {error.code().name}: {error.details()}.",
                    hint="Does an OTLP/gRPC receiver listen there? It is usually spoken on port 4317.",
                ) from error
            check_refused(self._endpoint, response)

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self._channel.close()


def _credentials(settings: SourceSettings) -> grpc.ChannelCredentials:
    check_files(settings)

    def read(file: str) -> bytes | None:
        return Path(file).read_bytes() if file else None

    key = settings.client_key or settings.client_certificate
    return grpc.ssl_channel_credentials(read(settings.certificate), read(key), read(settings.client_certificate))
