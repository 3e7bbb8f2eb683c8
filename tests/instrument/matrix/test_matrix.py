"""Server x fork model x body kind: what a raw socket sent and received, and what the span says of it, byte by byte."""

from __future__ import annotations

import gzip
import os
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from otel_openstack import attributes as names
from otel_openstack.otlp import Span
from otel_openstack.settings import Settings
from tests.instrument.harness import Launcher, OtlpServer, free_port, wait_for_port
from tests.instrument.matrix import application
from tests.instrument.matrix.servers import SERVERS, Server, lacking
from tests.instrument.matrix.wire import Connection, Lines, Request, Response

_JSON = ("Content-Type", "application/json")
_TEXT = ("Content-Type", "text/plain; charset=utf-8")
_BINARY = ("Content-Type", "application/octet-stream")
_LONG = '{"long": "%s"}' % ("\N{EURO SIGN}\N{LATIN SMALL LETTER E WITH ACUTE}" * 10000)

REQUESTS = (
    Request("none"),
    Request("empty"),
    Request("echo", "POST", (_JSON,), b'{"a": [1, 2]}'),
    Request("echo", "PUT", (_JSON,), _LONG.encode()),
    Request("echo", "PUT", (_BINARY,), bytes(range(256)) * 300),
    Request("echo", "POST", (_TEXT,), "in St\N{LATIN SMALL LETTER U WITH DIAERESIS}cken, ".encode() * 9, chunks=True),
    Request("echo", "PUT", (_BINARY,), bytes(range(256)) * 30, chunks=True),
    Request("echo", "PUT", (_TEXT, ("Expect", "100-continue")), b"after being told to"),
    Request("unread", "PUT", (_TEXT, ("Expect", "100-continue")), b"never sent", read=0),
    Request("unread", "POST", (_TEXT,), b"sent, and not read", read=0),
    Request("partly-read", "POST", (_TEXT,), b"sent, and read in part", read=5),
    Request("lines", "POST", (_TEXT,), b"one\ntwo\nthree") ,
    Request("headers", headers=(
        ("X-Empty", ""), ("x-lower", "1"), ("X-UPPER", "2"), ("X-Twice", "a"), ("X-utf", "caf\xe9"),
        ("X-latin", "caf\xe9"), ("x-tWICE", "b"), ("X-Long", "l" * 3000), ("Cookie", "a=1; b=2"), ("Accept", "*/*"),
    )),
    Request("head", "HEAD"),
    Request("head-with-body", "HEAD"),
    Request("range", headers=(("Range", "bytes=2-5"),)),
    Request("fails", fails=True),
    Request("fails-midway", fails=True),
    Request("fails-late", fails=True),
    Request("endless", goes_away=True),
    *(Request(path) for path in (
        "json", "gzip", "binary", "untyped", "no-content", "not-modified", "reasonless", "generator", "several",
        "sized", "file", "file-in-memory", "write", "started-twice",
    )),
)  # fmt: skip

PERSISTENT = (
    Request("none"), Request("echo", "POST", (_JSON,), b"[]"), Request("no-content"), Request("head", "HEAD"),
    Request("echo", "POST", (_TEXT,), b"chunks", chunks=True), Request("json"), Request("not-modified"),
    Request("none"),
)  # fmt: skip
"""What is asked on one connection."""


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)
def test_every_request_has_one_span_that_tells_the_truth(
    server: Server, launcher: Launcher, receiver: OtlpServer
) -> None:
    """Whatever was sent and received stands in the one server span of its request."""
    if server.name == "mod_wsgi" and (reason := lacking()):
        pytest.skip(reason)
    launcher.write("matrix_application.py", Path(application.__file__).read_text())
    (launcher.folder / "matrix_application.py.object").write_bytes(application._OBJECT)
    port = free_port()
    variables = {name: value.format(folder=launcher.folder) for name, value in server.variables.items()}
    variables |= {"OTEL_OPENSTACK_REDACT": "off", "OTEL_BSP_SCHEDULE_DELAY": "100"}
    process = launcher.start(server.command(port, launcher.folder), variables)
    wait_for_port(port, process)
    done = _ask(server, port)
    receiver.wait(len(done))
    # A worker of uWSGI that is told by its master and by us at the same time may miss both, with the agent or without:
    # once in sixty on a busy machine
    (os.kill if server.name.startswith("uwsgi") else os.killpg)(process.pid, signal.SIGTERM)
    process.communicate(timeout=10)
    # A green server that dies sends again what was under way: OTLP is at least once, and a span is known by its id
    spans = list({span.span_id: span for span in receiver.spans}.values())
    assert Counter(_number(span) for span in spans) == dict.fromkeys(done, 1)
    workers = {span.resource.attributes["process.pid"] for span in spans}
    assert len(workers) <= server.workers
    assert len({span.resource.attributes["service.instance.id"] for span in spans}) == len(workers)
    faults = [
        f"{number} {done[number][0].method} {done[number][0].path}: {fault}"
        for span in spans
        for number in [_number(span)]
        for fault in _faults(server, span, number, *done[number])
    ]
    assert not faults, "\n".join(["", *faults])


