"""Files that the Collector's file exporter wrote, as a source of traces.

Files are read anew by every call, for they may still grow or be rotated, and a message at a time, for they may be
large. A message is decoded only when the id that is looked for occurs in its bytes: that test costs next to nothing
beside decoding, and so no index has to be made.
"""

from __future__ import annotations

import base64
import io
import itertools
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from otel_openstack.exceptions import DecodeError, SourceError
from otel_openstack.otlp import Attributes, Span, json
from otel_openstack.traces import TraceSummary
from otel_openstack.traces.identifiers import identifiers_of, is_hex, normalize
from otel_openstack.traces.lookup import summarize
from otel_openstack.traces.otlp_framing import Message, is_json, read_messages

STANDARD_INPUT = "-"

_Test = Callable[[bytes], bool]

_NONE: Attributes = {}
_DIGITS = re.compile("[0-9]+")
_ENDS = (b"}\n", b"}\r\n")  # of a line that may be whole
_BUFFER_BYTES = 1024**2  # lines are long


class OtlpFiles:
    """A :class:`~otel_openstack.traces.TraceSource` over files of OTLP.

    :param names: a file, a folder (every file in it), a glob, or ``-`` for standard input.
    :raises SourceError: there is no such file.
    """

    def __init__(self, names: str) -> None:
        self._names = names
        self._opened = ExitStack()
        self._damage: tuple[str, ...] = ()
        if names == STANDARD_INPUT:
            # A pipe can be read once only, and a question may take two passes
            copy = Path(self._opened.enter_context(tempfile.TemporaryDirectory()), "standard input")
            with copy.open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
            self._names = str(copy)
        self._paths()

    @property
    def damage(self) -> tuple[str, ...]:
        """One sentence for each line, record or file that the last call could not read."""
        return self._damage

    def trace(self, trace_id: str) -> Sequence[Span]:
        """Return every span of a trace; empty when the trace is unknown."""
        key = normalize(trace_id)
        if not is_hex(key, 32):
            return ()
        found: dict[str, Span] = {}
        for span in self._spans(_mentions(key)):
            if span.trace_id == key:
                found.setdefault(span.span_id, span)
        return list(found.values())

    def find(self, identifier: str) -> Sequence[str]:
        """Return the ids of the traces that an id occurs in, latest first."""
        key = normalize(identifier)
        starts: dict[str, int] = {}
        for span in self._spans(_mentions(key)):
            if span.has_valid_ids and key in identifiers_of(span):
                starts[span.trace_id] = min(span.start_unix_nano, starts.get(span.trace_id, span.start_unix_nano))
        return sorted(starts, key=lambda trace_id: starts[trace_id], reverse=True)

    def summaries(
        self, *, service: str | None = None, since_unix_nano: int = 0, limit: int = 20
    ) -> Sequence[TraceSummary]:
        """Return the latest traces, latest first; see :class:`~otel_openstack.traces.TraceSource`."""
        traces: dict[str, dict[str, Span]] = {}
        texts: dict[str, str] = {}
        for span in self._spans(lambda _: True):
            if span.has_valid_ids:
                # Only what a summary is made from, and each text once: a large file has millions of spans
                trace_id = texts.setdefault(span.trace_id, span.trace_id)
                slim = Span(
                    trace_id,
                    span.span_id,
                    span.parent_span_id,
                    texts.setdefault(span.name, span.name),
                    start_unix_nano=span.start_unix_nano,
                    end_unix_nano=span.end_unix_nano,
                    attributes=_NONE,
                    resource=span.resource,
                )
                traces.setdefault(trace_id, {}).setdefault(span.span_id, slim)
        summaries = [summarize(trace_id, list(spans.values())) for trace_id, spans in traces.items()]
        chosen = [
            summary
            for summary in sorted(summaries, key=lambda summary: summary.start_unix_nano, reverse=True)
            if summary.start_unix_nano >= since_unix_nano and (service is None or service in summary.services)
        ]
        return chosen[:limit]

    def close(self) -> None:
        """Let go of what was read from standard input; a second call does nothing."""
        self._opened.close()

    def __enter__(self) -> OtlpFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _spans(self, wanted: _Test) -> Iterator[Span]:
        """Yield the spans of the messages that are wanted, and note what is damaged on the way."""
        damage: list[str] = []
        for message in itertools.chain.from_iterable(map(_messages, self._paths())):
            if message.problem:
                damage.append(f"{message.where} {message.problem}")
                continue
            try:
                spans = _decode(message, wanted)
            except DecodeError as error:
                damage.append(_describe(message, error))
            else:
                yield from spans
        self._damage = tuple(damage)

    def _paths(self) -> list[Path]:
        """Return the files that there are now: rotation makes new ones."""
        path = Path(self._names)
        if path.is_dir():
            return sorted(entry for entry in path.iterdir() if entry.is_file() and not entry.name.startswith("."))
        if path.exists():
            return [path]
        relative = self._names.removeprefix(path.anchor)
        found = sorted(Path(path.anchor).glob(relative)) if any(wild in relative for wild in "*?[") else []
        if not found:
            raise SourceError(
                f"There is no file {self._names}.",
                hint="A source is a .db store, or a file, folder or glob of the Collector's file exporter, or -.",
            )
        return [entry for entry in found if entry.is_file()]


def _messages(path: Path) -> Iterator[Message]:
    try:
        with io.BufferedReader(path.open("rb", buffering=0), _BUFFER_BYTES) as file:
            yield from read_messages(file, path.name)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.", hint="May you read it?") from error


def _mentions(key: str) -> _Test:
    """Return a test of whether bytes can hold an id; it may say yes in vain, but never no.

    An id may stand there in any case, but changing the case of a gigabyte takes longer than all else. Digits have none:
    where the most of them that stand in a row do not occur, neither does the id.
    """
    groups = [key[:8], key[8:12], key[12:16], key[16:20], key[20:]] if is_hex(key, 32) else [key]
    in_lower_case = [key.encode(), "-".join(groups).encode()]
    digits = max((run for group in groups for run in _DIGITS.findall(group)), key=len, default="").encode()
    # As protobuf has it, and as some back ends' JSON does
    raw = bytes.fromhex(key) if is_hex(key, 32) or is_hex(key, 16) else key.encode()
    as_base64 = base64.b64encode(raw)

    def test(data: bytes) -> bool:
        if digits in data:
            lower = data.lower()
            if any(text in lower for text in in_lower_case):
                return True
        return as_base64 in data if is_json(data) else raw in data

    return test


def _decode(message: Message, wanted: _Test) -> list[Span]:
    """Decode a message that is wanted, and make sure of any other that it could be decoded."""
    data = message.data
    if is_json(data):
        looks_whole = b'"resourceSpans"' in data and data.endswith(_ENDS) and not message.is_last_line
        return json.decode(data) if wanted(data) or not looks_whole else []
    # Not before it is needed: most files are JSON
    from otel_openstack.otlp import protobuf

    parsed = protobuf.parse(data)
    if not wanted(data):
        return []
    return [span for resource_spans in parsed.resource_spans for span in protobuf.from_resource_spans(resource_spans)]


def _describe(message: Message, error: DecodeError) -> str:
    if message.is_last_line:
        return f"{message.where}, the last one, is torn: it has no end."
    return f"{message.where} is not OTLP{' JSON' if is_json(message.data) else ''}: {error.__cause__}."
