"""How processes begin, fork and end under the stock launcher: as without it, and with every span sent."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from otel_openstack.otlp import Span
from tests.instrument.harness import BIN, Launcher, OtlpServer, free_port, talk, wait_for_port

_NEVER = {"OTEL_BSP_SCHEDULE_DELAY": "60000"}
"""Whatever arrives was sent because the process ended."""

_APPLICATION = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
_EVENTLET = """
import os, sys, eventlet
{patch}
import eventlet.wsgi
from api import application
listener = eventlet.listen(("127.0.0.1", int(sys.argv[1])))
eventlet.wsgi.server(listener, application, log_output=False)
"""
_SERVERS = {
    "wsgiref": (
        "import sys\nfrom api import application\nfrom wsgiref.simple_server import make_server\n"
        "make_server('127.0.0.1', int(sys.argv[1]), application).serve_forever()"
    ),
    "threads": (
        "import sys\nfrom api import application\nfrom cheroot import wsgi\n"
        "wsgi.Server(('127.0.0.1', int(sys.argv[1])), application).safe_start()"
    ),
    "eventlet": _EVENTLET.format(patch=""),
    "eventlet, patched": _EVENTLET.format(patch="eventlet.monkey_patch()"),
    "eventlet, a worker as swift's": _EVENTLET.format(
        patch="eventlet.monkey_patch()\nimport signal\nsignal.signal(signal.SIGTERM, signal.SIG_DFL)"
    ),
}
_REQUEST = b"GET /things HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
_SPAN = """
from opentelemetry import trace
def span(name="work"):
    trace.get_tracer("test").start_span(name).end()
"""


def _start(launcher: Launcher, code: str, **variables: str) -> tuple[subprocess.Popen[str], int]:
    launcher.write("api.py", _APPLICATION)
    port = free_port()
    script = launcher.write("served", code)
    process = launcher.start([sys.executable, "-W", "ignore", script, str(port)], {**_NEVER, **variables})
    wait_for_port(port, process)
    return process, port


def _end(process: subprocess.Popen[str], signum: signal.Signals) -> tuple[float, str]:
    start = time.monotonic()
    process.send_signal(signum)
    output, _ = process.communicate(timeout=20)
    return time.monotonic() - start, output


def _names(spans: list[Span]) -> list[str]:
    return sorted(span.name for span in spans)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("code", _SERVERS.values(), ids=_SERVERS.keys())
def test_a_server_that_a_signal_ends_has_sent_its_spans(
    code: str, signum: signal.Signals, launcher: Launcher, receiver: OtlpServer
) -> None:
    """Quickly, and by that very signal where it has no handler of its own."""
    process, port = _start(launcher, code)
    for _ in range(100):
        talk(port, _REQUEST)
    seconds, output = _end(process, signum)
    assert seconds < 2, output
    if signum is signal.SIGTERM:
        assert process.returncode == -signal.SIGTERM
    assert _names(receiver.spans) == ["GET /things"] * 100, output


def test_a_busy_green_server_loses_nothing_that_ended(launcher: Launcher, receiver: OtlpServer) -> None:
    """Also what its worker was about to send."""
    process, port = _start(launcher, _SERVERS["eventlet, patched"], OTEL_BSP_SCHEDULE_DELAY="10")
    for _ in range(200):
        talk(port, _REQUEST)
    _end(process, signal.SIGTERM)
    assert len({span.span_id for span in receiver.spans}) == 200


def test_a_green_server_waits_for_a_receiver_that_takes_its_time(launcher: Launcher, receiver: OtlpServer) -> None:
    """Also where a green thread's join raises what its time-out is (eventlet, CPython 3.13)."""
    receiver.delay = 0.1
    process, port = _start(launcher, _SERVERS["eventlet, patched"])
    for _ in range(100):
        talk(port, _REQUEST)
    _, output = _end(process, signal.SIGINT)
    assert _names(receiver.spans) == ["GET /things"] * 100, output
    assert "Timeout" not in output


