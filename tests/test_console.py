"""A command's output as the terminal showed it."""

import os
import sys
from pathlib import Path

import pytest

from otel_openstack import console
from otel_openstack.console import Transcript, plain
from otel_openstack.exceptions import SettingsError


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (b"\x1b[1;31mred\x1b[0m\x1b]0;title\x07 \x1b(Bplain\r\n", "red plain\n"),
        (b" 10%\r 50%\r100%\ndone\n", "100%\ndone\n"),
        (b"abd\bc\n", "abc\n"),
        ("토큰\u202e\u200b\x00\n".encode(), "토큰\n"),
        (b"\xff\n", "\ufffd\n"),
        (b"| adminPass | s3cret |\n| id        | a |\n", "| adminPass | ***    |\n| id        | a |\n"),
        (b'adminPass="s3cret"\npassword: s3cret\n', "adminPass=***\npassword: ***\n"),
        (b'{"password": "s3cret"}', '{"password": "***"}'),
        (b"\x1b]never ended", ""),
    ],
)
def test_control_codes_and_secrets_do_not_show(sent: bytes, shown: str) -> None:
    """Colours, titles, progress bars, what was rubbed out, and what turns lines around."""
    assert plain(sent) == shown


def test_a_token_is_masked() -> None:
    """Wherever it stands."""
    assert "gAAAAA" not in plain(b"| id | gAAAAABjsoUBidK_dtSo6s04L6HQ5WB6XDcL |\n")


def test_a_long_output_keeps_its_head_and_its_tail() -> None:
    """50 MB are told in 64 KiB, with whole lines and a count of what is left out."""
    transcript = Transcript()
    line = b"x" * 49 + b"\n"
    for _ in range(1000):
        transcript.add(line * 1000)
    transcript.add(b"last\n")
    text = transcript.text()
    assert text.startswith("x" * 49 + "\n")
    assert text.endswith("\nlast\n")
    middle = next(part for part in text.split("\n") if part.startswith("..."))
    shown = len(text) - len(middle) - 1
    assert middle == f"... ({50_000_005 - shown} bytes left out)"
    assert shown < 2 * console.KEPT_BYTES


def test_a_short_output_is_kept_whole() -> None:
    """Also where the head is full."""
    transcript = Transcript(kept=4)
    transcript.add(b"ab\ncd\n")
    assert transcript.text() == "ab\ncd\n"


def test_what_a_command_writes_passes_through(capfd: pytest.CaptureFixture[str]) -> None:
    """Each stream to its own, its exit code is known, and it is no terminal where ours is none."""
    code = "import sys; print(sys.stdout.isatty()); print('oops', file=sys.stderr); sys.exit(3)"
    assert console.run([sys.executable, "-u", "-c", code], os.environ) == (3, "False\noops\n")
    assert capfd.readouterr() == ("False\n", "oops\n")


def test_a_command_sees_a_terminal_where_we_have_one(tmp_path: Path) -> None:
    """Of the same size; line ends stay as they are."""
    import fcntl
    import pty
    import struct
    import subprocess
    import termios

    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 97, 0, 0))
    inner = "import os, sys; print(sys.stderr.isatty(), os.get_terminal_size(1).columns)"
    outer = (
        "import os, sys; from otel_openstack import console; "
        f"result = console.run([sys.executable, '-c', {inner!r}], os.environ); "
        f"open({str(tmp_path / 'seen')!r}, 'w').write(repr(result))"
    )
    try:
        subprocess.run([sys.executable, "-c", outer], stdout=slave, stderr=slave, check=True, timeout=60)
        assert os.read(master, 1000) == b"True 97\r\n"
    finally:
        os.close(master)
        os.close(slave)
    assert (tmp_path / "seen").read_text() == repr((0, "True 97\n"))


def test_what_a_command_leaves_running_is_not_waited_for() -> None:
    """A daemon that keeps the stream open."""
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(3)']); print('ok')"
    assert console.run([sys.executable, "-c", code], os.environ) == (0, "ok\n")


def test_a_command_that_cannot_be_started_is_an_error() -> None:
    """In one sentence."""
    with pytest.raises(SettingsError, match="/nowhere/x cannot be started: No such file"):
        console.run(["/nowhere/x"], {})
