# PYTHON_ARGCOMPLETE_OK
"""The command line: one function a verb, each thin over the library.

``argparse`` rather than a richer library, because ``--help`` is asked often and importing the alternatives alone
takes longer than the whole answer; every verb imports what it needs when it is called.
"""

from __future__ import annotations

import argparse
import os
import sys

from otel_openstack import __version__
from otel_openstack.exceptions import OtelOpenStackError, SettingsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from otel_openstack.conversation.model import Conversation
    from otel_openstack.settings import Settings
    from otel_openstack.traces import TraceSource, TraceSummary

FORMATS = ("markdown", "diagram", "log")
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``otel-openstack`` and return its exit code: 0, 2 after an error, 130 after Ctrl-C."""
    return _run(_parser(), arguments)


def export_to_markdown(arguments: Sequence[str] | None = None) -> int:
    """Run ``export-to-markdown``: the same as ``otel-openstack export --format markdown``."""
    parser = argparse.ArgumentParser(
        prog="export-to-markdown",
        description="Turn a trace into its numbered request/response document.",
        epilog=_EXPORT_EXAMPLES.replace("otel-openstack export", "export-to-markdown"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _common(parser)
    _export_arguments(parser)
    parser.set_defaults(run=_export, format="markdown")
    return _run(parser, arguments)


def _run(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> int:
    if "_ARGCOMPLETE" in os.environ:
        import argcomplete

        argcomplete.autocomplete(parser)
    options = parser.parse_args(arguments)
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except OtelOpenStackError as error:
        if options.debug:
            raise
        _say(f"error: {error}")
        if error.hint:
            _say(f"hint: {error.hint}")
        return EXIT_ERROR
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has had enough (head, less): keep the interpreter from saying so at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


# -- verbs ---------------------------------------------------------------------------------------------------------


def _receive(options: argparse.Namespace) -> int:
    from otel_openstack.traces.receiver import Receiver, grpc_is_installed
    from otel_openstack.traces.store import Store

    if options.http is None and options.grpc is None:
        options.http = ("127.0.0.1", 4318)
        if grpc_is_installed():
            options.grpc = ("127.0.0.1", 4317)
    path = options.store or _default_store()
    with (
        _terminated_as_interrupt(),
        Store.open(path, create=True) as store,
        Receiver(store, http=options.http, grpc=options.grpc) as receiver,
    ):
        for endpoint in filter(None, (receiver.http_endpoint, receiver.grpc_endpoint)):
            _say(f"receiving OTLP on {endpoint} into {path}")
        receiver.wait(max_age_days=options.keep_days, max_megabytes=options.keep_megabytes)
    return 0


def _record(options: argparse.Namespace) -> int:
    from otel_openstack.record import record

    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise SettingsError("There is no command to record.", hint="otel-openstack record -- openstack image list")
    recording = record(
        command,
        source=options.source or str(_default_store()),
        endpoint=options.endpoint,
        patience=options.wait,
        progress=_say,
    )
    if recording.spans:
        _write(options, _conversation(recording.trace_id, recording.spans, options))
    _say(f"trace {recording.trace_id}")
    return recording.exit_code


def _export(options: argparse.Namespace) -> int:
    from otel_openstack.traces.lookup import resolve

    with _open_source(options) as source:
        trace_id = resolve(source, options.trace)
        spans = source.trace(trace_id)
        _tell_damage(source)
    _write(options, _conversation(trace_id, spans, options))
    return 0


def _import(options: argparse.Namespace) -> int:
    from otel_openstack.importer import import_document
    from otel_openstack.traces import open_sink

    name = "standard input" if options.file == "-" else options.file
    imported = import_document(_read_text(options.file), name=name)
    sink = open_sink(options.into or str(_default_store()))
    try:
        sink.write(imported.spans)
    finally:
        sink.close()
    for warning in imported.warnings:
        _say(f"warning: {warning}")
    _say(f"{imported.message_count} messages of {name} are in {options.into or _default_store()}")
    print(imported.trace_id)
    return 0


def _list(options: argparse.Namespace) -> int:
    with _open_source(options) as source:
        summaries = source.summaries(service=options.service, since_unix_nano=options.since or 0, limit=options.limit)
        _tell_damage(source)
    _show(summaries, options)
    return 0


def _find(options: argparse.Namespace) -> int:
    with _open_source(options) as source:
        summaries = [_summary(source, trace_id) for trace_id in source.find(options.identifier)]
        _tell_damage(source)
    if not summaries and not options.json:
        _say(f"error: no span carries {options.identifier!r}")
        _say("hint: otel-openstack list shows what is there")
    _show(summaries, options)
    return 0 if summaries else EXIT_ERROR


# -- what the verbs share --------------------------------------------------------------------------------------------


def _conversation(trace_id: str, spans: Iterable[object], options: argparse.Namespace) -> Conversation:
    from otel_openstack.conversation import conversation

    result = conversation(trace_id, spans)  # type: ignore[arg-type]
    if getattr(options, "redact", False):
        from otel_openstack.conversation.redacted import redacted

        result = redacted(result)
    return result


def _write(options: argparse.Namespace, shown: Conversation) -> None:
    from otel_openstack.render import RENDERERS

    text = RENDERERS[options.format](shown, numbers=options.numbers)
    if options.output is None or options.output == "-":
        sys.stdout.buffer.write(text.encode())
        return
    # Written beside and renamed in, so that an older document is never left half overwritten
    from pathlib import Path

    beside = Path(f"{options.output}.{os.getpid()}.part")
    try:
        beside.write_bytes(text.encode())
        beside.replace(options.output)
    except OSError as error:
        raise SettingsError(
            f"{options.output} cannot be written: {error.strerror}.", hint="Name another file with -o."
        ) from error


def _open_source(options: argparse.Namespace) -> TraceSource:
    from otel_openstack.traces import open_source

    return open_source(options.source or str(_default_store()))


def _tell_damage(source: TraceSource) -> None:
    for sentence in source.damage:
        _say(f"warning: {sentence}")


def _summary(source: TraceSource, trace_id: str) -> TraceSummary:
    from otel_openstack.traces.lookup import summarize

    return summarize(trace_id, source.trace(trace_id))


def _show(summaries: Sequence[TraceSummary], options: argparse.Namespace) -> None:
    from otel_openstack.tables import print_json, print_table

    (print_json if options.json else print_table)(summaries)


def _settings() -> Settings:
    from otel_openstack.settings import Settings

    return Settings.from_env(os.environ)


def _default_store() -> str:
    path = _settings().store
    if path:
        return path
    import platformdirs

    return str(platformdirs.user_data_path("otel-openstack", ensure_exists=True) / "traces.db")


def _read_text(name: str) -> str:
    from pathlib import Path

    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return data.decode()
    except OSError as error:
        raise SettingsError(f"{name} cannot be read: {error.strerror}.", hint="Name a document of messages.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{name} is not UTF-8 text (byte {error.start}).", hint="Convert it first: iconv -t UTF-8."
        ) from error


class _terminated_as_interrupt:  # noqa: N801 - reads as a word at the with statement
    """Within, SIGTERM ends the program in the orderly way that Ctrl-C does, with exit code 0."""

    def __enter__(self) -> None:
        import signal

        self._before = signal.signal(signal.SIGTERM, signal.default_int_handler)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        import signal

        signal.signal(signal.SIGTERM, self._before)
        return kind is KeyboardInterrupt


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# -- arguments -----------------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="otel-openstack",
        description="Record what OpenStack's services say to each other, and read it as a document.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _common(parser)
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for name, run, arguments, summary, examples in _VERBS:
        verb = verbs.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=examples,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        verb.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        arguments(verb)
        verb.set_defaults(run=run)
    return parser


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


def _receive_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--http", type=_address, metavar="HOST:PORT", help="OTLP/HTTP here (127.0.0.1:4318)")
    parser.add_argument("--grpc", type=_address, metavar="HOST:PORT", help="OTLP/gRPC here (127.0.0.1:4317)")
    parser.add_argument("--store", metavar="FILE", help="where spans are kept ($OTEL_OPENSTACK_STORE)")
    parser.add_argument("--keep-days", type=_positive, metavar="N", help="forget traces older than N days")
    parser.add_argument("--keep-megabytes", type=_positive, metavar="N", help="forget the oldest traces over this size")


def _record_arguments(parser: argparse.ArgumentParser) -> None:
    _format_argument(parser)
    _output_arguments(parser)
    _source_argument(parser)
    parser.add_argument(
        "--endpoint",
        metavar="URL",
        help="an OTLP/HTTP receiver that runs already and feeds SOURCE; without it one is started",
    )
    parser.add_argument(
        "--wait", type=_positive, default=10, metavar="SECONDS", help="for late spans, at the most (10)"
    )
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="what to run")


def _export_verb_arguments(parser: argparse.ArgumentParser) -> None:
    _format_argument(parser)
    _export_arguments(parser)


def _export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("trace", metavar="TRACE", help="a trace id, any id that find knows, or latest")
    _source_argument(parser)
    _output_arguments(parser)


def _import_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a document or a log of messages, or - for standard input")
    parser.add_argument("--into", metavar="SOURCE", help="a .db store ($OTEL_OPENSTACK_STORE) or otlp+http://HOST:PORT")


def _list_arguments(parser: argparse.ArgumentParser) -> None:
    _source_argument(parser)
    parser.add_argument("--service", metavar="NAME", help="only traces that this service took part in")
    parser.add_argument(
        "--since", type=_since, metavar="T", help="only traces since then: 90s, 15m, 2h, 7d or 2026-01-31T12:00"
    )
    parser.add_argument("--limit", type=_positive, default=20, metavar="N", help="at most N traces (20)")
    _json_argument(parser)


def _find_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("identifier", metavar="ID", help="trace, span or request id, dashes and case do not matter")
    _source_argument(parser)
    _json_argument(parser)


def _format_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=FORMATS, default="markdown", help="what to write (markdown)")


def _source_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from",
        dest="source",
        metavar="SOURCE",
        help="a .db store ($OTEL_OPENSTACK_STORE), or a file, folder or glob of the Collector's file exporter, or -",
    )


def _output_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", metavar="FILE", help="write here (standard output)")
    parser.add_argument("--no-numbers", dest="numbers", action="store_false", help="leave the message numbers out")
    parser.add_argument("--redact", action="store_true", help="mask secrets again: for documents of older tools")


def _json_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object a line, one line a trace")


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no HOST:PORT, such as 127.0.0.1:4318")
    return host.strip("[]") or "127.0.0.1", int(port)


def _positive(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _since(text: str) -> int:
    import time
    from datetime import datetime

    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    if text[:-1].isdigit() and text[-1] in seconds:
        return time.time_ns() - int(text[:-1]) * seconds[text[-1]] * 10**9
    try:
        return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1e9)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither 15m nor 2026-01-31T12:00") from None


_EXAMPLES = """\
examples:
  otel-openstack receive                                     keep the spans of running services
  otel-openstack record -o save.md -- openstack image save --file disk.img cirros
  otel-openstack list --since 15m                            which traces are there
  export-to-markdown latest -o latest.md                     the newest one as a document
  otel-openstack find req-28c2ab3a-0012-4a6a-8875-ae048973164e

