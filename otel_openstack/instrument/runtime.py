"""What the SDK leaves open about processes: the trace that a process belongs to, and who it is after a fork."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry import metrics, propagate, trace
from opentelemetry.context import Context, attach, get_current
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider

from otel_openstack import __version__
from otel_openstack import attributes as names
from otel_openstack.instrument import forks
from otel_openstack.instrument.guard import never_raises
from otel_openstack.instrument.services import Process, Role

_CARRIER = ("traceparent", "tracestate", "baggage")

_process_context: Context | None = None
_command: trace.Span | None = None
_is_client = False
_pid = os.getpid()


def parent_context() -> Context:
    """Return the context that a call is made in: the current one, else that of the whole process.

    Threads start with an empty context, but what a command does in its threads it does for its one trace.
    """
    current = get_current()
    if _process_context is None or trace.get_current_span(current).get_span_context().is_valid:
        return current
    return _process_context


@never_raises
def begin(process: Process, environ: Mapping[str, str]) -> None:
    """Join the trace that this process was started in, or begin one if it is a client's command.

    A service ignores who started it: its requests come with contexts of their own. Any other process takes
    ``TRACEPARENT``, ``TRACESTATE`` and ``BAGGAGE`` (OpenTelemetry, environment variables as context propagation
    carriers).
    """
    global _process_context, _command, _is_client
    _is_client = process.role is Role.CLIENT
    forks.watch()
    os.register_at_fork(after_in_child=_renew_identity)  # behind the provider's own handler, which renews its locks
    if process.role is Role.SERVICE:
        return
    context = propagate.extract({name: environ[name.upper()] for name in _CARRIER if name.upper() in environ})
    if not trace.get_current_span(context).get_span_context().is_valid:
        if process.role is not Role.CLIENT:
            return
        _command = trace.get_tracer("otel_openstack.instrument.runtime", __version__).start_span(process.name)
        context = trace.set_span_in_context(_command, context)
        company = _Company()
        provider = trace.get_tracer_provider()
        if isinstance(provider, TracerProvider):
            provider.add_span_processor(company)
        atexit.register(_end_command, _command, os.getpid(), company)
    attach(context)
    _process_context = context


@never_raises
def be_set_up() -> None:
    """Have the garbage collector of a command begin as it would without us, when all is set up.

    It looks at everything again after so many collections of what is young. Those that the launcher and we have caused
    would bring that forward to where it costs the most: while ``openstack`` loads its modules it takes 40 ms.
    """
    if _is_client:
        gc.freeze()


class _Company(SpanProcessor):
    """Notices whether a command's span is alone in its trace."""

    has_come = False

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002  # the interface
        """Notice a span."""
        self.has_come = True


def _end_command(span: trace.Span, pid: int, company: _Company) -> None:
    # A fork inherits the handler, but not the command; and a command that asked nobody anything (--version, --help,
    # completion) leaves no trace: to load an exporter for it would take longer than it does
    if pid == os.getpid() and company.has_come:
        span.end()


@never_raises
def name_command(words: str) -> None:
    """Add the words of the command to the name of its span: ``openstack`` becomes ``openstack image save``.

    :param words: from the client's own table of commands, never from what the user typed: values are secrets.
    """
    global _command
    if _command is not None:
        _command.update_name(f"{getattr(_command, 'name', '')} {words}".strip())
        _command = None


@never_raises
def watch_forks_of_uwsgi() -> None:
    """Have each worker of uWSGI known by its own id; its forks pass by :func:`os.register_at_fork`.

    To be called where an application is loaded: in the worker (``lazy-apps``), or in the master before it forks.
    """
    uwsgi: Any = sys.modules.get("uwsgi")
    if uwsgi is None:
        return
    if os.getpid() != _pid:
        _after_fork_of_uwsgi()
        return
    before: Callable[[], object] | None = getattr(uwsgi, "post_fork_hook", None)

    def post_fork_hook() -> None:
        _after_fork_of_uwsgi()
        if before is not None:
            before()

    uwsgi.post_fork_hook = post_fork_hook


@never_raises
def _after_fork_of_uwsgi() -> None:
    """Do what handlers of :func:`os.register_at_fork` would do, unless uWSGI was told to call them and they have."""
    if _pid == os.getpid():
        return
    _renew_identity()
    for reader in getattr(metrics.get_meter_provider(), "_metric_readers", ()):
        reader._at_fork_reinit()  # the thread that exports is the master's; those of spans and logs look for themselves


@never_raises
def _renew_identity() -> None:
    global _pid
    provider = trace.get_tracer_provider()
    if _pid == os.getpid() or not isinstance(provider, TracerProvider):
        return
    _pid = os.getpid()
    # What the SDK itself does in a fork that it hears of; but there each signal gets an id of its own
    identity = Resource({names.SERVICE_INSTANCE_ID: str(uuid.uuid4()), names.PROCESS_PID: _pid})
    logs: Any = sys.modules.get("opentelemetry._logs")  # where logs leave, it is there
    for each in (provider, metrics.get_meter_provider(), logs and logs.get_logger_provider()):
        if hasattr(each, "_update_resource"):
            each._update_resource(identity)
