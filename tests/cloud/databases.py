"""Empty databases of keystone and glance: migrating a new one takes seconds, copying a migrated one does not."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.cloud.environment import Environment
from tests.cloud.processes import Process, base_environment, end_all
from tests.cloud.progress import Progress

_COMMANDS = {"keystone": "keystone-manage", "glance": "glance-manage"}


def copy(environment: Environment, destination: Path, progress: Progress) -> None:
    """Put ``keystone.db`` and ``glance.db``, migrated and empty, into a directory.

    The originals are kept beside the programs that made them, and go with them.

    :raises CloudError: a migration failed.
    """
    originals = environment.path / "databases"
    if not originals.is_dir():
        with progress.step("migrating empty databases (once)"):
            _migrate(environment, originals)
    for name in _COMMANDS:
        shutil.copyfile(originals / f"{name}.db", destination / f"{name}.db")


def _migrate(environment: Environment, originals: Path) -> None:
    making = Path(tempfile.mkdtemp(prefix="databases-", dir=originals.parent))
    processes: list[Process] = []
    try:
        for name, command in _COMMANDS.items():
            configuration = making / f"{name}.conf"
            configuration.write_text(f"[database]\nconnection = sqlite:///{making}/{name}.db\n")
            arguments = (environment.program(command), "--config-file", configuration, "db_sync")
            processes.append(Process(f"{command} db_sync", arguments, base_environment(), making / f"{name}.log"))
        for process in processes:
            process.wait()
        making.rename(originals)
    finally:
        end_all(processes, patience=1)
        shutil.rmtree(making, ignore_errors=True)
