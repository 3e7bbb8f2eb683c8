"""Run a command as one trace and wait until the trace is whole."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from otel_openstack import console
from otel_openstack.attributes import PROCESS_EXIT_CODE, SERVICE_NAME
from otel_openstack.conversation.command import Command, masked_arguments
from otel_openstack.exceptions import SettingsError, SourceError
from otel_openstack.otlp import AttributeValue, Resource, Scope, Span, SpanKind, Status, StatusCode
from otel_openstack.redaction import Masking
from otel_openstack.traces import TraceSource, open_source
from otel_openstack.traces.otlp_sink import OtlpSink
from otel_openstack.traces.receiver import Receiver
from otel_openstack.traces.store import Store

LAUNCHER = "opentelemetry-instrument"
DEFAULT_ADDRESS = ("127.0.0.1", 4318)
"""Where agents send their spans if nobody told them otherwise."""

POLL_SECONDS = 0.1
QUIET_SECONDS = 3.0
"""Longer than an agent keeps spans back: after so long without a new one, what is missing will not come."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Recording:
    """What came of a recorded command.

    :param trace_id: the trace of the command.
    :param spans: every span that arrived in time.
    :param exit_code: the command's own, or 128 + the number of the signal that ended it, as shells have it.
    """

    trace_id: str
    spans: Sequence[Span]
    exit_code: int


def record(
    command: Sequence[str],
    *,
    source: str,
    endpoint: str | None = None,
    patience: float = 10,
    progress: Say,
    transcript: Masking | None = None,
) -> Recording:
    """Run a command under the agent, below one root span, and collect its trace.

    :param command: the program and its arguments; its standard streams are ours.
    :param source: where the trace is read from: what :func:`~otel_openstack.traces.open_source` understands; a
        ``.db`` store when a receiver has to be started.
    :param endpoint: an OTLP/HTTP receiver that feeds ``source`` already; ``None`` starts one.
    :param patience: seconds to wait at the most for spans of services that have not reported yet.
    :param progress: is told, a sentence at a time, what is waited for.
    :param transcript: keep the command line and its console output on the root span, masked by these rules.
    :raises SettingsError: the program or the launcher beside it cannot be found.
    :raises SourceError: the receiver cannot be started or reached.
    """
    launcher = find_launcher(command[0])
    trace_id, root_id = secrets.token_hex(16), secrets.token_hex(8)
    with (
        _receiver(source, endpoint, progress) as reached,
        closing(OtlpSink(reached)) as sink,
        open_source(source) as traces,
    ):
        sink.probe()  # what cannot be recorded is not run
        start = time.time_ns()
        launched, environment = [launcher, *command], _environment(reached, trace_id, root_id)
        told: dict[str, AttributeValue] = {}
        if transcript is not None:
            exit_code, output = console.run(launched, environment, transcript)
            told = Command(masked_arguments(command, transcript), output, exit_code).attributes()
        else:
            exit_code = _run(launched, environment)
        sink.write([_root_span(command, trace_id, root_id, start, exit_code, told)])
        spans = wait_until_whole(traces, trace_id, patience, progress)
    return Recording(trace_id, spans, exit_code)


def find_launcher(program: str) -> str:
    """Return the ``opentelemetry-instrument`` of the environment that a program runs in.

    The interpreter that the program's first line names tells best: programs are often linked into other folders.

    :raises SettingsError: there is no such program, or no launcher in its environment.
    """
    path = shutil.which(program)
    if path is None:
        raise SettingsError(f"There is no program {program!r} to run.", hint="Is its environment's bin on the PATH?")
    folders = [_interpreter_folder(path), str(Path(path).resolve().parent), str(Path(path).parent)]
    for folder in filter(None, folders):
        launcher = shutil.which(LAUNCHER, path=folder)
        if launcher:
            return launcher
    launcher = shutil.which(LAUNCHER) or shutil.which(LAUNCHER, path=str(Path(sys.executable).parent))
    if launcher is None:
        raise SettingsError(
            f"{path} has no {LAUNCHER} beside it.", hint="pip install otel-openstack into its environment."
        )
    return launcher


def _interpreter_folder(path: str) -> str | None:
    with Path(path).open("rb") as file:
        first = file.readline(1024)
    if not first.startswith(b"#!"):
        return None
    words = first[2:].split()
    interpreter = os.fsdecode(words[0]) if words else ""
    # "#!/usr/bin/env python3" tells nothing of the environment
    return str(Path(interpreter).parent) if Path(interpreter).name.startswith("python") else None


