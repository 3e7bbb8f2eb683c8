"""What two runs of one suite are found to differ in, on reports that the real pytest writes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.suites import outcomes

_TESTS = """
import os
import pytest

traced = "TRACED" in os.environ

def test_same(): ...
def test_other(): assert not traced
@pytest.mark.parametrize("what", ["a.b", "c/d"])
def test_many(what): assert what == "a.b" or not traced
@pytest.mark.skip
def test_skipped(): ...
class TestInside:
    class TestDeeper:
        def test_it(self): assert not traced
@pytest.fixture
def broken():
    yield
    assert not traced
def test_torn_down(broken): ...
if not traced:
    def test_plain_only(): ...
@pytest.mark.parametrize("what", [object()], ids=repr)
def test_addressed(what): ...
"""


def _run(sources: Path, *tests: str, traced: bool = False) -> dict[str, str]:
    report = sources / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *tests]
    subprocess.run(command, cwd=sources, env={"TRACED": "1"} if traced else {}, capture_output=True, check=False)
    return outcomes.read(report)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Write tests in a package, of which some end otherwise."""
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "test_some.py").write_text(_TESTS)
    return tmp_path


def test_tests_that_end_otherwise_or_are_missing_differ(sources: Path) -> None:
    """By every kind of end; addresses in names are not part of them."""
    plain, traced = _run(sources), _run(sources, traced=True)
    assert len(plain) == len(traced) + 1 == 9
    assert plain["pack.test_some::test_skipped"] == "skipped"
    assert (outcomes.failed(plain), outcomes.failed(traced)) == (0, 4)
    assert traced["pack.test_some::test_torn_down"] == "error"
    assert outcomes.differing(plain, plain) == []
    assert sorted(outcomes.differing(plain, traced)) == [
        "pack.test_some.TestInside.TestDeeper::test_it", "pack.test_some::test_many[c/d]",
        "pack.test_some::test_other", "pack.test_some::test_plain_only", "pack.test_some::test_torn_down",
    ]  # fmt: skip


def test_every_test_is_found_again_by_its_outcome(sources: Path) -> None:
    """So that one can be run alone, which is how a flaky one is told from one that differs."""
    whole = {identity: outcome for identity, outcome in _run(sources).items() if "addressed" not in identity}
    assert _run(sources, *(outcomes.node_id(identity, sources) for identity in whole)) == whole
