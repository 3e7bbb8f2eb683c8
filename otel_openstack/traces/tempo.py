"""Tempo as a source of traces: ``tempo+http://HOST:3200``, or ``tempo+https://``.

A trace is read as protobuf (``/api/v2/traces``) as soon as Tempo has it; the search (``/api/search``, TraceQL) sees it
some seconds later, when its ingester has cut it. A search covers a limited time, a week unless the operator has set
``query_frontend.search.max_duration``, and so it is asked week by week, the latest first.
"""

from __future__ import annotations

import itertools
import json as stdlib_json
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import requests
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf.message import DecodeError as ProtobufError

from otel_openstack import attributes as names
from otel_openstack.exceptions import DecodeError, SourceError
from otel_openstack.otlp import Span, json, protobuf
from otel_openstack.traces import TraceSummary
from otel_openstack.traces.back_end import BackEnd
from otel_openstack.traces.http_api import PROTOBUF
from otel_openstack.traces.identifiers import is_hex, normalize, spellings
from otel_openstack.traces.lookup import group_by_trace, summarize

_MOST = 1000  # traces that a search asks for
_WINDOW_SECONDS = 7 * 86400 - 3600  # query_frontend.search.max_duration is a week, if nobody set it
_AHEAD_SECONDS = 3600  # clocks of services may be
_DEFAULT_LIMIT = 2048  # distributor.max_attribute_bytes
_LIMIT = re.compile(r"^distributor:$.*?^    max_attribute_bytes: ([0-9]+)$", re.MULTILINE | re.DOTALL)
_PARTIAL = 1  # tempopb.PartialStatus

_BODIES = (
    (
        names.HTTP_REQUEST_BODY_CONTENT,
        names.HTTP_REQUEST_BODY_SIZE,
        names.OPENSTACK_HTTP_REQUEST_BODY_PREVIEWED,
        names.OPENSTACK_DOCUMENT_REQUEST_GAP,
    ),
    (
        names.HTTP_RESPONSE_BODY_CONTENT,
        names.HTTP_RESPONSE_BODY_SIZE,
        names.OPENSTACK_HTTP_RESPONSE_BODY_PREVIEWED,
        names.OPENSTACK_DOCUMENT_RESPONSE_GAP,
    ),
)

# tempopb.TraceByIDResponse: the fields that tell of the trace
_DESCRIPTOR = """
name: "otel_openstack/tempo.proto" package: "otel_openstack.tempo" syntax: "proto3"
message_type {
  name: "TraceByIDResponse"
  field { name: "trace" number: 1 type: TYPE_BYTES label: LABEL_OPTIONAL }
  field { name: "status" number: 3 type: TYPE_INT32 label: LABEL_OPTIONAL }
  field { name: "message" number: 4 type: TYPE_STRING label: LABEL_OPTIONAL }
}
"""


