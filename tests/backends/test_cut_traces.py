"""A trace that a back end has cut is exported with the gap marked, and with the setting that would cure it."""

from __future__ import annotations

import uuid
from contextlib import closing

import pytest

from otel_openstack.cli import main
from otel_openstack.exceptions import SourceError
from otel_openstack.otlp import Resource, Span
from otel_openstack.settings import SourceSettings
from otel_openstack.traces import open_sink, open_source
from otel_openstack.traces.otlp_sink import OtlpSink
from otel_openstack.traces.tempo import Tempo
from tests.backends import programs
from tests.traces.contract import T0, TRACE

TENANT = SourceSettings(headers=(("X-Scope-OrgID", "cut"),))


def _silent(_):
    """Say nothing."""


def _exchange(body, **attributes):
    return Span(
        TRACE,
        "1" * 16,
        name="GET /v2/images",
        start_unix_nano=T0,
        end_unix_nano=T0 + 1000,
        attributes={
            "http.request.method": "GET",
            "url.path": "/v2/images",
            "http.response.status_code": 200,
            "http.response.body.content": body,
            **attributes,
        },
        resource=Resource({"service.name": "glance-api"}),
    )


@pytest.mark.parametrize(
    ("attributes", "mark"),
    [
        ({"http.response.body.size": 9000}, "... (6952 more bytes)"),
        ({"http.response.body.size": 9000, "openstack.http.response.body.previewed": 8192}, "... (6952 more bytes)"),
        ({}, "Tempo has cut its body."),
    ],
)
@pytest.mark.parametrize("body", ["x" * 8192, "é" * 4096, "x" + "é" * 4096])
def test_a_body_that_tempo_cut_is_marked(default_tempo, attributes, mark, body, monkeypatch, capsys):
    tenant = uuid.uuid4().hex
    monkeypatch.setenv("OTEL_OPENSTACK_SOURCE_HEADERS", f"X-Scope-OrgID={tenant}")
    with closing(open_sink(f"otlp+{default_tempo.otlp_http}")) as sink:
        sink.write([_exchange(body, **attributes)])
    assert main(["export", TRACE, "--from", f"tempo+{default_tempo.api}"]) == 0
    shown = capsys.readouterr()
    assert mark in shown.out
    assert "1 values of trace" in shown.err
    assert "end exactly at 2048 bytes" in shown.err
    assert "max_attribute_bytes" in shown.err


@pytest.fixture(scope="module")
def default_tempo(tmp_path_factory):
    with programs.tempo(tmp_path_factory.mktemp("default"), max_attribute_bytes=2048) as server:
        yield server


def test_the_limit_that_tempo_tells_is_the_one_that_is_looked_for(tmp_path):
    with (
        programs.tempo(tmp_path, max_attribute_bytes=5000) as server,
        closing(Tempo(server.api, TENANT, progress=_silent)) as source,
    ):
        with closing(OtlpSink(server.otlp_http, TENANT)) as sink:
            sink.write([_exchange("x" * 9000)])
        assert len(source.trace(TRACE)) == 1
        assert "end exactly at 5000 bytes" in source.damage[0]


def test_values_that_are_long_and_alike_are_no_sign_of_a_limit(tempo_server):
    with closing(Tempo(tempo_server.api, TENANT, progress=_silent)) as source:
        with closing(OtlpSink(tempo_server.otlp_http, TENANT)) as sink:
            sink.write([_exchange("x" * 5000, other="y" * 5000)])
        assert len(source.trace(TRACE)) == 1
        assert source.damage == ()


def test_a_trace_that_is_too_large_for_tempo_is_an_error_that_names_the_limit(tmp_path):
    spans = [
        Span(TRACE, f"{n}" * 16, start_unix_nano=T0, end_unix_nano=T0 + 1, attributes={"body": f"{n}" * 4000})
        for n in range(1, 9)
    ]
    with programs.tempo(tmp_path) as server, closing(Tempo(server.api, TENANT, progress=_silent)) as source:
        with closing(OtlpSink(server.otlp_http, TENANT)) as sink:
            sink.write(spans)
        programs.until(lambda: source.find("1" * 16), what="the search")  # now it is on disk
    with (
        programs.tempo(tmp_path, max_bytes_per_trace=20_000) as server,
        closing(Tempo(server.api, TENANT, progress=_silent)) as source,
        pytest.raises(SourceError, match="answered 422") as caught,
    ):
        source.trace(TRACE)
    assert "max_bytes_per_trace" in caught.value.hint


def test_a_span_id_that_tempo_does_not_find_is_explained(tempo_server):
    with closing(Tempo(tempo_server.api, TENANT, progress=_silent)) as source:
        assert list(source.find("00" + "a" * 14)) == []
        assert "begin with 00" in source.damage[0]


def test_what_jaeger_notes_on_a_span_is_told_and_not_shown(jaeger_server):
    warned = _exchange("x", **{"@jaeger@warnings": ("trace has more than 5 spans, showing first 5 spans only",)})
    with closing(open_sink(f"otlp+{jaeger_server.otlp_http}")) as sink:
        sink.write([warned])
    with closing(open_source(f"jaeger+{jaeger_server.api}")) as source:
        assert "@jaeger@warnings" not in source.trace(TRACE)[0].attributes
        assert "more than 5 spans" in source.damage[0]
        assert "max_trace_size" in source.damage[0]


def test_as_many_spans_as_elasticsearch_gives_at_once_are_doubted(jaeger_server):
    with closing(open_sink(f"otlp+{jaeger_server.otlp_http}")) as sink:
        sink.write(Span(TRACE, f"{n:016x}", start_unix_nano=T0, end_unix_nano=T0 + 1) for n in range(1, 10_001))
    with closing(open_source(f"jaeger+{jaeger_server.api}")) as source:
        assert len(source.trace(TRACE)) == 10_000
        assert "max_doc_count" in source.damage[0]