tab-completion:
  eval "$(register-python-argcomplete otel-openstack)"
"""

_RECEIVE_EXAMPLES = """\
examples:
  otel-openstack receive                                     both protocols on loopback
  otel-openstack receive --http 127.0.0.1:4318 --store run.db
  otel-openstack receive --keep-days 7 --keep-megabytes 2000
"""

_RECORD_EXAMPLES = """\
The command keeps its own output and exit code. The services must run under opentelemetry-instrument and send
their spans to the same receiver (127.0.0.1:4318 is where they send them if nobody told them otherwise).

examples:
  otel-openstack record -o save.md -- openstack image save --file disk.img cirros
  otel-openstack record --format diagram -- openstack server list
  otel-openstack record --endpoint http://127.0.0.1:4318 --from traces.db -o save.md -- openstack token issue
"""

_EXPORT_EXAMPLES = """\
examples:
  otel-openstack export latest
  otel-openstack export 4bf92f3577b34da6a3ce929d0e0e4736 -o save.md
  otel-openstack export req-28c2ab3a-0012-4a6a-8875-ae048973164e --from '/var/lib/otel/traces*.json'
"""

_IMPORT_EXAMPLES = """\
examples:
  otel-openstack import image-save.md                        prints the trace id as its last line
  otel-openstack import image-set.log --into traces.db
  otel-openstack import image-save.md --into otlp+http://127.0.0.1:4318