def _ask(server: Server, port: int) -> dict[str, tuple[Request, Response]]:
    """Send every request, four at a time, and then several on one connection."""
    asked = {
        str(number): request
        for number, request in enumerate(REQUESTS if server.closes else ())
        if request.path not in server.lacks and (server.chunks or not request.chunks)
    }

    def ask(number: str) -> Response:
        with Connection(port) as connection:
            return connection.exchange(asked[number], number)

    with ThreadPoolExecutor(4) as pool:
        done = {number: (asked[number], response) for number, response in zip(asked, pool.map(ask, asked), strict=True)}
    if server.persists:
        with Connection(port) as connection:
            for number, request in enumerate(PERSISTENT, 1000):
                done[str(number)] = request, connection.exchange(request, str(number), "keep-alive")
    return done


def _number(span: Span) -> str:
    (number,) = span.attributes[names.HTTP_REQUEST_HEADER_PREFIX + "x-number"]
    return str(number)


def _faults(server: Server, span: Span, number: str, request: Request, response: Response) -> list[str]:
    """Return where the span says something else than the wire."""
    connection = "keep-alive" if int(number) >= 1000 else "close"
    own, added = _own(response)
    told: dict[str, tuple[object, object]] = {
        "kind": (span.kind.name, "SERVER"),
        "request headers": (
            _block(span, names.HTTP_REQUEST_HEADER_PREFIX, names.OPENSTACK_HTTP_REQUEST_HEADER_NAMES),
            _as_given(server, request.lines(number, connection)),
        ),
        "request body": (
            span.attributes.get(names.HTTP_REQUEST_BODY_CONTENT),
            _preview(
                dict(request.headers).get("Content-Type", ""), "", request.body[: request.read], request.read == 0
            ),
        ),
        "failed": (names.ERROR_TYPE in span.attributes, request.fails or request.goes_away or response.status >= 500),
    }
    if own:
        told |= {
            "response headers": (
                _as_sent(
                    server, _block(span, names.HTTP_RESPONSE_HEADER_PREFIX, names.OPENSTACK_HTTP_RESPONSE_HEADER_NAMES)
                ),
                _as_sent(server, own),
            ),
            "added": (added - server.adds, set()),
            "status": (span.attributes[names.HTTP_RESPONSE_STATUS_CODE], response.status),
            "reason": (span.attributes[names.OPENSTACK_HTTP_RESPONSE_REASON] or server.unnamed, response.reason),
        }
        if not request.goes_away:
            told |= {
                "response body": (
                    span.attributes.get(names.HTTP_RESPONSE_BODY_CONTENT),
                    _preview(response.header("content-type"), response.header("content-encoding"), response.body),
                ),
                "response size": (span.attributes.get(names.HTTP_RESPONSE_BODY_SIZE), len(response.body)),
            }
    return [
        f"{what}\n  told {mine!r:.1000}\n  wire {wire!r:.1000}" for what, (mine, wire) in told.items() if mine != wire
    ]


def _own(response: Response) -> tuple[Lines, set[str]]:
    """Return the header lines that the application sent, and the names of those that its server added."""
    own = {*response.header("x-own-names").lower().split(","), "x-own-names"} - {""}
    if len(own) == 1:
        own = set()
    lines = tuple(line for line in response.lines if line[0].lower() in own)
    return lines, {name.lower() for name, _ in response.lines} - own


def _as_given(server: Server, lines: Lines) -> Lines:
    """Return the request's header lines as the server gives them to the application."""
    if server.joins is None:
        return lines
    given: dict[str, str] = {}
    for name, value in ((name.title(), value) for name, value in lines):
        given[name] = f"{given[name]}{server.joins}{value}" if server.joins and name in given else value
    name, value = server.invents
    if name:
        given.setdefault(name, value)
    middle = [name for name in given if name not in (*server.first, *server.last)]
    return tuple((name, given[name]) for name in (*server.first, *middle, *server.last) if name in given)


def _as_sent(server: Server, lines: Lines) -> Lines:
    """Return the response's header lines as the server sends what the application gives it."""
    if not server.orders:
        return tuple(sorted((name.lower(), value) for name, value in lines))
    if not server.capitalises:
        return lines
    return tuple(("-".join(word.capitalize() for word in name.split("-")), value) for name, value in lines)


def _block(span: Span, prefix: str, order: str) -> Lines:
    """Return a header block as the span tells it."""
    values = {
        name: iter(span.attributes[prefix + name.lower()]) for name in {n.lower() for n in span.attributes[order]}
    }
    return tuple((name, next(values[name.lower()])) for name in span.attributes[order])


def _preview(content_type: str, encoding: str, body: bytes, unread: bool = False) -> str | bytes | None:
    """Return what the span shows of a body that passed on the wire."""
    if not body or unread:
        return None
    settings = Settings()
    if encoding == "gzip":
        body = gzip.decompress(body)
    if "charset" in content_type or content_type == "application/json":
        return body[: settings.body_limit].decode(errors="ignore")
    return body[: settings.binary_body_limit]
