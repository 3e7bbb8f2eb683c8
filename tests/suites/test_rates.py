"""What counts as a difference between two series of runs."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.suites.rates import Rates, chance


def _rates(plain: int, traced: int, runs: int = 20) -> Rates:
    def counted(failed: int) -> Counter[str]:
        return +Counter(passed=runs - failed, failed=failed)

    return Rates(counted(plain), counted(traced))


def test_what_fails_as_often_each_way_is_flaky() -> None:
    """So that it is none of ours, and told."""
    assert _rates(3, 5).are_flaky
    assert str(_rates(3, 5)) == "3 failed, 17 passed; with the agent 5 failed, 15 passed"


def test_what_fails_much_more_often_one_way_differs() -> None:
    """Also where it fails both ways, and where it fails less often with the agent."""
    for rates in (_rates(0, 20), _rates(3, 14), _rates(14, 3)):
        assert rates.differ
        assert not rates.are_alike


def test_what_fails_with_the_agent_alone_is_not_alike_however_seldom() -> None:
    """It takes more runs to tell."""
    assert not _rates(0, 1).are_alike
    assert not _rates(0, 1).differ
    assert _rates(0, 0).are_alike
    assert (_rates(0, 1) + _rates(2, 1)).are_flaky


def test_another_outcome_is_a_difference_too() -> None:
    """Skipped is not failed."""
    assert Rates(Counter(skipped=20), Counter(failed=20)).differ


def test_the_chance_is_that_of_fishers_exact_test() -> None:
    """Values of his own tea tasting: four cups of each kind, and three of them found."""
    assert chance(3, 1, 4) == pytest.approx(34 / 70)
    assert chance(4, 0, 4) == pytest.approx(2 / 70)
    assert chance(0, 0, 20) == 1
