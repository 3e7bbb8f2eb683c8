"""Receivers that are away, silent or wrong: a traced service never notices, and says so once."""

from __future__ import annotations

import contextlib
import signal
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.instrument.harness import Launcher, OtlpServer, free_port, talk, wait_for_port

PROGRAM = """
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments): pass

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]

make_server("127.0.0.1", int(sys.argv[1]), app, handler_class=Quiet).serve_forever()
"""
REQUEST = b"GET /v1/things HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
HTML = b"<html><body>It works!</body></html>"

Answer = Callable[[socket.socket], object]


def _silent(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while connection.recv(65536):
            pass


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def _saying(status: bytes, body: bytes) -> Answer:
    def say(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(
                b"HTTP/1.1 %b\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
                % (status, len(body), body)
            )

    return say


RECEIVERS: dict[str, Answer | None] = {
    "away": None,
    "silent": _silent,
    "resetting": _reset,
    "failing": _saying(b"500 Internal Server Error", HTML),
    "refusing": _saying(b"404 Not Found", HTML),
    "a web server": _saying(b"200 OK", HTML),
    "a portal": _saying(b"302 Found", HTML),
}


@pytest.fixture(params=RECEIVERS)
def endpoint(request: pytest.FixtureRequest) -> Iterator[str]:
    """Be a receiver of each kind in turn."""
    answer = RECEIVERS[request.param]
    if answer is None:
        yield f"http://127.0.0.1:{free_port()}"
        return
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=converse, args=(connection,), daemon=True).start()

    def converse(connection: socket.socket) -> None:
        with connection:
            answer(connection)

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()


def _serve(launcher: Launcher, variables: dict[str, str]) -> tuple[float, float, str]:
    """Return the median time of a request, how long the program took to end, and what it said."""
    port = free_port()
    process = launcher.start([sys.executable, launcher.write("serve.py", PROGRAM), str(port)], variables)
    wait_for_port(port, process)
    times = []
    for _ in range(150):
        start = time.perf_counter()
        assert talk(port, REQUEST).endswith(b"hello")
        times.append(time.perf_counter() - start)
        time.sleep(0.005)  # long enough for several attempts to send
    start = time.perf_counter()
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=10)
    assert process.returncode == -signal.SIGTERM
    return statistics.median(times), time.perf_counter() - start, output


def test_a_service_is_as_quick_as_with_a_good_receiver(endpoint: str, launcher: Launcher, receiver: OtlpServer) -> None:
    """It ends in time, and its log has one line about what is wrong."""
    quickly = {"OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    good, _, said = _serve(launcher, quickly)
    assert said == ""
    assert len(receiver.wait(150)) == 150
    bad, ending, said = _serve(launcher, {**quickly, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
    assert bad < 5 * good
    assert ending < 2.5
    assert len(said.splitlines()) == 1, said


ENDINGS = {
    "at exit": "span()",
    "by SIGTERM": "span()\nos.kill(os.getpid(), signal.SIGTERM)",
    "by os._exit": "span()\nos._exit(0)",
    "green, at exit": "import eventlet\neventlet.monkey_patch()\nspan()",
    "green, by SIGTERM": "import eventlet\neventlet.monkey_patch()\nspan()\nos.kill(os.getpid(), signal.SIGTERM)",
}


@pytest.mark.parametrize("code", ENDINGS.values(), ids=ENDINGS.keys())
def test_what_a_slow_receiver_has_not_taken_by_the_end_is_one_line(
    code: str, launcher: Launcher, receiver: OtlpServer
) -> None:
    """How many spans, and where to look; and the end does not wait for it."""
    receiver.delay = 20
    code = (
        "import os, signal\nfrom opentelemetry import trace\n"
        "def span():\n    for _ in range(3): trace.get_tracer('t').start_span('x').end()\n"
        f"    print(flush=True)\n{code}\n"
    )
    script = launcher.write("program.py", code)
    process = launcher.start([sys.executable, "-W", "ignore", script], {"OTEL_BSP_SCHEDULE_DELAY": "60000"})
    assert process.stdout
    process.stdout.readline()
    start = time.monotonic()
    said, _ = process.communicate(timeout=20)
    assert time.monotonic() - start < 2.5  # two seconds of waiting, and the interpreter's own
    assert len(said.splitlines()) == 1, said
    line = said
    assert line.startswith("3 spans were not sent")
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in line
