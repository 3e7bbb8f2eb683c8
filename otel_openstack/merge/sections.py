"""The sections of a page that templates wrote, merged with what an author wrote into them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from otel_openstack.conversation.command import Command
from otel_openstack.merge.mentions import Mentions
from otel_openstack.merge.threeway import Merged, Unit, merge
from otel_openstack.render.page import HEADINGS, MESSAGES, Page

_TIME = re.compile(r"`[+-]?\d+(?:\.\d+)? m?s`")
_FENCE = re.compile(r"(`{3,}|~{3,})(.*)")
_EXIT_CODE = re.compile(r"The command failed with exit code (\d+)\.")
_LEFT_OUT = "Left out:"
_RECORDED = "recorded"


class Sections:
    """Merges the sections of one page.

    :param old: the page that the document's own messages make.
    :param new: the page of the new recording, its participants called as the author calls them.
    :param log: the log of the new recording, which is nobody's but the recording's.
    :param labels: what to call the document and the recording in a conflict.
    """

    def __init__(self, old: Page, new: Page, log: Page, mentions: Mentions, labels: tuple[str, str]) -> None:
        self._old, self._new, self._log = old, new, log
        self._mentions = mentions
        self._labels = labels

    def merged(self, name: str, lines: Sequence[str]) -> Merged:
        """Merge one section; what the recording does not tell stays as it is."""
        ours = [self._mentions.line(line) for line in lines]
        if name not in HEADINGS or name == MESSAGES or (name == "command" and not self._new.command):
            return Merged(ours)
        theirs = (self._log if name == "log" else self._new).section(name).split("\n")
        if name in ("command", "log"):
            # The text of the block is the recording's, however much of it differs: it is one unit
            model = _blocks(theirs)
            units = _recorded(_blocks(ours), model)
            base = _blocks(self._command(units) if name == "command" else theirs)
            return self._merge(_recorded(base, model), units, _recorded(model, model))
        if name == "steps":
            self._old.conversation = replace(self._old.conversation, left_out=_left_out(lines))
        base_lines = [self._mentions.line(line) for line in self._old.section(name).split("\n")]
        return self._merge(_lines(base_lines), _lines(ours), _lines(theirs))

    def _merge(self, base: list[Unit], ours: list[Unit], theirs: list[Unit]) -> Merged:
        return merge(base, ours, theirs, both=lambda _, newest: newest.lines, labels=self._labels)

    def _command(self, units: Sequence[Unit]) -> list[str]:
        """Return the section of the command that it tells now."""
        shown = next((unit.lines for unit in units if unit.key == _RECORDED), ())
        prose = [line for unit in units if unit.key != _RECORDED for line in unit.lines]
        self._old.command = _old_command(shown, prose)
        return self._old.section("command").split("\n")


def _lines(lines: Sequence[str]) -> list[Unit]:
    # Times are the recording's: a line in which nothing else differs is the same line
    return [Unit(_TIME.sub("`", line.rstrip()), (line,)) for line in lines]


def _blocks(lines: Sequence[str]) -> list[Unit]:
    """Take each code block as one unit, and each line between them."""
    result: list[Unit] = []
    index = 0
    while index < len(lines):
        fence = _FENCE.match(lines[index])
        end = index
        if fence:
            end = next((n for n in range(index + 1, len(lines)) if lines[n].rstrip() == fence[1]), index)
        unit = tuple(lines[index : end + 1])
        result.append(Unit(unit, unit))
        index = end + 1
    return result


def _recorded(units: Sequence[Unit], model: Sequence[Unit]) -> list[Unit]:
    """Mark the one block that is the recording's, and not the author's: the one that begins the most like it does."""
    wanted = next((unit.lines for unit in model if len(unit.lines) > 1), ())
    best, found = -1.0, None
    for index, unit in enumerate(units):
        if len(unit.lines) > 1:
            # The whole, else the line of the command or the first heading of the log
            likeness = SequenceMatcher(None, unit.lines[1], wanted[1] if wanted else "").ratio()
            if unit.lines == wanted:
                likeness = 2
            if likeness > best:
                best, found = likeness, index
    return [replace(unit, key=_RECORDED) if index == found else unit for index, unit in enumerate(units)]


def _old_command(shown: Sequence[str], prose: Sequence[str]) -> Command:
    """Read from a section what it tells of its command, but for the output."""
    typed = next((line[2:] for line in shown if line.startswith("$ ")), "")
    failed = next(filter(None, map(_EXIT_CODE.fullmatch, prose)), None)
    try:
        arguments = tuple(shlex.split(typed))
    except ValueError:  # an author's quote
        arguments = tuple(typed.split())
    return Command(arguments, "", int(failed[1]) if failed else 0)


def _left_out(lines: Sequence[str]) -> tuple[str, ...]:
    if _LEFT_OUT not in lines:
        return ()
    told = lines[list(lines).index(_LEFT_OUT) + 1 :]
    return tuple(line[2:] for line in told if line.startswith("- "))
