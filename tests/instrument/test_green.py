"""Green threads: work that a request hands to them belongs to its trace, and their own HTTP client is seen."""

from __future__ import annotations

import subprocess
import sys

import pytest

from otel_openstack import attributes as names
from tests.instrument.harness import Launcher, OtlpServer, PreparedServer, http_answer

# Eventlet is never imported in the tests' own process, whose sockets and threads are the real ones
_PROGRAM = """
import contextvars
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from otel_openstack.instrument.instrumentor import OpenStackInstrumentor
OpenStackInstrumentor().instrument(skip_dep_check=True)
import eventlet, eventlet.greenpool, eventlet.green.threading
{after}
own = contextvars.ContextVar("own", default="unset")
trace.set_tracer_provider(TracerProvider())
seen = {{}}
def look(name):
    seen[name] = trace.get_current_span().get_span_context().span_id, own.get()
def start_all():
    pool = eventlet.greenpool.GreenPool()
    workers = [eventlet.spawn(look, "spawn"), pool.spawn(look, "pool.spawn"), eventlet.spawn_after(0, look, "after")]
    eventlet.spawn_n(look, "spawn_n")
    pool.spawn_n(look, "pool.spawn_n")
    thread = eventlet.green.threading.Thread(target=look, args=["thread"])
    thread.start()
    thread.join()
    pool.waitall()
    for worker in workers:
        worker.wait()
    return dict(seen)
idle = start_all()
own.set("set")
with trace.get_tracer("t").start_as_current_span("request") as span:
    ours = span.get_span_context().span_id
    busy = start_all()
    assert trace.get_current_span() is span
assert len(idle) == len(busy) == 6, (idle, busy)
assert set(idle.values()) == {{(0, "unset")}}, idle
assert {{name for name, found in busy.items() if found == (ours, "unset")}} == set(busy) - {{"thread"}}, busy
assert busy["thread"] == (0, "unset"), busy
print("as it should")
"""


def _run(after: str = "") -> str:
    program = _PROGRAM.format(after=after)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_green_threads_carry_the_trace_of_who_spawned_them() -> None:
    """And nothing else of the spawning context; a thread carries nothing."""
    assert "as it should" in _run()


def test_green_threads_carry_the_trace_in_a_patched_process_too() -> None:
    """Which the application patches when the agent is there, as the launcher comes first."""
    assert "as it should" in _run("eventlet.monkey_patch()")


_CLIENT = """
import sys
import eventlet
{patch}
from eventlet.green.http import client

assert client.HTTPResponse is not __import__("http.client").client.HTTPResponse
for path in sys.argv[2:]:
    connection = client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=5)
    connection.putrequest("PUT", path)
    connection.putheader("x-B", "1")
    connection.putheader("Content-Type", "text/plain")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    for piece in (b"5\\r\\nhello\\r\\n", b"0\\r\\n\\r\\n"):
        connection.send(piece)
    response = connection.getresponse()
    assert isinstance(response, client.HTTPResponse)
    assert response.read(2) + response.readline() + response.read() == b"one\\ntwo", path
    assert response.isclosed()
"""


@pytest.mark.parametrize("patch", ["", "eventlet.monkey_patch()"], ids=["as it is", "patched"])
def test_a_hop_of_eventlets_http_client_is_one_whole_exchange(
    patch: str, server: PreparedServer, launcher: Launcher, receiver: OtlpServer
) -> None:
    """Though its classes are others than those of http.client; bodies are seen however they are read."""
    chunked = b"HTTP/1.1 201 Made\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.answers = [http_answer(b"one\ntwo"), chunked + b"3\r\none\r\n4\r\n\ntwo\r\n0\r\n\r\n"]
    program = launcher.write("client.py", _CLIENT.format(patch=patch))
    launcher.run([sys.executable, "-W", "ignore", program, str(server.port), "/sized", "/chunked"])
    for span, request in zip(receiver.wait(2), server.requests, strict=True):
        sent = [line.partition(": ")[0] for line in request.decode().split("\r\n\r\n")[0].split("\r\n")[1:]]
        assert list(span.attributes[names.OPENSTACK_HTTP_REQUEST_HEADER_NAMES]) == sent
        assert sent[:5] == ["Host", "Accept-Encoding", "x-B", "Content-Type", "Transfer-Encoding"]
        assert span.attributes[names.HTTP_REQUEST_BODY_CONTENT] == "hello"
        assert span.attributes[names.HTTP_RESPONSE_BODY_CONTENT] == "one\ntwo"
        assert span.attributes[names.HTTP_RESPONSE_BODY_SIZE] == 7
        assert not span.attributes.get(names.ERROR_TYPE)


_PATCHED_LATE = """
import sys, time
import requests
from opentelemetry import trace
session = requests.Session()
def work():
    trace.get_tracer("t").start_span("work").end()
    time.sleep(0.2)
    assert session.post(sys.argv[1]).ok
for _ in range(3):
    work()
import eventlet
eventlet.monkey_patch({what})
for _ in range(3):
    work()
"""


@pytest.mark.parametrize("what", ["", "socket=True, select=True, thread=False"], ids=["all", "but threads"])
def test_a_patch_after_spans_were_sent_costs_no_request(what: str, launcher: Launcher, receiver: OtlpServer) -> None:
    """Neither one of the application's over a connection that it keeps, nor one that carries spans."""
    program = launcher.write("program.py", _PATCHED_LATE.format(what=what))
    output = launcher.run(
        [sys.executable, "-W", "ignore", program, f"{receiver.endpoint}/v1/logs"],
        {"OTEL_BSP_SCHEDULE_DELAY": "50"},
    )
    assert "poll" not in output
    assert [span.name for span in receiver.wait(12)].count("work") == 6
