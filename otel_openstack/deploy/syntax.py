"""systemd's notation of units and of command lines, as systemd.syntax(7) and systemd.service(5) have it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from otel_openstack.exceptions import DeploymentError

LAUNCHER = "opentelemetry-instrument"

_PREFIXES = "@-:+!|"
_BLANKS = " \t\r\n"  # of all that Unicode has, what separates words here
_WORD = re.compile(r"""(?:[^ \t\r\n"'\\]|\\.|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')+(?=[ \t\r\n]|$)""")
_PIECE = re.compile(r"""\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)|(["'])|([^\\"']+)""")
_ESCAPES = dict(zip("abfnrtvs\\\"'", "\a\b\f\n\r\t\v \\\"'", strict=True))
_PLAIN = re.compile(r"[\w@%+=:,./~$-]+")


@dataclass(frozen=True, slots=True)
class Command:
    """One command of an ``ExecStart=``.

    :param prefixes: systemd's marks before the program, as ``-`` and ``@``.
    :param program: the program without its quotes; specifiers (``%i``) still stand in it.
    :param rest: everything behind it, to the letter; with the mark ``@`` its first word is ``argv[0]``.
    """

    prefixes: str
    program: str
    rest: str = ""

    def __str__(self) -> str:
        return f"{self.prefixes}{quote(self.program)}{self.rest}"

    def under(self, launcher: str) -> Command:
        """Return the command that has the launcher start this one.

        With ``@`` the launcher takes the ``argv[0]``: the program itself is then called by its path.
        """
        argument = self.program if ":" in self.prefixes else self.program.replace("$", "$$")
        name, rest = self._split_name()
        return Command(self.prefixes, launcher.replace("%", "%%"), f"{name} {quote(argument)}{rest}")

    def alone(self) -> Command:
        """Return the command without the launcher before it: the inverse of :meth:`under`."""
        if PurePosixPath(self.program).name != LAUNCHER:
            return self
        name, rest = self._split_name()
        word = _first_word(rest)
        program = unquote(word)
        if ":" not in self.prefixes:
            program = program.replace("$$", "$")
        return Command(self.prefixes, program, name + rest.lstrip(_BLANKS)[len(word) :])

    def words(self) -> list[str]:
        """Return the arguments without their quotes; nothing in them is expanded."""
        return [unquote(word) for word in _WORD.findall(self._split_name()[1])]

    def _split_name(self) -> tuple[str, str]:
        if "@" not in self.prefixes:
            return "", self.rest
        word = _first_word(self.rest)
        end = self.rest.index(word) + len(word)
        return self.rest[:end], self.rest[end:]


def assignments(text: str) -> Iterator[tuple[str, str]]:
    """Yield key and value of each line of ``[Service]``, continued lines joined as systemd joins them."""
    section, pending = "", ""
    for line in text.split("\n"):
        if line.lstrip(_BLANKS).startswith(("#", ";")):
            continue  # also between the lines of one value
        line = pending + line
        if (len(line) - len(line.rstrip("\\"))) % 2:
            pending = f"{line[:-1]} "
            continue
        pending, line = "", line.strip(_BLANKS)
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line:
            key, _, value = line.partition("=")
            yield key.rstrip(_BLANKS), value.strip(_BLANKS)


def commands(value: str) -> list[Command]:
    """Return the commands of one value of ``ExecStart=``; a lone ``;`` stands between two of them.

    :raises DeploymentError: quotes are not balanced, or there is no program.
    """
    found, start, position = [], 0, 0
    while position < len(value):
        if value[position] in _BLANKS:
            position += 1
            continue
        word = _WORD.match(value, position)
        if word is None:
            raise DeploymentError(f"ExecStart={value} has quotes that are not balanced.", hint="Mend the unit first.")
        if word[0] == ";":
            found.append(_command(value[start : word.start()]))
            start = word.end()
        position = word.end()
    if value[start:].strip(_BLANKS):
        found.append(_command(value[start:]))
    return found


def _command(text: str) -> Command:
    text = text.strip(_BLANKS)
    word = _first_word(text)
    whole = unquote(word)
    program = whole.lstrip(_PREFIXES)
    if not program:
        raise DeploymentError(f"ExecStart={text} names no program.", hint="Mend the unit first.")
    return Command(whole[: len(whole) - len(program)], program, text[len(word) :])


def _first_word(text: str) -> str:
    match = _WORD.match(text.lstrip(_BLANKS))
    if match is None:
        raise DeploymentError(f"ExecStart={text} names no program.", hint="Mend the unit first.")
    return match[0]


def unquote(word: str) -> str:
    """Return a word without its quotes and escapes; an escape that systemd does not know stays as it is."""
    out, within = [], ""
    for escape, mark, plain in _PIECE.findall(word):
        if mark and within in ("", mark):
            within = "" if within else mark
        else:
            out.append(_unescape(escape) if escape else mark or plain)
    # Bytes that were escaped one by one are characters together
    return "".join(out).encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def _unescape(escape: str) -> str:
    if len(escape) == 1:
        return _ESCAPES.get(escape, f"\\{escape}")
    try:
        # \x and octal are bytes to systemd
        code = int(escape, 8) if escape[0].isdigit() else int(escape[1:], 16)
        return chr(code) if escape[0] in "uU" else bytes([code]).decode("utf-8", "surrogateescape")
    except (ValueError, OverflowError):
        return f"\\{escape}"


def quote(word: str) -> str:
    """Write a word so that systemd reads it as one: the inverse of :func:`unquote`; specifiers stay what they are."""
    if _PLAIN.fullmatch(word):
        return word
    return '"' + re.sub(r'[\x00-\x1f"\\\x7f]', lambda match: f"\\x{ord(match[0]):02x}", word) + '"'
