"""Forks of programs whose only other threads are ours: as quiet as without the agent.

CPython warns since 3.12 of a fork in a process with several threads, by the count of them: what one holds at that
moment, the child holds for ever. That is news to a program which has none but the agent's, where it is treated as an
error it ends the program, and of ours it is not so (:mod:`.threads`). So exactly this warning is ignored, and only at
a fork where no thread but ours is there; a program with threads of its own hears of them as ever.
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


def keep_quiet() -> None:
    """Have each fork from now on looked at, in this process and in its forks."""
    if sys.version_info >= (3, 12):
        os.register_at_fork(before=_before)


@never_raises
def _before() -> None:
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
