"""Empty databases of the services: migrating a new one takes seconds, copying a migrated one does not."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.cloud.environment import Environment
from tests.cloud.processes import Process, base_environment, end_all
from tests.cloud.progress import Progress

_FILE = "--config-file"
_NEUTRON_TABLES = Path(__file__).with_name("neutron_tables.py")
# What makes each database, {} being a configuration that names it.
_COMMANDS: dict[str, tuple[str | Path, ...]] = {
    "keystone": ("keystone-manage", _FILE, "{}", "db_sync"),
    "glance": ("glance-manage", _FILE, "{}", "db_sync"),
    "placement": ("placement-manage", _FILE, "{}", "db", "sync"),
    "nova_api": ("nova-manage", _FILE, "{}", "api_db", "sync"),
    "nova": ("nova-manage", _FILE, "{}", "db", "sync", "--local_cell"),
    "neutron": ("python", _NEUTRON_TABLES, "{}"),
    "cinder": ("cinder-manage", _FILE, "{}", "db", "sync"),
}
# Where services look for the address of their database; which of them does not matter to a command that makes one.
_SECTIONS = ("database", "api_database", "placement_database")


def copy(environment: Environment, destination: Path, progress: Progress, *names: str) -> None:
    """Put ``<name>.db``, migrated and empty, of each name into a directory.

    The originals are kept beside the programs that made them, and go with them.

    :raises CloudError: a migration failed.
    """
    originals = environment.path / "databases"
    originals.mkdir(exist_ok=True)
    if missing := [name for name in names if not (originals / f"{name}.db").is_file()]:
        with progress.step(f"migrating empty databases of {', '.join(missing)} (once)"):
            _migrate(environment, originals, missing)
    for name in names:
        shutil.copyfile(originals / f"{name}.db", destination / f"{name}.db")


def _migrate(environment: Environment, originals: Path, names: Sequence[str]) -> None:
    making = Path(tempfile.mkdtemp(prefix="databases-", dir=originals.parent))
    processes: list[Process] = []
    try:
        for name in names:
            configuration = making / f"{name}.conf"
            connection = f"connection = sqlite:///{making}/{name}.db\n"
            configuration.write_text("".join(f"[{section}]\n{connection}" for section in _SECTIONS))
            program, *rest = _COMMANDS[name]
            arguments = [environment.program(str(program)), *(configuration if part == "{}" else part for part in rest)]
            processes.append(Process(f"{program} ({name}.db)", arguments, base_environment(), making / f"{name}.log"))
        for process in processes:
            process.wait(timeout=600)
        for name in names:
            (making / f"{name}.db").replace(originals / f"{name}.db")
    finally:
        end_all(processes, patience=1)
        shutil.rmtree(making, ignore_errors=True)
