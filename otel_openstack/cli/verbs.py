"""The verbs: one function each, from parsed arguments to an exit code, thin over the library.

Each imports what it needs when it is called, because ``--help`` and tab-completion load this file too.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager

from otel_openstack.cli.output import document_to_update, read_text, write, write_text
from otel_openstack.exceptions import EmptyTraceError, SettingsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator, Sequence

    from otel_openstack.conversation.model import Conversation
    from otel_openstack.conversation.selection import Selection
    from otel_openstack.otlp import Span
    from otel_openstack.redaction import Masking
    from otel_openstack.settings import Settings
    from otel_openstack.traces import TraceSource, TraceSummary

EXIT_NOT_FOUND = 2
EXIT_DIFFERENT = 1
_MOST_WARNINGS = 10


def receive(options: Namespace) -> int:
    """Receive spans until SIGTERM or Ctrl-C."""
    from otel_openstack.traces.receiver import Receiver, grpc_is_installed
    from otel_openstack.traces.store import Store

    if options.http is None and options.grpc is None:
        options.http = ("127.0.0.1", 4318)
        if grpc_is_installed():
            options.grpc = ("127.0.0.1", 4317)
    path = options.store or _default_store()
    with (
        Store.open(path, create=True) as store,
        Receiver(store, http=options.http, grpc=options.grpc) as receiver,
    ):
        for endpoint in filter(None, (receiver.http_endpoint, receiver.grpc_endpoint)):
            say(f"receiving OTLP on {endpoint} into {path}")
        receiver.wait(max_age_days=options.keep_days, max_megabytes=options.keep_megabytes)
    return 0


def record(options: Namespace) -> int:
    """Run a command, write its document, keep its exit code."""
    from otel_openstack.record import record

    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise SettingsError("There is no command to record.", hint="otel-openstack record -- openstack image list")
    selection = _selection(options)  # rules that cannot be read are told before anything runs
    old = document_to_update(options)
    recording = record(
        command,
        source=options.source or str(_default_store()),
        endpoint=options.endpoint,
        patience=options.wait,
        progress=say,
        transcript=_masking() if options.format in ("page", "html") else None,
    )
    try:
        write(options, _conversation(recording.trace_id, recording.spans, options, selection), recording.spans, old)
    except EmptyTraceError as error:
        if not recording.exit_code:
            raise
        say(f"warning: {error}")  # the command failed first, and its exit code is what its caller waits for
    finally:
        say(f"trace {recording.trace_id}")  # it is kept, whatever became of the document
    return recording.exit_code


def export(options: Namespace) -> int:
    """Write one trace in one format; 1 when an update left conflicts."""
    from otel_openstack.traces.lookup import read_trace

    selection = _selection(options)
    old = document_to_update(options)
    with _open_source(options) as source, _damage_told(source):
        trace_id, spans = read_trace(source, options.trace)
    return write(options, _conversation(trace_id, spans, options, selection), spans, old)


def diff(options: Namespace) -> int:
    """Say what differs in meaning between two conversations; 0 when nothing does, 1 when something does."""
    from otel_openstack.conversation.diff import diff
    from otel_openstack.redaction import masking
    from otel_openstack.render.difference import FORMS, Difference

    selection = _selection(options)
    first, second = (_named(name, options, selection) for name in (options.first, options.second))
    mask = masking().text  # the address of a source may have a password in it
    difference = Difference(mask(options.first), mask(options.second), diff(first, second, strict=options.strict))
    if options.format == "text" and options.output is None and sys.stdout.isatty():
        from otel_openstack.cli.tables import print_difference

        print_difference(difference)
    else:
        write_text(FORMS[options.format](difference), options.output)
    return EXIT_DIFFERENT if difference.findings else 0


def site(options: Namespace) -> int:
    """Make a site of a folder of pages, or show it."""
    from otel_openstack.site import build, serve

    if options.action == "serve":
        say(f"http://{options.http[0]}:{options.http[1]}/ shows {options.folder} until Ctrl-C")
        serve(options.folder, options.http, name=options.name, scripts=options.scripts)
        return 0
    if options.output is None:
        raise SettingsError("There is no folder to write the site to.", hint="Name one with -o.")
    pages = build(options.folder, options.output, name=options.name, scripts=options.scripts)
    say(f"{options.output} is the site of {len(pages)} page{'' if len(pages) == 1 else 's'} in {options.folder}")
    return 0


def import_(options: Namespace) -> int:
    """Turn a document into spans; its trace id is the last line printed."""
    from otel_openstack.importer import import_document
    from otel_openstack.traces import open_sink

    name = "standard input" if options.file == "-" else options.file
    imported = import_document(read_text(options.file), name=name)
    sink = open_sink(options.into or str(_default_store()))
    try:
        sink.write(imported.spans)
    finally:
        sink.close()
    for warning in imported.warnings:
        say(f"warning: {warning}")
    say(f"{imported.message_count} messages of {name} are in {options.into or _default_store()}")
    print(imported.trace_id)
    return 0


def list_(options: Namespace) -> int:
    """Show the latest traces."""
    with _open_source(options) as source, _damage_told(source):
        summaries = source.summaries(service=options.service, since_unix_nano=options.since or 0, limit=options.limit)
    _show(summaries, options)
    return 0


def find(options: Namespace) -> int:
    """Show the traces that an id occurs in; exit code 2 when there is none."""
    with _open_source(options) as source, _damage_told(source):
        summaries = [_summary(source, trace_id) for trace_id in source.find(options.identifier)]
    if not summaries and not options.json:
        say(f"error: no span carries {options.identifier!r}")
        say("hint: otel-openstack list shows what is there")
    _show(summaries, options)
    return 0 if summaries else EXIT_NOT_FOUND


def doctor(options: Namespace) -> int:
    """Ask the agent of an environment what it would do there; 1 when something is wrong."""
    import subprocess

    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    # Another interpreter's agent can only be asked there; ours is asked the same way, for we never load it
    try:
        load = [options.python, "-c", "import otel_openstack.instrument.doctor"]
        loaded = subprocess.run(load, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if loaded.returncode:
            *_, reason = loaded.stderr.strip().splitlines() or [f"exit code {loaded.returncode}"]
            raise SettingsError(
                f"{options.python} has no agent that starts: {reason}",
                hint=f"Where it is missing: {options.python} -m pip install otel-openstack",
            )
        return subprocess.call([options.python, "-m", "otel_openstack.instrument.doctor", *command])
    except OSError as error:
        raise SettingsError(
            f"{options.python} cannot be started: {error.strerror}.", hint="Name the service's python with --python."
        ) from error


# -- what the verbs share --------------------------------------------------------------------------------------------


def _selection(options: Namespace) -> Selection | None:
    """Read the rules of every ``--select``; ``None`` when there is none."""
    if not options.select:
        return None
    from pathlib import Path

    from otel_openstack.conversation.rules import BUILT_IN, read_rules
    from otel_openstack.conversation.selection import Selection

    result = Selection()
    for name in options.select:
        if name not in BUILT_IN and not Path(name).is_file():
            raise SettingsError(
                f"--select {name} names no file of rules.", hint=f"Name one, or one of {', '.join(BUILT_IN)}."
            )
        result += BUILT_IN[name] if name in BUILT_IN else read_rules(read_text(name), name)
    return result


def _conversation(
    trace_id: str, spans: Sequence[Span], options: Namespace, selection: Selection | None = None
) -> Conversation:
    from otel_openstack.conversation import conversation

    result = conversation(trace_id, spans)
    if selection is not None:
        from otel_openstack.conversation.selection import select

        result = select(result, selection)
    if getattr(options, "redact", False):
        from otel_openstack.conversation.redacted import redacted
        from otel_openstack.redaction import masking

        added = _settings()
        rules = masking(names=added.redact_names, patterns=added.redact_patterns, headers=added.redact_headers)
        result = redacted(result, rules)
    return result


def _named(name: str, options: Namespace, selection: Selection | None) -> Conversation:
    """Return the conversation that a document, a source (its latest trace) or an id of ``--from`` stands for."""
    from pathlib import Path

    from otel_openstack.importer import import_document
    from otel_openstack.traces import open_source
    from otel_openstack.traces.lookup import LATEST, read_trace

    if name == "-" or (Path(name).is_file() and not _is_source(name)):
        imported = import_document(read_text(name), name="standard input" if name == "-" else name)
        return _conversation(imported.trace_id, imported.spans, options, selection)
    is_source = Path(name).exists() or "*" in name or "://" in name
    if not is_source and ("." in name or "/" in name):  # no id has either
        raise SettingsError(f"There is no {name}.", hint="Name a document, a source, or a trace of --from.")
    with open_source(name) if is_source else _open_source(options) as source, _damage_told(source):
        trace_id, spans = read_trace(source, LATEST if is_source else name)
    return _conversation(trace_id, spans, options, selection)


def _is_source(name: str) -> bool:
    """Whether a file keeps spans rather than the messages of one conversation."""
    from pathlib import Path

    with Path(name).open("rb") as file:
        start = file.read(4096)
    return b"\0" in start or b'"resourceSpans"' in start


def _open_source(options: Namespace) -> TraceSource:
    from otel_openstack.traces import open_source

    return open_source(options.source or str(_default_store()), progress=_progress)


def _progress(text: str) -> None:
    """Show what is being done on one line, which the next one takes the place of; only on a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text[:100]}\r", end="", file=sys.stderr, flush=True)


