"""The exporter of spans by OTLP over HTTP, which knows a receiver from whatever else may listen at the endpoint.

The exporter takes any status below 400 for success. A web server says 200 to much, a portal leads elsewhere: spans
would vanish without a word. An OTLP receiver answers in kind (OTLP specification, "OTLP/HTTP response"), so that a page
of HTML, or a redirect, which the exporter does not follow, is a failure: the exporter tells it, once, as any other.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from requests import Response

MODULE = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
"""Where the SDK's exporter is."""

_PROVIDERS = tuple(f"OTEL_PYTHON_EXPORTER_OTLP_HTTP_{signal}CREDENTIAL_PROVIDER" for signal in ("", "TRACES_"))


def new_exporter(timeout: float | None = None) -> SpanExporter:
    """Return an exporter as the environment configures it.

    :param timeout: seconds that a request may take; those of the environment if there is none.
    """
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from requests import Session

    if any(os.environ.get(variable) for variable in _PROVIDERS):  # the session is the provider's
        return OTLPSpanExporter(timeout=timeout)
    session = Session()
    session.hooks["response"].append(_check)
    return OTLPSpanExporter(timeout=timeout, session=session)


def _check(response: Response, *_arguments: Any, **_options: Any) -> None:
    status, kind = response.status_code, response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if 300 <= status < 400 or (status < 300 and kind == "text/html"):
        response.close()
        answer = f"{status} with {kind}" if kind else str(status)
        raise ValueError(f"the endpoint answers {answer}, as no OTLP receiver does: see OTEL_EXPORTER_OTLP_ENDPOINT")
