"""What clients of every library ask, and what they do with the answer."""

from __future__ import annotations

import asyncio
import http.client
import io
import re
import urllib.request
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import requests
import urllib3
from greenlet import greenlet
from opentelemetry import propagate, trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from requests.adapters import HTTPAdapter

from otel_openstack.instrument import capture, green
from tests.instrument.faults.application import SECRETS, TOKEN, generated
from tests.instrument.harness import free_port


def outcome(ask: Callable[[], Any]) -> Any:
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


class _Peeking(HTTPAdapter):
    """An adapter that takes a look at what it sends."""

    def add_headers(self, request: requests.PreparedRequest, **_kwargs: Any) -> None:
        body: Any = request.body
        request.headers["X-First"] = next(body)[:5]


class Clients:
    """Clients of every library, and what else takes part in what they do.

    Each method but :meth:`close` is an exchange, and returns all that the asker gets.

    :param port: where the application is served.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._target = f"http://127.0.0.1:{port}/v1"
        self._refused = f"http://127.0.0.1:{free_port()}/"
        self._session = requests.Session()
        self._session.trust_env = False
        self._pool = urllib3.PoolManager(retries=urllib3.Retry(1, redirect=1, backoff_factor=0))
        self._httpx = httpx.Client(trust_env=False, verify=False, follow_redirects=True)

    def close(self) -> None:
        """Close their connections."""
        self._session.close()
        self._pool.clear()
        self._httpx.close()

    def _read(self, response: Any) -> tuple[Any, ...]:
        return response.status_code, response.reason, list(response.headers.items()), response.content

    def requests_plain(self) -> Any:
        return self._read(self._session.get(self._target + "/echo", headers={"X-Auth-Token": TOKEN, "X-B": b"bytes"}))

    def requests_text(self) -> Any:
        return self._read(self._session.post(self._target + "/echo", data="q=%41&password=é"))

    def requests_file(self) -> Any:
        return self._read(self._session.post(self._target + "/echo", data=io.BytesIO(SECRETS)))

    def requests_generator(self) -> Any:
        return self._read(self._session.post(self._target + "/echo", data=generated(2)))

    def requests_looked_at_by_its_adapter(self) -> Any:
        self._session.mount(self._target, _Peeking())
        try:
            return self._read(self._session.post(self._target + "/echo", data=generated(3)))
        finally:
            del self._session.adapters[self._target]

    def requests_redirect(self) -> Any:
        response = self._session.put(self._target + "/redirect", data=io.BytesIO(b"abc"))
        return [*map(self._read, response.history), self._read(response)]

    def requests_streamed(self) -> Any:
        with self._session.get(self._target + "/gzip", stream=True) as response:
            pieces = b"".join(response.iter_content(100))
        with self._session.get(self._target + "/plain", stream=True) as response:
            lines = list(response.iter_lines())
        with self._session.get(self._target + "/plain", stream=True) as response:
            buffer = bytearray(3)
            raw = response.raw.read(3) + buffer[: response.raw.readinto(buffer)] + response.raw.read1(3)
            raw += b"".join(response.raw)
        return pieces, lines, raw

    def requests_short(self) -> Any:
        return self._read(self._session.get(self._target + "/short"))

    def requests_short_read(self) -> Any:
        return self._session.get(self._target + "/short", stream=True).raw.read()

    def requests_left_open_at_exit(self) -> Any:
        response = self._session.get(self._target + "/plain", stream=True)
        first = response.raw.read(3)
        capture.end_open()
        return first, response.raw.read()

    def requests_refused(self) -> Any:
        return self._session.get(self._refused)

    def urllib3(self) -> Any:
        response = self._pool.request("POST", self._target + "/redirect", body=b"abc")
        streamed = self._pool.request("GET", self._target + "/plain", preload_content=False)
        return response.status, response.headers.items(), response.data, b"".join(streamed.stream(10))

    def urllib3_refused(self) -> Any:
        return self._pool.request("GET", self._refused)

    def urllib(self) -> Any:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(self._target + "/gzip") as response:
            return response.status, response.headers.items(), response.read()

    def http_client(self) -> Any:
        found: list[Any] = []
        for body, headers in ((b"abc", {}), (io.BytesIO(b"abc"), {}), ([b"a", b"b"], {"X-Number": 1, "X-B": b"b"})):
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
            connection.request("POST", "/v1/echo", body, headers)
            with connection.getresponse() as response:
                buffer = bytearray(4)
                data = response.read(4) + buffer[: response.readinto(buffer)]
                data += response.read1(4) + response.readline() + response.read()
                found += response.getheaders(), data
            connection.close()
        return found

    def http_client_short(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        connection.request("GET", "/v1/short")
        connection.getresponse().read()

    def http_client_unanswered(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        connection.request("GET", "/v1/short")
        connection.close()

    def http_client_in_parts(self) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        connection.putrequest("POST", "/v1/echo")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.putheader("traceparent", "stale")
        connection.endheaders()
        connection.send(b"3\r\nabc\r\n")
        connection.send(b"0\r\n\r\n")
        with connection.getresponse() as response:
            return response.read()

    def httpx(self) -> Any:
        def lines(response: httpx.Response) -> tuple[Any, ...]:
            return response.status_code, response.headers.raw, response.content

        posted = self._httpx.post(self._target + "/redirect", content=b"abc")
        with self._httpx.stream("POST", self._target + "/echo", content=generated(2)) as response:
            streamed = b"".join(response.iter_bytes())
        return lines(posted), [lines(response) for response in posted.history], streamed

    def httpx_short(self) -> Any:
        return self._httpx.get(self._target + "/short")

    def httpx_refused(self) -> Any:
        return self._httpx.get(self._refused)

    def httpx_asynchronous(self) -> Any:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"abc"

        async def ask() -> Any:
            async with httpx.AsyncClient(trust_env=False, verify=False) as client:
                response = await client.post(self._target + "/echo", content=pieces())
                return response.status_code, response.headers.raw, response.content

        return asyncio.run(ask())

    def greenlets(self) -> Any:
        """Greenlets as eventlet makes them; with the real one the process would have to be its own."""
        with trace.get_tracer("t").start_as_current_span("request"):
            made = greenlet(lambda: "made")
            green.made(lambda: None, made, (), {})
            _timer, spawned = green.spawned(lambda: (None, greenlet(lambda: "spawned")), None, (), {})
            wrapped = [wrapper(lambda: "result", None, (), {}) for wrapper in (green.apart, green.patched)]
            return made.switch(), spawned.switch(), wrapped

    def propagators(self) -> Any:
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
