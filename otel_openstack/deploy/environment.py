"""The Python environment that a command runs in, and the launcher beside its interpreter."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import PurePosixPath

from otel_openstack.deploy.root import Root
from otel_openstack.deploy.syntax import LAUNCHER, Command
from otel_openstack.deploy.units import Unit
from otel_openstack.exceptions import DeploymentError

_SEARCH = tuple(map(PurePosixPath, ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")))
"""Where systemd looks for a program that is named without a folder: systemd.service(5)."""

_SYSTEM = tuple(map(PurePosixPath, ("/usr/local/bin", "/usr/bin")))
_SERVERS = ("uwsgi", "pyuwsgi", "gunicorn")
_SHELLS = ("sh", "bash", "dash")
_VIRTUALENV = re.compile(
    r"^\s*(?:virtualenv|venv|home|pyhome)\s*[=:]\s*[\"']?(\S+?)[\"']?\s*$", re.MULTILINE
)  # INI and YAML of uWSGI
_VIRTUALENV_OPTIONS = ("-H", "--home", "--virtualenv", "--venv", "--pyhome")
# pip's own way out of the kernel's limit of a first line: a shell that starts the interpreter
_LONG_SHEBANG = re.compile(r"\A#!/bin/sh\n'''exec' \"?([^\"\n]+?)\"? \"\$0\"")


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python environment of a host.

    :param folders: where its programs are, the first that has one wins; the system's are two.
    :param python: its interpreter, for the sentence that tells what to install.
    """

    root: Root
    folders: tuple[PurePosixPath, ...]
    python: PurePosixPath

    def launcher(self) -> str:
        """Return the path of ``opentelemetry-instrument`` in this environment.

        :raises DeploymentError: the launcher or the agent is not installed there.
        """
        for folder in self.folders:
            if self.root.is_file(folder / LAUNCHER):
                if not self._has_agent():
                    raise DeploymentError(f"{folder / LAUNCHER} is there, the agent is not.", hint=self._remedy())
                return str(folder / LAUNCHER)
        raise DeploymentError(f"{self.python} has no {LAUNCHER} beside it.", hint=self._remedy())

    def _has_agent(self) -> bool:
        patterns = [f"python3*/{kind}-packages/otel_openstack-*.dist-info" for kind in ("site", "dist")]
        return any(
            self.root.glob(folder.parent / lib, pattern)
            for folder in self.folders
            for lib in ("lib", "lib64")
            for pattern in patterns
        )

    def _remedy(self) -> str:
        # PEP 668: the distribution's own interpreter wants to be asked twice
        managed = self.folders == _SYSTEM and self.root.glob("/usr/lib", "python3*/EXTERNALLY-MANAGED")
        words = [str(self.python), "-m", "pip", "install", *(["--break-system-packages"] if managed else [])]
        return f"{shlex.join(words)} otel-openstack"


def of_interpreter(root: Root, python: str) -> Environment:
    """Return the environment of an interpreter that the user names.

    :raises DeploymentError: there is no such file.
    """
    path = PurePosixPath(python)
    if not path.is_absolute() or not root.is_file(path):
        raise DeploymentError(
            f"There is no interpreter {python} in {root.path}.", hint="Name it by its absolute path on that host."
        )
    return _of_folder(root, path.parent, path.name)


def of_command(unit: Unit, command: Command) -> Environment | None:
    """Return the environment that a command of a unit runs in; ``None`` when it runs no Python.

    :raises DeploymentError: its program is not there, or it runs under the launcher already.
    """
    root = unit.root
    program = _program(unit, command)
    if program.name == LAUNCHER:
        raise DeploymentError(
            f"{unit.name} runs under {LAUNCHER} by its own unit.", hint="There is nothing to enable, nor to disable."
        )
    if program.name.startswith(_SERVERS):
        home = _virtualenv(unit, command)
        if home:
            return _of_folder(root, PurePosixPath(home) / "bin")
    if program.name.startswith(("python", "pypy")):
        return _of_folder(root, program.parent, program.name)
    with root.inside(program).open("rb") as file:
        start = file.read(1024).decode("utf-8", "replace")
    interpreter = _interpreter(start)
    if interpreter is not None and interpreter.name.startswith(("python", "pypy")):
        return _of_folder(root, interpreter.parent, interpreter.name)
    if program.parent not in _SEARCH and root.is_file(program.parent.parent / "pyvenv.cfg"):
        return _of_folder(root, program.parent)
    if program.name.startswith(_SERVERS) or program.name in _SHELLS or (interpreter and interpreter.name in _SHELLS):
        # The packages' start scripts run the system's Python
        return _of_folder(root, _SYSTEM[-1])
    return None


def _program(unit: Unit, command: Command) -> PurePosixPath:
    path = PurePosixPath(unit.expand(command.program))
    for folder in (path.parent,) if path.is_absolute() else _SEARCH:
        if unit.root.is_file(folder / path):
            return folder / path
    raise DeploymentError(
        f"There is no {path}, which {unit.name} runs, in {unit.root.path}.", hint="Name its interpreter with --python."
    )


def _of_folder(root: Root, folder: PurePosixPath, python: str = "python3") -> Environment:
    if folder in (*_SYSTEM, PurePosixPath("/bin")):
        return Environment(root, _SYSTEM, (folder if root.is_file(folder / python) else _SYSTEM[-1]) / python)
    return Environment(root, (folder,), folder / python)


def _interpreter(start: str) -> PurePosixPath | None:
    """Return what the first line of a script names; ``None`` for a program of its own."""
    long = _LONG_SHEBANG.match(start)
    if long:
        return PurePosixPath(long[1])
    first = start.partition("\n")[0]
    words = first[2:].split() if first.startswith("#!") else []
    if words and PurePosixPath(words[0]).name == "env":
        # "#!/usr/bin/env python3" looks where the service's PATH leads: on a host, the system's
        words = [str(_SYSTEM[-1] / word) for word in words[1:] if not word.startswith("-") and "=" not in word]
    return PurePosixPath(words[0]) if words else None


def _virtualenv(unit: Unit, command: Command) -> str:
    """Return the environment that uWSGI is told to use, by an option or in one of its files; ``""`` when by none."""
    words = [unit.expand(word) for word in command.words()]
    for word, following in zip(words, [*words, ""][1:], strict=True):
        option, equals, value = word.partition("=")
        if option in _VIRTUALENV_OPTIONS:
            return value if equals else following
    for word in words:
        path = word.rpartition("=")[2]
        if path.startswith("/") and path.endswith((".ini", ".yaml", ".yml")):
            match = _VIRTUALENV.search(unit.root.read(path))
            if match:
                return match[1]
    return ""