@contextmanager
def _damage_told(source: TraceSource) -> Iterator[None]:
    """Say what could not be read, also where nothing was found because of it."""
    try:
        yield
    finally:
        _progress("")
        for sentence in source.damage[:_MOST_WARNINGS]:
            say(f"warning: {sentence}")
        if len(source.damage) > _MOST_WARNINGS:
            say(f"warning: {len(source.damage) - _MOST_WARNINGS} more like these")


def _summary(source: TraceSource, trace_id: str) -> TraceSummary:
    from otel_openstack.traces.lookup import summarize

    return summarize(trace_id, source.trace(trace_id))


def _show(summaries: Sequence[TraceSummary], options: Namespace) -> None:
    from otel_openstack.cli.tables import print_json, print_table

    (print_json if options.json else print_table)(summaries)


def _settings() -> Settings:
    from otel_openstack.settings import Settings

    return Settings.from_env(os.environ)


def _masking() -> Masking:
    from otel_openstack.redaction import masking

    chosen = _settings()
    return masking(chosen.redact, chosen.redact_names, chosen.redact_patterns, chosen.redact_headers)


def _default_store() -> str:
    path = _settings().store
    if path:
        return path
    import platformdirs

    return str(platformdirs.user_data_path("otel-openstack") / "traces.db")  # Store makes the folder


def say(text: str) -> None:
    """Tell the person: standard error, so that standard output stays clean.

    A sentence may quote what a back end or a file said, which must not steer the terminal.
    """
    print("".join([c if c.isprintable() or c == "\n" else "�" for c in text]), file=sys.stderr, flush=True)
