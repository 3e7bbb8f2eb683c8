"""Exits that pass by :mod:`atexit`: death by SIGTERM's default action, and :func:`os._exit`.

Programs without a handler of their own die of SIGTERM at once (swift's workers do), and children of multiprocessing and
of oslo.service's launcher leave by ``os._exit``: what waits to be sent would be lost. So we send it before, within
:data:`SECONDS`, and let the process end as it would have: by the same signal, with the same status.

Only the default action is replaced; a handler that the program sets before or after is the program's business, ``exec``
gives its child the default back, and under uWSGI and mod_wsgi, which keep signals to themselves, nothing is set.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any, Protocol
from weakref import WeakSet

import wrapt

from otel_openstack.instrument import threads
from otel_openstack.instrument.guard import never_raises

SECONDS = 1.0
"""How much later a process may end for our sake."""

_SECONDS_FOR_LOG = 0.2

_EMBEDDERS = ("uwsgi", "mod_wsgi")


class Sender(Protocol):
    """Something that may still have to send."""

    @property
    def is_behind(self) -> bool:
        """Whether anything waits in this process for a receiver that is there."""

    def send_apart(self, seconds: float) -> None:
        """Send it in so much time, from a native thread, while the process's own are stopped wherever they were."""

    def tell_loss(self) -> None:
        """Log what has not been sent by the end."""


_senders: WeakSet[Sender] = WeakSet()


@never_raises
def send_before(sender: Sender) -> None:
    """Have the sender asked before this process, or a fork of it, ends abruptly."""
    _senders.add(sender)
    if not hasattr(os._exit, "__wrapped__"):
        wrapt.wrap_function_wrapper(os, "_exit", _exit)
    watch_sigterm()


@never_raises
def watch_sigterm() -> None:
    """Replace SIGTERM's default action, where that is what the process would die of; elsewhere do nothing."""
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL and not any(name in sys.modules for name in _EMBEDDERS):
        with contextlib.suppress(
            ValueError
        ):  # only the main thread may; a server's start or the next fork will be there
            signal.signal(signal.SIGTERM, _terminate)


def _terminate(signum: int, _frame: FrameType | None) -> None:
    signal.signal(signum, signal.SIG_DFL)
    _rush()
    os.kill(os.getpid(), signum)


def _exit(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    _rush()
    return wrapped(*args, **kwargs)


@never_raises
def _rush() -> None:
    """Have all senders send at once, whatever the calling thread was interrupted in: it asks for no lock.

    It sleeps while native threads send, and so does its hub: a signal handler cannot be green.
    """
    deadline = time.monotonic() + SECONDS
    sent = [(sender, _apart(functools.partial(sender.send_apart, SECONDS))) for sender in _senders if sender.is_behind]
    for sender, done in sent:
        if not done.acquire(timeout=max(0.0, deadline - time.monotonic())) and sender.is_behind:
            # Unless its exporter has told of trouble. Apart, too: what was interrupted may hold the lock of the log
            _apart(sender.tell_loss).acquire(timeout=_SECONDS_FOR_LOG)


def _apart(function: Callable[[], object]) -> Any:
    """Call a function in a native thread; return a lock that is released when it has come to its end."""
    native = threads.native()
    done = native.allocate_lock()
    done.acquire()

    def call() -> None:
        never_raises(function)()
        done.release()

    native.start_new_thread(call, ())
    return done
