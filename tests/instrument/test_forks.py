"""Forks while other threads are there: what CPython says of them (3.12 and later), and what their children can do."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.instrument.harness import Launcher

_PROGRAM = """
import os, sys, threading, time, warnings
from opentelemetry import trace

trace.get_tracer("test").start_span("work").end()  # the agent's thread is there from now on

def fork():
    child = os.fork()
    if not child:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0

def with_a_thread(function):
    before = os.listdir("/proc/self/task")
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    function()
    end.set()
    thread.join()
    while os.listdir("/proc/self/task") != before:  # until 3.12 join is over before the system's thread is
        time.sleep(0.001)

assert threading.active_count() == int(sys.argv[1])
"""
_FORKS = {
    "none but ours": ("fork()", 0),
    "one of its own": ("with_a_thread(fork)", 1),
    "one of its own between": ("fork(); with_a_thread(fork); fork()", 1),
    "none, and a filter of its own": ("fork(); warnings.simplefilter('always'); fork()", 0),
}


@pytest.mark.parametrize(("code", "count"), _FORKS.values(), ids=_FORKS.keys())
def test_a_fork_is_warned_of_as_without_the_agent(code: str, count: int, launcher: Launcher) -> None:
    """Only where the program has other threads, and CPython warns at all."""
    command = [sys.executable, "-W", "always", str(launcher.write("program.py", f"{_PROGRAM}\n{code}\n"))]
    said = launcher.run([*command, "2"])
    alone = subprocess.run([*command, "1"], capture_output=True, text=True, check=True)
    warned = "is multi-threaded, use of fork() may lead to deadlocks"
    assert said.count(warned) == alone.stderr.count(warned) == (count if sys.version_info >= (3, 12) else 0)


def test_what_was_warned_of_once_is_not_warned_of_again(launcher: Launcher) -> None:
    """The filter's coming and going is nothing to the program's own warnings."""
    code = "def mine():\n    warnings.warn('mine', UserWarning)\nmine(); fork(); mine(); with_a_thread(fork); mine()"
    said = launcher.run([sys.executable, launcher.write("program.py", f"{_PROGRAM}\n{code}\n"), "2"])
    assert said.count("UserWarning: mine") == 1


def test_a_child_can_import_what_our_thread_was_importing(launcher: Launcher) -> None:
    """Our exporter loads much, while the program forks."""
    code = (
        "import signal, time\nchildren = []\n"
        "for _ in range(12):\n"
        "    time.sleep(0.02)\n    children.append(os.fork())\n"
        "    if not children[-1]:\n"
        "        signal.alarm(20)\n        import requests\n        os.kill(os.getpid(), signal.SIGKILL)\n"
        "print([os.waitpid(child, 0)[1] for child in children])\n"
    )
    program = launcher.write("program.py", f"{_PROGRAM}\n{code}")
    said = launcher.run([sys.executable, program, "2"], {"OTEL_BSP_SCHEDULE_DELAY": "10"})
    assert said.splitlines()[-1] == str([9] * 12)
