"""The application called as servers do that are not wsgiref, and bodies taken as some of them do."""

from __future__ import annotations

import io
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from tempfile import NamedTemporaryFile
from typing import Any

from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware
from paste.deploy import loadwsgi

from otel_openstack.instrument import servers, streams
from otel_openstack.instrument.wsgi import ObservedApplication
from otel_openstack.settings import Settings
from tests.instrument.faults.application import SECRETS, TEXT, Sized

_ENVIRON = {
    "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/v1/é", "QUERY_STRING": "", "SERVER_NAME": "s",
    "SERVER_PORT": "80", "wsgi.url_scheme": "http",
}  # fmt: skip


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


class _Named:
    name = "application"

    def __call__(self, _environ: Any, _start_response: Any) -> list[bytes]:
        return []


def _sized(_environ: Any, start_response: Any) -> Sized:
    start_response("200 OK", TEXT)
    return Sized()


application = partial(_sized)
"""What ``OTEL_OPENSTACK_WSGI_APPS`` names."""


def loaded(_configuration: object) -> Any:
    """Make an application, as a factory of paste.deploy does."""
    return _sized


class Calls:
    """Calls of an application; without settings it is not observed.

    Each method is an exchange, and returns what the server sees.
    """

    def __init__(self, settings: Settings | None) -> None:
        self._settings = settings

    def _called(self, take: Callable[[Any], object], answer: Callable[..., Any], **more: Any) -> list[Any]:
        """Return what a server sees of a call: arguments as they are, and every event of the body."""
        events: list[Any] = []
        environ = {**_ENVIRON, "wsgi.input": io.BytesIO(b"abc"), **more}

        def start_response(*arguments: Any, **keywords: Any) -> Callable[[bytes], object]:
            events.append((arguments, keywords))
            return events.append

        wrapped: Any = partial(answer, events)
        if self._settings is not None:
            wrapped = ObservedApplication(wrapped, self._settings)
        try:
            take(wrapped(environ, start_response))
        except Exception as error:  # noqa: BLE001  # whatever the host gets is compared
            events.append((type(error), str(error)))
        return events

    def left_in_mid_stream(self) -> list[Any]:
        def answer(events: list[Any], _environ: Any, start_response: Any) -> Any:
            start_response("200 OK", TEXT)
            return _Body(events)

        def take(body: Any) -> None:
            next(iter(body))
            body.close()

        return self._called(take, answer)

    def within_contribs_middleware(self) -> list[Any]:
        """Call it through what makes the server span where we are not."""

        def answer(events: list[Any], _environ: Any, start_response: Any) -> Any:
            start_response("200 OK", TEXT)
            return _Body(events)

        return Calls(None)._called(list, lambda events, *call: OpenTelemetryMiddleware(partial(answer, events))(*call))

    def loaded_by_paste(self) -> list[Any]:
        """Call what whoever loads it gives to whichever server."""
        with NamedTemporaryFile("w", suffix=".ini") as file:
            file.write(f"[app:main]\npaste.app_factory = {__name__}:loaded\n")
            file.flush()
            found = loadwsgi.loadapp(f"config:{file.name}")
        return Calls(None)._called(list, lambda _events, *call: found(*call))

    def named_in_a_setting(self) -> list[Any]:
        """Call what a user says is an application."""
        return Calls(None)._called(list, lambda _events, *call: application(*call))

    def within_oslos_filter(self) -> Any:
        """Ask its filter, which makes the server span where nobody else does."""

        def process_request(request: Any) -> str:
            return f"span of {request}"

        if self._settings is None:
            return process_request("a request")
        return servers.step_aside(process_request, None, ("a request",), {})

    def asked_what_it_is(self) -> list[Any]:
        """Attributes of the application are there, and others are not."""
        wrapped: Any = _Named()
        if self._settings is not None:
            wrapped = ObservedApplication(wrapped, self._settings)
        return [wrapped.name, getattr(wrapped, "other", None)]

    def taken_twice(self) -> list[Any]:
        def answer(_events: list[Any], _environ: Any, start_response: Any) -> Any:
            start_response("200 OK", TEXT)
            return Sized()

        return self._called(lambda body: (len(body), list(body), list(body)), answer)

    def reading_lines(self) -> list[Any]:
        def answer(events: list[Any], environ: Any, start_response: Any) -> Any:
            start_response("200 OK", [("Content-Type", "text/plain")])
            body = environ["wsgi.input"]
            events += [next(body), body.readlines(1), *body]
            return [b"x"]

        return self._called(list, answer, **{"wsgi.input": io.BytesIO(b"a\nb\nc\nd\n"), "CONTENT_LENGTH": "8"})

    def failing(self) -> list[Any]:
        def answer(events: list[Any], environ: Any, _start_response: Any) -> Any:
            buffer = bytearray(2)
            events += environ["wsgi.input"].readinto(buffer), bytes(buffer)
            raise ValueError("in the application")

        return self._called(list, answer, CONTENT_LENGTH="3")

    def file_wrapper_that_is_a_function(self) -> list[Any]:
        def answer(_events: list[Any], environ: Any, start_response: Any) -> Any:
            start_response("200 OK", TEXT)
            return environ["wsgi.file_wrapper"](io.BytesIO(b"abc"), 10)

        return self._called(list, answer, **{"wsgi.file_wrapper": lambda file, _size: file})

    def uwsgi(self) -> list[Any]:
        def answer(events: list[Any], _environ: Any, start_response: Any) -> Any:
            start_response("200 OK", TEXT)
            events.append(uwsgi.chunked_read())
            return [b"x"]

        uwsgi: Any = types.ModuleType("uwsgi")  # what its interpreter has is given by the server
        uwsgi.chunked_read = lambda: b"chunk"
        sys.modules["uwsgi"] = uwsgi
        try:
            if self._settings is not None:
                streams.observe_chunks_of_uwsgi()
            return self._called(list, answer, HTTP_TRANSFER_ENCODING="chunked")
        finally:
            del sys.modules["uwsgi"]

    def in_clear(self) -> list[Any]:
        """Believe nobody, and mask nothing."""

        def answer(events: list[Any], environ: Any, start_response: Any) -> Any:
            start_response("200 OK", TEXT)
            events.append(environ["wsgi.input"].read())
            return [SECRETS]

        settings = self._settings and replace(self._settings, trust_incoming="never", redact=False)
        body = {"wsgi.input": io.BytesIO(SECRETS), "CONTENT_LENGTH": str(len(SECRETS)), "CONTENT_TYPE": "text/plain"}
        return Calls(settings)._called(list, answer, QUERY_STRING="token=x", **body)
