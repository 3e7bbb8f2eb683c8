from __future__ import annotations

import json as standard_json

import pytest
from google.protobuf import json_format
from hypothesis import given

from otel_openstack.exceptions import DecodeError
from otel_openstack.otlp import Span, SpanKind, Status, StatusCode, json, protobuf
from tests.strategies import exact, span_lists

SPAN = {"traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "EEE19B7EC3C1B174", "name": "GET"}


def _envelope(*spans, key="scopeSpans"):
    return {"resourceSpans": [{key: [{"spans": list(spans)}]}]}


@given(span_lists())
def test_spans_come_back_from_json_as_they_were(spans):
    assert exact(json.decode(json.encode(spans))) == exact(spans)


@given(span_lists())
def test_json_and_protobuf_say_the_same(spans):
    assert exact(json.decode(json.encode(spans))) == exact(protobuf.decode(protobuf.encode(spans)))


@given(span_lists())
def test_one_line_holds_one_request(spans):
    assert "\n" not in json.encode(spans)


def test_what_is_written_is_what_protobuf_itself_reads():
    """Ids aside: OTLP writes them in hex, protobuf's own mapping in base64."""
    span = Span(
        "1" * 32,
        "2" * 16,
        name="n",
        kind=SpanKind.CLIENT,
        start_unix_nano=2**62,
        attributes={"i": -5, "f": 0.5, "b": b"\0\1", "l": ("a", True), "m": {"k": float("inf")}, "none": None},
        status=Status(StatusCode.ERROR, "why"),
        flags=0x301,
    )
    value = json.to_value([span])
    written = value["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    assert (written.pop("traceId"), written.pop("spanId")) == ("1" * 32, "2" * 16)

    message = json_format.ParseDict(value, protobuf.parse(b""))
    read = message.resource_spans[0].scope_spans[0].spans[0]
    read.trace_id, read.span_id = b"\x11" * 16, b"\x22" * 8

    assert exact(protobuf.decode(message.SerializeToString())) == exact([span])


def test_ids_in_upper_case_come_back_in_lower_case():
    [span] = json.from_value(_envelope(SPAN))
    assert (span.trace_id, span.span_id) == ("5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174")


def test_ids_in_base64_and_enums_by_name_are_read():
    span = {
        "traceId": "W47/95gDgQPSabYzgT/GDA==",
        "spanId": "7uGbfsPBsXQ=",
        "kind": "SPAN_KIND_SERVER",
        "status": {"code": "STATUS_CODE_ERROR"},
    }
    [read] = json.from_value({"batches": [{"scopeSpans": [{"spans": [span]}]}]})
    assert (read.trace_id, read.span_id) == ("5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174")
    assert (read.kind, read.status.code) == (SpanKind.SERVER, StatusCode.ERROR)


@pytest.mark.parametrize(
    "envelope",
    [
        {"result": _envelope(SPAN)},
        {"trace": _envelope(SPAN), "status": "PARTIAL"},
        {"data": [_envelope(SPAN)]},
        [_envelope(SPAN)],
        {"batches": _envelope(SPAN)["resourceSpans"]},
        _envelope(SPAN, key="instrumentationLibrarySpans"),
    ],
    ids=["jaeger", "tempo-v2", "data", "list", "tempo-v1", "before-0.15"],
)
def test_every_envelope_of_a_back_end_is_opened(envelope):
    assert [span.name for span in json.from_value(envelope)] == ["GET"]


def test_numbers_are_read_as_numbers_and_as_strings():
    span = {**SPAN, "startTimeUnixNano": 17, "endTimeUnixNano": "18", "flags": 257}
    span["attributes"] = [{"key": "n", "value": {"intValue": 5}}, {"key": "s", "value": {"intValue": "6"}}]
    [read] = json.from_value(_envelope(span))
    assert (read.start_unix_nano, read.end_unix_nano, read.flags) == (17, 18, 257)
    assert read.attributes == {"n": 5, "s": 6}


def test_unknown_fields_and_unknown_kinds_of_value_are_passed_over():
    span = {**SPAN, "kind": 99, "surprise": [], "attributes": [{"key": "new", "value": {"futureValue": 1}}]}
    [read] = json.from_value(_envelope(span))
    assert (read.kind, read.attributes) == (SpanKind.UNSPECIFIED, {"new": None})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "nonsense",
        "[" * 100_000,
        "7",
        '"text"',
        '{"resourceSpans": 7}',
        '{"resourceSpans": {"a": 1}}',
        '{"resourceSpans": [7]}',
        '{"somethingElse": []}',
        standard_json.dumps(_envelope({**SPAN, "traceId": "xyz"})),
        standard_json.dumps(_envelope({**SPAN, "traceId": 5})),
        standard_json.dumps(_envelope({**SPAN, "name": ["a"]})),
        standard_json.dumps(_envelope({**SPAN, "startTimeUnixNano": "soon"})),
        standard_json.dumps(_envelope({**SPAN, "startTimeUnixNano": -1})),
        standard_json.dumps(_envelope({**SPAN, "startTimeUnixNano": 2**64})),
        standard_json.dumps(_envelope({**SPAN, "startTimeUnixNano": float("inf")})),
        standard_json.dumps(_envelope({**SPAN, "flags": 2**32})),
        standard_json.dumps(_envelope({**SPAN, "attributes": "abc"})),
        standard_json.dumps(_envelope({**SPAN, "attributes": [{"key": "k", "value": "v"}]})),
        standard_json.dumps(_envelope({**SPAN, "attributes": [{"key": "k", "value": {"intValue": 2**64}}]})),
        standard_json.dumps(_envelope({**SPAN, "attributes": [{"key": "k", "value": {"bytesValue": "*"}}]})),
        standard_json.dumps(_envelope({**SPAN, "attributes": [{"key": "k", "value": {"boolValue": "yes"}}]})),
        standard_json.dumps(_envelope({**SPAN, "name": "\ud800"})),
    ],
)
def test_what_is_not_otlp_json_is_refused_with_a_reason(text):
    with pytest.raises(DecodeError) as caught:
        json.decode(text)
    assert str(caught.value).startswith("This is ")
    assert len(str(caught.value)) < 200


def test_a_zero_that_is_text_is_kept():
    span = Span("1" * 32, "2" * 16, name="0", trace_state="0")
    assert exact(json.decode(json.encode([span]))) == exact([span])
