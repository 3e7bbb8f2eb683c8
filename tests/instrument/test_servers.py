"""Real servers under the stock launcher: every request has one whole span, whoever forks, and exits are quick."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest

from otel_openstack import attributes as names
from tests.instrument.harness import BIN, Launcher, OtlpServer, free_port, talk, wait_for_port

# A service by the name of its module: what it answers with tells which worker did
_APPLICATION = """
import os

def application(environ, start_response):
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(length)
    start_response("201 MADE up", [("Content-Type", "application/json"), ("X-a", "1"), ("X-a", "2")])
    if environ["PATH_INFO"] == "/stream":
        return iter([body, b"", b"!"])
    return [body or str(os.getpid()).encode()]
"""

_EVENTLET = """
import os, sys
import eventlet
eventlet.monkey_patch()
import eventlet.wsgi
from keystone.wsgi.api import application

listener = eventlet.listen(("127.0.0.1", int(sys.argv[1])))
for _ in range(int(sys.argv[2])):
    if os.fork() == 0:
        eventlet.wsgi.server(listener, application, log_output=False)
        os._exit(0)
eventlet.wsgi.server(listener, application, log_output=False)
"""

_REQUEST = b"POST /v3/users/%032x HTTP/1.1\r\nHost: h\r\nX-B: 1\r\nx-a: 2\r\nContent-Type: application/json\r\n"
_REQUEST += b"Content-Length: %d\r\nConnection: close\r\n\r\n%s"


def _post(port: int, number: int) -> bytes:
    body = b'{"n": %d, "password": "s3cr3t"}' % number
    answer = talk(port, _REQUEST % (number, len(body), body))
    assert answer.endswith(body)
    return answer


def _uwsgi(port: int, *options: str) -> list[str]:
    return [
        str(BIN / "uwsgi"), "--http-socket", f"127.0.0.1:{port}", "--module", "keystone.wsgi.api:application",
        "--master", "--enable-threads", "--die-on-term", "--need-app", *options,
    ]  # fmt: skip


def _stop(process: subprocess.Popen[str]) -> tuple[float, str]:
    start = time.monotonic()
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=20)
    return time.monotonic() - start, output


@pytest.mark.parametrize(
    "options",
    [("--processes", "1"), ("--processes", "3", "--threads", "2"), ("--processes", "2", "--lazy-apps")],
    ids=["one worker", "workers and threads", "lazy applications"],
)
def test_uwsgi(options: tuple[str, ...], launcher: Launcher, receiver: OtlpServer) -> None:
    """DevStack's and Kolla's server: master, forked workers, whose hooks nobody calls."""
    launcher.write("keystone/wsgi/api.py", _APPLICATION)
    port = free_port()
    process = launcher.start(_uwsgi(port, *options), {"OTEL_BSP_SCHEDULE_DELAY": "60000"})
    wait_for_port(port, process)
    threads = [threading.Thread(target=_post, args=(port, number)) for number in range(1, 31)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # uWSGI runs no exit handlers in a worker that is still busy with hanging up; but the spans still wait in its queue
    time.sleep(0.3)
    seconds, output = _stop(process)
    assert seconds < 5, output
    spans = receiver.wait(30)
    assert Counter(span.attributes[names.HTTP_REQUEST_BODY_CONTENT] for span in spans) == {
        f'{{"n": {number}, "password": "***"}}': 1 for number in range(1, 31)
    }
    assert {span.name for span in spans} == {"POST /v3/users/{user_id}"}
    assert {span.resource.attributes["service.name"] for span in spans} == {"keystone"}
    workers = {span.resource.attributes["process.pid"] for span in spans}
    assert process.pid not in workers
    assert len({span.resource.attributes["service.instance.id"] for span in spans}) == len(workers)
    assert spans[0].attributes[names.OPENSTACK_HTTP_RESPONSE_HEADER_NAMES] == ("Content-Type", "X-a", "X-a")
    request = spans[0].attributes[names.OPENSTACK_HTTP_REQUEST_HEADER_NAMES]
    assert request == ("Host", "X-B", "X-A", "Content-Type", "Content-Length", "Connection")


def test_eventlet(launcher: Launcher, receiver: OtlpServer) -> None:
    """A patched service that forks: spelling and repetitions are kept, and a stuck receiver holds nobody up."""
    launcher.write("keystone/wsgi/api.py", _APPLICATION)
    script = launcher.write("swift-proxy-server", _EVENTLET)
    port = free_port()
    process = launcher.start([sys.executable, "-W", "ignore", script, str(port), "2"])
    wait_for_port(port, process)
    for number in range(1, 31):
        _post(port, number)
    spans = receiver.wait(30)
    assert len(spans) == 30
    assert {span.resource.attributes["service.name"] for span in spans} == {"swift-proxy-server"}
    instances = {span.resource.attributes["service.instance.id"] for span in spans}
    assert len(instances) == len({span.resource.attributes["process.pid"] for span in spans})
    request = spans[0].attributes[names.OPENSTACK_HTTP_REQUEST_HEADER_NAMES]
    assert request == ("Host", "X-B", "x-a", "Content-Type", "Content-Length", "Connection")
    assert "not greened" not in launcher.kill(process)


def test_eventlets_100_continue_is_sent_when_the_application_reads(launcher: Launcher, receiver: OtlpServer) -> None:
    """Its own input object keeps all it can do."""
    launcher.write("keystone/wsgi/api.py", _APPLICATION)
    script = launcher.write("swift-proxy-server", _EVENTLET)
    port = free_port()
    process = launcher.start([sys.executable, "-W", "ignore", script, str(port), "0"])
    wait_for_port(port, process)
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(b"PUT /stream?a=b HTTP/1.1\r\nhOsT: h:81\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abc")
        answer = b""
        while not answer.endswith(b"0\r\n\r\n"):
            answer += client.recv(1000)
    assert answer.startswith(b"HTTP/1.1 201 MADE up\r\n")
    (span,) = receiver.wait(1)
    assert span.attributes[names.SERVER_PORT] == 81
    assert span.attributes[names.URL_PATH] == "/stream"
    assert span.attributes[names.HTTP_REQUEST_BODY_CONTENT] == b"abc"
    assert span.attributes[names.HTTP_RESPONSE_BODY_CONTENT] == "abc!"
    assert span.attributes[names.OPENSTACK_HTTP_REQUEST_HEADER_NAMES] == ("hOsT", "Expect", "Content-Length")


@pytest.mark.parametrize("kind", ["uwsgi", "eventlet"])
def test_a_receiver_that_is_away_stops_nobody(kind: str, launcher: Launcher) -> None:
    """Requests are answered at once, the log says it once, and exit does not wait."""
    launcher.write("keystone/wsgi/api.py", _APPLICATION)
    script = launcher.write("swift-proxy-server", _EVENTLET)
    port = free_port()
    command = _uwsgi(port) if kind == "uwsgi" else [sys.executable, "-W", "ignore", str(script), str(port), "0"]
    process = launcher.start(command, {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}"})
    wait_for_port(port, process)
    _post(port, 0)  # uWSGI listens before it has loaded the application
    deadline = time.monotonic() + 5
    number = 0
    while time.monotonic() < deadline:
        number += 1
        start = time.monotonic()
        _post(port, number)
        assert time.monotonic() - start < 1.5  # the exporter waits 1 s, then 2 s between its attempts
        time.sleep(0.02)
    seconds, output = _stop(process)
    assert seconds < 5
    assert output.count("Transient error") <= 1, output
