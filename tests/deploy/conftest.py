"""What the tests of deployment share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.host import Host
from tests.deploy.tools import ensure_tools
from tests.instrument.harness import OtlpServer


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """Make a scratch host without any service."""
    return Host(tmp_path / "host")


@pytest.fixture
def receiver() -> Iterator[OtlpServer]:
    """Receive the spans of services."""
    server = OtlpServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def tools() -> Path:
    """Return the environment of ansible-core and shellcheck."""
    return ensure_tools()
