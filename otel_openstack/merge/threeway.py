"""Three-way merge of sequences: what an author changed and what a recording changed, since the text both began with.

The algorithm is diff3's (Khanna, Kunal, Pierce: A Formal Investigation of Diff3, 2007), over keys rather than lines, so
that two units can be the same and yet say something else: what stays of both is for the caller to say.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Generic, TypeVar


@dataclass(frozen=True, slots=True)
class Unit:
    """Some lines that are merged as one.

    :param key: two units with the same key are the same unit.
    :param lines: what they say.
    """

    key: Hashable
    lines: tuple[str, ...]


_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Chunk(Generic[_T]):
    """Where the three agree on the keys (``is_stable``), or where at least one of them does not."""

    is_stable: bool
    base: Sequence[_T]
    ours: Sequence[_T]
    theirs: Sequence[_T]


@dataclass(slots=True)
class Merged:
    """The lines of a merge, and how many places of it are in conflict."""

    lines: list[str]
    conflicts: int = 0


def merge(
    base: Sequence[Unit],
    ours: Sequence[Unit],
    theirs: Sequence[Unit],
    *,
    both: Callable[[Unit, Unit], Sequence[str]],
    labels: tuple[str, str],
) -> Merged:
    """Merge what changed since ``base``.

    Where both inserted something at one place, what is theirs goes first. Where both changed the same lines in
    different ways, both are shown as ``git merge`` does.

    :param both: tells the lines of a unit that ours and theirs have.
    :param labels: what to call ours and theirs in a conflict.
    """
    kept, mine, new = ([unit.key for unit in side] for side in (base, ours, theirs))
    if kept == mine != new:
        return Merged(_lines(theirs))  # what nearly always is, said without a search
    result = Merged([])
    for chunk in chunks(base, ours, theirs):
        if chunk.is_stable:
            for our_unit, their_unit in zip(chunk.ours, chunk.theirs, strict=True):
                result.lines += both(our_unit, their_unit)
            continue
        kept, mine, new = ([unit.key for unit in side] for side in (chunk.base, chunk.ours, chunk.theirs))
        if mine == new:
            for our_unit, their_unit in zip(chunk.ours, chunk.theirs, strict=True):
                result.lines += both(our_unit, their_unit)
        elif kept == mine:
            result.lines += _lines(chunk.theirs)
        elif kept == new:
            result.lines += _lines(chunk.ours)
        elif not kept:
            result.lines += _lines(chunk.theirs) + _lines(chunk.ours)
        else:
            result.conflicts += 1
            result.lines += [f"<<<<<<< {labels[0]}", *_lines(chunk.ours), "======="]
            result.lines += [*_lines(chunk.theirs), f">>>>>>> {labels[1]}"]
    return result


def chunks(base: Sequence[Unit], ours: Sequence[Unit], theirs: Sequence[Unit]) -> Iterator[Chunk[Unit]]:
    """Cut three sequences into the parts where they agree and those where they do not."""
    to_ours, to_theirs = _matches(base, ours), _matches(base, theirs)
    at_base = at_ours = at_theirs = 0
    agreed = [index for index in range(len(base)) if index in to_ours and index in to_theirs]
    for index in [*agreed, len(base)]:
        mine, new = to_ours.get(index, len(ours)), to_theirs.get(index, len(theirs))
        if index == len(base):
            mine, new = len(ours), len(theirs)
        if (index, mine, new) != (at_base, at_ours, at_theirs):
            yield Chunk(False, base[at_base:index], ours[at_ours:mine], theirs[at_theirs:new])
        if index < len(base):
            yield Chunk(True, base[index : index + 1], ours[mine : mine + 1], theirs[new : new + 1])
        at_base, at_ours, at_theirs = index + 1, mine + 1, new + 1


def _matches(base: Sequence[Unit], other: Sequence[Unit]) -> dict[int, int]:
    """Return for units of the base where the other sequence has them."""
    return matching([unit.key for unit in base], [unit.key for unit in other])


def matching(left: Sequence[Hashable], right: Sequence[Hashable]) -> dict[int, int]:
    """Return for items of one sequence where the other one has them, in order."""
    shorter = min(len(left), len(right))
    head = next((n for n in range(shorter) if left[n] != right[n]), shorter)
    tail = next((n for n in range(shorter - head) if left[-1 - n] != right[-1 - n]), shorter - head)
    result = {n: n for n in range(head)}
    middle = SequenceMatcher(None, left[head : len(left) - tail], right[head : len(right) - tail], autojunk=False)
    for block in middle.get_matching_blocks():
        result.update({head + block.a + n: head + block.b + n for n in range(block.size)})
    result.update({len(left) - n: len(right) - n for n in range(tail, 0, -1)})
    return result


def _lines(units: Sequence[Unit]) -> list[str]:
    return [line for unit in units for line in unit.lines]
