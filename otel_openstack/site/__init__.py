"""A folder of pages -> a site of mkdocs-material: an index by command and by service, search, diagrams.

mkdocs reads the folder itself; :mod:`.hook` adds the index and the diagrams' script. Whoever visits the site asks no
other host for anything.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from otel_openstack.exceptions import SettingsError
from otel_openstack.site.index import Recording, recordings
from otel_openstack.site.scripts import SCRIPTS, find

_HERE = Path(__file__).parent
# What every site of mkdocs has; a folder without it is somebody's, and not ours to replace
_MARK = Path("search/search_index.json")


def build(
    folder: str | Path, output: str | Path, *, name: str = "", scripts: str | Path | None = None
) -> list[Recording]:
    """Write the site of a folder of pages.

    :param folder: the pages, ``*.md``, also in folders of it; an ``index.md`` there starts the index.
    :param output: a folder that is made; an older site there is replaced when the new one is whole.
    :param name: of the site; the folder's, when empty.
    :param scripts: a folder with what :data:`.scripts.SCRIPTS` names; npm is asked for what is not there.
    :returns: the recordings that the index tells of.
    :raises SettingsError: there is no page, something else is at ``output``, or what is needed is not installed.
    """
    source, target = Path(folder).resolve(), Path(output).resolve()
    found = _pages(source)
    _refuse_to_lose(source, target)
    with _configured(source, name, scripts) as configuration:
        try:
            _replace(target, configuration)
        except OSError as error:
            raise SettingsError(
                f"{target} cannot be written: {error.strerror}.", hint="Name another folder with -o."
            ) from error
    return found


def serve(folder: str | Path, address: tuple[str, int], *, name: str = "", scripts: str | Path | None = None) -> None:
    """Show the site of a folder of pages until SIGTERM or Ctrl-C, and anew whenever a page changes.

    :param address: host and port to listen at.
    :raises SettingsError: as :func:`build`, or the address is taken.
    """
    source = Path(folder).resolve()
    host, port = address
    _pages(source)
    with _configured(source, name, scripts) as configuration:
        from mkdocs.commands.serve import serve as serve_until_interrupt

        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            serve_until_interrupt(config_file=str(configuration), dev_addr=f"{host}:{port}")
        except OSError as error:
            raise SettingsError(
                f"{host}:{port} cannot be listened at: {error.strerror}.", hint="Name another with --http."
            ) from error


def _pages(source: Path) -> list[Recording]:
    if not source.is_dir():
        raise SettingsError(f"{source} is no folder.", hint="Name the folder that your pages are in.")
    found = recordings(source)
    if not found:
        raise SettingsError(
            f"{source} holds no page.", hint=f"Write one: otel-openstack record --format page -o {source}/page.md -- …"
        )
    return found


def _refuse_to_lose(source: Path, target: Path) -> None:
    if source.is_relative_to(target) or target.is_relative_to(source):
        raise SettingsError(
            f"The site cannot be in {target}: it and its pages in {source} would be in one another.",
            hint="Name another folder with -o.",
        )
    if target.exists() and not (target / _MARK).exists() and not (target.is_dir() and not any(target.iterdir())):
        raise SettingsError(f"{target} is there and is no site.", hint="Name another folder with -o, or take it away.")


@contextmanager
def _configured(source: Path, name: str, scripts: str | Path | None) -> Iterator[Path]:
    """Write the configuration of mkdocs, and take it away."""
    if find_spec("material") is None or find_spec("mkdocs") is None:
        raise SettingsError(
            "A site needs mkdocs-material, which is not installed.", hint="pip install 'otel-openstack[site]'"
        )
    with tempfile.TemporaryDirectory(prefix="otel-openstack-site-") as folder:
        configuration = {
            "INHERIT": str(_HERE / "mkdocs.yml"),
            "site_name": name or source.name,
            "docs_dir": str(source),
            "hooks": [str(_HERE / "hook.py")],
            "extra": {"scripts": {script.name: str(find(script, scripts)) for script in SCRIPTS}},
        }
        file = Path(folder) / "mkdocs.yml"
        file.write_text(json.dumps(configuration), encoding="utf-8")  # JSON is YAML
        yield file


def _replace(target: Path, configuration: Path) -> None:
    """Build beside, and rename in: an older site stays until the new one is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as beside:
        _mkdocs("build", "--quiet", "-f", configuration, "-d", Path(beside) / "new")
        if target.exists():
            target.rename(Path(beside) / "old")
        (Path(beside) / "new").rename(target)


def _mkdocs(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "mkdocs", *map(str, arguments)]
    done = subprocess.run(command, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it did not say why"]
        raise SettingsError(
            f"mkdocs could not build the site: {said[-1].strip().rstrip('.')}.",
            hint="Mend the page that it names.",
        )
