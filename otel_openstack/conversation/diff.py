"""What differs in meaning between two conversations: two releases, two runs, before and after an upgrade.

Exchanges are aligned (:mod:`.alignment`), and the messages of those that belong together are compared
(:mod:`.comparison`): status, path, headers by name, JSON bodies by structure, everything else as text. Ids, times,
tokens and addresses are compared by their role (:mod:`.roles`); an id has to stand for the same other id wherever it
occurs. Secrets are masked first, so that none is compared or shown. Equal findings are one finding with many places.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from otel_openstack.conversation.alignment import Pair, align
from otel_openstack.conversation.comparison import Comparison
from otel_openstack.conversation.model import Conversation, Exchange, Message
from otel_openstack.conversation.redacted import redacted
from otel_openstack.conversation.roles import route


class Change(str, Enum):
    """What happened to something on the way from the first conversation to the second."""

    WENT = "went"
    CAME = "came"
    MOVED = "moved"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference.

    :param what: what differs: a participant, an exchange, the status, a header, a member of a body.
    :param before: what the first conversation has, ``""`` when nothing worth showing.
    :param after: what the second has.
    :param numbers: of the messages that show it: of the first conversation, or of the second if it came.
    """

    change: Change
    what: str
    before: str = ""
    after: str = ""
    numbers: tuple[int, ...] = ()


@dataclass(slots=True)
class _Findings:
    """Findings by their words, in the order in which they were first met."""

    known: dict[tuple[Change, str, str, str], list[int]] = field(default_factory=dict)

    def add(self, change: Change, what: str, before: str = "", after: str = "", numbers: Iterable[int] = ()) -> None:
        """Note a difference, or one more place of it."""
        self.known.setdefault((change, what, before, after), []).extend(numbers)

    def all(self) -> tuple[Finding, ...]:
        """Return each of them once."""
        return tuple(Finding(*words, tuple(sorted(set(numbers)))) for words, numbers in self.known.items())


def diff(first: Conversation, second: Conversation, *, strict: bool = False) -> tuple[Finding, ...]:
    """Return what differs, exchanges first; nothing when both mean the same.

    :param strict: compare ids, times, addresses and versions as they stand, too.
    """
    names = _renamed(first, second)
    pairs = align(first, second, names)
    first, second = redacted(first), redacted(second)
    findings = _Findings()
    for old, new in names.items():
        findings.add(Change.CHANGED, "participant", old, new)
    numbers = [{id(message): number for number, message in conversation.numbered()} for conversation in (first, second)]
    _exchanges(pairs, (first, second), numbers, findings)
    has_queries = all(any("?" in message.url for message in one.messages) for one in (first, second))
    comparison = Comparison(strict=strict, has_queries=has_queries)
    for pair in pairs:
        if pair.first is not None and pair.second is not None:
            for a, b in _halves(first.exchanges[pair.first], second.exchanges[pair.second]):
                for what, before, after in comparison.messages(a, b):
                    change = Change.CAME if before is None else Change.WENT if after is None else Change.CHANGED
                    findings.add(change, what, before or "", after or "", [numbers[0][id(a)]])
    return findings.all()


def _renamed(first: Conversation, second: Conversation) -> dict[str, str]:
    """Return which participants seem to have another name in the second: ``glance`` for ``glance-api``."""
    known = [
        list(dict.fromkeys(name for message in one.messages for name in (message.caller, message.callee)))
        for one in (first, second)
    ]
    gone, new = ([name for name in ours if name not in theirs] for ours, theirs in (known, known[::-1]))
    names: dict[str, str] = {}
    for old in gone:
        alike = [name for name in new if f"{name}-".startswith(f"{old}-") or f"{old}-".startswith(f"{name}-")]
        if len(alike) == 1:
            names[old] = alike[0]
            new.remove(alike[0])
    return names


def _exchanges(
    pairs: Iterable[Pair],
    conversations: tuple[Conversation, Conversation],
    numbers: list[dict[int, int]],
    findings: _Findings,
) -> None:
    """Note which exchanges came, went and moved; what was made for one that came or went is counted with it."""
    first, second = conversations
    for pair in pairs:
        if pair.first is None:
            assert pair.second is not None
            exchange, side, change = second.exchanges[pair.second], 1, Change.CAME
        elif pair.second is None:
            exchange, side, change = first.exchanges[pair.first], 0, Change.WENT
        elif pair.moved:
            exchange, side, change = first.exchanges[pair.first], 0, Change.MOVED
        else:
            continue
        told = [message for message in (exchange.request, exchange.response) if message is not None]
        findings.add(change, _title(exchange), numbers=[numbers[side][id(message)] for message in told])


def _title(exchange: Exchange) -> str:
    asked = exchange.first
    status = "" if exchange.response is None else f" ({exchange.response.status})"
    return f"{asked.caller} → {asked.callee}: {asked.method or '-'} {route(asked.path)}{status}"


def _halves(first: Exchange, second: Exchange) -> Iterator[tuple[Message, Message]]:
    """Yield the messages that both have."""
    if first.request is not None and second.request is not None:
        yield first.request, second.request
    if first.response is not None and second.response is not None:
        yield first.response, second.response
