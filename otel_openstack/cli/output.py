"""Where what was rendered goes: a stream, a new file, or a document that its author has written in."""

from __future__ import annotations

import os
import sys

from otel_openstack.exceptions import SettingsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

    from otel_openstack.conversation.model import Conversation
    from otel_openstack.otlp import Span
    from otel_openstack.render.links import Viewer

EXIT_CONFLICT = 1

_LINKED = ("markdown", "page", "html")


def document_to_update(options: Namespace) -> str | None:
    """Read the document of ``--update`` and see that it can be updated, before anything is run or fetched.

    :raises SettingsError: it cannot be read, or options contradict each other.
    :raises DocumentError: it cannot be updated.
    """
    options.viewers = _viewers(options.link) if options.format in _LINKED else []
    if options.link and options.format not in _LINKED:
        raise SettingsError(f"--link means nothing for {options.format}.", hint=f"Use --format {' or '.join(_LINKED)}.")
    if options.update is None:
        for name, formats in (("sections", ["page"]), ("template", ["page", "html"])):
            if getattr(options, name) is not None and options.format not in formats:
                raise SettingsError(
                    f"--{name} means nothing for {options.format}.", hint=f"Add --format {' or '.join(formats)}."
                )
        return None
    if options.sections is not None:
        raise SettingsError(
            f"{options.update} keeps the sections that it has.",
            hint="Leave --sections out, or delete what is too much.",
        )
    from otel_openstack.merge import is_page, refuse_unless_page

    if options.format not in ("markdown", "page"):
        raise SettingsError(
            f"What is written as {options.format} cannot be updated.", hint="Use --format markdown or page."
        )
    text = read_text(options.update)
    if options.format == "page":
        refuse_unless_page(text, options.update)
    elif is_page(text, options.update):
        options.format = "page"
    return text


def write(options: Namespace, shown: Conversation, spans: Sequence[Span], old: str | None) -> int:
    """Write a conversation as the options say; 1 when an update left conflicts.

    :param old: the document to update, as :func:`document_to_update` read it.
    """
    if old is None:
        write_text(_rendered(options, shown, spans), options.output)
        return 0
    from otel_openstack.conversation.command import command_of
    from otel_openstack.merge import update

    updated = update(
        old,
        shown,
        name=options.update,
        command=command_of(spans),
        templates=options.template,
        viewers=options.viewers,
    )
    for warning in updated.warnings:
        print(f"warning: {warning}", file=sys.stderr, flush=True)
    if options.output is not None or updated.text != old:
        write_text(updated.text, options.output or options.update)
    return EXIT_CONFLICT if updated.conflicts else 0


def write_text(text: str, output: str | None) -> None:
    """Write a text to standard output, or to a file."""
    if output is None or output == "-":
        sys.stdout.buffer.write(text.encode())
        return
    # Written beside and renamed in, so that an older document is never left half overwritten
    import shutil
    from pathlib import Path

    target = Path(output).resolve()  # a link stays one
    beside = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        if target.exists() and not target.is_file():  # a device, a pipe
            target.write_bytes(text.encode())
            return
        beside.write_bytes(text.encode())
        if target.exists():
            shutil.copymode(target, beside)
        beside.replace(target)
    except OSError as error:
        raise SettingsError(
            f"{output} cannot be written: {error.strerror}.", hint="Name another file with -o."
        ) from error


def read_text(name: str) -> str:
    """Read a file or, for ``-``, standard input."""
    from pathlib import Path

    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return data.decode()
    except OSError as error:
        raise SettingsError(f"{name} cannot be read: {error.strerror}.", hint="Name a document of messages.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{'Standard input' if name == '-' else name} is not UTF-8 text (byte {error.start}).",
            hint="Convert it first: iconv -t UTF-8.",
        ) from error


def _rendered(options: Namespace, shown: Conversation, spans: Sequence[Span]) -> str:
    if options.format not in ("page", "html"):
        from otel_openstack.render import RENDERERS, links

        linked = options.format == "markdown" and options.viewers
        above = f"{links.line(shown, linked)}\n" if linked else ""
        return above + RENDERERS[options.format](shown, numbers=options.numbers)
    from otel_openstack.conversation.command import command_of
    from otel_openstack.render import html, page

    if options.format == "html":
        return html.render(
            shown,
            numbers=options.numbers,
            command=command_of(spans),
            templates=options.template,
            viewers=options.viewers,
        )
    return page.render(
        shown,
        numbers=options.numbers,
        command=command_of(spans),
        sections=options.sections or tuple(page.HEADINGS),
        templates=options.template,
        viewers=options.viewers,
    )


def _viewers(named: Sequence[str]) -> list[Viewer]:
    from otel_openstack.render.links import viewer
    from otel_openstack.settings import SourceSettings

    configured = filter(None, SourceSettings.from_env(os.environ).links.split(","))
    return [viewer(text.strip()) for text in named or configured]
