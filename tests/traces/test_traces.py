"""Opening sources and sinks by name."""

from __future__ import annotations

import subprocess
import sys

import pytest

from otel_openstack.exceptions import SourceError
from otel_openstack.otlp import json
from otel_openstack.traces import TraceSource, open_sink, open_source
from otel_openstack.traces.otlp_file import OtlpFiles
from otel_openstack.traces.store import Store
from tests.strategies import exact
from tests.traces.contract import SPANS, TRACE


def test_a_store_is_opened_by_its_suffix_and_made_for_writing(tmp_path):
    name = str(tmp_path / "traces.db")
    sink = open_sink(name)
    sink.write(SPANS)
    sink.close()
    with open_source(name) as source:
        assert isinstance(source, Store)
        assert exact(source.trace(TRACE)) == exact(SPANS[:2])


def test_a_store_is_not_made_for_reading(tmp_path):
    with pytest.raises(SourceError, match="There is no store"):
        open_source(str(tmp_path / "traces.db"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["run.jsonl", "run.json", "run", "run.txt"])
def test_a_file_is_opened_for_what_is_in_it_not_for_its_name(tmp_path, name):
    (tmp_path / name).write_text(json.encode(SPANS))
    with open_source(str(tmp_path / name)) as source:
        assert isinstance(source, TraceSource)
        assert isinstance(source, OtlpFiles)
        assert exact(source.trace(TRACE)) == exact(SPANS[:2])


@pytest.mark.parametrize("name", ["ftp://host/x", "otlp+http://127.0.0.1:4318", "nowhere.jsonl", "nowhere.xyz"])
def test_a_source_that_is_not_understood_is_one_error_that_says_what_is(name):
    with pytest.raises(SourceError, match=r"There is no|understood|not read from") as caught:
        open_source(name)
    assert name in str(caught.value)
    assert ".db store" in caught.value.hint


@pytest.mark.parametrize("name", ["ftp://host/x", "http://127.0.0.1:4318", "run.jsonl", "-", "x://y.db"])
def test_a_sink_that_is_not_understood_is_one_error_that_says_what_is(name):
    with pytest.raises(SourceError, match="cannot be written to") as caught:
        open_sink(name)
    assert "otlp+http://" in caught.value.hint


@pytest.mark.parametrize(
    ("opened", "unwanted"),
    [
        ("", {"sqlite3", "requests", "waitress", "google.protobuf"}),
        ("traces.db", {"requests", "waitress", "zstandard"}),
    ],
)
def test_opening_a_source_loads_no_more_than_it_needs(tmp_path, opened, unwanted):
    if opened:
        open_sink(str(tmp_path / opened)).close()
    program = f"""
import sys
from otel_openstack.traces import open_source
if {opened!r}:
    open_source({opened!r}).close()
print(sorted({unwanted!r} & set(sys.modules)))
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert run.stdout == "[]\n"
