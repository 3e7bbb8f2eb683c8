"""What the agent's tests are made with: real servers on free ports, a raw client, and places where spans arrive."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_openstack import attributes as names
from otel_openstack import otlp
from otel_openstack.otlp import protobuf

BIN = Path(sys.executable).parent


class Spans:
    """The spans that ended in this process."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    def all(self, count: int) -> tuple[ReadableSpan, ...]:
        """Wait for so many spans, and return them; a server ends the last one after its client has the answer."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and len(self._exporter.get_finished_spans()) < count:
            time.sleep(0.005)
        spans = self._exporter.get_finished_spans()
        assert len(spans) == count, [span.name for span in spans]
        return spans

    def one(self) -> ReadableSpan:
        """Return the only span."""
        return self.all(1)[0]


class ThreadingServer(ThreadingMixIn, WSGIServer):
    """wsgiref's server, a thread for each request."""

    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    """wsgiref's handler without its log."""

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


def talk(port: int, request: bytes) -> bytes:
    """Send bytes to a port and return all that comes back; the request must ask to close the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


class PreparedServer:
    """Gives prepared answers, one a connection, by TLS where it has a context, and keeps the bytes of each request."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        if context is not None:
            self._listener = context.wrap_socket(self._listener, server_side=True)
        self.port = self._listener.getsockname()[1]
        self.url = f"{'http' if context is None else 'https'}://127.0.0.1:{self.port}"
        self.answers: list[bytes] = []
        self.requests: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self.requests.append(self._read(connection))
                connection.sendall(self.answers.pop(0))

    def _read(self, connection: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        lower = head.lower()
        if b"content-length:" in lower:
            length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
            while len(body) < length:
                body += connection.recv(65536)
        elif b"chunked" in lower:
            while not body.endswith(b"0\r\n\r\n"):
                body += connection.recv(65536)
        return head + b"\r\n\r\n" + body

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()


class Measured:
    """What was measured in this process since the test began."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self.provider = MeterProvider([self._reader], shutdown_on_exit=False)

    def of(self, name: str) -> list[tuple[dict[str, Any], Any]]:
        """Return the points of ``http.client.<name>``: attributes, and a value or a sum and a count."""
        data = self._reader.get_metrics_data()
        return [
            (dict(point.attributes), (point.sum, point.count) if hasattr(point, "count") else point.value)
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == f"http.client.{name}"
            for point in metric.data.data_points
        ]

    def hops(self) -> list[dict[str, Any]]:
        """Return the attributes of each hop, by status; none may be in flight."""
        assert {value for _, value in self.of("active_requests")} <= {0}
        points = [(said, count) for said, (_, count) in self.of("request.duration") for _ in range(count)]
        return sorted((said for said, _ in points), key=lambda said: int(said.get(names.HTTP_RESPONSE_STATUS_CODE, 0)))


def http_answer(
    body: bytes = b"", *headers: bytes, status: bytes = b"200 OK", content_type: bytes = b"text/plain"
) -> bytes:
    """Return a response that closes its connection."""
    lines = [b"HTTP/1.1 " + status, b"Content-Type: " + content_type, b"Content-Length: %d" % len(body)]
    return b"\r\n".join([*lines, *headers, b"Connection: close", b"", body])


def attributes_of(span: ReadableSpan) -> dict[str, Any]:
    """Return the attributes of a span."""
    return dict(span.attributes or {})


def header_block(attributes: dict[str, Any], side: str) -> list[tuple[str, str]]:
    """Return the header lines of a recorded ``request`` or ``response``, in order."""
    values = {key: list(value) for key, value in attributes.items() if key.startswith(f"http.{side}.header.")}
    order = attributes[f"openstack.http.{side}.header_names"]
    return [(name, values[f"http.{side}.header.{name.lower()}"].pop(0)) for name in order]


class OtlpServer:
    """An OTLP/HTTP receiver that keeps what it gets: spans, and of metrics and logs the requests as they come.

    :ivar delay: seconds that it takes for each answer.
    """

    def __init__(self) -> None:
        self.delay = 0.0
        self.spans: list[otlp.Span] = []
        self.metrics: list[bytes] = []
        self.logs: list[bytes] = []
        self.batch_sizes: list[int] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(outer.delay)
                if self.path == "/v1/traces":
                    outer.batch_sizes.append(len(data))
                    outer.spans += protobuf.decode(data)
                else:
                    {"/v1/metrics": outer.metrics, "/v1/logs": outer.logs}[self.path].append(data)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def wait(self, count: int, timeout: float = 10) -> list[otlp.Span]:
        """Wait for so many spans, and return them."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and len(self.spans) < count:
            time.sleep(0.01)
        assert len(self.spans) >= count, [span.name for span in self.spans]
        return self.spans

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


class Launcher:
    """Starts programs under the stock ``opentelemetry-instrument``."""

    def __init__(self, receiver: OtlpServer, folder: Path) -> None:
        self.folder = folder
        self._variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "PYTHON", "COV_"))},
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
            "PYTHONPATH": str(folder),
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        }
        self._processes: list[subprocess.Popen[str]] = []

    def start(self, command: Sequence[str | Path], variables: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a program; its output goes to a pipe."""
        process = subprocess.Popen(
            [BIN / "opentelemetry-instrument", *command],
            env={**self._variables, **(variables or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
            start_new_session=True,
        )
        self._processes.append(process)
        return process

    def run(self, command: Sequence[str | Path], variables: Mapping[str, str] | None = None) -> str:
        """Run a program to its end, which must be a good one; return its output."""
        process = self.start(command, variables)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
        return output

    def write(self, name: str, text: str) -> Path:
        """Write a module or a script that the programs find."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        for package in path.relative_to(self.folder).parents:
            if package != Path():
                (self.folder / package / "__init__.py").touch()
        path.write_text(text)
        return path

    def kill(self, process: subprocess.Popen[str]) -> str:
        """Kill a program and its forks, which hold its output open; return that."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()[0] if process.stdout and not process.stdout.closed else ""

    def stop(self) -> None:
        """End what still runs."""
        for process in self._processes:
            self.kill(process)


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for_port(port: int, process: subprocess.Popen[str]) -> None:
    """Wait until somebody listens."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"the server ended: {process.communicate()[0]}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the server does not listen")
