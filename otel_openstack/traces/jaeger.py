"""Jaeger's query service as a source of traces: ``jaeger+http://HOST:16686``, or ``jaeger+https://``.

Spans are read from its API v3, which is OTLP JSON, and always raw: otherwise Jaeger moves their times to hide clock
skew. A search by attributes, though, is only in the API of its own pages (``/api/traces``) up to 2.18 and only in
version 3 from 2.19 on, so both are understood. Jaeger searches one service at a time, compares attributes to the
letter, and cannot search by span id: then the spans of its traces are looked at, latest first.
"""

from __future__ import annotations

import contextlib
import json as stdlib_json
import re
import time
from collections.abc import Iterator, Sequence, Sized
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import requests

from otel_openstack.attributes import (
    HTTP_REQUEST_HEADER_PREFIX,
    HTTP_RESPONSE_HEADER_PREFIX,
    IDENTIFIERS,
    OPENSTACK_HTTP_REQUEST_HEADER_NAMES,
    OPENSTACK_HTTP_RESPONSE_HEADER_NAMES,
)
from otel_openstack.exceptions import DecodeError
from otel_openstack.otlp import AttributeValue, Span, json
from otel_openstack.traces import TraceSummary
from otel_openstack.traces.back_end import BackEnd
from otel_openstack.traces.identifiers import is_hex, normalize, spellings
from otel_openstack.traces.lookup import group_by_trace, start_of, summarize

_MOST = 1000  # traces of one service that a search asks for
_WARNINGS = "@jaeger@warnings"  # where Jaeger notes what it did to a span
_TOO_LARGE = re.compile(r"trace\b.*\bspans|truncat", re.IGNORECASE)
_ELASTICSEARCH_SPANS = 10_000  # its default max_doc_count
_AHEAD_NANO = 3600 * 10**9  # clocks of services may be
_LISTS = (
    HTTP_REQUEST_HEADER_PREFIX,
    HTTP_RESPONSE_HEADER_PREFIX,
    OPENSTACK_HTTP_REQUEST_HEADER_NAMES,
    OPENSTACK_HTTP_RESPONSE_HEADER_NAMES,
)


