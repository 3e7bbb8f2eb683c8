"""An application that answers in every way there is, and a server that gives it what servers give."""

from __future__ import annotations

import gzip
import io
import re
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from wsgiref.simple_server import make_server

import brotli
import zstandard

from tests.instrument.harness import QuietHandler, ThreadingServer

INJECTED = re.compile(rb"(?im)^(?:x-requestshook-[a-z-]+|traceparent|tracestate|baggage|date):.*\r?\n?")
TOKEN = "gAAAAABjsoUBidK_dtSo6s04L6HQ5WB6XDcLhYyaRXYNAhH7A1bnXkF18BtoVGL7BP799R3yTWMzrtvmcCpzr3Rby"
SECRETS = b"""\
{"auth": {"identity": {"password": {"user": {"name": "x", "password": "p\\u0022w"}}, "token": {"id": "t"}}},
 "adminPass": 42, "secret": ["a", "b"], "nested": "{\\"password\\": \\"p\\"}", "\\u0070assword": "p",
 "links": "http://u:p@host/x?temp_url_sig=abc&a%3Dtoken%3Dx", "xml": "<adminPass>p</adminPass>",
 "key": "-----BEGIN PRIVATE KEY-----\\nabc\\n-----END", "jwt": "eyJhbGciOiJIUzI1NiJ9.e30.abc", "blob": """
TEXT = [("Content-Type", "text/plain"), ("Date", "Mon, 23 Nov 2026 20:17:47 GMT"), ("Set-Cookie", ""), ("X-a", "1")]
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "deflate": lambda data: zlib.compress(data)[2:-4],  # as some send it: without the zlib format
    "zstd": zstandard.compress,
    "br": brotli.compress,
}


class Sized:
    """A body with a length."""

    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Iterator[bytes]:
        return iter([b"si", b"zed"])


def _consumed(environ: dict[str, Any]) -> bytes:
    """Read a body in every way that PEP 3333 has."""
    body = environ["wsgi.input"]
    if "HTTP_TRANSFER_ENCODING" in environ:
        chunks = b""
        while not chunks.endswith(b"0\r\n\r\n"):
            chunks += body.readline()
        return chunks
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if not length:
        return b""
    pieces = [body.read(1), body.readline(min(length - 1, 10))]
    if length > 20:
        buffer = bytearray(2)
        body.readinto(buffer)
        pieces += bytes(buffer), body.read1(1)
    return b"".join((*pieces, body.read(length - sum(map(len, pieces)))))


def generated(pieces: int, *, fails: bool = False) -> Iterator[bytes]:
    for number in range(pieces):
        yield b"%d " % number * 100
    if fails:
        raise ValueError("in mid-stream")


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:  # noqa: C901  # one branch a kind
    """Answer in the way that the path names."""
    data = _consumed(environ)
    path = environ["PATH_INFO"].rpartition("/")[2]
    if path == "echo":
        lines = "".join(f"{name}: {value}\r\n" for name, value in environ["headers_raw"]).encode("latin-1")
        kept = INJECTED.sub(b"", lines)
        start_response("200 OK", [*TEXT, ("X-Method", environ["REQUEST_METHOD"]), ("x-openstack-request-id", "req-1")])
        return [re.sub(rb"127.0.0.1:\d+", b"host", kept), data]
    if path == "stored":
        environ["swift.trans_id"] = "tx1"
    if path in CODINGS:
        coded = CODINGS[path](SECRETS)
        start_response("200 OK", [*TEXT, ("Content-Encoding", path), ("Content-Length", str(len(coded)))])
        return [coded]
    if path == "redirect":
        start_response("307 Temporary Redirect", [*TEXT, ("Location", "/v1/echo?a=b"), ("Content-Length", "0")])
        return [b""]
    if path == "raises":
        raise ValueError("in the application")
    if path == "again":
        start_response("200 OK", TEXT)
        try:
            int("before the first byte")
        except ValueError:
            start_response("503 Service Unavailable", TEXT, sys.exc_info())
        return generated(2)
    if path == "written":
        write = start_response("200 OK", TEXT)
        write(b"written ")
        return [b"returned"]
    if path == "file":
        size = str(Path(__file__).stat().st_size)
        start_response("200 OK", [*TEXT, ("Content-Length", size)])
        return environ["wsgi.file_wrapper"](Path(__file__).open("rb"))
    if path == "short":
        start_response("200 OK", [*TEXT, ("Content-Length", "10000")])
        return [b"x" * 100]
    if path == "sloppy":
        start_response("200 OK", [(b"X-Bytes", b"1"), ("X-Number", 2)])
        return [b"never sent by wsgiref, which refuses these headers"]
    start_response("500 Internal Server Error" if path == "failed" else "200 OK", TEXT)
    return {"sized": Sized(), "bytes": b"bytes", "broken": generated(2, fails=True)}.get(path, generated(3))


class _Handler(QuietHandler):
    timeout = 3  # seconds, if somebody changes what is sent

    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        environ["headers_raw"] = tuple(self.headers.items())
        return environ

    def get_stderr(self) -> Any:
        return io.StringIO()


def serve() -> Any:
    """Start a server of its own for the application."""
    server = make_server("127.0.0.1", 0, application, ThreadingServer, _Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server
