"""Streams that are looked at while somebody else reads them: what is not read is not read by us.

Each is a transparent proxy, so whatever else the stream can do it still does: a server's own input object
(``Expect: 100-continue`` of eventlet among it), an open file, a response of urllib3.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any

import wrapt
from opentelemetry.context import Context, create_key, get_value, set_value
from wrapt import ObjectProxy

from otel_openstack.instrument.guard import never_raises
from otel_openstack.instrument.preview import Preview

if TYPE_CHECKING:
    _Proxy = ObjectProxy[Any]
else:
    _Proxy = ObjectProxy

_CHUNKS = create_key("otel_openstack.chunks")


class ObservedFile(_Proxy):
    """A file-like object whose bytes a preview sees: ``wsgi.input``, or the body of a request that is sent.

    :param feed: called with every piece that passes; must not raise.
    """

    def __init__(self, stream: object, feed: Callable[[Any], object]) -> None:
        super().__init__(stream)
        self._self_feed = feed

    def read(self, *args: Any, **kwargs: Any) -> Any:
        """Read as the stream does."""
        data = self.__wrapped__.read(*args, **kwargs)
        self._self_feed(data)
        return data

    def readline(self, *args: Any) -> Any:
        """Read a line as the stream does."""
        line = self.__wrapped__.readline(*args)
        self._self_feed(line)
        return line

    def readlines(self, *args: Any) -> Any:
        """Read lines as the stream does."""
        lines = self.__wrapped__.readlines(*args)
        for line in lines:
            self._self_feed(line)
        return lines

    def __iter__(self) -> Iterator[Any]:
        for line in self.__wrapped__:
            self._self_feed(line)
            yield line

    def __next__(self) -> Any:
        line = next(self.__wrapped__)
        self._self_feed(line)
        return line


class ObservedBufferedFile(ObservedFile):
    """The same for a buffered reader, which has two more ways of reading."""

    def read1(self, *args: Any) -> bytes:
        """Read as the stream does."""
        data: bytes = self.__wrapped__.read1(*args)
        self._self_feed(data)
        return data

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer as the stream does."""
        count: int = self.__wrapped__.readinto(buffer)
        _feed_from(self._self_feed, buffer, count)
        return count


class ObservedIterator(_Proxy):
    """An iterator or iterable of pieces, observed; it has a length only if the original has one."""

    def __init__(self, pieces: object, feed: Callable[[Any], object]) -> None:
        super().__init__(pieces)
        self._self_feed = feed

    def __iter__(self) -> Iterator[Any]:
        for piece in self.__wrapped__:
            self._self_feed(piece)
            yield piece

    def __next__(self) -> Any:
        piece = next(self.__wrapped__)
        self._self_feed(piece)
        return piece


OBSERVED = ObservedFile, ObservedBufferedFile, ObservedIterator
"""What a body may be replaced by."""


@never_raises
def _feed_from(feed: Callable[[Any], object], buffer: Any, count: int) -> None:
    feed(memoryview(buffer).cast("B")[: count or 0])


def observed_body(body: Any, preview: Preview) -> Any:
    """Show the preview a body: at once where it lies in memory, else return what shows it as it is sent."""
    if isinstance(body, str):
        preview.feed(body)
        return None
    if hasattr(body, "read"):
        return observed_file(body, preview)
    try:
        preview.feed(memoryview(body).cast("B"))
    except TypeError:
        return ObservedIterator(body, preview.feed)
    return None


def observed_file(stream: Any, preview: Preview) -> ObservedFile:
    """Return the file-like object so that the preview sees what is read from it."""
    return (ObservedBufferedFile if hasattr(stream, "readinto") else ObservedFile)(stream, preview.feed)


def beginning(file: Any, limit: int) -> bytes:
    """Return the next bytes of a file that somebody else will send, without moving it; none of what has no place."""
    try:
        if isinstance(file, BytesIO):
            return bytes(file.getbuffer()[file.tell() :][:limit])
        return os.pread(file.fileno(), limit, file.tell())
    except (AttributeError, OSError, ValueError):
        return b""


@never_raises
def observe_chunks_of_uwsgi() -> None:
    """Have ``uwsgi.chunked_read`` observed, the only way to a body in chunks there: ``wsgi.input`` does not give it."""
    uwsgi: Any = sys.modules.get("uwsgi")

    def read(wrapped: Callable[..., Any], _instance: object, args: Any, kwargs: Any) -> Any:
        piece = wrapped(*args, **kwargs)
        feed: Any = get_value(_CHUNKS)
        if feed is not None and piece:
            feed(piece)
        return piece

    for name in ("chunked_read", "chunked_read_nb"):
        function = getattr(uwsgi, name, None)
        if function is not None and not hasattr(function, "__wrapped__"):
            wrapt.wrap_function_wrapper(uwsgi, name, read)


def feeding_from_uwsgi(preview: Preview, context: Context) -> Context:
    """Return the context of a request so that the preview sees the chunks that are read in it."""
    return set_value(_CHUNKS, preview.feed, context) if "uwsgi" in sys.modules else context
