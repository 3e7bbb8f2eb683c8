"""The trace that a process belongs to."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from otel_openstack import attributes as names
from otel_openstack import otlp
from otel_openstack.otlp import SpanKind
from tests.instrument.harness import Launcher, OtlpServer

_TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"

# A client: calls a server that refuses, from its main thread and from another, and forks
_CALLS = """
import os, sys, threading
import requests

def call():
    try:
        requests.get("http://127.0.0.1:1/v3")
    except requests.ConnectionError:
        pass

call()
thread = threading.Thread(target=call)
thread.start()
thread.join()
"""

_CLIFF = """
class Command:
    def __init__(self, app, app_args, cmd_name=None):
        self.cmd_name = cmd_name
"""


def _run(launcher: Launcher, name: str, code: str = _CALLS, **variables: str) -> None:
    program = launcher.write(name, code)
    launcher.run([sys.executable, program, "--os-password", "s3cr3t"], variables)


def _by_name(spans: list[otlp.Span]) -> dict[str, list[otlp.Span]]:
    names = {span.name for span in spans}
    return {name: [span for span in spans if span.name == name] for name in names}


def test_the_garbage_collector_of_a_command_begins_as_without_us(launcher: Launcher) -> None:
    """It never looks at what was set up before; that of a service, which lives for long, does."""
    for name, frozen in (("openstack", True), ("keystone-wsgi-public", False)):
        program = launcher.write(name, "import gc\nprint(gc.get_freeze_count() > 1000, gc.get_count()[2])")
        output = launcher.run([sys.executable, program])
        assert output == f"{frozen} 0\n" if frozen else output.startswith("False ")


def test_a_command_is_one_trace_with_one_root(launcher: Launcher, receiver: OtlpServer) -> None:
    """Its calls lie within its span, those of its threads too."""
    _run(launcher, "openstack")
    spans = _by_name(receiver.wait(3))
    (root,) = spans["openstack"]
    assert root.kind is SpanKind.INTERNAL
    assert root.parent_span_id == ""
    assert [call.parent_span_id for call in spans["GET /v3"]] == [root.span_id] * 2
    assert {span.trace_id for span in receiver.spans} == {root.trace_id}
    assert root.resource.attributes["service.name"] == "openstack"


def test_a_commands_words_name_its_span_and_its_values_do_not(launcher: Launcher, receiver: OtlpServer) -> None:
    """They come from the client's own table of commands."""
    launcher.write("cliff/command.py", _CLIFF)
    code = "from cliff.command import Command\nCommand(None, None, cmd_name='image save')\nCommand(None, None)"
    _run(launcher, "openstack", f"{code}\n{_CALLS}")
    (root,) = _by_name(receiver.wait(3))["openstack image save"]
    assert "s3cr3t" not in repr(root)


def test_a_command_that_calls_nobody_leaves_no_trace(launcher: Launcher, receiver: OtlpServer) -> None:
    """Nor does it load what would send it: --version and completion stay quick."""
    imported = launcher.run([sys.executable, "-X", "importtime", launcher.write("openstack", "")])
    assert "opentelemetry.sdk.trace" in imported
    assert "google.protobuf" not in imported
    assert receiver.spans == []


def test_a_command_joins_the_trace_that_it_was_started_in(launcher: Launcher, receiver: OtlpServer) -> None:
    """TRACEPARENT is the parent of its calls; there is no root of its own."""
    _run(launcher, "openstack", TRACEPARENT=_TRACEPARENT, TRACESTATE="v=1")
    calls = receiver.wait(2)
    assert [(call.name, call.trace_id, call.parent_span_id) for call in calls] == [("GET /v3", "a" * 32, "b" * 16)] * 2
    assert len(receiver.spans) == 2


def test_any_program_joins_but_only_commands_begin(launcher: Launcher, receiver: OtlpServer) -> None:
    """A script of the user's own may run for years: each of its calls is a trace, unless it is given one."""
    _run(launcher, "script.py")
    assert len({span.trace_id for span in receiver.wait(2)}) == 2
    _run(launcher, "script.py", TRACEPARENT=_TRACEPARENT)
    assert {span.trace_id for span in receiver.wait(4)[2:]} == {"a" * 32}


def test_a_service_ignores_who_started_it(launcher: Launcher, receiver: OtlpServer) -> None:
    """Its calls are of its requests' traces, not of its operator's."""
    _run(launcher, "nova-compute", TRACEPARENT=_TRACEPARENT)
    assert "a" * 32 not in {span.trace_id for span in receiver.wait(2)}


def test_a_fork_of_a_command_does_not_end_it_again(launcher: Launcher, receiver: OtlpServer) -> None:
    """One command, one root, whatever it forks; and the fork is somebody else."""
    code = _CALLS + "\nchild = os.fork()\nif child: os.waitpid(child, 0)\nelse: call(); sys.exit(0)\n"
    _run(launcher, "openstack", code)
    spans = _by_name(receiver.wait(4))
    assert len(spans["openstack"]) == 1
    assert len({call.resource.attributes["process.pid"] for call in spans["GET /v3"]}) == 2
    assert len({call.resource.attributes["service.instance.id"] for call in spans["GET /v3"]}) == 2
    assert len(receiver.spans) == 4


@pytest.mark.parametrize(
    "code",
    [
        "import urllib.request\nurllib.request.urlopen(url)",
        "import requests\nkept = requests.get(url, stream=True)",
        "import http.client, os\nconnection = http.client.HTTPConnection(url.split('/')[2])\n"
        "connection.request('GET', '/v1/nothing')\nkept = connection.getresponse()\n"
        "if os.fork():\n    os.wait()",
    ],
    ids=["an error that nobody catches", "a stream that nobody reads", "a response that a fork inherits"],
)
def test_what_is_still_open_when_a_program_ends_is_sent(
    code: str, launcher: Launcher, receiver: OtlpServer, serve: Callable[[object], int]
) -> None:
    """Once, by the process that asked."""

    def nothing(_environ: object, start_response: Callable[..., object]) -> list[bytes]:
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"x" * 100_000]

    url = f"http://127.0.0.1:{serve(nothing)}/v1/nothing"
    process = launcher.start([sys.executable, launcher.write("program", f"url = {url!r}\n{code}\n")])
    process.communicate(timeout=30)
    (span,) = receiver.wait(1)
    assert span.name == "GET /v1/nothing"
    assert span.attributes[names.HTTP_RESPONSE_STATUS_CODE] == 404
