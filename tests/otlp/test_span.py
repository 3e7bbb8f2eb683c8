from __future__ import annotations

import pytest

from otel_openstack.otlp import Resource, Span, group_by_origin


@pytest.mark.parametrize(
    ("trace_id", "span_id", "valid"),
    [
        ("1" * 32, "2" * 16, True),
        ("0" * 32, "2" * 16, False),
        ("1" * 32, "0" * 16, False),
        ("", "", False),
        ("1" * 31, "2" * 16, False),
        ("g" * 32, "2" * 16, False),
        (" 1" * 16, "2" * 16, False),
    ],
)
def test_ids_are_valid_when_w3c_says_so(trace_id, span_id, valid):
    assert Span(trace_id, span_id).has_valid_ids is valid


@pytest.mark.parametrize("attributes", [{}, {"service.name": ""}, {"service.name": 5}])
def test_a_service_without_a_name_is_called_as_the_sdks_call_it(attributes):
    assert Resource(attributes).service_name == "unknown_service"


def test_a_span_is_of_the_service_that_its_resource_names():
    assert Span("1" * 32, "2" * 16, resource=Resource({"service.name": "keystone"})).service_name == "keystone"


def test_spans_are_grouped_in_order_of_first_appearance():
    one, two = Resource({"service.name": "one"}), Resource({"service.name": "two"})
    spans = [Span("1" * 32, f"{n:016x}", resource=resource) for n, resource in enumerate((two, one, two), start=1)]

    grouped = group_by_origin(iter(spans))

    assert [resource for resource, _ in grouped] == [two, one]
    assert [span.span_id for span in grouped[0][1][0][1]] == [f"{1:016x}", f"{3:016x}"]
