"""Fixtures of the agent's tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from wsgiref.simple_server import make_server

import pytest
from opentelemetry import propagate, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.metrics import _internal as metrics_api
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otel_openstack.instrument.instrumentor import OpenStackInstrumentor
from otel_openstack.instrument.propagator import RequestshookPropagator
from tests.instrument.harness import (
    Launcher,
    Measured,
    OtlpServer,
    PreparedServer,
    QuietHandler,
    Spans,
    ThreadingServer,
)


@pytest.fixture(scope="session")
def _exporter() -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(
        sampler=ParentBased(ALWAYS_ON),
        shutdown_on_exit=False,  # exchanges that tests leave open end at exit
        # Not Resource(): create() loads concurrent.futures before the provider registers for forks. The other way round
        # the provider's handler waits, in the child, for the lock that the other's handler has yet to renew
        resource=Resource.create({"service.name": "tests"}),
        span_limits=SpanLimits(max_span_attributes=512),
    )
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture
def spans(_exporter: InMemorySpanExporter) -> Iterator[Spans]:
    """Gather the spans that end in this process, under the propagators of the distribution."""
    before = propagate.get_global_textmap()
    propagate.set_global_textmap(
        CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator(), RequestshookPropagator()])
    )
    _exporter.clear()
    yield Spans(_exporter)
    propagate.set_global_textmap(before)


@pytest.fixture
def instrumented(spans: Spans) -> Iterator[None]:  # noqa: ARG001  # sets propagators
    """Have the agent's hooks in this process."""
    instrumentor = OpenStackInstrumentor()
    instrumentor.instrument(skip_dep_check=True)
    yield
    instrumentor.uninstrument()


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Measured:
    """Have metrics exported, and the agent's hooks in this process."""
    measured = Measured()
    monkeypatch.setattr(metrics_api, "_METER_PROVIDER", measured.provider)
    request.getfixturevalue("instrumented")
    return measured


@pytest.fixture
def server() -> Iterator[PreparedServer]:
    """Answer with what the test prepared."""
    server = PreparedServer()
    yield server
    server.close()


@pytest.fixture
def serve() -> Iterator[Callable[[object], int]]:
    """Serve WSGI applications by wsgiref, each on a port of its own."""
    servers = []

    def start(application: object) -> int:
        server = make_server("127.0.0.1", 0, application, ThreadingServer, QuietHandler)  # type: ignore[arg-type]
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server.server_port

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def receiver() -> Iterator[OtlpServer]:
    """Receive the spans of other processes."""
    server = OtlpServer()
    yield server
    server.close()


@pytest.fixture
def launcher(receiver: OtlpServer, tmp_path: Path) -> Iterator[Launcher]:
    """Start programs under the launcher, whose spans arrive at ``receiver``."""
    launcher = Launcher(receiver, tmp_path)
    yield launcher
    launcher.stop()
