"""Whatever goes wrong in the agent: no server, application or client gets a byte that is not its own."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pytest
from opentelemetry import baggage, propagate
from opentelemetry.context import Context, get_current
from opentelemetry.metrics import _internal as metrics_api
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import Getter, Setter, TextMapPropagator, default_getter, default_setter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otel_openstack.instrument.propagator import RequestshookPropagator
from otel_openstack.settings import Settings
from tests.instrument.faults.left_out import UNREACHED, WRAPPERS
from tests.instrument.faults.planting import (
    FAULTS,
    HANGS,
    OF_CONSTRUCTORS,
    Interruption,
    Victim,
    forget,
    guarded,
    hang_again,
    interrupt,
    planted,
    victims,
    watched,
)
from tests.instrument.faults.stage import Stage

SETTINGS = Settings(
    trust_incoming="127.0.0.0/8",
    excluded_urls="/healthcheck",
    redact_names="limit",
    redact_patterns="ghp_*",
    redact_headers="session",
    body_content_types="image/*",
    server_request_headers=".*",
    wsgi_apps="tests.instrument.faults.calls:application",
)

VICTIMS = victims()
_SET_UP = "set-up"
# What nothing of the host's is given to or comes from: a sample of the exchanges stands for all, as for a set-up
_FAR_FROM_THE_HOST = (
    "redaction.",
    "route.",
    "instrument.coding.",
    "instrument.metrics.",
    "instrument.trust.",
)


class _Curious(TextMapPropagator):
    """One that a user has beside ours, and that goes through all headers, as Jaeger's does for its baggage."""

    def inject(self, carrier: Any, context: Context | None = None, setter: Setter[Any] = default_setter) -> None:
        pass

    def extract(self, carrier: Any, context: Context | None = None, getter: Getter[Any] = default_getter) -> Context:
        return baggage.set_baggage("names", len(getter.keys(carrier)), context)

    @property
    def fields(self) -> set[str]:
        return set()


def _kind_of(exchange: str) -> str:
    return exchange.partition(":")[0]


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

    def asked(self, victim: Victim) -> list[str]:
        """Return the exchanges that call a function, or depend on it at the set-up."""
        names = self.callers[victim]
        asked = [name for name in self.expected if _SET_UP in names or name in names]
        is_sampled = names == {_SET_UP} or str(victim).startswith(_FAR_FROM_THE_HOST)
        return asked[:: 1 + len(asked) // 16] if is_sampled else asked

    def differing(self, victim: Victim) -> dict[str, Any]:
        """Return what exchanges give that they should not."""
        self.set_up_again(victim)
        exchanges = self.stage.exchanges()
        differing = {}
        for _kind, names in groupby(self.asked(victim), _kind_of):
            hang_again()
            for name in names:
                if (got := exchanges[name]()) != self.expected[name]:
                    differing[name] = got, self.expected[name]
        return differing

    def is_of_set_up(self, victim: Victim) -> bool:
        """Tell whether a function, or the one that makes it, takes part in the set-up."""
        return any(_SET_UP in names for other, names in self.callers.items() if other.holder is victim.holder)

    def set_up_again(self, victim: Victim) -> None:
        """Set everything up once more, if a function takes part in that."""
        if self.is_of_set_up(victim):
            self.stage.close()
            self.stage = Stage(SETTINGS)


@pytest.fixture(scope="module")
def comparison(_exporter: InMemorySpanExporter) -> Iterator[Comparison]:
    """Run everything once without the agent, and once with it."""
    patch = pytest.MonkeyPatch()
    patch.setattr(metrics_api, "_METER_PROVIDER", MeterProvider([InMemoryMetricReader()]))
    patch.setattr(logging.getLogger("otel_openstack"), "disabled", True)
    before = propagate.get_global_textmap()
    propagate.set_global_textmap(
        CompositePropagator([TraceContextTextMapPropagator(), RequestshookPropagator(), _Curious()])
    )
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
    assert sorted(unreached) == sorted(UNREACHED)


def test_what_is_left_out_is_there() -> None:
    """The tables name functions that exist."""
    assert WRAPPERS | UNREACHED.keys() <= set(map(str, VICTIMS))


def _faults_of(victim: Victim) -> dict[str, Any]:
    if str(victim) in WRAPPERS:
        return HANGS
    return OF_CONSTRUCTORS if str(victim).endswith(".__init__") else FAULTS


@pytest.mark.parametrize("victim", [victim for victim in VICTIMS if str(victim) not in UNREACHED], ids=str)
def test_no_fault_changes_a_byte(victim: Victim, comparison: Comparison) -> None:
    """Of a response, a request, a result or an exception."""
    lines = []
    for kind, fault in _faults_of(victim).items():
        with planted(victim, fault) as calls:
            found = comparison.differing(victim)
        assert calls, kind
        lines += [
            f"{kind}; {name}:\n  got      {got!r}\n  expected {expected!r}" for name, (got, expected) in found.items()
        ]
        comparison.exporter.clear()
    comparison.set_up_again(victim)
    if lines:
        pytest.fail("\n".join(lines))


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # who is interrupted closes nothing
def test_what_the_host_raises_in_the_middle_of_ours_passes(comparison: Comparison) -> None:
    """``eventlet.Timeout``, ``GreenletExit``, ``SystemExit``: through whichever function, and no context is left."""
    before, exchanges, interrupted = get_current(), comparison.stage.exchanges(), set()
    for victim in VICTIMS:
        is_made_at_set_up = victim.code is not victim.holder.__code__ and comparison.is_of_set_up(victim)
        if is_made_at_set_up or str(victim).endswith(".__del__"):  # what a finaliser raises arrives nowhere
            continue
        names = [name for name in comparison.expected if name in comparison.callers[victim] and _is_caught(name)]
        for _kind, names_of_kind in groupby(names, _kind_of):
            name = next(names_of_kind)  # one of each kind shows it
            with planted(victim, interrupt):
                try:
                    got = exchanges[name]()
                except Interruption:
                    got = Interruption
            assert got is Interruption, (victim, name)
            assert get_current() == before, (victim, name)
            assert exchanges[name]() == comparison.expected[name], (victim, name)
            interrupted.add(victim)
        comparison.exporter.clear()
    never_raising = guarded()
    left = {
        str(victim)
        for victim, callers in comparison.callers.items()
        if victim.code in never_raising and callers - {_SET_UP} and victim not in interrupted
    }
    assert {name for name in left if not name.endswith(".__del__")} == set()


def _is_caught(exchange: str) -> bool:
    """Tell whether what is raised in an exchange arrives here: not from a server's thread, nor from a finaliser."""
    return _kind_of(exchange) != "served" and exchange != "client: http client unanswered"
