"""Calls of an observed application as a server makes them (PEP 3333), and what the server sees of each."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from otel_openstack.instrument.wsgi import ObservedApplication
from otel_openstack.settings import Settings

ID = "1a2e4a3d05ce482586b9219ea2be036d"


def environ_of(**more: Any) -> dict[str, Any]:
    """Return the environ of a request for the root, with more in it or other."""
    return {
        "REQUEST_METHOD": "GET", "PATH_INFO": "/", "SCRIPT_NAME": "", "SERVER_NAME": "s", "SERVER_PORT": "80",
        "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(), **more,
    }  # fmt: skip


class Called:
    """What a server sees of a call."""

    def __init__(self, application: object, environ: dict[str, Any] | None = None) -> None:
        self.started: list[tuple[Any, ...]] = []
        self.written: list[bytes] = []
        observed = ObservedApplication(application, Settings())  # type: ignore[arg-type]
        self.environ = environ_of() if environ is None else environ
        self.body: Any = observed(self.environ, self._start)

    def _start(self, *arguments: Any) -> Callable[[bytes], None]:
        self.started.append(arguments)
        return self.written.append


def answering(body: Any, status: str = "200 OK") -> Callable[..., Any]:
    """Return an application that answers with a body, as it is."""

    def application(_environ: object, start_response: Callable[..., object]) -> Any:
        start_response(status, [("Content-Type", "text/plain")])
        return body

    return application
