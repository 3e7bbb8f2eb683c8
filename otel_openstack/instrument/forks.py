"""Forks beside our threads: as harmless and, where the program has no other threads, as quiet as without the agent.

A module that a thread imports at that moment is locked in the child for ever. So forks wait while ours import.

CPython warns since 3.12 of a fork in a process with several threads, by the count of them: what one holds at that
moment, the child holds for ever. That is news to a program which has none but the agent's, where it is treated as an
error it ends the program, and what ours hold is seen to (here and in :mod:`.metric_export`). So exactly this warning is
ignored, and only at a fork where no thread but ours is there; a program with threads of its own hears of them as ever.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

from otel_openstack.instrument.guard import never_raises

_MESSAGE = re.compile(r"This process \(pid=\d+\) is multi-threaded, use of \w+\(\) may lead to deadlocks in the child")
_IGNORED = ("ignore", _MESSAGE, DeprecationWarning, None, 0)
_OURS = ("otel-openstack-", "Otel")
"""What the names of the agent's threads, and of the SDK's, begin with."""
_SECONDS = 1.0

importing = threading.RLock()
"""Held while a thread of ours imports. A fork waits for it, but not for long: its thread may be in an import itself."""


def watch() -> None:
    """Have each fork from now on looked after, in this process and in its forks."""
    os.register_at_fork(before=_wait, after_in_parent=_go_on, after_in_child=_renew)
    if sys.version_info >= (3, 12):
        os.register_at_fork(before=_quieten)


def _wait() -> None:
    importing.acquire(timeout=_SECONDS)


def _go_on() -> None:
    with contextlib.suppress(RuntimeError):  # it came not to be ours in time
        importing.release()


def _renew() -> None:
    global importing
    importing = threading.RLock()


@never_raises
def _quieten() -> None:
    # The list itself, as `warnings` documents no way to take a filter back. It is not told of the change, by which it
    # would forget what it has warned of already: what is ignored it does not remember either
    filters: Any = warnings.filters
    with contextlib.suppress(ValueError):
        filters.remove(_IGNORED)
    if _only_ours():
        filters.insert(0, _IGNORED)


def _only_ours() -> bool:
    ours = {thread.native_id for thread in threading.enumerate() if thread.name.startswith(_OURS)}
    there = {int(task.name) for task in Path("/proc/self/task").iterdir()}  # as CPython counts: also those of C
    return there == ours | {threading.get_native_id()}
