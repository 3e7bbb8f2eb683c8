"""The application of the matrix: a path for each way in which a WSGI application may answer (PEP 3333).

It is copied beside the servers, which import it as they would import any other; it knows nothing of the agent.
"""

import gzip
import json
import sys
from io import BytesIO
from pathlib import Path

_TEXT = ("Content-Type", "text/plain; charset=utf-8")
_BINARY = ("Content-Type", "application/octet-stream")
_LONG = "é€" * 10000
_OBJECT = bytes(range(256)) * 40


def _read(environ):
    """Read the body of the request to its end, by the only way that the server offers."""
    stream = environ["wsgi.input"]
    if "HTTP_TRANSFER_ENCODING" not in environ:
        return stream.read(int(environ.get("CONTENT_LENGTH") or 0))
    read = sys.modules["uwsgi"].chunked_read if "uwsgi" in sys.modules else lambda: stream.read(7)
    return b"".join(iter(read, b""))


def _sized(*headers, status="200 OK", body=b""):
    def answer(environ, start_response):
        start_response(status, [*headers, ("Content-Length", str(len(body)))])
        return [body] if environ["REQUEST_METHOD"] != "HEAD" else []

    return answer


def _echo(environ, start_response):
    body = _read(environ)
    start_response("201 MADE up", [("content-TYPE", environ["CONTENT_TYPE"]), ("Content-Length", str(len(body)))])
    return [body]


def _not_modified(_environ, start_response):
    start_response("304 Not Modified", [("ETag", '"x"'), ("Vary", "Accept")])
    return []


def _no_content(_environ, start_response):
    start_response("204 No Content", [("X-Nothing", "")])
    return []


def _head_with_body(_environ, start_response):
    start_response("200 OK", [_TEXT, ("Content-Length", "5")])
    return [b"hello"]


def _generator(_environ, start_response):
    start_response("200 OK", [_TEXT])
    yield b"one "
    yield b""
    yield "zwei drei vier f\N{LATIN SMALL LETTER U WITH DIAERESIS}nf".encode()


def _several(_environ, start_response):
    start_response("200 OK", [_TEXT])
    return [b"a", b"bc", b"", b"def"]


class _Sized:
    """A body with a length that is no list; it must be closed once."""

    def __len__(self):
        return 1

    def __iter__(self):
        yield b"sized"


def _sized_object(_environ, start_response):
    start_response("200 OK", [_TEXT])
    return _Sized()


def _file(environ, start_response):
    start_response("200 OK", [_BINARY, ("Content-Length", str(len(_OBJECT)))])
    return environ["wsgi.file_wrapper"](Path(__file__ + ".object").open("rb"), 4096)


def _file_in_memory(environ, start_response):
    start_response("200 OK", [_TEXT, ("Content-Length", "9")])
    wrapper = environ.get("wsgi.file_wrapper") or (lambda file, _size: iter(file))
    return wrapper(BytesIO(b"in memory"), 4096)


def _write(_environ, start_response):
    write = start_response("200 OK", [_TEXT])
    write(b"written, ")  # nothing empty: eventlet takes that for the end
    return iter([b"then returned"])


def _started_twice(_environ, start_response):
    start_response("200 OK", [("X-First", "1")])
    try:
        int("found out late")
    except ValueError:
        start_response("503 Sorry", [_TEXT, ("X-Second", "2")], sys.exc_info())
    return [b"sorry"]


def _fails(_environ, _start_response):
    raise ZeroDivisionError("before anything was sent")


def _fails_midway(_environ, start_response):
    start_response("200 OK", [_TEXT])
    yield b"so far"
    raise ZeroDivisionError("in the middle")


def _fails_late(_environ, start_response):
    write = start_response("200 OK", [_TEXT])
    write(b"written before")
    raise ZeroDivisionError("after the first piece")


def _unread(_environ, start_response):
    start_response("413 Too Much", [_TEXT, ("Content-Length", "8")])
    return [b"not read"]


def _partly_read(environ, start_response):
    body = environ["wsgi.input"].read(5)
    start_response("200 OK", [_TEXT])
    return [body]


def _lines(environ, start_response):
    stream = environ["wsgi.input"]
    length = int(environ["CONTENT_LENGTH"])
    body = b""
    while len(body) < length:
        body += stream.readline(length - len(body))
    start_response("200 OK", [_TEXT])
    return [body]


def _endless(_environ, start_response):
    start_response("200 OK", [_TEXT])
    for _ in range(4000):
        yield b"x" * 65536


PATHS = {
    "none": _sized(_TEXT, body=b"hello"),
    "empty": _sized(_TEXT),
    "echo": _echo,
    "json": _sized(("Content-Type", "application/json"), body=json.dumps({"long": _LONG}, ensure_ascii=False).encode()),
    "gzip": _sized(("Content-Encoding", "gzip"), _TEXT, body=gzip.compress(_LONG.encode())),
    "binary": _sized(("Content-Type", "image/png"), body=_OBJECT),
    "untyped": _sized(("X-Type", "none"), body=b"no type"),
    "headers": _sized(
        _TEXT, ("Set-Cookie", "a=1"), ("X-Empty", ""), ("x-lower", "1"), ("X-UPPER", "2"),
        ("Set-Cookie", "b=2; Path=/"), ("X-Latin", "caf\xe9"), ("X-Utf", "caf\xc3\xa9"), ("X-Long", "l" * 3000),
        body=b"headers",
    ),
    "head": _sized(_TEXT, ("X-Head", "1"), body=b"hello"),
    "head-with-body": _head_with_body,
    "no-content": _no_content,
    "not-modified": _not_modified,
    "range": _sized(_BINARY, ("Content-Range", "bytes 2-5/10"), status="206 Partial Content", body=b"2345"),
    "reasonless": _sized(_TEXT, status="299 ", body=b"no reason"),
    "generator": _generator,
    "several": _several,
    "sized": _sized_object,
    "file": _file,
    "file-in-memory": _file_in_memory,
    "write": _write,
    "started-twice": _started_twice,
    "fails": _fails,
    "fails-midway": _fails_midway,
    "fails-late": _fails_late,
    "unread": _unread,
    "partly-read": _partly_read,
    "lines": _lines,
    "endless": _endless,
}  # fmt: skip


def application(environ, start_response):
    """Answer in the way that the path names; a header tells which names are the application's own."""

    def start(status, headers, *exc_info):
        names = ",".join(name for name, _ in headers)
        return start_response(status, [*headers, ("X-Own-Names", names)], *exc_info)

    return PATHS[environ["PATH_INFO"].strip("/")](environ, start)