class Jaeger(BackEnd):
    """A :class:`~otel_openstack.traces.TraceSource` over Jaeger's query service."""

    name, port = "Jaeger", 16686

    def trace(self, trace_id: str) -> Sequence[Span]:
        """Return every span of a trace; empty when the trace is unknown."""
        key = normalize(trace_id)
        if not is_hex(key, 32):
            return ()
        # Every version ignores the spelling that is not its own
        spans = self._spans(f"/api/v3/traces/{key}", {"raw_traces": "true", "rawTraces": "true"})
        found = group_by_trace(spans).get(key, ())
        if len(found) == _ELASTICSEARCH_SPANS:
            self._note(
                f"Jaeger gave exactly {len(found)} spans of trace {key}, so it may hold more: raise max_doc_count of"
                " its Elasticsearch or OpenSearch storage."
            )
        return found

    def summaries(
        self, *, service: str | None = None, since_unix_nano: int = 0, limit: int = 20
    ) -> Sequence[TraceSummary]:
        """Return the latest traces, latest first; see :class:`~otel_openstack.traces.TraceSource`."""
        latest: list[TraceSummary] = []
        wanted = [name for name in self._services() if service in (None, name)]
        for number, name in enumerate(wanted, 1):
            self._progress(f"listing {name}, service {number} of {len(wanted)}")
            traces = self._search(name, limit, since_unix_nano)
            new = (summarize(*item) for item in traces.items() if all(s.trace_id != item[0] for s in latest))
            latest = sorted(
                [*latest, *(summary for summary in new if summary.start_unix_nano >= since_unix_nano)],
                key=lambda summary: summary.start_unix_nano,
                reverse=True,
            )[:limit]
            if len(latest) == limit:
                since_unix_nano = max(since_unix_nano, latest[-1].start_unix_nano)  # older ones would be of no use
        return latest

    def _occurrences(self, key: str) -> Iterator[tuple[str, int]]:
        search = self._by_span_id if is_hex(key, 16) else self._by_attributes
        services = self._services()
        for number, service in enumerate(services, 1):
            self._progress(f"searching {service}, service {number} of {len(services)}")
            yield from search(service, key)

    def _services(self) -> list[str]:
        return [str(name) for name in self._json("/api/v3/services", {}).get("services") or ()]

    def _by_attributes(self, service: str, key: str) -> Iterator[tuple[str, int]]:
        for name in IDENTIFIERS:
            for spelling in spellings(key):
                found = list(self._tagged(service, {name: spelling}))
                self._warn_of_more(service, found)
                yield from found

    def _by_span_id(self, service: str, key: str) -> Iterator[tuple[str, int]]:
        traces = self._search(service, _MOST)
        self._warn_of_more(service, traces)
        for trace_id, spans in traces.items():
            if any(span.span_id == key for span in spans):
                yield trace_id, start_of(spans)

    def _tagged(self, service: str, attributes: dict[str, str]) -> Iterator[tuple[str, int]]:
        """Yield id and start of each trace in which a span of this service has these attributes."""
        begin, end = self._times(0)
        tags = stdlib_json.dumps(attributes)
        response = self._api.get(
            "/api/traces",
            {
                "service": service,
                "tags": tags,
                "start": begin // 1000,
                "end": end // 1000,
                "limit": _MOST,
                "raw": "true",
            },
        )
        if response.status_code == 404 or "json" not in response.headers.get("Content-Type", ""):
            traces = self._search(service, _MOST, attributes=tags)
            yield from ((trace_id, start_of(spans)) for trace_id, spans in traces.items())
            return
        for trace in self._value(response).get("data") or ():
            yield trace["traceID"].zfill(32), min(span["startTime"] for span in trace["spans"]) * 1000

    def _search(
        self, service: str, limit: int, since_unix_nano: int = 0, attributes: str = ""
    ) -> dict[str, list[Span]]:
        begin, end = (_rfc3339(moment) for moment in self._times(since_unix_nano))
        parameters = {
            "query.service_name": service,
            "query.start_time_min": begin,
            "query.start_time_max": end,
            "query.num_traces": str(limit),  # to 2.18
            "query.search_depth": str(limit),
            "query.raw_traces": "true",
        }
        if attributes:
            parameters["query.attributes"] = attributes
        return group_by_trace(self._spans("/api/v3/traces", parameters))

    def _times(self, since_unix_nano: int) -> tuple[int, int]:
        now = time.time_ns()
        return since_unix_nano or max(0, now - self._settings.lookback * 10**9), now + _AHEAD_NANO

    def _warn_of_more(self, service: str, found: Sized) -> None:
        if len(found) >= _MOST:
            self._note(
                f"Only the latest {_MOST} traces of {service} were searched: shorten OTEL_OPENSTACK_SOURCE_LOOKBACK."
            )

    def _spans(self, path: str, parameters: dict[str, str]) -> list[Span]:
        response = self._api.get(path, parameters)
        if response.status_code == 404:
            # It says so in JSON when there is no such trace; any other 404 is not Jaeger's
            if b'"error"' not in response.content:
                raise self._api.refusal(response)
            return []
        try:
            return [self._cleaned(span) for span in _decode(response.content)]
        except DecodeError as error:
            raise self._api.nonsense(response, "OTLP JSON") from error

    def _json(self, path: str, parameters: dict[str, str]) -> dict[str, Any]:
        response = self._api.get(path, parameters)
        if response.status_code == 404:
            raise self._api.refusal(response)
        return self._value(response)

    def _value(self, response: requests.Response) -> dict[str, Any]:
        try:
            value = response.json()
        except ValueError as error:
            raise self._api.nonsense(response, "JSON") from error
        if not isinstance(value, dict):
            raise self._api.nonsense(response, "a JSON object")
        return value

    def _cleaned(self, span: Span) -> Span:
        """Take out what Jaeger added to a span, and put right what its older storages did to lists."""
        attributes = {name: _relisted(name, value) for name, value in span.attributes.items() if name != _WARNINGS}
        warnings = span.attributes.get(_WARNINGS)
        for warning in warnings if isinstance(warnings, tuple) else filter(None, (warnings,)):
            cure = " Raise max_trace_size of jaeger_query." if _TOO_LARGE.search(str(warning)) else ""
            self._note(f"Jaeger says of span {span.span_id} of trace {span.trace_id}: {warning}.{cure}")
        return replace(span, attributes=attributes)


def _relisted(name: str, value: AttributeValue) -> AttributeValue:
    """Return a list where Jaeger gives the JSON text of one: its storages other than memory know no lists."""
    if isinstance(value, str) and value.startswith("[") and name.startswith(_LISTS):
        with contextlib.suppress(ValueError):
            items = stdlib_json.loads(value)
            return tuple(items) if all(isinstance(item, str) for item in items) else value
    return value


def _decode(content: bytes) -> list[Span]:
    """Decode an answer, which may be several JSON objects on end (gRPC gateways stream so)."""
    try:
        return json.decode(content)
    except DecodeError:
        text, decoder = content.decode(errors="replace"), stdlib_json.JSONDecoder()
        spans, at = [], 0
        while at < len(text):
            try:
                value, at = decoder.raw_decode(text, at)
            except ValueError as error:
                raise DecodeError(f"This is not JSON: {error}.") from error
            spans += json.from_value(value)
            at += len(text[at:]) - len(text[at:].lstrip())
        return spans


def _rfc3339(unix_nano: int) -> str:
    seconds, nanos = divmod(unix_nano, 10**9)
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%S}.{nanos:09d}Z"
