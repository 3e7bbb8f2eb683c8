"""What can be typed: the parsers, their help and its examples."""

from __future__ import annotations

import argparse
import sys

from otel_openstack import __version__
from otel_openstack.cli import deployment, examples, verbs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

FORMATS = ("markdown", "diagram", "log", "json", "curl", "har", "page", "html")
SECTIONS = ("command", "diagram", "steps", "messages", "log")
_MOST = 2**31 - 1


def otel_openstack_parser() -> argparse.ArgumentParser:
    """Build the parser of ``otel-openstack``; each verb leaves its function in ``run``."""
    parser = argparse.ArgumentParser(
        prog="otel-openstack",
        description="Record what OpenStack's services say to each other, and read it as a document.",
        epilog=examples.ALL,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _common(parser)
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for name, run, arguments, summary, epilog in _VERBS:
        verb = verbs.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        verb.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        arguments(verb)
        verb.set_defaults(run=run)
    return parser


def export_to_markdown_parser() -> argparse.ArgumentParser:
    """Build the parser of ``export-to-markdown``: the verb ``export`` whose format is settled."""
    parser = argparse.ArgumentParser(
        prog="export-to-markdown",
        description="Turn a trace into its numbered request/response document.",
        epilog=examples.EXPORT.replace("otel-openstack export", "export-to-markdown"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _common(parser)
    _export_arguments(parser)
    parser.set_defaults(run=verbs.export, format="markdown", sections=None, template=None)
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
    parser.usage = "%(prog)s [options] -- COMMAND [ARGUMENT ...]"
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
    parser.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="what to run, with its arguments"
    )


def _export_verb_arguments(parser: argparse.ArgumentParser) -> None:
    _format_argument(parser)
    _export_arguments(parser)


def _export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("trace", metavar="TRACE", help="a trace id, any id that find knows, or latest")
    _source_argument(parser)
    _output_arguments(parser)


def _diff_arguments(parser: argparse.ArgumentParser) -> None:
    for name in ("first", "second"):
        parser.add_argument(
            name, metavar=name.upper(), help="a document, a log, a source, or a TRACE as export takes it"
        )
    _source_argument(parser)
    _select_argument(parser)
    parser.add_argument("--strict", action="store_true", help="ids, times, addresses and versions count, too")
    parser.add_argument("--format", choices=("text", "markdown", "html"), default="text", help="what to write (text)")
    parser.add_argument("-o", "--output", type=_file, metavar="FILE", help="write here (standard output)")


def _site_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("build", "serve"), help="write the site, or show it until Ctrl-C")
    parser.add_argument("folder", metavar="DIR", help="the pages: every *.md in it and its folders")
    parser.add_argument(
        "-o", "--output", type=_file, metavar="OUT", help="of build: where the site goes; an older one is replaced"
    )
    parser.add_argument(
        "--http", type=_address, metavar="HOST:PORT", default=("127.0.0.1", 8000), help="of serve (127.0.0.1:8000)"
    )
    parser.add_argument("--name", metavar="NAME", default="", help="of the site (the folder's)")
    parser.add_argument("--scripts", metavar="DIR", help="has mermaid.min.js, iframe-worker.js (npm is asked)")


def _import_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a document, a log or our JSON, or - for standard input")
    parser.add_argument(
        "--into",
        metavar="SOURCE",
        help="a .db store ($OTEL_OPENSTACK_STORE), otlp+http://HOST:4318 or otlp+grpc://HOST:4317",
    )


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


def _doctor_arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = "%(prog)s [options] [-- COMMAND [ARGUMENT ...]]"
    parser.add_argument("--python", metavar="FILE", default=sys.executable, help="the service's interpreter (this one)")
    parser.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="how the service is started: tells its name"
    )