class Tempo(BackEnd):
    """A :class:`~otel_openstack.traces.TraceSource` over Tempo's query frontend."""

    name, port = "Tempo", 3200

    def trace(self, trace_id: str) -> Sequence[Span]:
        """Return every span of a trace; empty when the trace is unknown."""
        key = normalize(trace_id)
        if not is_hex(key, 32):
            return ()
        path = f"/api/v2/traces/{key}"
        response = self._api.get(path, {}, accept=PROTOBUF)
        if response.status_code == 404:  # Tempo before 2.7 has no version 2, which knows no 404 either
            path = f"/api/traces/{key}"
            response = self._api.get(path, {}, accept=PROTOBUF)
            if response.status_code == 404:
                return ()
        return self._mark_cut_values(key, group_by_trace(self._decode(path, response)).get(key, []))

    def summaries(
        self, *, service: str | None = None, since_unix_nano: int = 0, limit: int = 20
    ) -> Sequence[TraceSummary]:
        """Return the latest traces, latest first; see :class:`~otel_openstack.traces.TraceSource`.

        Tempo's search rounds times to milliseconds and does not tell all services, so each trace is read.
        """
        condition = "" if service is None else f"resource.service.name = {_quoted(service)}"
        latest: dict[str, TraceSummary] = {}
        for found in self._search(condition, limit, since_unix_nano):
            for number, (trace_id, _) in enumerate(found, 1):
                self._progress(f"reading trace {number} of {len(found)}")
                if trace_id not in latest and (spans := self.trace(trace_id)):
                    latest[trace_id] = summarize(trace_id, spans)
            if len(latest) >= limit:
                break
        in_order = sorted(latest.values(), key=lambda summary: summary.start_unix_nano, reverse=True)
        return [summary for summary in in_order if summary.start_unix_nano >= since_unix_nano][:limit]

    def _occurrences(self, key: str) -> Iterator[tuple[str, int]]:
        conditions = [f"span.{name} = {_quoted(spelling)}" for name in names.IDENTIFIERS for spelling in spellings(key)]
        if is_hex(key, 16):
            conditions.append(f"span:id = {_quoted(key)}")
        found = list(itertools.chain.from_iterable(self._search(" || ".join(conditions), _MOST)))
        if not found and is_hex(key, 16) and key.startswith("00"):
            self._note(
                "Tempo's search does not find span ids that begin with 00 (seen in 2.8): look for the trace's id or a"
                " request id."
            )
        yield from found

    def _search(self, condition: str, limit: int, since_unix_nano: int = 0) -> Iterator[list[tuple[str, int]]]:
        """Yield id and start of the traces of each week, the latest week first."""
        now = int(time.time())
        oldest = max(now - self._settings.lookback, since_unix_nano // 10**9, 1)
        for end in range(now + _AHEAD_SECONDS, oldest, -_WINDOW_SECONDS):
            begin = max(oldest, end - _WINDOW_SECONDS)
            self._progress(f"searching from {time.strftime('%Y-%m-%d %H:%M', time.localtime(begin))}")
            response = self._api.get(
                "/api/search",
                {
                    "q": f"{{ {condition} }} with (most_recent=true)",
                    "start": begin,
                    "end": end,
                    "limit": limit,
                    "spss": 1,
                },
            )
            if response.status_code == 404:
                raise self._api.refusal(response)
            traces = self._traces(response)
            if len(traces) >= _MOST:
                self._note(f"Only {_MOST} traces of a week were searched: shorten OTEL_OPENSTACK_SOURCE_LOOKBACK.")
            # An id lacks its leading zeros there
            yield [(trace["traceID"].zfill(32), int(trace.get("startTimeUnixNano", 0))) for trace in traces]

    def _traces(self, response: requests.Response) -> list[dict[str, Any]]:
        try:
            traces = response.json().get("traces")
        except (ValueError, AttributeError) as error:
            raise self._api.nonsense(response, "JSON") from error
        return traces or []

    def _decode(self, path: str, response: requests.Response) -> Iterable[Span]:
        data = response.content
        try:
            if "/v2/" in path:
                answer = TraceByIDResponse.FromString(data)
                if answer.status == _PARTIAL:
                    self._note(
                        f"Tempo gives a part of the trace only: {answer.message or 'it is too large'}. Raise"
                        " max_bytes_per_trace in its overrides."
                    )
                data = answer.trace
            return protobuf.decode(data)
        except (ProtobufError, DecodeError):
            # Tempo cuts values between any two bytes, and what is no UTF-8 then is no protobuf; its JSON mends that
            return self._decode_json(path)

    def _decode_json(self, path: str) -> Iterable[Span]:
        response = self._api.get(path, {})
        try:
            return json.decode(response.content)
        except DecodeError as error:
            raise self._api.nonsense(response, "OTLP") from error

    def _mark_cut_values(self, trace_id: str, spans: Sequence[Span]) -> Sequence[Span]:
        """Note values that are as long as the limit leaves them: Tempo itself does not say that it cut any."""
        sizes = [
            len(_bytes_of(value))
            for span in spans
            for attributes in (span.attributes, span.resource.attributes)
            for value in attributes.values()
            if isinstance(value, str)
        ]
        limit = max(sizes, default=0)
        if limit not in (_DEFAULT_LIMIT, self._limit if limit > _DEFAULT_LIMIT else None):
            return spans
        self._note(
            f"{sizes.count(limit)} values of trace {trace_id} end exactly at {limit} bytes, so Tempo has cut them:"
            " raise max_attribute_bytes of its distributor."
        )
        return [_with_gaps(span, limit) for span in spans]

    @cached_property
    def _limit(self) -> int | None:
        """The limit that Tempo tells, where its configuration may be read."""
        try:
            response = self._api.get("/status/config", {}, accept="*/*")
        except SourceError:
            return None
        told = _LIMIT.search(response.text)
        return int(told[1]) if told else None


def _with_gaps(span: Span, limit: int) -> Span:
    """Mark the bodies that were cut: how much is shown where the size is known, a sentence where it is not."""
    marks: dict[str, int | str] = {}
    for content, size, previewed, gap in _BODIES:
        value = span.attributes.get(content)
        if isinstance(value, str) and len(_bytes_of(value)) == limit:
            marks |= {previewed: limit} if size in span.attributes else {gap: "Tempo has cut its body."}
    return replace(span, attributes={**span.attributes, **marks}) if marks else span


def _bytes_of(text: str) -> bytes:
    """Return the bytes that Tempo counted; a character that it cut in two has become one or more U+FFFD."""
    whole = text.rstrip("\ufffd")
    return whole.encode() + b"?" * (len(text) - len(whole))


def _quoted(text: str) -> str:
    """Return a text as a string of TraceQL, whose escapes are Go's: those of JSON, for what can be printed."""
    return stdlib_json.dumps(text, ensure_ascii=False)


def _message_class() -> Any:
    pool = descriptor_pool.DescriptorPool()
    pool.Add(text_format.Parse(_DESCRIPTOR, descriptor_pb2.FileDescriptorProto()))
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("otel_openstack.tempo.TraceByIDResponse"))


TraceByIDResponse = _message_class()
