"""Run a command on our own terminal, and know afterwards what the terminal showed.

What the command writes passes through unchanged: through a pseudo-terminal where our own stream is a terminal, so that
the command still draws its tables and colours, through a pipe where it is not. Standard input stays ours.
"""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from otel_openstack.exceptions import SettingsError
from otel_openstack.redaction import Masking, masking
from otel_openstack.redaction.names import SECRET_ENDINGS, SECRET_NAMES, TOKEN_NAMES
from otel_openstack.redaction.values import MASK

KEPT_BYTES = 32 * 1024
"""Of a long output the first and the last so many bytes are kept."""
_READ_BYTES = 64 * 1024
_DRAIN_SECONDS = 0.2
"""How long what the command left running may still write."""

# ECMA-48: control sequences, strings (titles, links), and the other escapes
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\Z)|\x1b[ -/]*[0-~]", re.DOTALL)
_UNSEEN = re.compile(r"[^\S\n\t ]|[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_SECRET = "|".join([*sorted(SECRET_NAMES | TOKEN_NAMES), *(rf"[\w-]*{ending}" for ending in SECRET_ENDINGS)])
# openstackclient's formatters: table, and shell, yaml or value with its name
_SECRET_ROW = re.compile(rf"(?mi)^(\s*\|\s*(?:{_SECRET})\s*\| )(.*?)( *\|\s*)$")
_SECRET_LINE = re.compile(rf"(?mi)^(\s*(?:{_SECRET})\s*[=:]\s*).+$")


_RULES = masking()


class Transcript:
    """What a terminal was sent: the head and the tail of it, however long it is.

    :param kept: how many bytes of each.
    """

    def __init__(self, kept: int = KEPT_BYTES) -> None:
        self._kept = kept
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._dropped = 0

    def add(self, data: bytes) -> None:
        """Note what was sent."""
        room = self._kept - len(self._head)
        self._head += data[: max(0, room)]
        rest = data[max(0, room) :]
        if not rest:
            return
        self._tail.append(rest)
        self._tail_size += len(rest)
        while self._tail_size - len(self._tail[0]) >= self._kept:
            gone = len(self._tail.popleft())
            self._tail_size -= gone
            self._dropped += gone

    def text(self, rules: Masking = _RULES) -> str:
        """Return it as plain text, secrets masked; one line says how much is left out."""
        tail = b"".join(self._tail)
        surplus = max(0, len(tail) - self._kept)
        left_out = self._dropped + surplus
        if not left_out:
            return plain(bytes(self._head) + tail, rules)
        # Whole lines: half of one could be the half of a secret that no rule knows
        head = bytes(self._head)
        shown_head = head[: head.rfind(b"\n") + 1]
        kept_tail = tail[surplus:]
        shown_tail = kept_tail[kept_tail.find(b"\n") + 1 :]
        left_out += len(head) - len(shown_head) + len(kept_tail) - len(shown_tail)
        return f"{plain(shown_head, rules)}... ({left_out} bytes left out)\n{plain(shown_tail, rules)}"


def plain(data: bytes, rules: Masking = _RULES) -> str:
    """Return what a terminal would show as text: without control codes, secrets masked."""
    text = _CONTROL.sub("", data.decode("utf-8", "replace")).replace("\r\n", "\n")
    if "\b" in text:
        text = _rubbed_out(text)
    if "\r" in text:
        # A progress bar draws its line again and again: the last one stays
        text = "\n".join([line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")])
    text = rules.body(_UNSEEN.sub("", text))
    text = _SECRET_ROW.sub(_masked_row, text)
    return _SECRET_LINE.sub(rf"\1{MASK}", text)


def run(command: Sequence[str], environment: Mapping[str, str], rules: Masking = _RULES) -> tuple[int, str]:
    """Run a command to its end.

    :param rules: what is masked in its output.
    :returns: its exit code (128 + the number of the signal that ended it, as shells have it) and its output as text.
    :raises SettingsError: it cannot be started.
    """
    transcript = Transcript()
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        stack.enter_context(_interrupts_are_the_commands())
        ours = sys.stdout.fileno(), sys.stderr.fileno()
        sys.stdout.flush()
        sides = _sides(ours)
        try:
            process = subprocess.Popen(command, env=environment, stdout=sides[0][1], stderr=sides[1][1])
        except OSError as error:
            raise SettingsError(f"{command[0]} cannot be started: {error.strerror}.") from error
        finally:
            for write_end in {side[1] for side in sides}:
                os.close(write_end)
        for (read_end, _), shown in zip(sides, ours, strict=True):
            if read_end not in {key.fd for key in selector.get_map().values()}:
                stack.callback(os.close, read_end)
                selector.register(read_end, selectors.EVENT_READ, shown)
        _pass_on(selector, process, transcript.add)
        code = process.wait()
    return (code if code >= 0 else 128 - code), transcript.text(rules)


def _sides(ours: Sequence[int]) -> list[tuple[int, int]]:
    """Return for standard output and standard error the end to read and the end that the command gets."""
    result: list[tuple[int, int]] = []
    terminal: tuple[int, int] | None = None
    for stream in ours:
        if not os.isatty(stream):
            result.append(os.pipe())
            continue
        terminal = terminal or _terminal_like(stream)
        result.append(terminal)
    return result


def _terminal_like(stream: int) -> tuple[int, int]:
    """Open a pseudo-terminal of the size of ours that leaves line ends to it."""
    import fcntl
    import termios

    master, slave = os.openpty()
    attributes = termios.tcgetattr(slave)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, fcntl.ioctl(stream, termios.TIOCGWINSZ, bytes(8)))
    return master, slave


def _pass_on(selector: selectors.BaseSelector, process: subprocess.Popen[bytes], note: Callable[[bytes], None]) -> None:
    """Write on what the command writes, until it has ended and all of it has been read."""
    ended_at: float | None = None
    while selector.get_map():
        if ended_at is None and process.poll() is not None:
            ended_at = time.monotonic()
        # What it left running keeps the streams open: it is not waited for
        if ended_at is not None and time.monotonic() - ended_at > _DRAIN_SECONDS:
            return
        for key, _ in selector.select(_DRAIN_SECONDS / 2):
            try:
                data = os.read(key.fd, _READ_BYTES)
            except OSError:  # EIO: nobody has the other end of the pseudo-terminal any more
                data = b""
            if not data:
                selector.unregister(key.fd)
                continue
            note(data)
            _write(key.data, data)


def _write(stream: int, data: bytes) -> None:
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(stream, view) :]
    except BrokenPipeError:
        return  # whoever read us has had enough; the command goes on and is recorded


@contextmanager
def _interrupts_are_the_commands() -> Iterator[None]:
    """Leave Ctrl-C to the command, which may want to clean up."""
    # A handler that does nothing rather than SIG_IGN, which the command would inherit
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _rubbed_out(text: str) -> str:
    shown: list[str] = []
    for character in text:
        if character != "\b":
            shown.append(character)
        elif shown and shown[-1] != "\n":
            shown.pop()
    return "".join(shown)


def _masked_row(row: re.Match[str]) -> str:
    value = row[2]
    return f"{row[1]}{MASK:<{len(value)}}{row[3]}" if value.strip() not in ("", "None") else row[0]