def _format_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=FORMATS, default="markdown", help="what to write (markdown)")
    parser.add_argument(
        "--sections", type=_sections, metavar="NAME,…", help=f"of a page: what it shows ({','.join(SECTIONS)})"
    )
    parser.add_argument("--template", metavar="DIR", help="of a page or html: templates of yours, named as ours are")


def _source_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--from",
        dest="source",
        metavar="SOURCE",
        help="a .db store ($OTEL_OPENSTACK_STORE), a file, folder or glob of the Collector's file exporter, -,"
        " jaeger+http://HOST:16686 or tempo+http://HOST:3200",
    )


def _output_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", type=_file, metavar="FILE", help="write here (standard output)")
    parser.add_argument(
        "--update",
        type=_file,
        metavar="FILE",
        help="merge into this document or page: what its author added stays where it was",
    )
    parser.add_argument("--no-numbers", dest="numbers", action="store_false", help="leave the message numbers out")
    parser.add_argument(
        "--link",
        action="append",
        default=[],
        metavar="URL",
        help="say where the trace can be browsed, jaeger+http://HOST:16686 or grafana+http://HOST:3000"
        " ($OTEL_OPENSTACK_LINKS); can be repeated",
    )
    parser.add_argument("--redact", action="store_true", help="mask secrets again: for documents of older tools")
    _select_argument(parser)


def _select_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="RULES",
        help="leave out what a file of rules says, or no-token-validation, no-polling, no-periodic; can be repeated",
    )


def _json_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object a line, one line a trace")


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no HOST:PORT, such as 127.0.0.1:4318")
    return host.strip("[]") or "127.0.0.1", int(port)


def _positive(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= _MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to {_MOST}")
    return int(text)


def _file(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("'' is no name of a file; is a variable not set?")
    return text


def _sections(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in SECTIONS:
            raise argparse.ArgumentTypeError(f"{name!r} is no section of a page: {', '.join(SECTIONS)}")
    return names


def _since(text: str) -> int:
    import time
    from datetime import datetime

    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    if text[:-1].isdecimal() and text[-1] in seconds:
        return max(0, time.time_ns() - int(text[:-1]) * seconds[text[-1]] * 10**9)
    try:
        return min(int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1e9), 2**63 - 1)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is neither 15m nor 2026-01-31T12:00") from None


_Verb = tuple[
    str,
    "Callable[[argparse.Namespace], int]",
    "Callable[[argparse.ArgumentParser], None]",
    str,
    str,
]

# One line a verb: name, what runs it, its arguments, what it does, examples
_VERBS: tuple[_Verb, ...] = (
    ("receive", verbs.receive, _receive_arguments, "receive spans by OTLP and keep them in a store", examples.RECEIVE),
    ("record", verbs.record, _record_arguments, "run a command as one trace and write its document", examples.RECORD),
    ("export", verbs.export, _export_verb_arguments, "turn a trace into a document", examples.EXPORT),
    ("diff", verbs.diff, _diff_arguments, "say what differs in meaning between two conversations", examples.DIFF),
    ("site", verbs.site, _site_arguments, "make a site of a folder of pages", examples.SITE),
    ("import", verbs.import_, _import_arguments, "read a document or a log back into spans", examples.IMPORT),
    ("list", verbs.list_, _list_arguments, "list the latest traces", examples.LIST),
    ("find", verbs.find, _find_arguments, "find the traces that an id occurs in", examples.FIND),
    ("doctor", verbs.doctor, _doctor_arguments, "say what the agent would do in an environment", examples.DOCTOR),
    (
        "enable",
        deployment.enable,
        deployment.enable_arguments,
        "have systemd start services under the agent",
        deployment.EXAMPLES,
    ),
    (
        "disable",
        deployment.disable,
        deployment.disable_arguments,
        "have systemd start services as before",
        deployment.DISABLE_EXAMPLES,
    ),
    (
        "status",
        deployment.status,
        deployment.status_arguments,
        "show which services systemd starts under the agent",
        deployment.STATUS_EXAMPLES,
    ),
)
