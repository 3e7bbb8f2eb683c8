"""The names of metrics, as Prometheus has them, and the expressions that several panels share."""

from __future__ import annotations

# The Collector's span metrics: every span, by service, name, kind, route, method and status (collector/*.yaml)
CALLS = "traces_span_metrics_calls_total"
SECONDS = "traces_span_metrics_duration_seconds_bucket"
SERVER, CLIENT, ROOT = (f'span_kind="SPAN_KIND_{kind}"' for kind in ("SERVER", "CLIENT", "INTERNAL"))

# The Collector's service graph: both halves of an exchange were seen
EDGES = "traces_service_graph_request_total"
FAILED_EDGES = "traces_service_graph_request_failed_total"
EDGE_SECONDS = "traces_service_graph_request_client_seconds_bucket"

# The agents' own, which OTEL_METRICS_EXPORTER=otlp has exported (instrument/metrics.py)
IN_FLIGHT = "http_server_active_requests"
UPLOADED, DOWNLOADED = "http_server_request_body_size_bytes", "http_server_response_body_size_bytes"
QUEUED, CAPACITY = "otel_sdk_processor_span_queue_size", "otel_sdk_processor_span_queue_capacity"
PROCESSED = "otel_sdk_processor_span_processed_total"

INTERVAL, RANGE = "[$__rate_interval]", "[$__range]"


def rate(metric: str, labels: str, by: str = "", over: str = INTERVAL) -> str:
    """Return the rate of a counter, summed.

    :param labels: its selectors, as within braces.
    :param by: the labels that are kept.
    """
    return f"sum by ({by}) (rate({metric}{{{labels}}}{over}))"


def quantile(share: float, metric: str, labels: str, by: str = "", over: str = INTERVAL) -> str:
    """Return a quantile of a histogram's buckets."""
    return f"histogram_quantile({share}, {rate(metric, labels, f'le, {by}'.rstrip(', '), over)})"


def share(part: str, whole: str) -> str:
    """Return a part of a whole, 0 where there is a whole without that part."""
    return f"({part} or 0 * {whole}) / {whole}"
