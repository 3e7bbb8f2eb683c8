"""A fault of ours is logged once and reaches nobody."""

from __future__ import annotations

import asyncio
import logging

import pytest
from greenlet import GreenletExit

from otel_openstack.instrument.guard import never_raises


def test_a_fault_is_logged_once_and_gives_none(caplog: pytest.LogCaptureFixture) -> None:
    """However often it happens, the log has one line with the cause."""

    @never_raises
    def broken() -> int:
        raise ValueError("of the capture")

    assert [broken() for _ in range(3)] == [None, None, None]
    (record,) = caplog.records
    assert "broken" in record.getMessage()
    assert record.exc_info is not None


@pytest.mark.parametrize("kind", [MemoryError, RecursionError, StopIteration, SyntaxError, OSError])
def test_whatever_is_an_error_stays_with_us(kind: type[Exception]) -> None:
    """Also those that the interpreter raises where it likes."""

    @never_raises
    def broken() -> int:
        raise kind

    assert broken() is None


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError, GreenletExit])
def test_what_ends_a_program_or_a_wait_passes(kind: type[BaseException]) -> None:
    """What the host's machinery raises in the middle of anything is not ours to swallow."""

    @never_raises
    def interrupted() -> None:
        raise kind

    with pytest.raises(kind):
        interrupted()


def test_a_result_passes() -> None:
    """Without a fault the function is as it was."""

    @never_raises
    def add(left: int, right: int) -> int:
        """Add."""
        return left + right

    assert add(1, right=2) == 3
    assert add.__doc__ == "Add."


def test_a_log_that_fails_is_no_fault_of_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter that raises, or no stack left to write a line with."""

    @never_raises
    def untold() -> None:
        raise ValueError("of the capture")

    def fail(_record: logging.LogRecord) -> bool:
        raise RuntimeError("of the log")

    monkeypatch.setattr(logging.getLogger("otel_openstack"), "filters", [fail])
    assert untold() is None

    @never_raises
    def endless() -> None:
        endless.__wrapped__()  # type: ignore[attr-defined]  # of functools.wraps

    assert endless() is None
