"""What tests take from npm."""

import shutil
import subprocess
from pathlib import Path

import pytest


def package(name: str, version: str) -> Path:
    """Return the folder of a package, fetched once; without npm the test is skipped, and says so."""
    folder = Path("build/npm") / name
    installed = folder / "node_modules" / name
    if not installed.exists():
        if shutil.which("npm") is None:
            pytest.skip(f"there is no npm, which {name} comes from")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text("{}")
        command = ["npm", "install", "--silent", "--no-audit", f"{name}@{version}"]
        subprocess.run(command, cwd=folder, check=True, timeout=120)
    return installed
