from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from tests.cloud.environment import Environment


@pytest.fixture
def installed(tmp_path: Path) -> Environment:
    """Install one distribution of one module, noted in ``RECORD`` as pip does it."""
    site = tmp_path / "lib" / "python3.11" / "site-packages"
    metadata = site / "service-1.0.dist-info"
    metadata.mkdir(parents=True)
    (site / "service.py").write_bytes(b"port = 5000\n")
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"port = 5000\n").digest()).rstrip(b"=").decode()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: service\nVersion: 1.0\n")
    (metadata / "RECORD").write_text(f"service.py,sha256={digest},12\nservice-1.0.dist-info/RECORD,,\n")
    return Environment(tmp_path)


def test_what_was_installed_and_left_alone_is_not_edited(installed: Environment) -> None:
    """A fresh installation has no edited file."""
    assert installed.edited_files() == []
    assert installed.file_digests() == {"service.py": hashlib.sha256(b"port = 5000\n").hexdigest()}


def test_an_edited_file_is_named(installed: Environment) -> None:
    """One changed byte in a service's file is found."""
    before = installed.file_digests()
    next(installed.path.rglob("service.py")).write_bytes(b"port = 5001\n")
    assert installed.edited_files() == ["service.py"]
    assert installed.file_digests() != before


def test_a_removed_file_is_named(installed: Environment) -> None:
    """A file that is gone counts as edited."""
    next(installed.path.rglob("service.py")).unlink()
    assert installed.edited_files() == ["service.py"]
