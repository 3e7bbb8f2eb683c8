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

    Used as a context manager.

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
        began = time.monotonic()
        task = self._display.add_task(description, total=1)
        self._line(f"{description}: ...")
        try:
            yield
        except BaseException:
            self._display.update(task, description=f"{description}: failed")
            self._display.stop_task(task)
            self._line(f"{description}: failed")
            raise
        self._display.update(task, completed=1)
        self._line(f"{description}: {time.monotonic() - began:.1f} s")

    def note(self, text: str) -> None:
        """Write a line between the steps."""
        self._console.print(text, markup=False)

    def _line(self, text: str) -> None:
        if not self._live:
            self.note(f"[{time.monotonic() - self._began:6.1f} s] {text}")
