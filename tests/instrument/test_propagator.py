"""One header, one span context: both directions of the mapping, and what is not believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import propagate, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otel_openstack.instrument.environ import REQUEST_ID, EnvironGetter
from otel_openstack.instrument.instrumentor import OpenStackInstrumentor
from otel_openstack.instrument.propagator import (
    RequestshookPropagator,
    parse_request_id,
    plain_context,
    remote_context,
    request_id,
)
from tests.instrument.harness import Spans

ID = "1a2e4a3d05ce482586b9219ea2be036d"


class Other(TraceContextTextMapPropagator):
    """A format of somebody else's."""


HEADER, FROM = "X-Requestshook-Request-Id", "X-Requestshook-Request-From"


def _extracted(carrier: dict[str, str]) -> SpanContext:
    context = propagate.extract(carrier, Context())
    return trace.get_current_span(context).get_span_context()


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1))
def test_an_id_names_its_span(trace_id: int, span_id: int) -> None:
    """The id has the last half of the trace id, then the span id."""
    identifier = request_id(SpanContext(trace_id, span_id, is_remote=False))
    assert identifier == f"{trace_id:032x}"[16:] + f"{span_id:016x}"
    assert parse_request_id(identifier) == identifier


@given(st.integers(1, 2**128 - 1))
def test_an_old_hosts_id_becomes_the_context(number: int) -> None:
    """Its 32 digits are the trace id and its last 16 the span id; a half of zeros is no context."""
    context = remote_context(f"{number:032x}")
    if number % 2**64:
        assert context is not None
        assert (context.trace_id, context.span_id) == (number, number % 2**64)
        assert context.is_remote
        assert context.trace_flags.sampled
    else:
        assert context is None


@pytest.mark.parametrize("text", [ID, ID.upper(), "1a2e4a3d-05ce-4825-86b9-219ea2be036d"])
def test_an_id_is_taken_in_any_case_and_dashed(text: str, spans: Spans) -> None:  # noqa: ARG001  # sets propagators
    """Old hosts write UUIDs in several ways."""
    context = _extracted({HEADER: text})
    assert f"{context.trace_id:032x}" == ID
    assert f"{context.span_id:016x}" == ID[16:]


@pytest.mark.parametrize(
    "text",
    ["", "12", ID + "0", f"{ID},{ID}", "g" * 32, "0" * 32, "1" * 16 + "0" * 16, "1-a2e4a3d05ce482586b9219ea2be036d",
     "9" * 10_000, f" {ID}", f"{ID}\n", "١" * 32],
)  # fmt: skip
def test_anything_else_is_ignored(text: str, spans: Spans) -> None:  # noqa: ARG001  # sets propagators
    """A wrong id is no error and no context."""
    assert not _extracted({HEADER: text}).is_valid


def test_a_valid_traceparent_wins(spans: Spans) -> None:  # noqa: ARG001  # sets propagators
    """The id beside it is not the context."""
    carrier = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", HEADER: ID}
    assert _extracted(carrier).trace_id == int("a" * 32, 16)


def test_an_invalid_traceparent_gives_way(spans: Spans) -> None:  # noqa: ARG001  # sets propagators
    """Without a valid one the id is what there is."""
    assert _extracted({"traceparent": "00-zz-1-01", HEADER: ID}).trace_id == int(ID, 16)


def test_both_headers_are_written_beside_traceparent(spans: Spans) -> None:
    """The id is that of the current span, the name that of the service."""
    with trace.get_tracer("t").start_as_current_span("x") as span:
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
    context = span.get_span_context()
    assert carrier[HEADER] == request_id(context)
    assert carrier[FROM] == "tests"
    assert f"{context.span_id:016x}" in carrier["traceparent"]
    assert spans.one().name == "x"


def test_nothing_is_written_without_a_span() -> None:
    """There is nothing to name."""
    carrier: dict[str, str] = {}
    RequestshookPropagator().inject(carrier, Context())
    assert carrier == {}


