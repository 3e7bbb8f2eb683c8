from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.cloud.ports import free_ports
from tests.cloud.processes import (
    CloudError,
    Process,
    Terminated,
    base_environment,
    end_all,
    log_tail,
    termination_as_interrupt,
)

FOREVER = "import time; time.sleep(600)"


def start(log: Path, program: str) -> Process:
    """Start a Python program as a process called ``it``."""
    return Process("it", [sys.executable, "-c", program], base_environment(), log)


def wait_for(log: Path, text: str) -> None:
    """Wait until a process has written this."""
    deadline = time.monotonic() + 20
    while text not in log.read_text():
        assert time.monotonic() < deadline, f"{text!r} did not come: {log.read_text()}"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Tell whether a process runs: one that ended, though nobody has noticed yet, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_command_that_fails_is_reported_with_its_status_and_the_end_of_its_log(tmp_path: Path) -> None:
    """A failed command is one sentence with its status, and below it what the command said."""
    process = start(tmp_path / "it.log", "print('the disk is full'); raise SystemExit(3)")
    with pytest.raises(CloudError, match=r"^it failed with status 3\.\n  it\.log: the disk is full$"):
        process.wait()


def test_a_command_that_does_not_end_in_time_is_reported(tmp_path: Path) -> None:
    """A command that hangs is reported, not waited for."""
    process = start(tmp_path / "it.log", FOREVER)
    try:
        with pytest.raises(CloudError, match="did not end within 0 s"):
            process.wait(timeout=0.1)
    finally:
        end_all([process])


def test_a_service_that_dies_while_it_starts_is_noticed_at_once(tmp_path: Path) -> None:
    """Nobody waits for the answer of a service that is dead."""
    (port,) = free_ports(1)
    process = start(tmp_path / "it.log", "raise RuntimeError('no such table')")
    began = time.monotonic()
    with pytest.raises(CloudError, match=r"(?s)ended with status 1 while it started.*RuntimeError: no such table"):
        process.wait_for_answer(port, "/")
    assert time.monotonic() - began < 20


def test_a_service_answers_when_it_answers_anything(tmp_path: Path) -> None:
    """Even a 404 is an answer."""
    (port,) = free_ports(1)
    arguments = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    process = Process("it", arguments, base_environment(), tmp_path / "it.log")
    try:
        process.wait_for_answer(port, "/missing")
    finally:
        assert end_all([process]) == []


def test_children_do_not_outlive_their_service(tmp_path: Path) -> None:
    """What a service leaves behind in its group is killed with it."""
    log = tmp_path / "it.log"
    fork = f"import os, sys; p = os.fork(); print(p, flush=True) if p else None\n{FOREVER}"
    process = start(log, fork)
    wait_for(log, "\n")
    child = int(log.read_text())
    assert is_alive(child)
    end_all([process])
    assert process.status is not None
    deadline = time.monotonic() + 5
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(child)


def test_a_service_that_does_not_heed_sigterm_is_killed_and_named(tmp_path: Path) -> None:
    """Patience has an end, and who needed it is told."""
    log = tmp_path / "it.log"
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); {FOREVER}"
    process = start(log, deaf)
    wait_for(log, "deaf")
    assert end_all([process], patience=0.2) == ["it"]
    assert process.status == -signal.SIGKILL


def test_a_service_leads_a_session_of_its_own(tmp_path: Path) -> None:
    """Ctrl-C at the terminal reaches us alone, so that we end the services in our own order."""
    process = start(tmp_path / "it.log", FOREVER)
    try:
        assert os.getsid(process.pid) == process.pid
    finally:
        end_all([process])


def test_sigterm_ends_like_ctrl_c() -> None:
    """SIGTERM unwinds the stack, and afterwards means what it meant before."""
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated), termination_as_interrupt():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_service_inherits_nothing_that_would_change_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's own clouds, proxies and tracing do not reach the services."""
    for name in ("OS_CLOUD", "OTEL_SERVICE_NAME", "HTTP_PROXY", "PYTHONPATH", "TRACEPARENT"):
        monkeypatch.setenv(name, "x")
    assert "x" not in base_environment().values()


def test_the_tail_of_a_log_holds_its_last_traceback_whole(tmp_path: Path) -> None:
    """A traceback is not cut, though more lines follow it than a tail has."""
    log = tmp_path / "keystone.log"
    lines = ["Traceback (most recent call last):", *(f"line {n}" for n in range(30)), "ValueError: why"]
    log.write_text("\n".join(["before"] * 50 + lines))
    assert log_tail(log).splitlines() == [f"  keystone.log: {line}" for line in lines]


def test_the_tail_of_a_missing_log_is_empty(tmp_path: Path) -> None:
    """A process that never wrote has nothing to say."""
    assert log_tail(tmp_path / "missing.log") == ""
