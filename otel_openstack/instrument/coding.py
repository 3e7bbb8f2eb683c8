"""Content codings taken off the beginning of a body (RFC 9110, 8.4.1), never for more than a bounded result.

A preview of a few kilobytes may stand for gigabytes: what a coding is taken off is bounded on its way out, not after.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any

_MAX_WINDOW = 8 * 1024 * 1024  # RFC 9659: what a decoder must support for content codings, and need not exceed

Decoded = tuple[bytes, int, bool]
"""What came out, how many of the coded bytes were used for it, and whether that was the end."""

Decoder = Callable[[bytes, int], Decoded]
"""Takes the coding off bytes, whose end may be missing, until so many have come out; raises :class:`CodingError`."""


class CodingError(ValueError):
    """The bytes are not what they are said to be, or end before anything comes out of them."""


def decoder_of(encoding: str) -> Decoder | None:
    """Return what takes a coding off, ``None`` for those that are unknown or whose library is not installed.

    :param encoding: value of Content-Encoding in lower case.
    """
    find = _CODINGS.get(encoding)
    return None if find is None else find()


def _gzip() -> Decoder:
    return lambda data, limit: _inflate(data, limit, 16 + zlib.MAX_WBITS)


def _deflate() -> Decoder:
    def decode(data: bytes, limit: int) -> Decoded:
        try:
            return _inflate(data, limit, zlib.MAX_WBITS)
        except CodingError:  # some leave the zlib format away, and everybody reads it
            return _inflate(data, limit, -zlib.MAX_WBITS)

    return decode


def _inflate(data: bytes, limit: int, window: int) -> Decoded:
    inflater = zlib.decompressobj(window)
    try:
        decoded = inflater.decompress(data, limit)
    except zlib.error as error:
        raise CodingError from error
    return decoded, len(data) - len(inflater.unconsumed_tail), inflater.eof


def _zstd() -> Decoder | None:
    zstandard = _module("zstandard")
    if zstandard is None:
        return None

    def decode(data: bytes, limit: int) -> Decoded:
        coded = io.BytesIO(data)
        reader = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).stream_reader(coded, read_size=256)
        try:
            decoded = reader.read(limit)
            is_all = not reader.read(1)
        except zstandard.ZstdError as error:
            raise CodingError from error
        if data and not decoded:  # it comes in blocks of up to 128 KiB, whole or not at all
            raise CodingError
        return decoded, coded.tell(), is_all

    return decode


def _brotli() -> Decoder | None:
    brotli = _module("brotli") or _module("brotlicffi")
    if brotli is None:
        return None
    try:
        brotli.Decompressor().process(b"", output_buffer_limit=1)
    except TypeError:  # before 1.2 nothing bounds what comes out
        return None

    def decode(data: bytes, limit: int) -> Decoded:
        decompressor = brotli.Decompressor()
        try:
            decoded: bytes = decompressor.process(data, output_buffer_limit=limit)
        except brotli.error as error:
            raise CodingError from error
        return decoded[:limit], len(data), decompressor.is_finished()

    return decode


@lru_cache(maxsize=8)
def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        return None


_CODINGS: dict[str, Callable[[], Decoder | None]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "zstd": _zstd,  # RFC 8878
    "br": _brotli,  # RFC 7932
}
