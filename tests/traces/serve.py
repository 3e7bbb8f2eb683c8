"""A receiver in a process of its own, for tests that kill it or measure it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Served:
    """A receiver that runs."""

    process: subprocess.Popen[str]
    endpoint: str

    @property
    def memory_bytes(self) -> int:
        """Its resident memory."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def serve(store: Path, *, cpu: int | None = None) -> Iterator[Served]:
    """Run ``otel-openstack receive`` on a free port until the block ends.

    :param cpu: pin the process to this one.
    """
    command = [sys.executable, "-m", "otel_openstack.cli", "receive", "--http", "127.0.0.1:0", "--store", str(store)]
    if cpu is not None:
        command = ["taskset", "-c", str(cpu), *command]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        words = process.stderr.readline().split()
        endpoints = [word for word in words if word.startswith("http://")]
        assert endpoints, f"the receiver did not start: {' '.join(words)} {process.stderr.read()}"
        yield Served(process, endpoints[0])
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stderr.close()


def wait_until(condition, *, seconds: float = 10) -> None:  # type: ignore[no-untyped-def]
    """Wait for a condition that something else brings about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
