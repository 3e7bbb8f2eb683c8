from __future__ import annotations

import io
import itertools
import struct
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
import zstandard

from otel_openstack.exceptions import SourceError
from otel_openstack.otlp import json, protobuf
from otel_openstack.traces import otlp_framing
from otel_openstack.traces.otlp_file import OtlpFiles
from tests.strategies import exact
from tests.traces.contract import OTHER, SPANS, TRACE, SourceContract


def _lines(messages):
    return b"".join(message + b"\n" for message in messages)


def _records(messages):
    return b"".join(struct.pack(">I", len(message)) + message for message in messages)


def _compressed(message):
    return zstandard.ZstdCompressor().compress(message)


def _as_json(span):
    return json.encode([span]).encode()


def _as_protobuf(span):
    return protobuf.encode([span])


# What the exporter can be set to -> how it writes spans
FORMS = {
    "json": lambda spans: _lines(map(_as_json, spans)),
    "json in upper-case ids": lambda spans: _lines(
        json.encode([span]).replace(span.trace_id, span.trace_id.upper()).encode() for span in spans
    ),
    "proto": lambda spans: _records(map(_as_protobuf, spans)),
    "json+zstd": lambda spans: _records(_compressed(_as_json(span)) for span in spans),
    "proto+zstd": lambda spans: _records(_compressed(_as_protobuf(span)) for span in spans),
    "json in one zstd stream": lambda spans: _compressed(_lines(map(_as_json, spans))),
    "proto in one zstd stream": lambda spans: _compressed(_records(map(_as_protobuf, spans))),
    "json in several zstd frames": lambda spans: b"".join(_compressed(_lines([_as_json(s)])) for s in spans),
}


class TestOneFile(SourceContract):
    @pytest.fixture(params=FORMS)
    def keep(self, request, tmp_path):
        numbers = itertools.count()

        def keep(spans):
            path = tmp_path / f"spans-{next(numbers)}"
            path.write_bytes(FORMS[request.param](spans))
            return OtlpFiles(str(path))

        return keep


class TestRotatedFiles(SourceContract):
    @pytest.fixture(params=["folder", "glob"])
    def keep(self, request, tmp_path):
        numbers = itertools.count()

        def keep(spans):
            folder = tmp_path / f"run {next(numbers)}"
            folder.mkdir()
            for name, part in (("data-2022-09-14T05-02-14.173.json", spans[::2]), ("data.json", spans[1::2])):
                (folder / name).write_bytes(FORMS["json"](part))
            return OtlpFiles(str(folder if request.param == "folder" else folder / "d*.json"))

        return keep


class TestStandardInput(SourceContract):
    @pytest.fixture(params=["json", "proto", "json in one zstd stream"])
    def keep(self, request, monkeypatch):
        def keep(spans):
            with monkeypatch.context() as patched:
                patched.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(FORMS[request.param](spans))))
                return OtlpFiles("-")

        return keep


@pytest.fixture
def file(tmp_path):
    return tmp_path / "run.jsonl"


def test_a_protobuf_message_whose_length_is_a_brace_is_no_json(file):
    """Its first two bytes are a line feed and a brace, as JSON's may be."""
    spans = [replace(SPANS[0], span_id=f"{length + 1:016x}", name="x" * length) for length in range(100)]
    messages = [_as_protobuf(span) for span in spans]
    assert any(message.startswith(b"\n{") for message in messages)
    file.write_bytes(_records(messages))
    with OtlpFiles(str(file)) as source:
        assert len(source.trace(SPANS[0].trace_id)) == len(spans)
        assert source.damage == ()


def test_a_bad_line_is_named_and_the_rest_is_read(file):
    lines = [_as_json(span) for span in SPANS]
    file.write_bytes(_lines([*lines[:1], b'{"resourceSpans": [7]}', b"not JSON", *lines[1:]]))
    with OtlpFiles(str(file)) as source:
        assert len(source.summaries()) == 2
        assert len(source.damage) == 2
        assert source.damage[0].startswith("line 2 of run.jsonl is not OTLP JSON: ")
        assert source.damage[1].startswith("line 3 of run.jsonl is not OTLP JSON: ")
        assert exact(source.trace(TRACE)) == exact(SPANS[:2])
        assert source.damage[-1].startswith("line 3 of run.jsonl is not OTLP JSON: ")


@pytest.mark.parametrize("form", FORMS)
def test_of_a_torn_file_everything_before_the_tear_is_read(tmp_path, form):
    whole = FORMS[form](SPANS)
    seams = [FORMS[form](SPANS[:count]).rstrip(b"\n") for count in range(len(SPANS) + 1)]
    file = tmp_path / "torn"
    for length in range(len(whole)):
        file.write_bytes(whole[:length])
        with OtlpFiles(str(file)) as source:
            found = source.summaries()
            assert sum(summary.span_count for summary in found) <= len(SPANS)
            read = [span for summary in found for span in source.trace(summary.trace_id)]
            assert set(exact(read)) <= set(exact(SPANS))
            if "zstd stream" not in form and "zstd frames" not in form:
                # A torn zstd stream shows what is torn within it; at a seam it looks like one that still grows
                assert bool(source.damage) is (whole[:length].rstrip(b"\n") not in seams)


