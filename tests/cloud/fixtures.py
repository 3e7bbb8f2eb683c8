"""The running cloud as pytest fixtures: one for all tests that ask for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud import demo, environment
from tests.cloud.cloud import Cloud
from tests.cloud.environment import Environment
from tests.cloud.progress import Progress


@pytest.fixture(scope="session")
def cloud_environment() -> Environment:
    """Give the installed OpenStack, and install it first when it is not there."""
    return environment.prepare(Progress(quiet=True))


@pytest.fixture(scope="session")
def cloud_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Name where the receiver of ``cloud`` keeps its store, and where documents belong: nothing secret may be in it."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="session")
def cloud(
    cloud_environment: Environment, cloud_directory: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cloud]:
    """Run a cloud, traced into the store in ``cloud_directory``."""
    directory, progress = tmp_path_factory.mktemp("cloud"), Progress(quiet=True)
    with (
        demo.receiver(cloud_directory / demo.STORE, directory / "receiver.log", progress) as endpoint,
        Cloud(cloud_environment, directory, otlp_endpoint=endpoint, progress=progress) as running,
    ):
        yield running


@pytest.fixture(scope="session")
def recorded_trace(cloud: Cloud, cloud_directory: Path) -> str:
    """Record one ``openstack image save``, write its documents to ``cloud_directory`` and give its trace id."""
    return demo.write_documents(cloud, cloud_directory, Progress(quiet=True))
