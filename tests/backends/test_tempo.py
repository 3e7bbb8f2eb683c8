"""Tempo, the real one, keeps the contract of a source."""

from __future__ import annotations

import uuid
from contextlib import closing
from dataclasses import replace

import pytest

from otel_openstack.exceptions import SourceError
from otel_openstack.settings import SourceSettings
from otel_openstack.traces.otlp_sink import OtlpSink
from otel_openstack.traces.tempo import Tempo
from tests.backends.programs import until
from tests.traces.contract import OPENSTACK_ID, SPANS, T0, TRACE, SourceContract


def _silent(_):
    """Say nothing."""


@pytest.fixture
def keep(tempo_server):
    def keep(spans):
        settings = SourceSettings(headers=(("X-Scope-OrgID", uuid.uuid4().hex),))
        with closing(OtlpSink(tempo_server.otlp_http, settings)) as sink:
            sink.write(spans)
        source = Tempo(tempo_server.api, settings, progress=_silent)
        searchable = [span for span in spans if 0 <= span.start_unix_nano - T0 < 10**9]
        until(lambda: all(span.trace_id in source.find(span.span_id) for span in searchable), what="the search")
        return source

    return keep


class TestTempo(SourceContract):
    def kept(self, span):
        """Tempo's blocks have no column for flags, and an order of attributes of their own."""
        links = tuple(replace(link, flags=0, attributes=_sorted(link.attributes)) for link in span.links)
        events = tuple(replace(event, attributes=_sorted(event.attributes)) for event in span.events)
        resource = replace(span.resource, attributes=_sorted(span.resource.attributes))
        return replace(
            span, flags=0, links=links, events=events, resource=resource, attributes=_sorted(span.attributes)
        )


def _sorted(attributes):
    return dict(sorted(attributes.items()))


def test_who_names_no_tenant_is_told_to(tempo_server):
    with (
        closing(Tempo(tempo_server.api, SourceSettings(), progress=_silent)) as source,
        pytest.raises(SourceError, match=r"answered 401 Unauthorized: no org id\.") as caught,
    ):
        source.trace(TRACE)
    assert "OTEL_OPENSTACK_SOURCE_HEADERS" in caught.value.hint


def test_another_tenant_does_not_see_the_trace(keep, tempo_server):
    other = SourceSettings(headers=(("X-Scope-OrgID", "other"),))
    with closing(keep(SPANS)), closing(Tempo(tempo_server.api, other, progress=_silent)) as source:
        assert list(source.trace(TRACE)) == []
        assert list(source.find(OPENSTACK_ID)) == []
