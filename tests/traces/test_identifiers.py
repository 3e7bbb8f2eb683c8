from __future__ import annotations

import pytest

from otel_openstack.otlp import Span
from otel_openstack.traces.identifiers import identifiers_of, is_hex, normalize


@pytest.mark.parametrize(
    ("written", "compared"),
    [
        ("8F3D0A5E-00C1-4F4B-9D1F-7C2A6B3E4D5F", "8f3d0a5e00c14f4b9d1f7c2a6b3e4d5f"),
        ("8f3d0a5e00c14f4b9d1f7c2a6b3e4d5f", "8f3d0a5e00c14f4b9d1f7c2a6b3e4d5f"),
        (" EEE19B7EC3C1B174\n", "eee19b7ec3c1b174"),
        ("req-8F3D0A5E-00C1-4F4B-9D1F-7C2A6B3E4D5F", "req-8f3d0a5e-00c1-4f4b-9d1f-7c2a6b3e4d5f"),
        ("tx-some-swift-id", "tx-some-swift-id"),
        ("", ""),
    ],
)
def test_an_id_has_one_spelling(written, compared):
    assert normalize(written) == compared


@pytest.mark.parametrize("text", ["0" * 31, "g" * 32, "٣" * 32, ""])
def test_what_is_no_hex_is_no_hex(text):
    assert not is_hex(text, 32)


def test_a_span_answers_to_its_own_ids_and_to_those_it_carries():
    span = Span(
        "1" * 32,
        "2" * 16,
        attributes={"openstack.request_id": "REQ-A", "openstack.global_request_id": 7, "other": "no"},
    )
    assert list(identifiers_of(span)) == ["1" * 32, "2" * 16, "req-a"]