def test_a_local_span_is_not_mistaken_for_a_traceparent() -> None:
    """Only a remote context, which came with the carrier, stands before the id."""
    local = NonRecordingSpan(SpanContext(1, 2, is_remote=False, trace_flags=TraceFlags(1)))
    context = RequestshookPropagator().extract({HEADER: ID}, trace.set_span_in_context(local, Context()))
    assert trace.get_current_span(context).get_span_context().trace_id == int(ID, 16)


def test_the_fields_are_the_two_headers() -> None:
    """Whoever cleans a carrier before injection needs to know them."""
    assert RequestshookPropagator().fields == {HEADER, FROM}


def test_propagators_that_a_service_sets_leave_ours_in_place(spans: Spans) -> None:
    """What oslo.middleware sets comes first, ours behind it; who never had ours does not get it."""
    instrumentor = OpenStackInstrumentor()
    instrumentor.instrument(skip_dep_check=True)
    try:
        propagate.set_global_textmap(TraceContextTextMapPropagator())
        with trace.get_tracer("t").start_as_current_span("x"):
            carrier: dict[str, str] = {}
            propagate.inject(carrier)
        assert set(carrier) == {"traceparent", HEADER, FROM}
        assert spans.one().name == "x"
    finally:
        instrumentor.uninstrument()
    propagate.set_global_textmap(TraceContextTextMapPropagator())
    instrumentor.instrument(skip_dep_check=True)
    try:
        propagate.set_global_textmap(TraceContextTextMapPropagator())
        assert HEADER not in propagate.get_global_textmap().fields
    finally:
        instrumentor.uninstrument()


_HEX = st.text("0123456789abcdef", min_size=1, max_size=3)
_TRACEPARENTS = st.one_of(
    st.builds("00-{:032x}-{:016x}-{:02x}".format, st.integers(0, 2**128 - 1), st.integers(0, 2), st.integers(0, 255)),
    st.builds("{}-{:031x}{}-{:016x}-01{}".format, st.sampled_from(["00", "01", "ff"]), st.integers(1, 9), _HEX,
              st.integers(1, 9), st.sampled_from(["", " ", "-", "-x"])),
    st.sampled_from(["", "00", f"00-{ID}-{'A' * 16}-01"]),
)  # fmt: skip


@given(_TRACEPARENTS, st.dictionaries(st.sampled_from(["TRACESTATE", "BAGGAGE"]), st.just("a=b")), st.booleans())
def test_a_plain_traceparent_is_read_as_the_propagators_read_it(
    traceparent: str, others: dict[str, str], is_hop: bool
) -> None:
    """And whatever is not plain is left to them."""
    propagators = [TraceContextTextMapPropagator(), W3CBaggagePropagator(), RequestshookPropagator()]
    environ = {"HTTP_TRACEPARENT": traceparent, **{f"HTTP_{name}": value for name, value in others.items()}}
    if is_hop:
        environ[REQUEST_ID] = ID
    before = propagate.get_global_textmap()
    propagate.set_global_textmap(CompositePropagator(propagators))
    try:
        theirs, ours = propagate.extract(environ, Context(), EnvironGetter()), plain_context(environ)
    finally:
        propagate.set_global_textmap(before)
    if ours is None:
        valid = trace.get_current_span(theirs).get_span_context()
        is_plain = traceparent.startswith("00-") and traceparent == traceparent.strip()
        assert others or not valid.is_valid or is_hop or not is_plain
    else:
        assert [*ours] == [*theirs]
        mine, expected = (trace.get_current_span(context).get_span_context() for context in (ours, theirs))
        assert mine == expected
        assert type(mine.trace_flags) is type(expected.trace_flags)


@pytest.mark.parametrize(
    "propagators",
    [[], [RequestshookPropagator(), TraceContextTextMapPropagator()], [TraceContextTextMapPropagator(), Other()]],
    ids=["none", "another order", "another format"],
)
def test_a_plain_traceparent_is_left_to_propagators_of_other_kinds(propagators: list[TextMapPropagator]) -> None:
    before = propagate.get_global_textmap()
    propagate.set_global_textmap(CompositePropagator(propagators))
    try:
        assert plain_context({"HTTP_TRACEPARENT": f"00-{ID}-{'a' * 16}-01"}) is None
    finally:
        propagate.set_global_textmap(before)
