from __future__ import annotations

import pytest

from tests.backends import programs


@pytest.fixture(scope="session")
def tempo_server(tmp_path_factory):
    """Start one Tempo for all: each test is a tenant of its own."""
    with programs.tempo(tmp_path_factory.mktemp("tempo")) as server:
        yield server


@pytest.fixture
def jaeger_server(tmp_path):
    """Start a Jaeger for each test, as its memory knows no tenants; it starts in a tenth of a second."""
    with programs.jaeger(tmp_path / "jaeger") as server:
        yield server
