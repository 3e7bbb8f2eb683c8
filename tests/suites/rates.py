"""Whether a test that ended otherwise once does so because of the agent: how often it ends how, each way, run again."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import comb

_SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Rates:
    """How often a test ended how, when it was run again as often each way and under the same load.

    :param plain: count of each outcome without the agent.
    :param traced: the same with it.
    """

    plain: Counter[str]
    traced: Counter[str]

    @property
    def differ(self) -> bool:
        """Whether some outcome comes more often one way than chance allows."""
        runs = self.plain.total()
        return any(
            chance(self.plain[outcome], self.traced[outcome], runs) < _SIGNIFICANT
            for outcome in self.plain | self.traced
        )

    @property
    def are_alike(self) -> bool:
        """Whether nothing comes with the agent alone, or without it alone, and nothing so much more often."""
        return self.plain.keys() == self.traced.keys() and not self.differ

    @property
    def are_flaky(self) -> bool:
        """Whether the test ends in more than one way without the agent too."""
        return self.are_alike and len(self.plain) > 1

    def __add__(self, more: Rates) -> Rates:
        return Rates(self.plain + more.plain, self.traced + more.traced)

    def __str__(self) -> str:
        return f"{_told(self.plain)}; with the agent {_told(self.traced)}"


def chance(first: int, second: int, runs: int) -> float:
    """Return how probable counts so far apart are, or farther, if what is counted is as frequent in both samples.

    Fisher's exact test, two-sided.

    :param runs: size of each of the two samples.
    """
    total = first + second
    ways = [comb(runs, count) * comb(runs, total - count) for count in range(total + 1)]
    return sum(way for way in ways if way <= ways[first]) / comb(2 * runs, total)


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
