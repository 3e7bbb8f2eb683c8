"""A document, through the real Collector into real back ends, comes back byte for byte."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from otel_openstack.cli import main
from tests.backends import programs
from tests.backends.programs import until
from tests.importer.test_corpus import CORPUS

GOLDEN = Path(__file__).parents[1] / "golden" / "image-list.md"
# The older tool masked nothing, and the second line of defence would
CLEAR = {"service": {"pipelines": {"traces": {"processors": ["memory_limiter"]}}}}
DOCUMENTS = [
    pytest.param((GOLDEN, {}), id="golden"),
    pytest.param((CORPUS / "image-save.md", CLEAR), id="corpus"),
]


@pytest.fixture(params=DOCUMENTS)
def case(request):
    file, _ = request.param
    if not file.is_file():
        pytest.skip(f"no real document at {file}: set OTEL_OPENSTACK_CORPUS")
    return request.param


@pytest.fixture
def document(case):
    return case[0]


@pytest.fixture
def overlay(case, tmp_path):
    """Return what this test changes of the configuration: masking, and the tenant, which is nobody's by itself."""
    file = tmp_path / "overlay.yaml"
    file.write_text(json.dumps(case[1] | {"exporters": {"otlp_grpc": {"headers": {"X-Scope-OrgID": "round-trip"}}}}))
    return file


@pytest.fixture(autouse=True)
def _tenant(monkeypatch):
    monkeypatch.setenv("OTEL_OPENSTACK_SOURCE_HEADERS", "X-Scope-OrgID=round-trip")


def _imported(document, into, capsys):
    assert main(["import", str(document), "--into", into]) == 0
    return capsys.readouterr().out.strip()


def _exported(trace_id, source, folder):
    output = folder / "exported.md"

    def came():
        return main(["export", trace_id, "--from", source, "-o", str(output)]) == 0

    until(came, what=f"trace {trace_id}")
    return output.read_bytes()


def test_through_the_collector_from_jaeger_and_from_its_file(document, overlay, jaeger_server, tmp_path, capsys):
    settings = {"BACKEND": jaeger_server.otlp_grpc}
    with programs.collector(tmp_path, "single-host", "redaction", overlay, settings=settings) as collector:
        trace_id = _imported(document, f"otlp+{collector.otlp_http}", capsys)
        assert _exported(trace_id, f"jaeger+{jaeger_server.api}", tmp_path) == document.read_bytes()
        assert _exported(trace_id, str(tmp_path / "spans"), tmp_path) == document.read_bytes()


def test_through_the_collector_from_tempo(document, overlay, tempo_server, tmp_path, capsys):
    settings = {"BACKEND": tempo_server.otlp_grpc}
    with programs.collector(tmp_path, "single-host", "redaction", overlay, settings=settings) as collector:
        trace_id = _imported(document, f"otlp+grpc://{collector.otlp_grpc}", capsys)
        assert _exported(trace_id, f"tempo+{tempo_server.api}", tmp_path) == document.read_bytes()


def test_from_a_jaeger_that_keeps_spans_on_disk(document, tmp_path, capsys):
    """Badger stands for Cassandra and Elasticsearch: Jaeger's older model, which has no lists."""
    with programs.jaeger(tmp_path, {"badger": {"ephemeral": True}}) as server:
        trace_id = _imported(document, f"otlp+{server.otlp_http}", capsys)
        assert _exported(trace_id, f"jaeger+{server.api}", tmp_path) == document.read_bytes()
