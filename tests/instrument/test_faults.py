"""Whatever goes wrong in the agent: no server, application or client gets a byte that is not its own."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import propagate
from opentelemetry.metrics import _internal as metrics_api
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otel_openstack.instrument.propagator import RequestshookPropagator
from otel_openstack.settings import Settings
from tests.instrument.exchanges import Stage
from tests.instrument.faults import FAULTS, OF_CONSTRUCTORS, Victim, forget, planted, victims, watched

SETTINGS = Settings(
    trust_incoming="127.0.0.0/8",
    excluded_urls="/healthcheck",
    redact_names="limit",
    redact_patterns="ghp_*",
    redact_headers="session",
    body_content_types="image/*",
    server_request_headers=".*",
)

_CALLS = "its body is the host's own call: what it calls of ours is planted with faults, one by one"
WRAPPERS = dict.fromkeys(
    (
        "instrument.green.apart",
        "instrument.green.made",
        "instrument.green.spawned",
        "instrument.hop.ClientExchange.__enter__",
        "instrument.hop.ClientExchange.__exit__",
        "instrument.hop.Hop.__enter__",
        "instrument.hop.Hop.__exit__",
        "instrument.hop.SendTracer.send",
        "instrument.hop.SendTracer.send_async",
        "instrument.http_client.ObservedResponse.__iter__",
        "instrument.http_client.ObservedResponse._read",
        "instrument.http_client.ObservedResponse.close",
        "instrument.http_client.ObservedResponse.read",
        "instrument.http_client.ObservedResponse.read1",
        "instrument.http_client.ObservedResponse.readinto",
        "instrument.http_client.ObservedResponse.release_conn",
        "instrument.http_client.ObservedResponse.stream",
        "instrument.httpx_client.ObservedStream.__aiter__",
        "instrument.httpx_client.ObservedStream.__iter__",
        "instrument.httpx_client.ObservedStream.aclose",
        "instrument.httpx_client.ObservedStream.close",
        "instrument.propagator.keep_propagator",
        "instrument.stdlib_client.ConnectionTracer.close",
        "instrument.stdlib_client.ConnectionTracer.endheaders",
        "instrument.stdlib_client.ConnectionTracer.getresponse",
        "instrument.stdlib_client.ConnectionTracer.send",
        "instrument.stdlib_client._ObservedResponse._close_conn",
        "instrument.stdlib_client._ObservedResponse._otel_openstack_read",
        "instrument.stdlib_client._ObservedResponse._safe_read",
        "instrument.stdlib_client._ObservedResponse.close",
        "instrument.stdlib_client._ObservedResponse.read",
        "instrument.stdlib_client._ObservedResponse.read1",
        "instrument.stdlib_client._ObservedResponse.readinto",
        "instrument.stdlib_client._ObservedResponse.readline",
        "instrument.stdlib_client.counting_resends",
        "instrument.stdlib_client.recorded_above.beneath",
        "instrument.streams.ObservedBufferedFile.read1",
        "instrument.streams.ObservedBufferedFile.readinto",
        "instrument.streams.ObservedFile.__iter__",
        "instrument.streams.ObservedFile.__next__",
        "instrument.streams.ObservedFile.read",
        "instrument.streams.ObservedFile.readline",
        "instrument.streams.ObservedFile.readlines",
        "instrument.streams.ObservedIterator.__iter__",
        "instrument.streams.ObservedIterator.__next__",
        "instrument.streams.observe_chunks_of_uwsgi.read",
        "instrument.wsgi.ObservedApplication.__call__",
        "instrument.wsgi.ObservedApplication.__getattr__",
        "instrument.observation.ObservedBody.__iter__",
        "instrument.observation.ObservedBody.__next__",
        "instrument.observation.ObservedBody.close",
        "instrument.observation.ObservedSizedBody.__iter__",
        "instrument.observation.ObservedSizedBody.__len__",
        "instrument.observation.Observation._file_wrapper",
        "instrument.observation.Observation._write",
        "instrument.observation.Observation.start_response",
    ),
    _CALLS,
) | {"instrument.stdlib_client.recorded_above": "makes the host's call"}
UNREACHED = {
    "instrument.capture.end_open": "at exit",
    **dict.fromkeys((f"instrument.hop.SendTracer.{name}" for name in ("_answer", "_observe")), "its libraries' own"),
    "instrument.metrics.observe_processor": "at the SDK's set-up",
    "instrument.metrics.observe_processor.<lambda>": "read by the metrics' own thread",
    "route._stored": "only in swift",
    "instrument.trust.trust.<lambda>": "another setting's",
    "instrument.environ.EnvironGetter.keys": "the interface's; none of our propagators asks for it",
    **dict.fromkeys((f"redaction.Masking.{name}" for name in ("body", "header", "query", "text")), "a protocol's"),
    **dict.fromkeys((f"redaction._Clear.{name}" for name in ("body", "header", "query", "text")), "another setting's"),
    "redaction.rules.Rules._text.<lambda>": "only in a path of nova's consoles",
    "redaction.rules._unknown": "is compared with, not called",
}

VICTIMS = victims()
_SET_UP = "set-up"
# What nothing of the host's is given to or comes from: a sample of the exchanges stands for all
_FAR_FROM_THE_HOST = (
    "redaction.",
    "route.",
    "instrument.coding.",
    "instrument.metrics.",
    "instrument.trust.",
)


class Comparison:
    """What everybody gets without the agent, and which functions each exchange calls with it."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self.exporter = exporter
        bare = Stage(None)
        self.expected = {name: ask() for name, ask in bare.exchanges().items()}
        bare.close()
        self.callers: dict[Victim, set[str]] = {victim: set() for victim in VICTIMS}
        forget()
        with watched() as called:
            self.stage = Stage(SETTINGS)
            self._note(called, _SET_UP)
            for name, ask in self.stage.exchanges().items():
                forget()
                ask()
                gc.collect()
                self._note(called, name)

    def _note(self, called: set[Victim], name: str) -> None:
        for victim in called:
            self.callers[victim].add(name)
        called.clear()

    def differing(self, victim: Victim) -> dict[str, Any]:
        """Return what exchanges that call a function, or depend on it at the set-up, give that they should not."""
        names = self.callers[victim]
        is_set_up = _SET_UP in names
        if is_set_up:
            self.stage.close()
            self.stage = Stage(SETTINGS)
        asked = [name for name in self.expected if is_set_up or name in names]
        if str(victim).startswith(_FAR_FROM_THE_HOST):
            asked = asked[:: 1 + len(asked) // 8]
        exchanges = self.stage.exchanges()
        return {name: (got, self.expected[name]) for name in asked if (got := exchanges[name]()) != self.expected[name]}

    def recover(self, victim: Victim) -> None:
        """Set up again what was set up under a fault."""
        if _SET_UP in self.callers[victim]:
            self.stage.close()
            self.stage = Stage(SETTINGS)


@pytest.fixture(scope="module")
def comparison(_exporter: InMemorySpanExporter) -> Iterator[Comparison]:
    """Run everything once without the agent, and once with it."""
    patch = pytest.MonkeyPatch()
    patch.setattr(metrics_api, "_METER_PROVIDER", MeterProvider([InMemoryMetricReader()]))
    patch.setattr(logging.getLogger("otel_openstack"), "disabled", True)
    before = propagate.get_global_textmap()
    propagate.set_global_textmap(CompositePropagator([TraceContextTextMapPropagator(), RequestshookPropagator()]))
    comparison = Comparison(_exporter)
    yield comparison
    comparison.stage.close()
    propagate.set_global_textmap(before)
    patch.undo()
    forget()


def test_nothing_differs_without_a_fault(comparison: Comparison) -> None:
    """Whoever asks, and whatever is asked."""
    assert comparison.stage.is_observed
    got = {name: ask() for name, ask in comparison.stage.exchanges().items()}
    assert {
        name: (got[name], expected) for name, expected in comparison.expected.items() if got[name] != expected
    } == {}


def test_the_exchanges_call_every_function(comparison: Comparison) -> None:
    """A fault in a function that nobody calls would prove nothing."""
    unreached = {str(victim) for victim, names in comparison.callers.items() if not names}
    assert sorted(unreached - WRAPPERS.keys()) == sorted(UNREACHED)


def test_what_is_left_out_is_there() -> None:
    """The tables name functions that exist."""
    assert {*WRAPPERS, *UNREACHED} <= set(map(str, VICTIMS))


@pytest.mark.parametrize(
    "victim", [victim for victim in VICTIMS if str(victim) not in {*WRAPPERS, *UNREACHED}], ids=str
)
def test_no_fault_changes_a_byte(victim: Victim, comparison: Comparison) -> None:
    """Of a response, a request, a result or an exception."""
    differing = {}
    for kind, fault in (OF_CONSTRUCTORS if str(victim).endswith(".__init__") else FAULTS).items():
        with planted(victim, fault) as calls:
            found = comparison.differing(victim)
        assert calls, kind
        if found:
            differing[kind] = found
        comparison.exporter.clear()
    comparison.recover(victim)
    if differing:
        lines = [
            f"{kind}; {name}:\n  got      {got!r}\n  expected {expected!r}"
            for kind, found in differing.items()
            for name, (got, expected) in found.items()
        ]
        pytest.fail("\n".join(lines))
