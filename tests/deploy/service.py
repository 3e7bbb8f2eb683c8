"""A service that tests of deployment start, ask once, and end."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from otel_openstack.otlp import Span
from tests.instrument.harness import OtlpServer, talk, wait_for_port

_APPLICATION = """
def application(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]
"""


def write_application(folder: Path, package: str) -> None:
    """Write ``PACKAGE.wsgi.api``, where the agent looks for a service's application."""
    module = folder / package / "wsgi/api.py"
    module.parent.mkdir(parents=True)
    module.write_text(_APPLICATION)


def traced(
    command: Sequence[str | Path], environment: Mapping[str, str], port: int, path: str, receiver: OtlpServer
) -> tuple[Span, int]:
    """Start a service, ask it for a path, end it, and return the only span of it and the id of its first process."""
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/"
    )
    try:
        wait_for_port(port, process)
        assert talk(port, f"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode()).endswith(b"hello")
        (span,) = receiver.wait(1)
    finally:
        process.terminate()
        process.communicate(timeout=20)
    return span, process.pid