def wait_until_whole(traces: TraceSource, trace_id: str, patience: float, progress: Say) -> Sequence[Span]:
    """Return the spans of a trace once nothing is missing, or nothing new came for a while, or patience ran out."""
    deadline = time.monotonic() + patience
    spans: Sequence[Span] = ()
    told = ""
    last_news = time.monotonic()
    while True:
        seen, spans = len(spans), traces.trace(trace_id)
        now = time.monotonic()
        if len(spans) != seen:
            last_news = now
        missing = missing_halves(spans)
        quiet = now - last_news
        if (not missing and quiet >= 3 * POLL_SECONDS) or quiet >= QUIET_SECONDS or now >= deadline:
            break
        if missing != told and quiet > 5 * POLL_SECONDS:
            told = missing
            progress(f"waiting for late spans: {missing}")
        time.sleep(POLL_SECONDS)
    if missing:
        progress(f"some spans did not come: {missing}; the document marks what is missing")
    return spans


def missing_halves(spans: Sequence[Span]) -> str:
    """Say what a trace still lacks: parents that are named, and callees that have not reported; ``""`` when whole."""
    known = {span.span_id for span in spans}
    answered = {span.parent_span_id for span in spans if span.kind is SpanKind.SERVER}
    orphans = sum(1 for span in spans if span.parent_span_id and span.parent_span_id not in known)
    unanswered = sum(1 for span in spans if span.kind is SpanKind.CLIENT and span.span_id not in answered)
    parts = []
    if unanswered:
        parts.append(f"the callee's half of {unanswered} exchange{'s' if unanswered > 1 else ''}")
    if orphans:
        parts.append(f"the parent of {orphans} span{'s' if orphans > 1 else ''}")
    return " and ".join(parts)


@contextmanager
def _receiver(source: str, endpoint: str | None, progress: Say) -> Iterator[str]:
    """Yield the OTLP/HTTP endpoint to send to, of a receiver that is started here unless one is given."""
    if endpoint is not None:
        yield endpoint.rstrip("/")
        return
    if not source.endswith(".db"):
        raise SettingsError(
            f"Spans cannot be received into {source}.",
            hint="Name a .db store with --from, or a receiver with --endpoint.",
        )
    with Store.open(source, create=True) as store:
        try:
            receiver = Receiver(store, http=DEFAULT_ADDRESS)
            receiver.start()
        except SourceError as error:
            progress(f"{error} Only the command itself will be seen, or name that receiver with --endpoint.")
            receiver = Receiver(store, http=(DEFAULT_ADDRESS[0], 0))
            receiver.start()
        try:
            yield str(receiver.http_endpoint)
        finally:
            receiver.stop()


def _environment(endpoint: str, trace_id: str, root_id: str) -> dict[str, str]:
    """Return our environment with what the agent needs; these five win, for they are what recording means."""
    return os.environ | {
        # W3C Trace Context in environment variables: opentelemetry-specification, context/env-carriers.md
        "TRACEPARENT": f"00-{trace_id}-{root_id}-01",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{endpoint}/v1/traces",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_SDK_DISABLED": "false",
    }


def _run(command: Sequence[str], environment: dict[str, str]) -> int:
    """Run a command on our own terminal; Ctrl-C is its to answer, for it may want to clean up."""
    # A handler that does nothing rather than SIG_IGN, which the command would inherit
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        code = subprocess.call(command, env=environment)
    except OSError as error:
        raise SettingsError(f"{command[0]} cannot be started: {error.strerror}.") from error
    finally:
        signal.signal(signal.SIGINT, before)
    return code if code >= 0 else 128 - code


def _root_span(
    command: Sequence[str], trace_id: str, span_id: str, start: int, exit_code: int, told: Mapping[str, AttributeValue]
) -> Span:
    from otel_openstack import __version__

    program = Path(command[0]).name
    failed = Status(StatusCode.ERROR, f"exit code {exit_code}") if exit_code else Status()
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        # The name alone: arguments carry passwords, and a name is shown in every list
        name=f"record {program}",
        kind=SpanKind.INTERNAL,
        start_unix_nano=start,
        end_unix_nano=time.time_ns(),
        attributes={"process.executable.name": program, PROCESS_EXIT_CODE: exit_code, **told},
        resource=Resource({SERVICE_NAME: "otel-openstack"}),
        scope=Scope("otel_openstack.record", __version__),
        status=failed,
        flags=1,
    )
