"""An OTLP/HTTP endpoint as a sink: any Collector, Jaeger, Tempo or receiver of ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import requests
from google.protobuf.message import DecodeError as ProtobufError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from otel_openstack.exceptions import SourceError
from otel_openstack.otlp import Span, protobuf
from otel_openstack.settings import SourceSettings
from otel_openstack.traces.http_api import configure, reason

_MAX_REQUEST_BYTES = 4 * 1024**2  # every receiver takes this much
_MAX_SPANS = 512
_TIMEOUT_SECONDS = 30


class OtlpSink:
    """A :class:`~otel_openstack.traces.TraceSink` that sends to an OTLP/HTTP endpoint.

    :param endpoint: its URL, with or without ``/v1/traces``.
    :param settings: headers and certificates.
    :raises SettingsError: a certificate or key file is not there.
    """

    def __init__(self, endpoint: str, settings: SourceSettings | None = None) -> None:
        base = endpoint.rstrip("/")
        self._url = base if base.endswith("/v1/traces") else f"{base}/v1/traces"
        self._session = requests.Session()
        configure(self._session, settings or SourceSettings())

    def write(self, spans: Iterable[Span]) -> None:
        """Send spans, as many requests as it takes.

        :raises SourceError: the endpoint cannot be reached, or does not take them all.
        """
        for request in encode_requests(spans):
            self._check(self._post(request))

    def probe(self) -> None:
        """Send a request without spans, to learn whether the endpoint would take some.

        :raises SourceError: it would not.
        """
        self._check(self._post(b""))

    def _post(self, request: bytes) -> requests.Response:
        try:
            return self._session.post(
                self._url,
                data=request,
                headers={"Content-Type": "application/x-protobuf"},
                timeout=_TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise SourceError(
                f"{self._url} cannot be reached: {reason(error)}.",
                hint="Does an OTLP/HTTP receiver listen there? otel-openstack receive starts one.",
            ) from error

    def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self._session.close()

    def _check(self, response: requests.Response) -> None:
        if response.status_code != 200:
            raise SourceError(
                f"{self._url} answered {response.status_code} {response.reason}.",
                hint="OTLP/HTTP is usually spoken on port 4318; its receiver's log tells more.",
            )
        try:
            answer = ExportTraceServiceResponse.FromString(response.content)
        except ProtobufError as error:
            raise SourceError(
                f"{self._url} answered 200, but not in OTLP.", hint="Does an OTLP/HTTP receiver listen there?"
            ) from error
        check_refused(self._url, answer)


def check_refused(endpoint: str, answer: ExportTraceServiceResponse) -> None:
    """Make sure that an endpoint took all spans.

    :raises SourceError: it says that it did not.
    """
    refused = answer.partial_success
    if refused.rejected_spans:
        raise SourceError(
            f"{endpoint} refused {refused.rejected_spans} spans: {refused.error_message or 'no reason given'}.",
            hint="The others were taken.",
        )


def encode_requests(spans: Iterable[Span]) -> Iterator[bytes]:
    """Yield requests of a size that every receiver takes; one span that is larger goes alone."""
    chunk: list[Span] = []
    for span in spans:
        chunk.append(span)
        if len(chunk) == _MAX_SPANS:
            yield from _cut(chunk)
            chunk = []
    if chunk:
        yield from _cut(chunk)


def _cut(spans: list[Span]) -> Iterator[bytes]:
    request = protobuf.encode(spans)
    if len(request) <= _MAX_REQUEST_BYTES or len(spans) == 1:
        yield request
        return
    middle = len(spans) // 2
    yield from _cut(spans[:middle])
    yield from _cut(spans[middle:])
