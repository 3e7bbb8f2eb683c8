"""The file that mod_wsgi imports at its start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.instrument.harness import OtlpServer, free_port, talk, wait_for_port

START = Path(__file__).parents[2] / "deploy" / "apache" / "start.py"
_SERVICE = """
import runpy, sys
from wsgiref.simple_server import make_server
runpy.run_path(sys.argv[1])
from keystone.wsgi.api import application
make_server("127.0.0.1", int(sys.argv[2]), application).serve_forever()
"""


def test_an_embedded_python_that_imports_it_first_is_traced(tmp_path: Path, receiver: OtlpServer) -> None:
    """Under the name that stands in it, for the process's own tells nothing there."""
    module = tmp_path / "keystone/wsgi/api.py"
    module.parent.mkdir(parents=True)
    module.write_text("def application(environ, respond):\n    respond('200 OK', [])\n    return [b'hello']\n")
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVICE, START, str(port)],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path), "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_for_port(port, process)
        assert talk(port, b"GET /v3 HTTP/1.0\r\nHost: h\r\n\r\n").endswith(b"hello")
        (span,) = receiver.wait(1)
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert span.name == "GET /v3"
    assert span.resource.attributes["service.name"] == "keystone"
