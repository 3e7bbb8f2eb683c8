"""What the agent adds to a request, against what the stock instrumentation adds; nothing is exported.

Both sides of ours record all headers and 4 KiB bodies both ways, masked; the stock middleware and instrumentor record
all headers and no bodies. The floor is a bare span of the SDK with as many attributes as ours has.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

CAPTURE_ALL = {
    f"OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_{side}_{message}": ".*"
    for side in ("SERVER", "CLIENT")
    for message in ("REQUEST", "RESPONSE")
}
os.environ.update(CAPTURE_ALL, OTEL_SEMCONV_STABILITY_OPT_IN="http", OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT="512")

import requests  # noqa: E402  # the instrumentation reads its environment when it is imported
from opentelemetry import propagate, trace  # noqa: E402
from opentelemetry.instrumentation.requests import RequestsInstrumentor  # noqa: E402
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware  # noqa: E402
from opentelemetry.propagators.composite import CompositePropagator  # noqa: E402
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider  # noqa: E402
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: E402
from urllib3 import HTTPResponse  # noqa: E402

from otel_openstack.instrument.instrumentor import OpenStackInstrumentor  # noqa: E402
from otel_openstack.instrument.propagator import RequestshookPropagator  # noqa: E402
from otel_openstack.instrument.wsgi import ObservedApplication  # noqa: E402
from otel_openstack.settings import Settings  # noqa: E402

BODY = (b'{"images": [' + b'{"id": "c919ba3a-fbd6-409f-90ea-bede7c6e1595", "name": "x", "size": 1}, ' * 57)[
    :4094
] + b"]}"
REQUEST_HEADERS = {
    "User-Agent": "openstacksdk/4.22.0 keystoneauth1/5.18.1 python-requests/2.34.2 CPython/3.11.7",
    "Accept-Encoding": "gzip, deflate",
    "Accept": "application/json",
    "Connection": "keep-alive",
    "X-Auth-Token": "gAAAAABjsoUBidK_dtSo6s04L6HQ5WB6XDcLhYyaRXYNAhH7A1bnXkF18BtoVGL7BP799R3yTWMzrtvmcCpzr3Rby",
    "X-OpenStack-Request-ID": "req-63bf79d9-651b-467f-aa49-5a426bf9399c",
    "Content-Type": "application/json",
}
RESPONSE_HEADERS = [
    ("Content-Type", "application/json"),
    ("Content-Length", str(len(BODY))),
    ("Vary", "X-Auth-Token"),
    ("x-openstack-request-id", "req-63bf79d9-651b-467f-aa49-5a426bf9399c"),
    ("Date", "Mon, 23 Nov 2026 20:17:47 GMT"),
]


class LastSpan(SpanProcessor):
    """Keeps the last span, so that the floor can be made like it."""

    span: ReadableSpan | None = None

    def on_end(self, span: ReadableSpan) -> None:
        """Keep it."""
        self.span = span


class Adapter(requests.adapters.HTTPAdapter):
    """The adapter of requests with the network taken out: what is left is what can be measured."""

    class _Pool:
        def urlopen(self, **_arguments: object) -> HTTPResponse:
            """Answer at once."""
            return HTTPResponse(
                io.BytesIO(BODY),
                RESPONSE_HEADERS,
                200,
                version=11,
                reason="OK",
                preload_content=False,
                request_method="POST",
            )

    def get_connection_with_tls_context(self, *_arguments: object, **_keywords: object) -> Any:
        """Give the pool that answers at once."""
        return self._Pool()

    def cert_verify(self, *_arguments: object) -> None:
        """Verify nothing: nobody is there."""


def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Read a body and answer with another."""
    environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    start_response("200 OK", list(RESPONSE_HEADERS))
    return [BODY]


