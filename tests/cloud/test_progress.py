from __future__ import annotations

import io
import re

import pytest

from tests.cloud.progress import Progress


def test_elsewhere_than_on_a_terminal_each_step_is_two_plain_lines() -> None:
    """A log file gets a line when a step begins and one with its time, without any escape sequence."""
    stream = io.StringIO()
    with Progress(stream) as progress, progress.step("starting [keystone]"):
        pass
    first, second = stream.getvalue().splitlines()
    assert re.fullmatch(r"\[ +\d+\.\d s\] starting \[keystone\]: \.\.\.", first)
    assert re.fullmatch(r"\[ +\d+\.\d s\] starting \[keystone\]: \d+\.\d s", second)


def test_a_step_that_fails_says_so() -> None:
    """The step that an error came from is marked, and the error goes on."""
    stream = io.StringIO()
    with pytest.raises(ValueError, match="why"), Progress(stream) as progress, progress.step("starting"):
        raise ValueError("why")
    assert stream.getvalue().endswith("starting: failed\n")


def test_a_quiet_progress_shows_nothing() -> None:
    """A test that brings the cloud up is not disturbed by its steps."""
    stream = io.StringIO()
    with Progress(stream, quiet=True) as progress, progress.step("starting"):
        progress.note("a note")
    assert stream.getvalue() == ""