"""

_LIST_EXAMPLES = """\
examples:
  otel-openstack list --since 15m --service glance-api
  otel-openstack list --from spans.jsonl --json
"""

_FIND_EXAMPLES = """\
examples:
  otel-openstack find 1a2e4a3d-05ce-4825-86b9-219ea2be036d   an X-Requestshook-Request-Id
  otel-openstack find req-28c2ab3a-0012-4a6a-8875-ae048973164e --json
"""

_Verb = tuple[
    str,
    "Callable[[argparse.Namespace], int]",
    "Callable[[argparse.ArgumentParser], None]",
    str,
    str,
]

# One line a verb: name, what runs it, its arguments, what it does, examples
_VERBS: tuple[_Verb, ...] = (
    ("receive", _receive, _receive_arguments, "receive spans by OTLP and keep them in a store", _RECEIVE_EXAMPLES),
    ("record", _record, _record_arguments, "run a command as one trace and write its document", _RECORD_EXAMPLES),
    ("export", _export, _export_verb_arguments, "turn a trace into a document", _EXPORT_EXAMPLES),
    ("import", _import, _import_arguments, "read a document or a log back into spans", _IMPORT_EXAMPLES),
    ("list", _list, _list_arguments, "list the latest traces", _LIST_EXAMPLES),
    ("find", _find, _find_arguments, "find the traces that an id occurs in", _FIND_EXAMPLES),
)

if __name__ == "__main__":
    sys.exit(main())
