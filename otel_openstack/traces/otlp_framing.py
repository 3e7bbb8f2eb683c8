"""Where one OTLP message ends and the next begins in a file of the Collector's exporter.

=====================  =============================================================================
exporter's settings    what is in the file
=====================  =============================================================================
``format: json``       one JSON ``TracesData`` a line
``format: proto``      4 bytes of length (big-endian), then a protobuf ``TracesData``; again and again
with ``compression``   the framing of the latter for either format, each message a zstd frame
nativeCompression      one zstd stream around either format
=====================  =============================================================================

What a file is, its first bytes tell, not its name.
"""

from __future__ import annotations

import importlib
import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from otel_openstack.exceptions import SourceError

MAX_MESSAGE_BYTES = 64 * 1024**2
"""The longest line or record that is read, decompressed."""

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_MAX_ZSTD_WINDOW = 2**27  # as much memory as a zstd stream may ask for


@dataclass(frozen=True, slots=True)
class Message:
    """One line or record of a file.

    :param where: for people: ``line 7 of run.jsonl``.
    :param data: JSON or protobuf, when it could be read.
    :param is_last_line: it has no line end: what cannot be decoded may still be on its way.
    :param problem: why it could not be read: the sentence goes on after ``where``.
    """

    where: str
    data: bytes = b""
    is_last_line: bool = False
    problem: str = ""


def is_json(data: bytes) -> bool:
    """Whether a message is JSON; a protobuf one starts with the tag of its first field, 0x0A.

    That is also white space, and the length behind it may look like a brace: but spans lie in fields with the tag 0x12,
    a character that JSON has to escape.
    """
    return data[:1] != b"\n" or (data.lstrip()[:1] == b"{" and b"\x12" not in data)


def read_messages(file: io.BufferedReader[Any], name: str) -> Iterator[Message]:
    """Yield the messages of a file, a few megabytes of memory at a time.

    :param name: what to call the file in ``where``.
    """
    if file.peek(4)[:4] != _ZSTD_MAGIC:
        yield from _plain(file, name)
        return
    zstandard = _zstandard(name)
    decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW)
    stream = io.BufferedReader(decompressor.stream_reader(file, read_across_frames=True, closefd=False), 1024**2)
    try:
        yield from _plain(stream, name)
    except zstandard.ZstdError as error:
        yield Message(name, problem=f"is damaged from here on: {error}.")


def _plain(file: io.BufferedReader[Any], name: str) -> Iterator[Message]:
    start = file.peek(4)
    # The first bytes of a text, read as a length, are far beyond any limit
    if start.startswith(b"\0") or (len(start) >= 4 and int.from_bytes(start[:4], "big") <= MAX_MESSAGE_BYTES):
        yield from _records(file, name)
    elif start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[", b"") or b'"resourceSpans"' in start:
        yield from _lines(file, name)
    else:
        yield Message(name, problem=f"is no file of OTLP spans: it starts with {start[:12]!r}.")


def _lines(file: io.BufferedReader[Any], name: str) -> Iterator[Message]:
    for number in itertools.count(1):
        line = file.readline(MAX_MESSAGE_BYTES)
        if not line:
            return
        where = f"line {number} of {name}"
        if len(line) == MAX_MESSAGE_BYTES:
            while line and not line.endswith(b"\n"):
                line = file.readline(MAX_MESSAGE_BYTES)
            yield Message(where, problem=f"is longer than {MAX_MESSAGE_BYTES} bytes.")
        elif not line.isspace():
            yield Message(where, line, is_last_line=not line.endswith(b"\n"))


def _records(file: io.BufferedReader[Any], name: str) -> Iterator[Message]:
    for number in itertools.count(1):
        header = file.read(4)
        if not header:
            return
        where = f"record {number} of {name}"
        size = int.from_bytes(header, "big")
        if len(header) == 4 and size > MAX_MESSAGE_BYTES:
            yield Message(where, problem=f"claims to have {size} bytes; nothing after it can be read.")
            return
        data = file.read(size) if len(header) == 4 else b""
        if len(header) < 4 or len(data) < size:
            yield Message(where, problem="is torn: the file ends within it.")
            return
        yield _decompressed(where, data) if data.startswith(_ZSTD_MAGIC) else Message(where, data)


def _decompressed(where: str, data: bytes) -> Message:
    zstandard = _zstandard(where)
    # As a stream, for what a frame says of its own size is not to be relied upon
    decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW)
    try:
        content = decompressor.stream_reader(data, read_across_frames=True).read(MAX_MESSAGE_BYTES + 1)
    except zstandard.ZstdError as error:
        return Message(where, problem=f"is damaged: {error}.")
    if len(content) > MAX_MESSAGE_BYTES:
        return Message(where, problem=f"has more than {MAX_MESSAGE_BYTES} bytes once decompressed.")
    return Message(where, content)


def _zstandard(where: str) -> Any:
    try:
        return importlib.import_module("zstandard")
    except ImportError as error:
        raise SourceError(
            f"{where} is compressed with zstd, for which a package is missing.",
            hint="pip install 'otel-openstack[reader]'.",
        ) from error
