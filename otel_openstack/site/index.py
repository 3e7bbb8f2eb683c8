"""What a folder of pages tells of: the index of its site."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from otel_openstack.exceptions import SettingsError

INDEX = "index.md"
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
# docs/document-format.md: the line below the heading of each message
_HOP = re.compile(r"^`(.+)` (?:-->|<--) `(.+)`$", re.MULTILINE)
_CELL = re.compile(r"[|\\\[\]<>]")


@dataclass(frozen=True, slots=True)
class Recording:
    """A page that shows messages.

    :param path: below the folder of the pages, with ``/``.
    :param title: its first heading, else its path.
    :param messages: how many it shows.
    :param services: those that took part, sorted.
    """

    path: str
    title: str
    messages: int
    services: tuple[str, ...]

    @property
    def link(self) -> str:
        """The link to it, in Markdown."""
        return f"[{_CELL.sub(_entity, self.title)}]({quote(self.path)})"


def recordings(folder: Path) -> list[Recording]:
    """Return the pages of a folder and its folders that show messages, by title.

    :raises SettingsError: one is not UTF-8 text, or cannot be read.
    """
    files = {file.relative_to(folder): file for file in folder.rglob("*.md") if file.is_file()}
    found = [
        recording(_read(file), path.as_posix())
        for path, file in files.items()
        if not any(part.startswith(".") for part in path.parts)  # mkdocs passes over them, too
    ]
    return sorted([page for page in found if page.messages], key=lambda page: (page.title.lower(), page.path))


def recording(text: str, path: str) -> Recording:
    """Read what the index tells of one page."""
    hops = _HOP.findall(text)
    heading = _TITLE.search(text)
    return Recording(
        path=path,
        title=heading[1].strip() if heading else path.removesuffix(".md"),
        messages=len(hops),
        services=tuple(sorted({service for hop in hops for service in hop})),
    )


def index(pages: Sequence[Recording], name: str, introduction: str = "") -> str:
    """Write the index: the commands, and the services with the commands that they take part in.

    :param introduction: what the author starts it with, heading and all.
    """
    lines = [introduction.rstrip() or f"# {_CELL.sub(_entity, name)}", "", "## Commands", ""]
    lines += ["| command | messages | services |", "|---|--:|---|"]
    lines += [f"| {page.link} | {page.messages} | {', '.join(map(_cell, page.services))} |" for page in pages]
    lines += ["", "## Services", ""]
    for service in sorted({service for page in pages for service in page.services}):
        lines += [f"### {_cell(service)}", ""]
        lines += [f"- {page.link}" for page in pages if service in page.services]
        lines.append("")
    return "\n".join(lines)


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise SettingsError(f"{file} cannot be read: {error.strerror}.", hint="Mend it, or take it away.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{file} is not UTF-8 text (byte {error.start}).", hint="Convert it first: iconv -t UTF-8."
        ) from error


def _cell(text: str) -> str:
    return _CELL.sub(_entity, text)


def _entity(found: re.Match[str]) -> str:
    return f"&#{ord(found.group())};"
