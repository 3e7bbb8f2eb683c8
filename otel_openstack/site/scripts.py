"""The scripts of other projects that a site needs: taken from npm once, and kept in the user's cache."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

from otel_openstack.exceptions import SettingsError


class Script(NamedTuple):
    """One file of an npm package."""

    name: str
    package: str
    member: str
    purpose: str


# MIT; the theme colours by names that later versions have changed
MERMAID = Script("mermaid.min.js", "mermaid@11.12", "dist/mermaid.min.js", "diagrams")
# MIT
WORKER = Script("iframe-worker.js", "iframe-worker@1", "shim/index.js", "search")
SCRIPTS = (MERMAID, WORKER)
"""Those that mkdocs-material would have every visitor fetch from a content delivery network."""


def find(script: Script, folder: str | Path | None = None) -> Path:
    """Return where a script is.

    :param folder: where to look first; then comes the cache, then npm.
    :raises SettingsError: it cannot be had, or there is no such folder.
    """
    if folder is not None and not Path(folder).is_dir():
        raise SettingsError(f"--scripts {folder} is no folder.", hint="Name the folder that the scripts are in.")
    if folder is not None and (Path(folder) / script.name).is_file():
        return (Path(folder) / script.name).resolve()
    import platformdirs

    cache = platformdirs.user_cache_path("otel-openstack", ensure_exists=True)
    kept = Path(cache) / f"{script.package}-{script.name}"
    if not kept.is_file():
        _fetch(script, kept)
    return kept


def _fetch(script: Script, kept: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise _missing(script, "there is no npm to take it from")
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        # npm compares what it gets with the digest of its registry
        done = subprocess.run([npm, "pack", "--silent", script.package], cwd=folder, capture_output=True, text=True)
        packed = next(Path(folder).glob("*.tgz"), None)
        if done.returncode or packed is None:
            said = (done.stderr or done.stdout).strip().splitlines() or ["it did not say why"]
            raise _missing(script, f"npm cannot bring it: {said[-1].rstrip('.')}")
        with tarfile.open(packed) as archive:
            names = {f"package/{script.member}"} & set(archive.getnames())
            content = archive.extractfile(names.pop()) if names else None
            if content is None:
                raise _missing(script, f"{packed.name} has no {script.member}")
            beside = Path(folder) / script.name
            beside.write_bytes(content.read())
        beside.replace(kept)


def _missing(script: Script, why: str) -> SettingsError:
    return SettingsError(
        f"{script.name} is needed for {script.purpose}, and {why}.",
        hint=f"Put {script.member} of npm's {script.package} into a folder as {script.name}; name that with --scripts.",
    )
