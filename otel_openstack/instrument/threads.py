"""Threads of ours: which processes may have them, and of what kind they are.

Not a **master of uWSGI**: it forks by C's ``fork``, at start and whenever it replaces a worker, and Python hears
nothing of that. Whatever a thread of its holds at that moment (the interpreter's lock, one of the SDK's, one of
``logging``'s) is held for ever in the worker, which hangs. At :func:`os.fork` threads hold but locks; those of the SDK
are seen to where it may hold them (:mod:`.metric_export`).
"""

from __future__ import annotations

import _thread
import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import Any

_FIRST_STARTS = (0, 2**64 - 1)
"""uWSGI's counts of restarts. Its -1: without a master, the first worker is the process that was started."""


def is_master() -> bool:
    """Return whether uWSGI will fork this process by itself: it is neither a worker yet, nor a mule or a spooler."""
    uwsgi: Any = sys.modules.get("uwsgi")
    if not hasattr(uwsgi, "worker_id"):  # while Python starts, where uWSGI embeds it, there is no such module
        return PurePath(sys.executable or "").name.startswith("uwsgi")
    is_spooler = getattr(uwsgi, "i_am_the_spooler", None)  # there where spoolers are
    return not (uwsgi.worker_id() or uwsgi.mule_id() or (is_spooler is not None and is_spooler()))


def is_heir() -> bool:
    """Return whether what its master has queued is this process's to send: uWSGI's first worker's, and only once.

    A master of uWSGI runs no exit handlers.
    """
    uwsgi: Any = sys.modules.get("uwsgi")
    if not hasattr(uwsgi, "worker_id") or uwsgi.worker_id() != 1:
        return False
    return uwsgi.workers()[0]["respawn_count"] in _FIRST_STARTS


def is_green() -> bool:
    """Return whether :mod:`threading` makes green threads of eventlet's."""
    patcher = sys.modules.get("eventlet.patcher")
    return patcher is not None and bool(patcher.is_monkey_patched("thread"))


def start(target: Callable[[], object], name: str) -> threading.Event:
    """Start a thread that no exit waits for, green where threads are; return what is set when it has come to its end.

    To be waited for instead of ``join``: with a timeout, that of a green thread raises eventlet's own (CPython 3.13).
    """
    ended = threading.Event()

    def run() -> None:
        try:
            target()
        finally:
            ended.set()

    thread = threading.Thread(target=run, name=name, daemon=True)
    with contextlib.nullcontext() if is_green() else without_signals():
        thread.start()
    return ended


def native() -> Any:
    """Return the module ``_thread`` as it is without eventlet's patches."""
    patcher: Any = sys.modules.get("eventlet.patcher")
    return _thread if patcher is None else patcher.original("_thread")


@contextlib.contextmanager
def without_signals() -> Iterator[None]:
    """Have threads that are started take no signals: a host's handlers expect its own (uWSGI's end a worker there)."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
