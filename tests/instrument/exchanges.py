"""Exchanges of every kind, for comparing what both sides get with and without the agent, byte for byte."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import io
import re
import sys
import threading
import types
import urllib.request
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from wsgiref.simple_server import make_server

import brotli
import httpx
import requests
import urllib3
import zstandard
from greenlet import greenlet
from opentelemetry import propagate, trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otel_openstack.instrument import green, streams
from otel_openstack.instrument.instrumentor import OpenStackInstrumentor
from otel_openstack.instrument.wsgi import ObservedApplication
from otel_openstack.settings import Settings
from tests.instrument.harness import QuietHandler, ThreadingServer, free_port, talk

ID = "1a2e4a3d05ce482586b9219ea2be036d"
_INJECTED = re.compile(rb"(?im)^(?:x-requestshook-[a-z-]+|traceparent|tracestate|baggage|date):.*\r?\n?")
_TOKEN = "gAAAAABjsoUBidK_dtSo6s04L6HQ5WB6XDcLhYyaRXYNAhH7A1bnXkF18BtoVGL7BP799R3yTWMzrtvmcCpzr3Rby"
SECRETS = b"""\
{"auth": {"identity": {"password": {"user": {"name": "x", "password": "p\\u0022w"}}, "token": {"id": "t"}}},
 "adminPass": 42, "secret": ["a", "b"], "nested": "{\\"password\\": \\"p\\"}", "\\u0070assword": "p",
 "links": "http://u:p@host/x?temp_url_sig=abc&a%3Dtoken%3Dx", "xml": "<adminPass>p</adminPass>",
 "key": "-----BEGIN PRIVATE KEY-----\\nabc\\n-----END", "jwt": "eyJhbGciOiJIUzI1NiJ9.e30.abc", "blob": """
_LOOSE = b"""{'password': 'p', 'token': u'x', 'n': 1} --password=p <user password="p"><x:adminPass>p</x:adminPass>
<saml:Assertion ID="1">secret</saml:Assertion> http://user:pa"""
_FORM = b"password=p&a=b&token=x%20y&next=http%3A%2F%2Fh%2F%3Ftoken%3Dabc"
_MULTIPART = (
    b'--limit\r\nContent-Disposition: form-data; name="password"\r\n\r\np\r\n--limit\r\n'
    b'Content-Disposition: form-data; name="x-auth-token"\r\n\r\ny\r\n--limit--\r\n'
)
_TEXT = [("Content-Type", "text/plain"), ("Date", "Mon, 23 Nov 2026 20:17:47 GMT"), ("Set-Cookie", ""), ("X-a", "1")]
_CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "deflate": lambda data: zlib.compress(data)[2:-4],  # as some send it: without the zlib format
    "zstd": zstandard.compress,
    "br": brotli.compress,
}


class _Sized:
    """A body with a length."""

    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Iterator[bytes]:
        return iter([b"si", b"zed"])


class _Body:
    """A body that tells who asks it for what."""

    def __init__(self, events: list[Any]) -> None:
        self._events = events
        self._pieces = iter([b"one", b"two", b"three"])

    def __iter__(self) -> Iterator[bytes]:
        self._events.append("iter")
        return self

    def __next__(self) -> bytes:
        self._events.append("next")
        return next(self._pieces)

    def close(self) -> None:
        """Be closed."""
        self._events.append("close")


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


def _generated(pieces: int, *, fails: bool = False) -> Iterator[bytes]:
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
        kept = _INJECTED.sub(b"", lines)
        start_response("200 OK", [*_TEXT, ("X-Method", environ["REQUEST_METHOD"]), ("x-openstack-request-id", "req-1")])
        return [re.sub(rb"127.0.0.1:\d+", b"host", kept), data]
    if path in _CODINGS:
        coded = _CODINGS[path](SECRETS)
        start_response("200 OK", [*_TEXT, ("Content-Encoding", path), ("Content-Length", str(len(coded)))])
        return [coded]
    if path == "redirect":
        start_response("307 Temporary Redirect", [*_TEXT, ("Location", "/v1/echo?a=b"), ("Content-Length", "0")])
        return [b""]
    if path == "raises":
        raise ValueError("in the application")
    if path == "again":
        start_response("200 OK", _TEXT)
        try:
            int("before the first byte")
        except ValueError:
            start_response("503 Service Unavailable", _TEXT, sys.exc_info())
        return _generated(2)
    if path == "written":
        write = start_response("200 OK", _TEXT)
        write(b"written ")
        return [b"returned"]
    if path == "file":
        size = str(Path(__file__).stat().st_size)
        start_response("200 OK", [*_TEXT, ("Content-Length", size)])
        return environ["wsgi.file_wrapper"](Path(__file__).open("rb"))
    if path == "short":
        start_response("200 OK", [*_TEXT, ("Content-Length", "10000")])
        return [b"x" * 100]
    if path == "sloppy":
        start_response("200 OK", [(b"X-Bytes", b"1"), ("X-Number", 2)])
        return [b"never sent by wsgiref, which refuses these headers"]
    start_response("500 Internal Server Error" if path == "failed" else "200 OK", _TEXT)
    return {"sized": _Sized(), "bytes": b"bytes", "broken": _generated(2, fails=True)}.get(path, _generated(3))


