"""Scratch hosts: a file tree with units, programs and environments as packages leave them."""

from __future__ import annotations

import hashlib
import shutil
import stat
import sys
from pathlib import Path

from otel_openstack.deploy import Root

BIN = Path(sys.executable).parent
LAUNCHER = "opentelemetry-instrument"


class Host:
    """A host below a folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder
        self.root = Root(folder)
        folder.mkdir(exist_ok=True)
        for name in ("etc/systemd/system", "usr/lib/systemd/system", "usr/bin", "usr/local/bin"):
            (folder / name).mkdir(parents=True)
        (folder / "lib").symlink_to("usr/lib")
        (folder / "bin").symlink_to("usr/bin")
        self.program("/usr/bin/python3", "\x7fELF")

    def write(self, name: str, text: str) -> Path:
        """Write a file by its path on the host."""
        path = self.path / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def unit(self, name: str, *lines: str, folder: str = "/usr/lib/systemd/system") -> Path:
        """Write a unit with these lines in its [Service]."""
        return self.write(f"{folder}/{name}", "\n".join(["[Unit]", "Description=test", "[Service]", *lines, ""]))

    def program(self, name: str, text: str = "#!/usr/bin/python3\n") -> Path:
        """Write a program."""
        path = self.write(name, text)
        path.chmod(0o755)
        return path

    def environment(self, folder: str, *programs: str, agent: bool = True) -> None:
        """Make a virtual environment that has these programs, and the agent."""
        self.write(f"{folder}/pyvenv.cfg", "home = /usr/bin\n")
        self.program(f"{folder}/bin/python3", "\x7fELF")
        for program in programs:
            self.program(f"{folder}/bin/{program}", f"#!{folder}/bin/python3\n")
        if agent:
            self.agent(folder)

    def agent(self, folder: str, packages: str = "lib/python3.11/site-packages") -> None:
        """Install the agent, as far as can be seen from outside."""
        self.program(f"{folder}/bin/{LAUNCHER}", f"#!{folder}/bin/python3\n")
        self.write(f"{folder}/{packages}/otel_openstack-1.dist-info/METADATA", "")

    def snapshot(self) -> dict[str, tuple[int, str]]:
        """Return mode and digest of everything in the tree."""
        return {str(path.relative_to(self.path)): _look(path) for path in sorted(self.path.rglob("*"))}


def _look(path: Path) -> tuple[int, str]:
    mode = path.lstat().st_mode
    if stat.S_ISREG(mode):
        return mode, hashlib.sha256(path.read_bytes()).hexdigest()
    return mode, str(path.readlink()) if path.is_symlink() else ""


def glance(folder: Path) -> Host:
    """Make a host with glance-api in an environment of its own, as RDO calls its unit."""
    host = Host(folder)
    host.environment("/opt/glance", "glance-api")
    host.unit("openstack-glance-api.service", "User=glance", "ExecStart=/opt/glance/bin/glance-api --config-dir /etc/x")
    return host


def borrow(host: Host, *programs: str) -> None:
    """Copy real programs of our own environment to where they are, so that a unit's command also runs outside."""
    for program in (*programs, LAUNCHER):
        target = host.path / str(BIN).lstrip("/") / program
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(BIN / program, target)
    host.write(f"{BIN.parent}/pyvenv.cfg", "home = /usr/bin\n")
    host.write(f"{BIN.parent}/lib/python3.11/site-packages/otel_openstack-1.dist-info/METADATA", "")
