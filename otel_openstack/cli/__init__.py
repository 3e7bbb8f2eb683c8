"""The command line.

``argparse`` rather than a richer library: ``--help`` is asked often, and importing the alternatives alone takes longer
than the whole answer.
"""

from __future__ import annotations

import os
import sys

from otel_openstack.cli.arguments import export_to_markdown_parser, otel_openstack_parser
from otel_openstack.cli.verbs import say
from otel_openstack.exceptions import OtelOpenStackError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

EXIT_ERROR = 2
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``otel-openstack`` and return its exit code: 0, 2 after an error, 130 after Ctrl-C."""
    return _run(otel_openstack_parser(), arguments)


def export_to_markdown(arguments: Sequence[str] | None = None) -> int:
    """Run ``export-to-markdown``: the same as ``otel-openstack export --format markdown``."""
    return _run(export_to_markdown_parser(), arguments)


def _run(parser: ArgumentParser, arguments: Sequence[str] | None) -> int:
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
        say(f"error: {error}")
        if error.hint:
            say(f"hint: {error.hint}")
        return EXIT_ERROR
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has had enough (head, less): keep the interpreter from saying so at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code