class _Handler(QuietHandler):
    timeout = 3  # seconds, if somebody changes what is sent

    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        environ["headers_raw"] = tuple(self.headers.items())
        return environ

    def get_stderr(self) -> Any:
        return io.StringIO()


def _asked(method: str, path: str, body: bytes = b"", *more: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", "X-U: ü", *more]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join((*lines, "", "")).encode("latin-1") + body


_IDS = (
    f"X-Requestshook-Request-Id: {ID}", "X-Requestshook-Request-From: nova-api", f"X-Auth-Token: {_TOKEN}",
    f"traceparent: 00-{'a' * 32}-{'b' * 16}-01", "X-Project-Id: p1",
)  # fmt: skip
_SERVED = {
    "a generator": _asked("GET", f"/v2/images/{ID}/plain?temp_url_sig=x&q=%41&token={_TOKEN}", b"", *_IDS),
    "an id only": _asked("GET", f"/v1/AUTH_{ID}/c/o/plain", b"", *_IDS[:2]),
    "JSON": _asked("POST", "/v3/echo", SECRETS, "Content-Type: application/json"),
    "a form": _asked("POST", "/v3/echo", _FORM, "Content-Type: application/x-www-form-urlencoded"),
    "parts": _asked("POST", "/v3/echo", _MULTIPART, "Content-Type: text/x-form"),
    "loose text": _asked("PUT", "/v3/echo", _LOOSE, "Content-Type: text/plain; charset=utf-8"),
    "an image": _asked("PUT", "/v3/echo", b"\xff\x00" * 100, "Content-Type: image/raw"),
    "chunks": _asked("POST", "/v3/echo", b"", "Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n",
    "HEAD": _asked("HEAD", "/v2/images/file"),
    **{path: _asked("GET", f"/v2.1/{path}") for path in (
        "file", "written", "raises", "again", "sized", "bytes", "broken", "failed", "short", "sloppy", *_CODINGS,
    )},
}  # fmt: skip


def _outcome(ask: Callable[[], Any]) -> Any:
    """Return what a client gets: a result, or an exception with its causes."""
    try:
        return ask()
    except Exception as error:  # noqa: BLE001  # whatever the host gets is compared
        causes = []
        cause: BaseException | None = error
        while cause is not None:
            causes.append((type(cause), re.sub(r"0x[0-9a-f]+|:\d+|port=\d+", "", str(cause))))
            cause = cause.__cause__ or cause.__context__
        return causes


class Stage:
    """A server that is observed, one that is not, and clients of every library; without settings none is."""

    def __init__(self, settings: Settings | None) -> None:
        self._settings = settings
        self._target_server = self._serve()
        self._instrumentor = OpenStackInstrumentor()
        if settings is not None:
            self._instrumentor.instrument(settings=settings, skip_dep_check=True)
        self._server = self._serve()  # wsgiref's is among the servers whose application is observed
        self.is_observed = isinstance(self._server.get_app(), ObservedApplication)
        self._target = f"http://127.0.0.1:{self._target_server.server_port}/v1"
        self._refused = f"http://127.0.0.1:{free_port()}/"
        self._session = requests.Session()
        self._session.trust_env = False
        self._pool = urllib3.PoolManager(retries=urllib3.Retry(1, redirect=1, backoff_factor=0))
        self._httpx = httpx.Client(trust_env=False, verify=False, follow_redirects=True)

    def close(self) -> None:
        """Stop."""
        self._instrumentor.uninstrument()
        self._session.close()
        self._pool.clear()
        self._httpx.close()
        for server in (self._server, self._target_server):
            server.shutdown()
            server.server_close()

    def exchanges(self) -> dict[str, Callable[[], Any]]:
        """Return what can be asked, by name; each gives all that the asker gets."""
        port = self._server.server_port
        asked = {f"served: {name}": partial(_answer, port, request) for name, request in _SERVED.items()}
        called = {f"called: {name}": method for name, method in self._methods("_call_")}
        clients = {f"client: {name}": partial(_outcome, method) for name, method in self._methods("_ask_")}
        return {**asked, **called, **clients}

    def _serve(self) -> Any:
        server = make_server("127.0.0.1", 0, application, ThreadingServer, _Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server

    def _methods(self, prefix: str) -> Iterator[tuple[str, Callable[[], Any]]]:
        for name in dir(self):
            if name.startswith(prefix):
                yield name.removeprefix(prefix).replace("_", " "), getattr(self, name)

    # -- the application, called as servers do that are not wsgiref --

    def _called(self, take: Callable[[Any], object], answer: Callable[..., Any], **more: Any) -> list[Any]:
        """Return what a server sees of a call: arguments as they are, and every event of the body."""
        events: list[Any] = []
        environ = {
            "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/v1/é", "QUERY_STRING": "", "SERVER_NAME": "s",
            "SERVER_PORT": "80", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(b"abc"), **more,
        }  # fmt: skip

        def start_response(*arguments: Any, **keywords: Any) -> Callable[[bytes], object]:
            events.append((arguments, keywords))
            return events.append

        wrapped: Any = partial(answer, events)
        if self._settings is not None and self.is_observed:
            wrapped = ObservedApplication(wrapped, self._settings)
        try:
            take(wrapped(environ, start_response))
        except Exception as error:  # noqa: BLE001  # whatever the host gets is compared
            events.append((type(error), str(error)))
        return events

    def _call_left_in_mid_stream(self) -> list[Any]:
        def answer(events: list[Any], _environ: Any, start_response: Any) -> Any:
            start_response("200 OK", _TEXT)
            return _Body(events)

        def take(body: Any) -> None:
            next(iter(body))
            body.close()

        return self._called(take, answer)

    def _call_taken_twice(self) -> list[Any]:
        def answer(_events: list[Any], _environ: Any, start_response: Any) -> Any:
            start_response("200 OK", _TEXT)
            return _Sized()

        return self._called(lambda body: (len(body), list(body), list(body)), answer)

    def _call_reading_lines(self) -> list[Any]:
        def answer(events: list[Any], environ: Any, start_response: Any) -> Any:
            start_response("200 OK", [("Content-Type", "text/plain")])
            body = environ["wsgi.input"]
            events += [next(body), body.readlines(1), *body]
            return [b"x"]

        return self._called(list, answer, **{"wsgi.input": io.BytesIO(b"a\nb\nc\nd\n"), "CONTENT_LENGTH": "8"})

    def _call_file_wrapper_that_is_a_function(self) -> list[Any]:
        def answer(_events: list[Any], environ: Any, start_response: Any) -> Any:
            start_response("200 OK", _TEXT)
            return environ["wsgi.file_wrapper"](io.BytesIO(b"abc"), 10)

        return self._called(list, answer, **{"wsgi.file_wrapper": lambda file, _size: file})

    def _call_uwsgi(self) -> list[Any]:
        def answer(events: list[Any], _environ: Any, start_response: Any) -> Any:
            start_response("200 OK", _TEXT)
            events.append(uwsgi.chunked_read())
            return [b"x"]

        uwsgi: Any = types.ModuleType("uwsgi")  # what its interpreter has is given by the server
        uwsgi.chunked_read = lambda: b"chunk"
        sys.modules["uwsgi"] = uwsgi
        try:
            if self.is_observed:
                streams.observe_chunks_of_uwsgi()
            return self._called(list, answer, HTTP_TRANSFER_ENCODING="chunked")
        finally:
            del sys.modules["uwsgi"]

    # -- clients --

    def _read(self, response: Any) -> tuple[Any, ...]:
        return response.status_code, response.reason, list(response.headers.items()), response.content

    def _ask_requests_plain(self) -> Any:
        return self._read(self._session.get(self._target + "/echo", headers={"X-Auth-Token": _TOKEN, "X-B": b"bytes"}))

    def _ask_requests_text(self) -> Any:
        return self._read(self._session.post(self._target + "/echo", data="password=é"))

    def _ask_requests_file(self) -> Any:
        return self._read(self._session.post(self._target + "/echo", data=io.BytesIO(SECRETS)))

    def _ask_requests_generator(self) -> Any:
        return self._read(self._session.post(self._target + "/echo", data=_generated(2)))

    def _ask_requests_redirect(self) -> Any:
        response = self._session.put(self._target + "/redirect", data=io.BytesIO(b"abc"))
        return [*map(self._read, response.history), self._read(response)]

    def _ask_requests_streamed(self) -> Any:
        with self._session.get(self._target + "/gzip", stream=True) as response:
            pieces = b"".join(response.iter_content(100))
        with self._session.get(self._target + "/plain", stream=True) as response:
            lines = list(response.iter_lines())
        with self._session.get(self._target + "/plain", stream=True) as response:
            buffer = bytearray(3)
            raw = response.raw.read(3) + buffer[: response.raw.readinto(buffer)] + response.raw.read1(3)
            raw += b"".join(response.raw)
        return pieces, lines, raw

    def _ask_requests_short(self) -> Any:
        return self._read(self._session.get(self._target + "/short"))

    def _ask_requests_short_read(self) -> Any:
        return self._session.get(self._target + "/short", stream=True).raw.read()

    def _ask_requests_refused(self) -> Any:
        return self._session.get(self._refused)

    def _ask_urllib3(self) -> Any:
        response = self._pool.request("POST", self._target + "/redirect", body=b"abc")
        streamed = self._pool.request("GET", self._target + "/plain", preload_content=False)
        return response.status, response.headers.items(), response.data, b"".join(streamed.stream(10))

    def _ask_urllib3_refused(self) -> Any:
        return self._pool.request("GET", self._refused)

    def _ask_urllib(self) -> Any:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(self._target + "/gzip") as response:
            return response.status, response.headers.items(), response.read()

    def _ask_http_client(self) -> Any:
        found: list[Any] = []
        for body, headers in ((b"abc", {}), (io.BytesIO(b"abc"), {}), ([b"a", b"b"], {"X-Number": 1, "X-B": b"b"})):
            connection = http.client.HTTPConnection("127.0.0.1", self._target_server.server_port, timeout=5)
            connection.request("POST", "/v1/echo", body, headers)
            with connection.getresponse() as response:
                buffer = bytearray(4)
                data = response.read(4) + buffer[: response.readinto(buffer)]
                data += response.read1(4) + response.readline() + response.read()
                found += response.getheaders(), data
            connection.close()
        connection.request("GET", "/v1/short")
        connection.close()  # unanswered
        connection.request("GET", "/v1/short")
        found.append(_outcome(connection.getresponse().read))
        return found

    def _ask_http_client_in_parts(self) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._target_server.server_port, timeout=5)
        connection.putrequest("POST", "/v1/echo")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.putheader("traceparent", "stale")
        connection.endheaders()
        connection.send(b"3\r\nabc\r\n")
        connection.send(b"0\r\n\r\n")
        with connection.getresponse() as response:
            return response.read()

    def _ask_httpx(self) -> Any:
        def lines(response: httpx.Response) -> tuple[Any, ...]:
            return response.status_code, response.headers.raw, response.content

        posted = self._httpx.post(self._target + "/redirect", content=b"abc")
        with self._httpx.stream("POST", self._target + "/echo", content=_generated(2)) as response:
            streamed = b"".join(response.iter_bytes())
        return lines(posted), [lines(response) for response in posted.history], streamed

    def _ask_httpx_short(self) -> Any:
        return self._httpx.get(self._target + "/short")

    def _ask_httpx_refused(self) -> Any:
        return self._httpx.get(self._refused)

    def _ask_httpx_asynchronous(self) -> Any:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"abc"

        async def ask() -> Any:
            async with httpx.AsyncClient(trust_env=False, verify=False) as client:
                response = await client.post(self._target + "/echo", content=pieces())
                return response.status_code, response.headers.raw, response.content

        return asyncio.run(ask())

    def _ask_green(self) -> Any:
        """Greenlets as eventlet makes them; with the real one the process would have to be its own."""
        with trace.get_tracer("t").start_as_current_span("request"):
            made = greenlet(lambda: "made")
            green.made(lambda: None, made, (), {})
            _timer, spawned = green.spawned(lambda: (None, greenlet(lambda: "spawned")), None, (), {})
            return made.switch(), spawned.switch(), green.apart(lambda: "apart", None, (), {})

    def _ask_propagators(self) -> Any:
        """Set propagators and use them, as a service does."""
        before = propagate.get_global_textmap()
        try:
            propagate.set_global_textmap(TraceContextTextMapPropagator())
            carrier: dict[str, str] = {}
            with trace.get_tracer("t").start_as_current_span("request"):
                propagate.inject(carrier)
            return "traceparent" in carrier
        finally:
            put = propagate.set_global_textmap
            getattr(put, "__wrapped__", put)(before)


def _answer(port: int, request: bytes) -> bytes:
    return _INJECTED.sub(b"", talk(port, request))
