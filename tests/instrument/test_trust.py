"""Whose trace context is believed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from opentelemetry import baggage

from otel_openstack.instrument.wsgi import ObservedApplication
from otel_openstack.settings import Settings
from tests.instrument.calls import ID, answering, environ_of
from tests.instrument.harness import Spans

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("setting", "peer", "believed"),
    [
        ("always", "", True),
        ("never", "127.0.0.1", False),
        ("10.0.0.0/8, 127.0.0.0/8", "127.0.0.1", True),
        ("10.0.0.0/8", "127.0.0.1", False),
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.0/8", "::ffff:10.1.2.3", True),
        ("fe80::/10", "fe80::1%eth0", True),
        ("10.0.0.0/8", "", False),
        ("10.0.0.0/8", "unix:", False),
    ],
)
@pytest.mark.parametrize("ids", ["traceparent", "requestshook"])
def test_a_context_that_is_not_believed_is_a_link(
    setting: str, peer: str, believed: bool, ids: str, spans: Spans
) -> None:
    """It is no parent, and its baggage is nobody's."""
    sent = {"HTTP_TRACEPARENT": TRACEPARENT} if ids == "traceparent" else {"HTTP_X_REQUESTSHOOK_REQUEST_ID": ID}
    baggages = []

    def application(environ: object, start_response: Callable[..., object]) -> list[bytes]:
        baggages.append(baggage.get_all())
        return answering([])(environ, start_response)  # type: ignore[no-any-return]

    ObservedApplication(application, Settings(trust_incoming=setting))(
        environ_of(**sent, HTTP_BAGGAGE="a=b", REMOTE_ADDR=peer), lambda *_arguments: lambda _data: None
    )
    span = spans.one()
    remote = int("4bf92f3577b34da6a3ce929d0e0e4736" if ids == "traceparent" else ID, 16)
    assert span.context is not None
    assert (span.context.trace_id == remote) is believed
    assert (span.parent is not None) is believed
    assert [link.context.trace_id for link in span.links] == ([] if believed else [remote])
    assert baggages == [{"a": "b"} if believed else {}]
