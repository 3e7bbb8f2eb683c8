"""The trace of a request goes on in the green threads that serve it: swift asks its storage servers from such.

A greenlet starts with no context variables at all. It is given the current span's context and nothing else: values of
the application's own variables would be news to it. A green *thread* is given none, as no thread is: it may live longer
than the request that happened to start it.
"""

from __future__ import annotations

import contextvars
import select
import sys
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach, get_current

from otel_openstack.instrument.guard import never_raises


def made(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Wrap ``GreenThread.__init__``."""
    result = wrapped(*args, **kwargs)
    _pass_on(instance)
    return result


def spawned(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Wrap ``greenthread._spawn_n``, which returns a timer and a bare greenlet that has not run yet."""
    result = wrapped(*args, **kwargs)
    _pass_on_to_last(result)
    return result


def apart(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Wrap what starts a green thread in a thread's name."""
    token = attach(Context())
    try:
        return wrapped(*args, **kwargs)
    finally:
        detach(token)


def patched(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Wrap ``monkey_patch``, which takes ``select.poll`` away.

    urllib3 chooses once how it waits. Where our exporter had it choose before, it would fail at every connection that
    is used again, also the application's.
    """
    result = wrapped(*args, **kwargs)
    _have_urllib3_choose_again()
    return result


@never_raises
def _have_urllib3_choose_again() -> None:
    wait: Any = sys.modules.get("urllib3.util.wait")
    if wait is not None and not hasattr(select, "poll"):
        wait.wait_for_socket = wait.select_wait_for_socket


@never_raises
def _pass_on_to_last(result: Any) -> None:
    _pass_on(result[-1])


@never_raises
def _pass_on(greenlet: Any) -> None:
    current = get_current()
    if trace.get_current_span(current).get_span_context().is_valid:
        context = contextvars.Context()
        context.run(attach, current)
        greenlet.gr_context = context
