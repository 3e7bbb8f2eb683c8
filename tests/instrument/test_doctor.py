"""What the doctor finds, in environments of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from otel_openstack.cli import main
from tests.instrument.harness import OtlpServer, PreparedServer, http_answer


def _doctor(*command: str, **variables: str) -> tuple[int, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")} | variables
    done = subprocess.run(
        [sys.executable, "-m", "otel_openstack.instrument.doctor", *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout


def test_a_healthy_environment_is_told_as_such(receiver: OtlpServer) -> None:
    """With a receiver that answers nothing fails, and the name of the service is known before it is started."""
    code, said = _doctor(
        *("uwsgi", "--module", "glance.wsgi.api:application"), OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint
    )
    assert (code, said.count("FAIL")) == (0, 0)
    assert "service.name of this command is glance-api" in said
    assert f"{receiver.endpoint} takes spans" in said
    assert "OTEL_OPENSTACK_BODY_LIMIT is 8192, the default" in said


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"OTEL_SDK_DISABLED": "true"}, "records nothing"),
        ({"OTEL_TRACES_EXPORTER": "none"}, "sends no spans"),
        ({"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "flask, openstack"}, "leaves this instrumentation out"),
        ({"OTEL_PYTHON_DISTRO": "other"}, "opentelemetry_distro would be other"),
        ({"OTEL_OPENSTACK_REDACT_PATTERNS": "ghp_*,*"}, "OTEL_OPENSTACK_REDACT_PATTERNS: '*' is no pattern"),
        ({"OTEL_OPENSTACK_BODY_LIMIT": "lots"}, "OTEL_OPENSTACK_BODY_LIMIT='lots' is not a number of bytes"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, "http://127.0.0.1:9 takes no spans"),
        ({"OTEL_TRACES_EXPORTER": "otlp,nosuch"}, "no exporter nosuch of traces is installed, so nothing is recorded"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, "no exporter otlp_proto_http/json of traces is installed"),
    ],
)
def test_what_is_wrong_is_one_line_that_fails(variables: dict[str, str], sentence: str, receiver: OtlpServer) -> None:
    """Each fault is named with its value, and the exit code is 1."""
    code, said = _doctor(**{"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, **variables})
    assert code == 1
    (line,) = [line for line in said.splitlines() if line.startswith("FAIL")]
    assert sentence in line


def test_a_web_server_takes_no_spans(server: PreparedServer) -> None:
    """Whatever it answers with 200."""
    server.answers = [http_answer(b"<html>", content_type=b"text/html; charset=utf-8")]
    code, said = _doctor(OTEL_EXPORTER_OTLP_ENDPOINT=server.url)
    assert code == 1
    assert "the endpoint answers 200 with text/html, as no OTLP receiver does" in said


def test_the_verb_asks_another_interpreter(capfd: pytest.CaptureFixture[str]) -> None:
    """An interpreter that is not there is an error of one sentence; one that is there answers for itself."""
    assert main(["doctor", "--python", "/no/such/python"]) == 2
    assert "/no/such/python cannot be started" in capfd.readouterr().err
    assert main(["doctor", "--python", sys.executable, "--", "swift-proxy-server", "proxy.conf"]) in (0, 1)
    assert "service.name of this command is swift-proxy-server" in capfd.readouterr().out
