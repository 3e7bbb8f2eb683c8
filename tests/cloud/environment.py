"""The virtual environment that the cloud runs in: OpenStack from the package index, and this project's agent."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cloud.processes import CloudError, Process, end_all
from tests.cloud.progress import Progress

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "cloud"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
APIS_BUILD = ROOT / "build" / "cloud-apis"
APIS_REQUIREMENTS = Path(__file__).with_name("requirements-apis.txt")


@dataclass(frozen=True)
class Environment:
    """An installed OpenStack.

    :param path: the virtual environment.
    """

    path: Path

    def program(self, name: str) -> Path:
        """Return the path of one of its programs."""
        return self.path / "bin" / name

    def file_digests(self) -> dict[str, str]:
        """Return the SHA-256 of every file of every installed distribution, by its path from the site-packages.

        Compiled bytecode is left out: running a program writes it.
        """
        return {
            str(file): hashlib.sha256(path.read_bytes()).hexdigest()
            for file, path, _ in self._installed_files()
            if path.is_file()
        }

    def edited_files(self) -> list[str]:
        """Name the files that are no longer as they were installed, by the hashes that pip noted in ``RECORD``."""
        return [
            str(file)
            for file, path, (algorithm, expected) in self._installed_files()
            if not path.is_file() or _record_hash(algorithm, path) != expected
        ]

    def _installed_files(self) -> Iterator[tuple[importlib.metadata.PackagePath, Path, tuple[str, str]]]:
        site = next(self.path.glob("lib/python*/site-packages"))
        for distribution in importlib.metadata.distributions(path=[str(site)]):
            for file in distribution.files or []:
                if file.hash is not None and file.suffix != ".pyc":
                    yield file, Path(str(distribution.locate_file(file))), (file.hash.mode, file.hash.value)


def _record_hash(algorithm: str, path: Path) -> str:
    """Spell the hash as ``RECORD`` does: unpadded URL-safe base 64 (PyPA, Recording installed projects)."""
    digest = hashlib.new(algorithm, path.read_bytes()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def prepare(progress: Progress) -> Environment:
    """Create the environment of the cloud, or reuse the one that is there.

    :raises CloudError: something that it needs is missing, or pip failed.
    """
    return _prepare(progress, BUILD, REQUIREMENTS)


def prepare_apis(progress: Progress) -> Environment:
    """Create, or reuse, the environment of the larger cloud: one of its own, so that the small one stays quick to have.

    :raises CloudError: something that it needs is missing, or pip failed.
    """
    return _prepare(progress, APIS_BUILD, REQUIREMENTS, APIS_REQUIREMENTS)


def _prepare(progress: Progress, build: Path, *requirements: Path) -> Environment:
    build.mkdir(parents=True, exist_ok=True)
    environment = Environment(build / "venv")
    # Where it is counts too: its programs name their interpreter by its path.
    wanted = _digest(*(file.read_bytes() for file in requirements), sys.version.encode(), bytes(environment.path))
    openstack, agent = environment.path / "openstack.stamp", environment.path / "agent.stamp"
    sources = _sources_digest()
    with _locked(build / "venv.lock"):
        if _text(openstack) != wanted:
            _install_openstack(environment, progress, build / "pip.log", requirements)
        elif _text(agent) != sources:
            with progress.step("installing this project's agent"):
                _pip(environment, build / "pip.log", ROOT)
        openstack.write_text(wanted)
        agent.write_text(sources)
    return environment


def _text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def _install_openstack(environment: Environment, progress: Progress, log: Path, requirements: Sequence[Path]) -> None:
    _require_build_tools()
    shutil.rmtree(environment.path, ignore_errors=True)
    log.unlink(missing_ok=True)
    with progress.step("creating a virtual environment"):
        _run(log, sys.executable, "-m", "venv", environment.path)
    names = [name for file in requirements for name in re.findall(r"^[\w-]+", file.read_text(), re.MULTILINE)]
    with progress.step(f"installing {', '.join(names)} (once, some minutes)"):
        # With the project, so that one resolution suits both; the agent alone, without the reader's extras.
        _pip(environment, log, *(option for file in requirements for option in ("-r", file)), ROOT)
        _suit_uwsgi(environment, log)


def _suit_uwsgi(environment: Environment, log: Path) -> None:
    """Have a uWSGI that holds this interpreter.

    The wheel that pip has built once serves it for every CPython of the same minor version, but it holds the library of
    the one that it was built by: pyenv's in an environment of Debian's finds no module that is compiled.
    """
    uwsgi = environment.program("uwsgi")
    if _output(uwsgi, "--python-version") != platform.python_version():
        built = f"uWSGI=={_output(uwsgi, '--version')}"
        _pip(environment, log, "--no-cache-dir", "--force-reinstall", "--no-deps", built)


def _output(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _require_build_tools() -> None:
    """Say at once what the compilation of uWSGI would fail for."""
    if not any(shutil.which(compiler) for compiler in (os.environ.get("CC", "cc"), "gcc", "clang")):
        raise CloudError("There is no C compiler to build uWSGI with: apt-get install build-essential.")
    header = Path(sysconfig.get_path("include")) / "Python.h"
    if not header.is_file():
        raise CloudError(f"{header} is missing, which uWSGI is built with: apt-get install python3-dev.")


def _pip(environment: Environment, log: Path, *arguments: str | Path) -> None:
    options = ("--quiet", "--disable-pip-version-check", "--no-input")
    _run(log, environment.program("python"), "-m", "pip", "install", *options, *arguments)


def _run(log: Path, *command: str | Path) -> None:
    process = Process("pip" if "pip" in command else "venv", command, os.environ, log)
    try:
        process.wait(timeout=1800)
    finally:
        end_all([process], patience=1)


def _sources_digest() -> str:
    files = sorted(path for path in (ROOT / "otel_openstack").rglob("*") if path.is_file() and path.suffix != ".pyc")
    return _digest(*(part for path in [ROOT / "pyproject.toml", *files] for part in (bytes(path), path.read_bytes())))


def _digest(*parts: bytes) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(hashlib.sha256(part).digest())
    return total.hexdigest()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Two runs at once must not install into one environment."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    try:
        with Progress() as display:
            prepare(display)
            prepare_apis(display)
    except CloudError as error:
        sys.exit(f"error: {error}")
