"""The command line.

``argparse`` rather than a richer library: ``--help`` is asked often, and importing the alternatives alone takes longer
than the whole answer.
"""

from __future__ import annotations

import io
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
    """Run ``otel-openstack`` and return its exit code: 2 after an error, 130 after Ctrl-C, else what the verb says."""
    return _run(otel_openstack_parser(), arguments)


def export_to_markdown(arguments: Sequence[str] | None = None) -> int:
    """Run ``export-to-markdown``: the same as ``otel-openstack export --format markdown``."""
    return _run(export_to_markdown_parser(), arguments)


def _run(parser: ArgumentParser, arguments: Sequence[str] | None) -> int:
    _prepare_streams()
    debug = False
    try:
        if "_ARGCOMPLETE" in os.environ:
            import argcomplete

            argcomplete.autocomplete(parser)
        options = parser.parse_args(arguments)
        debug = options.debug
        code: int = options.run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # whoever read us has had enough: head, less
        _discard_output()
        return 0
    except (OtelOpenStackError, OSError, ModuleNotFoundError) as error:
        if debug:
            raise
        return _explain(error)
    return code


def _explain(error: OtelOpenStackError | OSError | ModuleNotFoundError) -> int:
    """Tell of an error in a sentence or two, and return the exit code."""
    hint = ""
    if isinstance(error, OtelOpenStackError):
        sentence, hint = str(error), error.hint
    elif isinstance(error, OSError):
        sentence = f"{error.filename or 'Standard output'}: {error.strerror or error}."
        if error.filename is None:
            _discard_output()
    elif (error.name or "").startswith("otel_openstack"):
        raise error
    else:
        sentence = f"This needs {error.name}, which is not installed."
        hint = "pip install 'otel-openstack[reader]'"
    say(f"error: {sentence}")
    if hint:
        say(f"hint: {hint}")
    return EXIT_ERROR


def _prepare_streams() -> None:
    """Give closed streams (``>&-``) a place, lest a store be opened as standard error; let any name be printed."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            setattr(sys, name, os.fdopen(number, mode))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _discard_output() -> None:
    """Keep the interpreter from failing again at exit, with what could not be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
