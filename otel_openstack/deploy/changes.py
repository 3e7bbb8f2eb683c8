"""Changes of a host's tree: planned whole, shown as a diff, and made or taken back together."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from otel_openstack.deploy import dropin, environment
from otel_openstack.deploy.root import Root
from otel_openstack.deploy.units import Unit, resolve
from otel_openstack.exceptions import DeploymentError


@dataclass(frozen=True, slots=True)
class Change:
    """One drop-in before and after.

    :param before: its text, ``""`` when there was no file.
    :param after: its text, ``""`` when there is to be none.
    :param folders: how many folders are made for it, or go with it.
    """

    unit: Unit
    before: str
    after: str
    folders: int

    @property
    def is_none(self) -> bool:
        """Whether the tree is already as it should be."""
        return self.before == self.after

    def diff(self) -> str:
        """Return the change as a unified diff."""
        name = str(self.unit.dropin)
        old, new = (name if text else "/dev/null" for text in (self.before, self.after))
        before, after = (re.findall(r"[^\n]*\n", text) for text in (self.before, self.after))
        return "".join(difflib.unified_diff(before, after, fromfile=old, tofile=new))


def enable(
    root: Root, services: Iterable[str], variables: Mapping[str, str], *, python: str | None = None
) -> list[Change]:
    """Plan to start services under the launcher of their own environments.

    :param services: their names, or units'.
    :param variables: what is added to their environment; see :func:`~otel_openstack.deploy.variables.variables`.
    :param python: the services' interpreter where the units do not tell it.
    :raises DeploymentError: a unit, its program or its launcher is missing, or its drop-in is not as we wrote it.
    """
    return [_enable(unit, variables, python) for unit in _units(root, services)]


def disable(root: Root, services: Iterable[str]) -> list[Change]:
    """Plan to take our drop-ins away, and the folders that were made for them.

    :raises DeploymentError: a drop-in is not as we wrote it, or a service is not there.
    """
    changes = []
    for unit in _units(root, services):
        before, old = _ours(unit)
        changes.append(Change(unit, before, "", old.folders if old else 0))
    return changes


def apply(changes: Sequence[Change]) -> None:
    """Make all changes, or none.

    :raises DeploymentError: one cannot be made; those before it are taken back.
    """
    done: list[Change] = []
    try:
        for change in changes:
            done.append(change)
            _write(change)
    except OSError as error:
        for change in reversed(done):
            with suppress(OSError):
                _write(Change(change.unit, change.after, change.before, change.folders))
        raise DeploymentError(
            f"{changes[len(done) - 1].unit.dropin} cannot be written: {error.strerror}.", hint="Run it as root."
        ) from error


def _units(root: Root, services: Iterable[str]) -> list[Unit]:
    if not root.path.is_dir():
        raise DeploymentError(f"{root.path} is no folder.", hint="Name the root of a host's tree with --root.")
    return list(dict.fromkeys(resolve(root, service) for service in services))


def _enable(unit: Unit, variables: Mapping[str, str], python: str | None) -> Change:
    before, old = _ours(unit)
    found = unit.commands()
    named = environment.of_interpreter(unit.root, python) if python else None
    environments = [named or environment.of_command(unit, command) for command in found]
    if not any(environments):
        programs = ", ".join(command.program for command in found) or "nothing"
        raise DeploymentError(
            f"{unit.name} runs {programs}, which is no Python program.",
            hint="Under Apache or in a container it is enabled otherwise: docs/deployment.md.",
        )
    launched = [
        command.under(environment.launcher()) if environment else command
        for command, environment in zip(found, environments, strict=True)
    ]
    folders = old.folders if old else _missing_folders(unit)
    return Change(unit, before, dropin.render(unit.name, launched, variables, folders), folders)


def _ours(unit: Unit) -> tuple[str, dropin.DropIn | None]:
    """Return the text of a unit's drop-in and what it holds.

    :raises DeploymentError: somebody else wrote it, or changed it.
    """
    path = unit.root.inside(unit.dropin)
    before = unit.root.read(unit.dropin)
    old = dropin.parse(before)
    if old is None and path.exists():
        raise DeploymentError(f"{unit.dropin} was not written by otel-openstack.", hint="Give it another name.")
    if old is not None and not old.untouched:
        raise DeploymentError(
            f"{unit.dropin} was changed by hand since otel-openstack wrote it.",
            hint=f"Move your lines into a drop-in of your own, then rm {unit.dropin}.",
        )
    return before, old


def _missing_folders(unit: Unit) -> int:
    folders = [unit.root.inside(unit.dropin).parent, *unit.root.inside(unit.dropin).parent.parents]
    return next(count for count, folder in enumerate(folders) if folder.is_dir())


def _write(change: Change) -> None:
    path = change.unit.root.inside(change.unit.dropin)
    if change.after:
        _make_folders(path.parent, change.folders)
        # Written beside and renamed in: systemd reads it whole or not at all, and no other ending than .conf
        beside = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            beside.write_bytes(change.after.encode("utf-8", "surrogateescape"))
            beside.chmod(0o644)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
        return
    path.unlink(missing_ok=True)
    folder = path.parent
    for _ in range(change.folders):
        if folder.is_dir():
            if any(folder.iterdir()):
                break  # somebody else has moved in
            folder.rmdir()
        folder = folder.parent


def _make_folders(folder: Path, count: int) -> None:
    """Make the folders that are missing, readable by systemd whatever our umask."""
    for missing in reversed([folder, *folder.parents][:count]):
        if not missing.is_dir():
            missing.mkdir()
            missing.chmod(0o755)
