"""The parts of recording that need no service: finding the launcher, and knowing when a trace is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_openstack.exceptions import SettingsError
from otel_openstack.otlp import Span, SpanKind
from otel_openstack.record import LAUNCHER, find_launcher, missing_halves

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def span(number: int, parent: int = 0, kind: SpanKind = SpanKind.INTERNAL) -> Span:
    """Return a span with small numbers for ids."""
    return Span(TRACE, f"{number:016x}", f"{parent:016x}" if parent else "", kind=kind)


def program(path: Path, first_line: str = "#!/bin/sh") -> Path:
    """Write a program that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{first_line}\nexit 0\n")
    path.chmod(0o755)
    return path


def test_the_launcher_beside_the_program_is_taken(tmp_path: Path) -> None:
    """A program in a virtual environment is run by that environment's launcher."""
    launcher = program(tmp_path / "venv/bin" / LAUNCHER)
    openstack = program(tmp_path / "venv/bin/openstack")
    assert find_launcher(str(openstack)) == str(launcher)


def test_a_linked_program_keeps_its_environment(tmp_path: Path) -> None:
    """A link from a folder of the PATH leads back to the environment of the program."""
    launcher = program(tmp_path / "venv/bin" / LAUNCHER)
    link = tmp_path / "bin/openstack"
    link.parent.mkdir()
    link.symlink_to(program(tmp_path / "venv/bin/openstack"))
    assert find_launcher(str(link)) == str(launcher)


def test_the_interpreter_in_the_first_line_tells_the_environment(tmp_path: Path) -> None:
    """A copied program is run by the launcher beside the interpreter that it names."""
    launcher = program(tmp_path / "venv/bin" / LAUNCHER)
    program(tmp_path / "bin" / LAUNCHER)
    copied = program(tmp_path / "bin/openstack", f"#!{tmp_path}/venv/bin/python3")
    assert find_launcher(str(copied)) == str(launcher)


def test_an_unknown_program_is_named() -> None:
    """The error says which program there is not."""
    with pytest.raises(SettingsError, match="no program 'opnstack'"):
        find_launcher("opnstack")


def test_a_trace_of_two_halves_is_whole() -> None:
    """Nothing is missing once the caller's span has its callee's child and every parent is there."""
    assert missing_halves([span(1), span(2, 1, SpanKind.CLIENT), span(3, 2, SpanKind.SERVER)]) == ""


def test_a_callee_that_has_not_reported_is_missed() -> None:
    """A client span without a server span below it lacks its other half."""
    assert missing_halves([span(1), span(2, 1, SpanKind.CLIENT)]) == "the callee's half of 1 exchange"


def test_a_parent_that_has_not_reported_is_missed() -> None:
    """A span whose parent is named but not there is still waited for."""
    spans = [span(3, 2, SpanKind.SERVER), span(4, 3, SpanKind.CLIENT)]
    assert missing_halves(spans) == "the callee's half of 1 exchange and the parent of 1 span"
