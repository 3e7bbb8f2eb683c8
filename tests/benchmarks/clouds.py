"""Two clouds that differ in nothing but the launcher, for measuring what tracing costs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cloud import environment
from tests.cloud.cloud import Cloud
from tests.cloud.demo import receiver
from tests.cloud.progress import Progress


@contextmanager
def traced_and_untraced() -> Iterator[tuple[Cloud, Cloud]]:
    """Bring both up, with a receiver for the spans of the first; take them down in the end."""
    progress = Progress(quiet=True)
    installed = environment.prepare(progress)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            receiver(folder / "traces.db", folder / "receiver.log", progress) as endpoint,
            Cloud(installed, folder / "traced", otlp_endpoint=endpoint) as traced,
            Cloud(installed, folder / "untraced") as untraced,
        ):
            yield traced, untraced
