"""Tools of others that the tests of ``deploy/`` run, in an environment of their own below ``build/``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TOOLS = Path(__file__).parents[2] / "build" / "deploy-tools"
_REQUIREMENTS = Path(__file__).with_name("requirements.txt")


def ensure_tools() -> Path:
    """Make the environment unless it is there as the requirements have it; return it."""
    stamp = TOOLS / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != _REQUIREMENTS.read_text():
        subprocess.run([sys.executable, "-m", "venv", "--clear", TOOLS], check=True)
        pip = [TOOLS / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--requirement", _REQUIREMENTS], check=True)
        stamp.write_text(_REQUIREMENTS.read_text())
    return TOOLS
