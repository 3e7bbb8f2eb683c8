"""Jaeger, the real one, keeps the contract of a source."""

from __future__ import annotations

import re
from contextlib import ExitStack, closing
from dataclasses import replace

import pytest

from otel_openstack.cli import main
from otel_openstack.otlp import Resource
from otel_openstack.traces import open_sink, open_source
from tests.backends.programs import jaeger
from tests.traces.contract import SPANS, TRACE, SourceContract


@pytest.fixture
def keep(tmp_path):
    with ExitStack() as running:
        count = 0

        def keep(spans):
            nonlocal count
            count += 1
            running.close()  # its memory has no tenants: each time a new one
            server = running.enter_context(jaeger(tmp_path / str(count)))
            with closing(open_sink(f"otlp+{server.otlp_http}")) as sink:
                sink.write(spans)
            return open_source(f"jaeger+{server.api}")

        yield keep


class TestJaeger(SourceContract):
    def kept(self, span):
        """Jaeger gives a name to services without one, and a nanosecond to spans that took none or less."""
        named = span.resource.attributes.get("service.name")
        word = "service-name-wrong-type" if "service.name" in span.resource.attributes else "missing-service-name"
        if not isinstance(named, str):
            span = replace(span, resource=Resource({**span.resource.attributes, "service.name": word}))
        if span.end_unix_nano <= span.start_unix_nano:
            span = replace(span, end_unix_nano=span.start_unix_nano + 1)
        return span

    def exact(self, spans):
        """Jaeger writes -0.0 as -0, which to a reader of JSON is the integer 0."""
        return sorted(re.sub(r"-0\.0(?![0-9])", "0.0", text) for text in super().exact(spans))


def test_a_trace_id_of_16_digits_is_told_to_have_32(jaeger_server, capsys):
    with closing(open_sink(f"otlp+{jaeger_server.otlp_http}")) as sink:
        sink.write(SPANS)
    assert main(["export", TRACE[16:], "--from", f"jaeger+{jaeger_server.api}"]) == 2
    assert "hint: A trace id has 32 hex digits" in capsys.readouterr().err


def test_a_trace_that_grows_is_whole_when_it_is_asked_for_again(jaeger_server):
    with (
        closing(open_sink(f"otlp+{jaeger_server.otlp_http}")) as sink,
        closing(open_source(f"jaeger+{jaeger_server.api}")) as source,
    ):
        for number, span in enumerate(SPANS[:2], 1):
            sink.write([span])
            assert len(source.trace(TRACE)) == number