_PROGRAMS = {
    "dies of SIGTERM": ("span()\nos.kill(os.getpid(), signal.SIGTERM)\nprint('still there')", -signal.SIGTERM, 1),
    "handles SIGTERM": (
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\nspan()\nos.kill(os.getpid(), signal.SIGTERM)", 7, 1,
    ),
    "handles SIGTERM later": (
        "span()\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\nos.kill(os.getpid(), signal.SIGTERM)", 7, 1,
    ),
    "ignores SIGTERM": (
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nspan()\nos.kill(os.getpid(), signal.SIGTERM)\nsys.exit(3)",
        3, 1,
    ),
    "leaves at once": ("span()\nos._exit(5)", 5, 1),
    "forks, and the child leaves at once": (
        "span()\nif os.fork():\n    assert os.wait()[1] == 0\nelse:\n    span('child')\n    os._exit(0)", 0, 2,
    ),
    "terminates a process of multiprocessing": (
        "import multiprocessing, time\nmultiprocessing.set_start_method('fork')\n"
        "def work(ready):\n    span('child')\n    ready.set()\n    time.sleep(60)\n"
        "ready = multiprocessing.Event()\nchild = multiprocessing.Process(target=work, args=(ready,))\n"
        "span()\nchild.start()\nready.wait()\nchild.terminate()\nchild.join()\n"
        "assert child.exitcode == -signal.SIGTERM", 0, 2,
    ),
    "has children of multiprocessing that end": (
        "import multiprocessing\nmultiprocessing.set_start_method('fork')\nspan()\n"
        "child = multiprocessing.Process(target=span, args=('child',))\nchild.start()\nchild.join()", 0, 2,
    ),
    "has a pool": (
        "import multiprocessing\nmultiprocessing.set_start_method('fork')\nspan()\n"
        "with multiprocessing.Pool(1) as pool:\n    pool.map(span, ['child'])\n    pool.close()\n    pool.join()", 0, 2,
    ),
    "starts a program that is observed, too": (
        "import subprocess\nspan()\nchild = [sys.executable, '-c', 'from program import span; span(\"child\")', '-']\n"
        "if __name__ == '__main__': subprocess.run(child, check=True)", 0, 3,
    ),
    "starts any other program": (
        "import subprocess\nspan()\nchild = subprocess.Popen(['sleep', '60'])\n"
        "status = open(f'/proc/{child.pid}/status').read()\n"
        "assert 'SigBlk:\\t0000000000000000' in status, status\n"
        "child.terminate()\nassert child.wait() == -signal.SIGTERM", 0, 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("code", "status", "count"), _PROGRAMS.values(), ids=_PROGRAMS.keys())
def test_a_program_that(code: str, status: int, count: int, launcher: Launcher, receiver: OtlpServer) -> None:
    """Ends as it would without us, within two seconds, and its spans have been sent."""
    script = launcher.write("program.py", f"import os, signal, sys\n{_SPAN}\n{code}\n")
    process = launcher.start([sys.executable, script], _NEVER)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == status, output
    assert output == ""
    spans = receiver.spans
    assert set(_names(spans)) == {"child", "work"} if count > 1 else {"work"}
    assert len(spans) == count


def test_an_abrupt_end_does_not_wait_for_a_receiver_that_hangs(launcher: Launcher) -> None:
    """A second at the most, and the status is the same."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        code = f"import signal\n{_SPAN}\nspan()\nprint(1, flush=True)\nsignal.pause()"
        script = launcher.write("program.py", code)
        process = launcher.start([sys.executable, script], {**_NEVER, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
        assert process.stdout
        process.stdout.readline()
        seconds, _ = _end(process, signal.SIGTERM)
    assert process.returncode == -signal.SIGTERM
    assert seconds < 2


def _uwsgi(port: int, *options: str) -> list[str]:
    return [str(BIN / "uwsgi"), "--http-socket", f"127.0.0.1:{port}", "--module", "api", "--master", "--enable-threads",
            "--die-on-term", "--processes", "2", *options]  # fmt: skip


@pytest.mark.parametrize("options", [(), ("--lazy-apps",)], ids=["before the fork", "lazily"])
def test_workers_of_uwsgi_are_themselves_also_after_a_reload(
    options: tuple[str, ...], launcher: Launcher, receiver: OtlpServer
) -> None:
    """Each process has an id of its own, without its hooks for forks being called; what old workers had is sent."""
    launcher.write("api.py", _APPLICATION)
    port = free_port()
    process = launcher.start(_uwsgi(port, *options), _NEVER)
    wait_for_port(port, process)
    for _ in range(50):
        talk(port, _REQUEST)
    time.sleep(0.3)  # uWSGI runs no exit handlers in a worker that is still busy with hanging up
    process.send_signal(signal.SIGHUP)
    receiver.wait(50)
    for _ in range(50):
        talk(port, _REQUEST)
    time.sleep(0.3)
    seconds, output = _end(process, signal.SIGTERM)
    assert seconds < 3, output  # a second of it is the master's own pause
    spans = receiver.spans
    assert len(spans) == 100, output
    pids = {span.resource.attributes["process.pid"] for span in spans}
    assert len(pids) >= 2
    assert process.pid not in pids
    assert len({span.resource.attributes["service.instance.id"] for span in spans}) == len(pids)


def test_no_signal_of_a_worker_of_uwsgi_is_taken_by_our_thread(launcher: Launcher, receiver: OtlpServer) -> None:
    """Its handlers end the thread that they run in: a worker whose other thread took SIGTERM would stay."""
    launcher.write("api.py", _APPLICATION)
    port = free_port()
    process = launcher.start(_uwsgi(port, "--lazy-apps"))
    wait_for_port(port, process)
    for _ in range(20):
        talk(port, _REQUEST)
    spans = receiver.wait(20)
    for worker in {span.resource.attributes["process.pid"] for span in spans}:
        others = [thread for thread in Path(f"/proc/{worker}/task").iterdir() if thread.name != str(worker)]
        assert len(others) == 1
        (blocked,) = re.findall(r"SigBlk:\t(\w+)", (others[0] / "status").read_text())
        assert int(blocked, 16) & 1 << signal.SIGTERM - 1
    process.terminate()
    process.communicate(timeout=5)


def test_eventlet_warns_of_nothing_because_of_us(launcher: Launcher) -> None:
    """What a program prints is what it prints without the launcher."""
    code = "import eventlet\neventlet.monkey_patch()\nimport logging\nlogging.warning('mine')\n"
    script = launcher.write("program", f"{code}import eventlet.wsgi, requests")
    alone = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    observed = launcher.run([sys.executable, script])
    assert observed.splitlines() == (alone.stdout + alone.stderr).splitlines()
    assert "greened" not in observed