def test_a_torn_last_line_is_said_to_be_torn(file):
    file.write_bytes(FORMS["json"](SPANS)[:-20])
    with OtlpFiles(str(file)) as source:
        assert len(source.summaries()) == 1
        assert source.damage == ("line 3 of run.jsonl, the last one, is torn: it has no end.",)


def test_a_torn_last_record_is_said_to_be_torn(file):
    file.write_bytes(FORMS["proto"](SPANS)[:-20])
    with OtlpFiles(str(file)) as source:
        assert len(source.summaries()) == 1
        assert source.damage == ("record 3 of run.jsonl is torn: the file ends within it.",)


def test_a_file_that_grows_shows_what_it_has_by_now(file):
    whole = FORMS["json"](SPANS)
    file.write_bytes(whole[:-20])
    with OtlpFiles(str(file)) as source:
        assert source.trace(OTHER) == []
        assert source.damage
        file.write_bytes(whole)
        assert exact(source.trace(OTHER)) == exact(SPANS[2:])
        assert source.damage == ()


def test_a_last_line_without_its_line_end_is_read_when_it_is_whole(file):
    file.write_bytes(FORMS["json"](SPANS).rstrip())
    with OtlpFiles(str(file)) as source:
        assert len(source.summaries()) == 2
        assert source.damage == ()


def test_empty_lines_and_a_byte_order_mark_are_passed_over(file):
    file.write_bytes(b"\xef\xbb\xbf\n" + FORMS["json"](SPANS).replace(b"\n", b"\r\n\r\n"))
    with OtlpFiles(str(file)) as source:
        assert len(source.summaries()) == 2


@pytest.mark.parametrize(
    "bomb",
    [
        _records([_compressed(bytes(2**27))]),
        _compressed(b'{"resourceSpans": [' + b" " * 2**27),
        _compressed(struct.pack(">I", 2**26 + 1) + bytes(2**27)),
    ],
    ids=["a record", "a line of a stream", "a record of a stream"],
)
def test_a_zstd_bomb_is_noted_and_not_inflated(file, bomb):
    assert len(bomb) < 2**16
    file.write_bytes(bomb)
    with OtlpFiles(str(file)) as source:
        assert list(source.summaries()) == []
        assert len(source.damage) == 1


def test_a_record_that_lies_about_its_size_is_noted(file):
    file.write_bytes(FORMS["proto"](SPANS[:1]) + b"\xff\xff\xff\xff" + FORMS["proto"](SPANS[1:]))
    with OtlpFiles(str(file)) as source:
        assert len(source.summaries()) == 1
        assert source.damage == (
            "record 2 of run.jsonl claims to have 4294967295 bytes; nothing after it can be read.",
        )


def test_a_line_that_is_too_long_is_noted_and_the_next_one_read(file, monkeypatch):
    monkeypatch.setattr(otlp_framing, "MAX_MESSAGE_BYTES", 2000)
    file.write_bytes(b'{"resourceSpans": "' + b"x" * 10_000 + b'"}\n' + FORMS["json"](SPANS))
    with OtlpFiles(str(file)) as source:
        assert len(source.summaries()) == 2
        assert source.damage == ("line 1 of run.jsonl is longer than 2000 bytes.",)


@pytest.mark.parametrize("form", ["proto+zstd", "json in one zstd stream"])
def test_damaged_zstd_is_noted(file, form):
    data = bytearray(FORMS[form](SPANS))
    data[len(data) // 2] ^= 0xFF
    data[len(data) // 2 + 1] ^= 0xFF
    file.write_bytes(data)
    with OtlpFiles(str(file)) as source:
        source.summaries()
        assert "damaged" in source.damage[0] or "not OTLP" in source.damage[0]


def test_a_file_of_something_else_is_noted(tmp_path):
    (tmp_path / "README.md").write_text("# How to")
    (tmp_path / "run.jsonl").write_bytes(FORMS["json"](SPANS))
    (tmp_path / ".hidden").write_text("# not looked at")
    with OtlpFiles(str(tmp_path)) as source:
        assert len(source.summaries()) == 2
        assert source.damage == ("README.md is no file of OTLP spans: it starts with b'# How to'.",)


@pytest.mark.parametrize("name", ["nowhere.jsonl", "nowhere-*.jsonl", "no/where/"])
def test_a_file_that_is_not_there_is_an_error_that_says_what_would_do(tmp_path, name):
    with pytest.raises(SourceError, match="There is no file /") as caught:
        OtlpFiles(str(tmp_path / name))
    assert ".db store" in caught.value.hint


def test_a_file_that_vanished_is_an_error(file):
    file.write_bytes(FORMS["json"](SPANS))
    with OtlpFiles(str(file)) as source:
        file.unlink()
        with pytest.raises(SourceError, match="There is no file"):
            source.trace(TRACE)


def test_ids_in_base64_are_found_too(file):
    """Tempo writes them so."""
    line = _as_json(SPANS[0]).replace(TRACE.encode(), b"W47/95gDgQPSabYzgT/GDA==")
    file.write_bytes(line)
    with OtlpFiles(str(file)) as source:
        assert exact(source.trace(TRACE)) == exact(SPANS[:1])