def _serve(served: Callable[..., Iterable[bytes]], traceparent: str) -> None:
    environ = {
        "REQUEST_METHOD": "POST", "REQUEST_URI": "/v2/images/c919ba3a-fbd6-409f-90ea-bede7c6e1595/file?a=b",
        "PATH_INFO": "/v2/images/c919ba3a-fbd6-409f-90ea-bede7c6e1595/file", "QUERY_STRING": "a=b", "SCRIPT_NAME": "",
        "SERVER_PROTOCOL": "HTTP/1.1", "SERVER_NAME": "h", "SERVER_PORT": "80", "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:9292", "CONTENT_LENGTH": str(len(BODY)), "CONTENT_TYPE": "application/json",
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in REQUEST_HEADERS.items()},
        "HTTP_TRACEPARENT": traceparent, "wsgi.input": io.BytesIO(BODY), "wsgi.url_scheme": "http",
    }  # fmt: skip
    body = served(environ, lambda *_arguments: None)
    for _ in body:
        pass
    getattr(body, "close", lambda: None)()


def _median_microseconds(run: Callable[[], object], count: int) -> float:
    for _ in range(count // 10):
        run()
    times = []
    for _ in range(count):
        start = time.perf_counter_ns()
        run()
        times.append(time.perf_counter_ns() - start)
    return statistics.median(times) / 1000


def main() -> None:
    """Print the table: rounds are taken in turn, so that what disturbs one disturbs the others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    count = 200 if parser.parse_args().quick else 2000
    last = LastSpan()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(last)
    trace.set_tracer_provider(provider)
    propagate.set_global_textmap(CompositePropagator([TraceContextTextMapPropagator(), RequestshookPropagator()]))
    sampled, unsampled = (f"00-{'a' * 32}-{'b' * 16}-{flag}" for flag in ("01", "00"))
    ours, stock = ObservedApplication(application, Settings()), OpenTelemetryMiddleware(application)

    _serve(ours, sampled)
    _table("server", count, last, {
        "bare": lambda: _serve(application, sampled),
        "stock": lambda: _serve(stock, sampled),
        "ours": lambda: _serve(ours, sampled),
        "ours, unsampled": lambda: _serve(ours, unsampled),
    })  # fmt: skip

    session = requests.Session()
    session.trust_env = False
    session.mount("http://", Adapter())

    def call() -> None:
        session.post(
            "http://127.0.0.1:9292/v2/images/c919ba3a-fbd6-409f-90ea-bede7c6e1595", BODY, headers=REQUEST_HEADERS
        )

    rounds: dict[str, list[float]] = {"bare": [], "stock": [], "ours": []}
    for _ in range(5):
        rounds["bare"].append(_median_microseconds(call, count // 5))
        for name, instrumentor in (("stock", RequestsInstrumentor()), ("ours", OpenStackInstrumentor())):
            instrumentor.instrument(skip_dep_check=True)
            rounds[name].append(_median_microseconds(call, count // 5))
            instrumentor.uninstrument()
    _print("client", {name: statistics.median(times) for name, times in rounds.items()}, _floor(last, count))


def _table(what: str, count: int, last: LastSpan, runs: dict[str, Callable[[], object]]) -> None:
    rounds: dict[str, list[float]] = {name: [] for name in runs}
    floor = _floor(last, count)
    for _ in range(5):
        for name, run in runs.items():
            rounds[name].append(_median_microseconds(run, count // 5))
    _print(what, {name: statistics.median(times) for name, times in rounds.items()}, floor)


def _floor(last: LastSpan, count: int) -> float:
    """Return what the SDK takes for a span with the attributes of the last one."""
    assert last.span is not None
    attributes = dict(last.span.attributes or {})
    tracer = trace.get_tracer("floor")

    def run() -> None:
        span = tracer.start_span("x")
        span.set_attributes(attributes)
        span.end()

    return _median_microseconds(run, count)


def _print(what: str, times: dict[str, float], floor: float) -> None:
    added = {name: value - times["bare"] for name, value in times.items() if name != "bare"}
    print(f"{what}: {times['bare']:.0f} µs bare; a span of the SDK like ours {floor:.0f} µs")
    for name, value in added.items():
        ratios = f"of stock {value / added['stock']:>5.2f}   of the SDK's floor {value / floor:>5.2f}"
        print(f"  {name:<18}adds {value:>6.1f} µs   {ratios}")


if __name__ == "__main__":
    main()
