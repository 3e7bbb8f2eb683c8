"""What became of each test, as pytest's JUnit XML tells it, and where two runs differ."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.etree import ElementTree

Outcomes = Mapping[str, str]
"""Outcome of each test by its id: ``passed``, ``skipped``, ``failed`` or ``error``."""

_BAD = ("failed", "error")
_SPELLED = {"failure": "failed", "error": "error", "skipped": "skipped"}
_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


def read(report: Path) -> dict[str, str]:
    """Return the outcomes of a run; of a test that is reported twice (in its call and its tear-down) the worst.

    Addresses in ids are other ones in each run, and left out.
    """
    outcomes: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        identity = _ADDRESS.sub("0x", f"{case.get('classname')}::{case.get('name')}")
        found = [_SPELLED[child.tag] for child in case if child.tag in _SPELLED]
        outcomes[identity] = _worst([outcomes.get(identity, "passed"), *found])
    return outcomes


def _worst(outcomes: Iterable[str]) -> str:
    return max(outcomes, key=("passed", "skipped", "failed", "error").index)


def failed(outcomes: Outcomes) -> int:
    """Count the tests that failed."""
    return sum(outcome in _BAD for outcome in outcomes.values())


def differing(plain: Outcomes, traced: Outcomes) -> list[str]:
    """Return the tests with another outcome, or in one of the runs none, in the order of the first run."""
    return [identity for identity in {**plain, **traced} if plain.get(identity) != traced.get(identity)]


def node_id(identity: str, sources: Path) -> str:
    """Return what pytest is told to run one test: its file, its classes and its name.

    :param identity: key of an outcome: the file's path with its classes, all with dots between them, then the name.
    :param sources: directory that pytest runs in.
    """
    dotted, _, name = identity.partition("::")
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        file = Path(*parts[:count]).with_suffix(".py")
        if (sources / file).is_file():
            return "::".join((str(file), *parts[count:], name))
    return identity
