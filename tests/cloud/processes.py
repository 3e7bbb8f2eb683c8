"""Commands and services that are started here, and ended here whatever happens."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

# Setting a service up is no part of any conversation: a parent that was not sampled keeps it out of the traces
# (W3C Trace Context, trace-flags; the SDK's default sampler obeys its parent).
UNSAMPLED = {"traceparent": "00-00000000000000000000000000000001-0000000000000001-00"}


_INHERITED = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR")


class CloudError(Exception):
    """The cloud cannot be had: one sentence, and the log lines that matter below it."""

    def __init__(self, message: str, log: str = "") -> None:
        super().__init__(f"{message}\n{log}".rstrip())


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived: ends like Ctrl-C, so that everything on the way out is still torn down."""


@contextlib.contextmanager
def termination_as_interrupt() -> Iterator[None]:
    """While inside, SIGTERM raises :class:`Terminated` (only the main thread can have it so)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """While inside, neither Ctrl-C nor SIGTERM is heard: a second, impatient one must not leave services behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def base_environment() -> dict[str, str]:
    """Return what is inherited of our own environment: no ``OS_*``, ``OTEL_*``, ``PYTHON*`` or proxy of the user's."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}


class Process:
    """One command in a session of its own, all of its output in one log file.

    :param name: what the log file, errors and the progress display call it.
    :param command: program and arguments.
    :param environment: the whole environment, nothing is inherited.
    :param log: file that standard output and error are appended to.
    """

    def __init__(self, name: str, command: Sequence[str | Path], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            # A session of its own: Ctrl-C at the terminal is for us alone, and swift's parents kill their whole group.
            self._process = subprocess.Popen(
                [str(part) for part in command],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=log.parent,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The id of the process, which is also that of its group and session."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status, or None while it runs."""
        return self._process.poll()

    def wait(self, timeout: float = 120) -> None:
        """Wait until the command has succeeded.

        :param timeout: seconds.
        :raises CloudError: it failed or did not end in time.
        """
        try:
            status = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise CloudError(f"{self.name} did not end within {timeout:.0f} s.", log_tail(self.log)) from None
        if status:
            raise CloudError(f"{self.name} failed with status {status}.", log_tail(self.log))

    def wait_for_answer(self, port: int, path: str, timeout: float = 60) -> None:
        """Wait until the service on this loopback port gives any HTTP answer.

        :param timeout: seconds.
        :raises CloudError: the process has ended, or did not answer in time.
        """
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            # One patient request, as uWSGI accepts connections before it has loaded its application.
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
            try:
                connection.request("GET", path, headers=UNSAMPLED)
                connection.getresponse()
            except (OSError, http.client.HTTPException):
                if self.status is not None:
                    sentence = f"{self.name} ended with status {self.status} while it started."
                    raise CloudError(sentence, log_tail(self.log)) from None
                time.sleep(0.05)
            else:
                return
            finally:
                connection.close()
        raise CloudError(f"{self.name} gave no answer within {timeout:.0f} s.", log_tail(self.log))

    def terminate(self) -> None:
        """Ask it to end; returns at once."""
        if self.status is None:
            self._process.terminate()

    def end(self, deadline: float) -> bool:
        """Wait until it has ended, and kill what is left of its group.

        :param deadline: the :func:`time.monotonic` time after which it is killed.
        :returns: whether it ended by itself.
        """
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, deadline - time.monotonic()))
        ended = self.status is not None
        # Children may outlive their parent. The group's id cannot have been given to others while a member lives.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        return ended


def end_all(processes: Sequence[Process], patience: float = 10) -> list[str]:
    """End these processes, the last one first, with ``patience`` seconds for all of them.

    :returns: the names of those that had to be killed.
    """
    with uninterrupted():
        for process in reversed(processes):
            process.terminate()
        deadline = time.monotonic() + patience
        return [process.name for process in reversed(processes) if not process.end(deadline)]


def log_tail(log: Path, lines: int = 15) -> str:
    """Return the lines of a log that say why: its last traceback, else its last lines."""
    text = log.read_text(errors="replace").splitlines() if log.exists() else []
    last = next((at for at in range(len(text) - 1, -1, -1) if "Traceback (most recent call last)" in text[at]), None)
    start = len(text) - lines if last is None else min(last, len(text) - lines)
    return "\n".join(f"  {log.name}: {line}" for line in text[max(0, start) :][-3 * lines :])
