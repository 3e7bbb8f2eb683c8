"""What can be typed: the parsers, their help and its examples."""

from __future__ import annotations

import argparse
import sys

from otel_openstack import __version__
from otel_openstack.cli import deployment, verbs

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


def export_to_markdown_parser() -> argparse.ArgumentParser:
    """Build the parser of ``export-to-markdown``: the verb ``export`` whose format is settled."""
    parser = argparse.ArgumentParser(
        prog="export-to-markdown",
        description="Turn a trace into its numbered request/response document.",
        epilog=_EXPORT_EXAMPLES.replace("otel-openstack export", "export-to-markdown"),
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
    parser.add_argument("-o", "--output", metavar="FILE", help="write here (standard output)")


def _site_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("build", "serve"), help="write the site, or show it until Ctrl-C")
    parser.add_argument("folder", metavar="DIR", help="the pages: every *.md in it and its folders")
    parser.add_argument("-o", "--output", metavar="OUT", help="of build: where the site goes; an older one is replaced")
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
    parser.add_argument("-o", "--output", metavar="FILE", help="write here (standard output)")
    parser.add_argument(
        "--update", metavar="FILE", help="merge into this document or page: what its author added stays where it was"
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


_EXAMPLES = """\
examples:
  otel-openstack receive                                     keep the spans of running services
  otel-openstack record -o save.md -- openstack image save --file disk.img cirros
  otel-openstack list --since 15m                            which traces are there
  export-to-markdown latest -o latest.md                     the newest one as a document
  otel-openstack find req-28c2ab3a-0012-4a6a-8875-ae048973164e

exit codes: 0 done; 2 error, or nothing was found; 130 Ctrl-C; record, diff and some others tell more by theirs

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
The services must run under opentelemetry-instrument and send their spans to the same receiver (127.0.0.1:4318 is
where they send them if nobody told them otherwise).

examples:
  otel-openstack record -o save.md -- openstack image save --file disk.img cirros
  otel-openstack record --format diagram -- openstack server list
  otel-openstack record --format page -o docs/image-save.md -- openstack image save --file disk.img cirros
  otel-openstack record --endpoint http://127.0.0.1:4318 --from traces.db -o save.md -- openstack token issue

exit codes: those of the command, which also keeps its output; 2 error
"""

_EXPORT_EXAMPLES = """\
examples:
  otel-openstack export latest
  otel-openstack export 4bf92f3577b34da6a3ce929d0e0e4736 -o save.md
  otel-openstack export latest --update docs/image-save.md
  otel-openstack export req-28c2ab3a-0012-4a6a-8875-ae048973164e --from '/var/lib/otel/traces*.json'
  otel-openstack export latest --from jaeger+https://jaeger.lab:16686
  OTEL_OPENSTACK_SOURCE_HEADERS=X-Scope-OrgID=lab otel-openstack export latest --from tempo+http://127.0.0.1:3200
  otel-openstack export latest --select no-token-validation --select rules.toml
  otel-openstack export latest --link grafana+https://grafana.lab --link jaeger+https://jaeger.lab:16686
  otel-openstack export latest --format html -o save.html      one file for any browser
  otel-openstack export latest --format curl -o again.sh        the client's calls, for a shell

rules.toml, each table as often as needed (docs/selection.md):
  [[drop]]                          or keep, fold; shorten has a member and entries
  callee = "keystone"
  path = "/v3/users/{id}"

exit codes: 0 written; 1 written by --update, with conflicts in it; 2 error, and nothing was written
"""

_DIFF_EXAMPLES = """\
Ids, times, tokens, addresses and versions of programs are taken for what they stand for. A source stands for its latest
trace. The exit code is 0 when both mean the same, 1 when they differ, 2 after an error: a job can guard a flow.

examples:
  otel-openstack diff image-save.md latest
  otel-openstack diff zed.md traces.db --select no-token-validation --format markdown -o upgrade.md
  otel-openstack diff 4bf92f3577b34da6a3ce929d0e0e4736 latest --strict
"""

_SITE_EXAMPLES = """\
Needs the extra [site], which is mkdocs-material. Two scripts (one is the diagrams' Mermaid) are taken from npm
once; whoever visits the site asks no other host for anything. It opens from disk, too. An index.md
or README.md of yours starts its index.

examples:
  otel-openstack site build docs/recordings -o site          then open site/index.html
  otel-openstack site serve docs/recordings                  and see what you write
  otel-openstack site build docs/recordings -o site --name 'Our cloud' --scripts scripts
"""

_IMPORT_EXAMPLES = """\
examples:
  otel-openstack import image-save.md                        prints the trace id as its last line
  otel-openstack import image-set.log --into traces.db
  otel-openstack import image-save.md --into otlp+http://127.0.0.1:4318
  otel-openstack import image-save.md --into otlp+grpc://127.0.0.1:4317
"""

_LIST_EXAMPLES = """\
examples:
  otel-openstack list --since 15m --service glance-api
  otel-openstack list --from spans.jsonl --json
  otel-openstack list --since 1h --from tempo+http://127.0.0.1:3200
"""

_FIND_EXAMPLES = """\
examples:
  otel-openstack find 1a2e4a3d-05ce-4825-86b9-219ea2be036d   an X-Requestshook-Request-Id
  otel-openstack find req-28c2ab3a-0012-4a6a-8875-ae048973164e --json

exit codes: 0 found; 2 no span carries it, or error
"""

_DOCTOR_EXAMPLES = """\
Run it with the environment variables that the service has. Nothing is started, nothing is changed.

examples:
  otel-openstack doctor
  otel-openstack doctor --python /opt/glance/bin/python -- uwsgi --ini /etc/glance/glance-api-uwsgi.ini

exit codes: 0 all is well; 1 something is not; 2 error
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
    ("receive", verbs.receive, _receive_arguments, "receive spans by OTLP and keep them in a store", _RECEIVE_EXAMPLES),
    ("record", verbs.record, _record_arguments, "run a command as one trace and write its document", _RECORD_EXAMPLES),
    ("export", verbs.export, _export_verb_arguments, "turn a trace into a document", _EXPORT_EXAMPLES),
    ("diff", verbs.diff, _diff_arguments, "say what differs in meaning between two conversations", _DIFF_EXAMPLES),
    ("site", verbs.site, _site_arguments, "make a site of a folder of pages", _SITE_EXAMPLES),
    ("import", verbs.import_, _import_arguments, "read a document or a log back into spans", _IMPORT_EXAMPLES),
    ("list", verbs.list_, _list_arguments, "list the latest traces", _LIST_EXAMPLES),
    ("find", verbs.find, _find_arguments, "find the traces that an id occurs in", _FIND_EXAMPLES),
    ("doctor", verbs.doctor, _doctor_arguments, "say what the agent would do in an environment", _DOCTOR_EXAMPLES),
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
