"""What is being done, step by step, with the time that each step took."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import Progress as Display
from rich.progress import ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.text import Text


class _Seconds(ProgressColumn):
    """The seconds that a step has taken so far, or took."""

    def render(self, task: Task) -> Text:
        return Text(f"{(task.finished_time if task.finished else task.elapsed) or 0.0:5.1f} s", style="cyan")


class Progress:
    """Live lines with a spinner on a terminal; elsewhere a plain line when a step begins and one when it ended.

    Used as a context manager; steps may overlap.

    :param stream: where to write, standard error by default.
    :param quiet: show nothing at all, as a test would.
    """

    def __init__(self, stream: TextIO | None = None, *, quiet: bool = False) -> None:
        self._console = Console(file=stream or sys.stderr, highlight=False, quiet=quiet, soft_wrap=True)
        self._live = self._console.is_terminal
        self._display = Display(
            SpinnerColumn(finished_text="[green]✓"),
            _Seconds(),
            TextColumn("{task.description}", markup=False),
            console=self._console,
            disable=not self._live,
        )
        self._began = time.monotonic()

    def __enter__(self) -> Progress:
        self._display.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._display.stop()

    @contextmanager
    def step(self, description: str) -> Iterator[None]:
        """Show one step for as long as the block runs; a step that fails is marked so."""
        step = self.begin(description)
        try:
            yield
        except BaseException:
            step.end(failed=True)
            raise
        step.end()

    def begin(self, description: str) -> Step:
        """Begin a step that ends when its :meth:`Step.end` is called."""
        return Step(self, description)

    def note(self, text: str) -> None:
        """Write a line between the steps."""
        self._console.print(text, markup=False)


class Step:
    """One step under way; made by :meth:`Progress.begin`."""

    def __init__(self, progress: Progress, description: str) -> None:
        self._progress = progress
        self._description = description
        self._began = time.monotonic()
        self._task = progress._display.add_task(description, total=1)
        self._line("...")

    def end(self, *, failed: bool = False) -> None:
        """Mark the step as over."""
        display = self._progress._display
        if failed:
            display.update(self._task, description=f"{self._description}: failed")
            display.stop_task(self._task)
        else:
            display.update(self._task, completed=1)
        self._line("failed" if failed else f"{time.monotonic() - self._began:.1f} s")

    def _line(self, outcome: str) -> None:
        if not self._progress._live:
            elapsed = time.monotonic() - self._progress._began
            self._progress.note(f"[{elapsed:6.1f} s] {self._description}: {outcome}")
