"""Exchanges of every kind, for comparing what both sides get with and without the agent, byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from otel_openstack.instrument.instrumentor import OpenStackInstrumentor
from otel_openstack.instrument.wsgi import ObservedApplication
from otel_openstack.settings import Settings
from tests.instrument.faults.application import CODINGS, INJECTED, SECRETS, TOKEN, serve
from tests.instrument.faults.calls import Calls
from tests.instrument.faults.clients import Clients, outcome
from tests.instrument.harness import talk

_ID = "1a2e4a3d05ce482586b9219ea2be036d"
_LOOSE = b"""{'password': 'p', 'token': u'x', 'n': 1} --password=p <user password="p"><x:adminPass>p</x:adminPass>
<saml:Assertion ID="1">secret</saml:Assertion> http://user:pa"""
_FORM = b"password=p&a=b&token=x%20y&next=http%3A%2F%2Fh%2F%3Ftoken%3Dabc"
_MULTIPART = (
    b'--limit\r\nContent-Disposition: form-data; name="password"\r\n\r\np\r\n--limit\r\n'
    b'Content-Disposition: form-data; name="x-auth-token"\r\n\r\ny\r\n--limit--\r\n'
)


def _asked(method: str, path: str, body: bytes = b"", *more: str) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", "X-U: ü", *more]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join((*lines, "", "")).encode("latin-1") + body


_IDS = (
    f"X-Requestshook-Request-Id: {_ID}", "X-Requestshook-Request-From: nova-api", f"X-Auth-Token: {TOKEN}",
    f"traceparent: 00-{'a' * 32}-{'b' * 16}-01", "X-Project-Id: p1",
)  # fmt: skip
_SERVED = {
    "a generator": _asked("GET", f"/v2/images/{_ID}/plain?temp_url_sig=x&q=%41&token={TOKEN}", b"", *_IDS),
    "an id only": _asked("GET", f"/v1/AUTH_{_ID}/c/o/plain", b"", *_IDS[:2]),
    "JSON": _asked("POST", "/v3/echo", SECRETS, "Content-Type: application/json"),
    "a form": _asked("POST", "/v3/echo", _FORM, "Content-Type: application/x-www-form-urlencoded"),
    "parts": _asked("POST", "/v3/echo", _MULTIPART, "Content-Type: text/x-form"),
    "loose text": _asked("PUT", "/v3/echo", _LOOSE, "Content-Type: text/plain; charset=utf-8"),
    "an image": _asked("PUT", "/v3/echo", b"\xff\x00" * 100, "Content-Type: image/raw"),
    "chunks": _asked("POST", "/v3/echo", b"", "Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n",
    "a console": _asked("GET", "/v2.1/os-console-auth-tokens/9f0e/plain"),
    "a stored object": _asked("GET", "/v1/somebody/c/stored"),
    "HEAD": _asked("HEAD", "/v2/images/file"),
    **{path: _asked("GET", f"/v2.1/{path}") for path in (
        "file", "written", "raises", "again", "sized", "bytes", "broken", "failed", "short", "sloppy", *CODINGS,
    )},
}  # fmt: skip


class Stage:
    """A server that is observed, one that is not, and clients of every library; without settings none is."""

    def __init__(self, settings: Settings | None) -> None:
        self._behind = serve()
        self._instrumentor = OpenStackInstrumentor()
        self._is_set_up = settings is not None
        if settings is not None:
            with suppress(Exception):  # the launcher logs it, and goes on
                self._instrumentor.instrument(settings=settings, skip_dep_check=True)
        self._server = serve()  # wsgiref's is among the servers whose application is observed
        self.is_observed = isinstance(self._server.get_app(), ObservedApplication)
        self._calls = Calls(settings if self.is_observed else None)
        self._clients = Clients(self._behind.server_port)

    def close(self) -> None:
        """Stop."""
        self._instrumentor.uninstrument()
        if self._is_set_up:
            self._instrumentor._uninstrument()  # what was set up in part, which the former does not care for
        self._clients.close()
        for server in (self._server, self._behind):
            server.shutdown()
            server.server_close()

    def exchanges(self) -> dict[str, Callable[[], Any]]:
        """Return what can be asked, by name; each gives all that the asker gets."""
        port = self._server.server_port
        served = {f"served: {name}": partial(_answer, port, request) for name, request in _SERVED.items()}
        called = {f"called: {name}": method for name, method in _methods(self._calls)}
        clients = {f"client: {name}": partial(outcome, method) for name, method in _methods(self._clients)}
        return {**served, **called, **clients}


def _methods(of: object) -> Iterator[tuple[str, Callable[[], Any]]]:
    for name in dir(of):
        if not name.startswith("_") and name != "close":
            yield name.replace("_", " "), getattr(of, name)


def _answer(port: int, request: bytes) -> bytes:
    return INJECTED.sub(b"", talk(port, request))
