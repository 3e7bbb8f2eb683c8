"""systemd's notation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_openstack.deploy.syntax import Command, assignments, commands, quote, unquote
from otel_openstack.exceptions import DeploymentError
from tests.deploy.strategies import lines

LAUNCHER = "/opt/x/bin/opentelemetry-instrument"


@given(st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0"), min_size=1))
def test_quoting_and_unquoting_are_inverses(text: str) -> None:
    """Whatever a path has in it."""
    assert unquote(quote(text)) == text
    assert [command.program for command in commands(quote(f"/x{text}"))] == [f"/x{text}"]


@given(lines(), st.sampled_from((LAUNCHER, "/opt/a b%c/bin/opentelemetry-instrument")))
def test_the_launcher_before_a_command_can_be_taken_away_again(line: str, launcher: str) -> None:
    """Also when the command was written down and read between."""
    (command,) = commands(line)
    (read,) = commands(str(command.under(launcher)))
    assert read.prefixes == command.prefixes
    assert read.alone() == command
    assert command.alone() == command


@pytest.mark.parametrize(
    ("line", "launched"),
    [
        ("/usr/bin/x", f"{LAUNCHER} /usr/bin/x"),
        ("-/usr/bin/x --a 'b c' ${D} %i", f"-{LAUNCHER} /usr/bin/x --a 'b c' ${{D}} %i"),
        ("@/usr/bin/x name --a", f"@{LAUNCHER} name /usr/bin/x --a"),
        ("+!!/usr/bin/x", f"+!!{LAUNCHER} /usr/bin/x"),
        ('"/opt/a b/x" c', f'{LAUNCHER} "/opt/a b/x" c'),
        ("/opt/$x/y", f"{LAUNCHER} /opt/$$x/y"),  # a program is not expanded, an argument is
        (":/opt/$x/y $z", f":{LAUNCHER} /opt/$x/y $z"),
        ("/opt/%i/x", f"{LAUNCHER} /opt/%i/x"),
    ],
)
def test_a_command_keeps_its_marks_and_its_arguments_to_the_letter(line: str, launched: str) -> None:
    """Only the launcher is new."""
    (command,) = commands(line)
    assert str(command) == line
    assert str(command.under(LAUNCHER)) == launched


def test_a_semicolon_stands_between_two_commands() -> None:
    """Alone it does; escaped or within a word it is an argument."""
    assert commands("/a b ; -/c d;e \\; ';'") == [Command("", "/a", " b"), Command("-", "/c", " d;e \\; ';'")]


def test_lines_are_joined_as_systemd_joins_them() -> None:
    """A backslash at the end is a blank, comments between do not count, other sections neither."""
    text = (
        "[Unit]\nExecStart=no\n[Service]\n# ExecStart=no\n"
        "ExecStart = /x \\\n# between\n  ; and this\n  --a \\\n b\nType=simple"
    )
    assert [(key, value.split()) for key, value in assignments(text)] == [
        ("ExecStart", ["/x", "--a", "b"]),
        ("Type", ["simple"]),
    ]


def test_two_backslashes_at_the_end_of_a_line_continue_nothing() -> None:
    """The first escapes the second."""
    assert list(assignments("[Service]\nA=x\\\\\nB=y")) == [("A", "x\\\\"), ("B", "y")]


@pytest.mark.parametrize("line", ['/x "a', "/x 'a", "-", "/x ; ;", '""', "/x a\\"])
def test_what_systemd_would_not_read_is_refused(line: str) -> None:
    """The sentence names the line."""
    with pytest.raises(DeploymentError, match="ExecStart="):
        commands(line)
