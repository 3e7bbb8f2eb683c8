"""The file that mod_wsgi imports at its start."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.deploy.service import traced, write_application
from tests.instrument.harness import OtlpServer, free_port

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
    write_application(tmp_path, "keystone")
    port = free_port()
    command = [sys.executable, "-c", _SERVICE, START, str(port)]
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(tmp_path),
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
    }
    span, _ = traced(command, environment, port, "/v3", receiver)
    assert span.name == "GET /v3"
    assert span.resource.attributes["service.name"] == "keystone"
