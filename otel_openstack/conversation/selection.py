"""What a document leaves out: a conversation becomes a smaller one, which says what it does not show.

Rules are applied in this order, wherever they stand in their file:

1. **rename** participants;
2. **keep** only the exchanges that match, with all that was made for them;
3. **drop** the exchanges that match, with all that was made for them;
4. **fold** polls: of calls that one caller makes one after the other, with the same method and URL, the last stays;
5. **shorten** lists in JSON bodies to their first entries.

The numbers of messages are their places in what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from otel_openstack.conversation.model import Conversation, Message
from otel_openstack.conversation.patterns import Pattern, fits
from otel_openstack.conversation.roles import route
from otel_openstack.conversation.shortening import shortened
from otel_openstack.exceptions import EmptyTraceError


@dataclass(frozen=True, slots=True)
class Rule:
    """Exchanges that are kept, dropped or folded.

    :param why: what the document calls them; the pattern itself when there is nothing better.
    """

    pattern: Pattern
    why: str = ""

    def __str__(self) -> str:
        return self.why or str(self.pattern)


@dataclass(frozen=True, slots=True)
class Shortening:
    """A list in a JSON body that is shown by its first entries.

    :param member: its name, with dots between names: ``token.catalog``.
    :param entries: how many of them stay.
    """

    pattern: Pattern
    member: str
    entries: int


@dataclass(frozen=True, slots=True)
class Selection:
    """All rules; two of them can be added.

    :param rename: pairs of a participant's present name and its new one. The former can also be the start of a URL
        without its scheme, such as ``192.0.2.1/identity``; ``*`` stands for anything.
    """

    rename: tuple[tuple[str, str], ...] = ()
    keep: tuple[Rule, ...] = ()
    drop: tuple[Rule, ...] = ()
    fold: tuple[Rule, ...] = ()
    shorten: tuple[Shortening, ...] = ()

    def __add__(self, other: Selection) -> Selection:
        return Selection(
            self.rename + other.rename,
            self.keep + other.keep,
            self.drop + other.drop,
            self.fold + other.fold,
            self.shorten + other.shorten,
        )


def select(conversation: Conversation, selection: Selection) -> Conversation:
    """Return what a selection leaves of a conversation; a message that belongs to no exchange always stays.

    :raises EmptyTraceError: nothing.
    """
    whole = _renamed(conversation, selection.rename)
    draft = _Draft(whole)
    draft.keep(selection.keep)
    draft.drop(selection.drop)
    draft.fold(selection.fold)
    draft.shorten(selection.shorten)
    return draft.result()


def _renamed(conversation: Conversation, names: Iterable[tuple[str, str]]) -> Conversation:
    names = tuple(names)
    if not names:
        return conversation

    @cache
    def renamed(participant: str) -> str:
        return next((new for old, new in names if "/" not in old and fits(old, participant)), participant)

    @cache
    def called(participant: str, url: str) -> str:
        target = url.partition("://")[2]
        return next((new for old, new in names if "/" in old and fits(f"{old}*", target)), renamed(participant))

    return _mapped(
        conversation,
        lambda told: replace(told, caller=renamed(told.caller), callee=called(told.callee, told.url)),
    )


def _mapped(conversation: Conversation, change: Callable[[Message], Message]) -> Conversation:
    """Return the conversation with every message changed; a message stays one object in both of its places."""
    changed = {id(told): change(told) for told in conversation.messages}

    def message(told: Message | None) -> Message | None:
        return told and (changed[id(told)] if id(told) in changed else change(told))

    return replace(
        conversation,
        messages=tuple([changed[id(told)] for told in conversation.messages]),
        exchanges=tuple(
            [
                replace(one, request=message(one.request), response=message(one.response))
                for one in conversation.exchanges
            ]
        ),
    )


class _Draft:
    """A conversation while rules are applied to it; exchanges go by their places."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._exchanges = list(conversation.exchanges)
        self._parents = conversation.parents or (None,) * len(self._exchanges)
        self._shown = set(range(len(self._exchanges)))
        self._left_out = list(conversation.left_out)
        self._changed: dict[int, Message] = {}
        self._children: dict[int | None, list[int]] = {}
        for place, parent in enumerate(self._parents):
            self._children.setdefault(parent, []).append(place)

    def keep(self, rules: Iterable[Rule]) -> None:
        rules = tuple(rules)
        if not rules:
            return
        found = [place for place in self._shown if any(rule.pattern.matches(self._exchanges[place]) for rule in rules)]
        wanted = " nor ".join(map(str, rules))
        if not found:
            raise EmptyTraceError(
                f"Trace {self._conversation.trace_id} has nothing to keep: no exchange is {wanted}.",
                hint="A path can hold * and {id}; otel-openstack export --format diagram shows what is there.",
            )
        self._leave_out(self._shown - self._below(found), f"what is not part of {wanted}")

    def drop(self, rules: Iterable[Rule]) -> None:
        for rule in rules:
            found = [place for place in self._shown if rule.pattern.matches(self._exchanges[place])]
            self._leave_out(self._below(found), str(rule))

    def fold(self, rules: Iterable[Rule]) -> None:
        rules = tuple(rules)
        for run in self._runs() if rules else ():
            *before, last = run
            rule = next((rule for rule in rules if before and rule.pattern.matches(self._exchanges[last])), None)
            if rule is not None:
                asked = self._exchanges[last].first
                polls = f"{len(run)} polls of {asked.method} {route(asked.path)}"
                self._leave_out(self._below(before), f"all but the last of {polls} by {asked.caller}")
                said = f"The last of {polls}: the others are left out."
                self._changed[id(asked)] = replace(asked, gap=f"{asked.gap} {said}" if asked.gap else said)

    def shorten(self, rules: Iterable[Shortening]) -> None:
        for rule in rules:
            count = 0
            for place in self._shown:
                exchange = self._exchanges[place]
                if rule.pattern.matches(exchange):
                    for told in filter(None, (exchange.request, exchange.response)):
                        known = self._changed.get(id(told), told)
                        body = shortened(known.body, rule.member, rule.entries)
                        if body is not known.body:
                            self._changed[id(told)] = replace(known, body=body)
                            count += 1
            if count:
                bodies = "1 body" if count == 1 else f"{count} bodies"
                self._left_out.append(f"{rule.member} of {bodies} is shortened to its first {rule.entries}")

    def result(self) -> Conversation:
        """Return what is left."""
        places = sorted(self._shown)
        hidden = {
            id(told)
            for place, exchange in enumerate(self._exchanges)
            if place not in self._shown
            for told in (exchange.request, exchange.response)
        }
        left = replace(
            self._conversation,
            messages=tuple([told for told in self._conversation.messages if id(told) not in hidden]),
            exchanges=tuple([self._exchanges[place] for place in places]),
            parents=tuple(self._new_parents(places)),
            left_out=tuple(dict.fromkeys(self._left_out)),
        )
        if not left.messages:
            count = len(self._conversation.messages)
            raise EmptyTraceError(
                f"Nothing is left of the {count} messages of trace {left.trace_id}: {'; '.join(left.left_out)}.",
                hint="Take a rule out of --select, or make it match less.",
            )
        return _mapped(left, lambda told: self._changed.get(id(told), told)) if self._changed else left

    def _new_parents(self, places: list[int]) -> Iterator[int | None]:
        moved = {place: number for number, place in enumerate(places)}
        for place in places:
            parent = self._parents[place]
            # Left out itself, it has left its subtree out too: only keep cuts below it
            yield None if parent is None else moved.get(parent)

    def _leave_out(self, places: set[int], why: str) -> None:
        places = places & self._shown
        self._shown -= places
        count = sum(
            told is not None
            for place in places
            for told in (self._exchanges[place].request, self._exchanges[place].response)
        )
        if count:
            self._left_out.append(f"{count} message{'s are' if count > 1 else ' is'} left out: {why}")

    def _below(self, places: Iterable[int]) -> set[int]:
        """Return these exchanges and all that were made for them."""
        found: set[int] = set()
        waiting = list(places)
        while waiting:
            place = waiting.pop()
            if place not in found:
                found.add(place)
                waiting += self._children.get(place, ())
        return found

    def _runs(self) -> list[list[int]]:
        """Return the shown exchanges, those together that one caller made one after the other in the same words."""
        runs: list[list[int]] = []
        latest: dict[tuple[int | None, str], list[int]] = {}
        for place in sorted(self._shown):
            asked = self._exchanges[place].first
            by = self._parents[place], asked.caller
            run = latest.get(by)
            if run is None or _words(self._exchanges[run[-1]].first) != _words(asked):
                run = latest[by] = []
                runs.append(run)
            run.append(place)
        return runs


def _words(message: Message) -> tuple[str, str, str]:
    return message.callee, message.method, message.url or message.path
