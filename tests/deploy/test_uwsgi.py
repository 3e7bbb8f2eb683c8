"""The snippet for uWSGI, in the real uWSGI."""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path

from tests.deploy.host import BIN
from tests.deploy.service import traced, write_application
from tests.instrument.harness import OtlpServer, free_port

SNIPPET = Path(__file__).parents[2] / "deploy" / "uwsgi" / "otel-openstack.ini"


def service(folder: Path, port: int) -> Path:
    """Write a service, its configuration with the two lines that the snippet asks for, and return that."""
    write_application(folder, "placement")
    path = folder / "placement.ini"
    path.write_text(
        f"[uwsgi]\nset-placeholder = otel-site={sysconfig.get_path('purelib')}\nini = {SNIPPET}\n"
        f"strict = true\nmaster = true\nprocesses = 2\ndie-on-term = true\nhttp-socket = 127.0.0.1:{port}\n"
        f"module = placement.wsgi.api:application\npythonpath = {folder}\n"
    )
    return path


def test_uwsgi_shows_what_the_snippet_sets(tmp_path: Path) -> None:
    """With the place filled in."""
    command = [BIN / "uwsgi", "--ini", service(tmp_path, free_port()), "--show-config", "--no-server"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    shown = done.stdout + done.stderr
    site = sysconfig.get_path("purelib")
    assert f"env = PYTHONPATH={site}/opentelemetry/instrumentation/auto_instrumentation\n" in shown
    assert "enable-threads = true\n" in shown
    assert "module = placement.wsgi.api:application\n" in shown


def test_the_snippet_traces_a_service_without_a_launcher(tmp_path: Path, receiver: OtlpServer) -> None:
    """Its endpoint stands in the snippet, so a variable of traces alone is what overrides it here."""
    port = free_port()
    command = [BIN / "uwsgi", "--ini", service(tmp_path, port)]
    environment = {"PATH": "/usr/bin:/bin", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{receiver.endpoint}/v1/traces"}
    span, _ = traced(command, environment, port, "/usages", receiver)
    assert span.name == "GET /usages"
    assert span.resource.attributes["service.name"] == "placement"
