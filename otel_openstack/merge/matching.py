"""Which message of an older recording is which of a newer one: by caller, callee, method, route and order.

Numbers, ids, times and statuses change from one recording to the next; what a message is for does not. An author may
have renamed a participant: a name that the new recording does not know stands for the one that it is matched with.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from otel_openstack.conversation.model import Conversation, Message, MessageKind
from otel_openstack.merge.threeway import matching
from otel_openstack.render.body import body_text
from otel_openstack.render.steps import routed, steps_of
from otel_openstack.render.text import header_block, name, title

_MOUNT = re.compile(r"^[\w-]+/(?=v\d)")
_MACHINE_TITLE = re.compile(r"(?:[A-Z][A-Z_-]*|\d{3}(?: .*)?) (?:/|None$|\*$|$)")


@dataclass(slots=True)
class Matches:
    """What belongs together; messages are meant by their place, from 0.

    :param to_new: for an old message its new one.
    :param names: what the author calls a participant of the new recording, where that is another name.
    """

    to_new: dict[int, int]
    names: dict[str, str] = field(default_factory=dict)

    @property
    def to_old(self) -> dict[int, int]:
        """For a new message its old one."""
        return {new: old for old, new in self.to_new.items()}


def match(old: Sequence[Message], titles: Sequence[str], new: Sequence[Message]) -> Matches:
    """Match two recordings.

    :param old: the messages of the document.
    :param titles: what each of them is called, as a machine would: an author may have edited one of its titles.
    :param new: the messages of the new recording.
    """
    new_titles = [title(message) for message in new]
    old_operations = [_operation(message, text) for message, text in zip(old, titles, strict=True)]
    new_operations = [_operation(message, text) for message, text in zip(new, new_titles, strict=True)]
    aliases = _aliases(old, new, matching(old_operations, new_operations))

    def key(message: Message, operation: Hashable) -> Hashable:
        caller, callee = name(message.caller), name(message.callee)
        return aliases.get(caller, caller), aliases.get(callee, callee), operation

    old_keys = [key(message, operation) for message, operation in zip(old, old_operations, strict=True)]
    new_keys = [key(message, operation) for message, operation in zip(new, new_operations, strict=True)]
    to_new = matching(old_keys, new_keys)
    _match_retitled(old, titles, new, to_new, aliases)
    _match_partners(old, new, to_new)
    used = {service for message in old for service in (message.caller, message.callee)}
    names = {known: alias for alias, known in reversed(aliases.items()) if known not in used}
    return Matches(to_new, names)


def is_machine_title(text: str) -> bool:
    """Whether a title looks like one that a machine wrote, and not an author."""
    return _MACHINE_TITLE.match(text) is not None and "{" not in text


def _operation(message: Message, text: str) -> Hashable:
    """Return what a message is for, whoever says it."""
    shown = routed(text)
    head, slash, path = shown.partition(" /")
    # Wherever a service is mounted, and whether or not somebody asked with a slash at the end
    path = _MOUNT.sub("", path.rstrip("/")) if slash else shown.rpartition(" ")[2]
    return message.kind, head if message.kind is MessageKind.REQUEST else "", path


def _aliases(old: Sequence[Message], new: Sequence[Message], pairs: dict[int, int]) -> dict[str, str]:
    """Return for each name that only the document knows the one of the new recording that it most often stands for."""
    known = {name(service) for message in new for service in (message.caller, message.callee)}
    used = Counter(service for message in old for service in (message.caller, message.callee))
    votes: dict[str, Counter[str]] = {}
    for before, after in pairs.items():
        for was, now in ((old[before].caller, new[after].caller), (old[before].callee, new[after].callee)):
            if was not in known:
                votes.setdefault(was, Counter())[name(now)] += 1
    best = {alias: counted.most_common(1)[0] for alias, counted in votes.items()}
    return {alias: known for alias, (known, count) in best.items() if 2 * count > used[alias]}


def _match_retitled(
    old: Sequence[Message],
    titles: Sequence[str],
    new: Sequence[Message],
    to_new: dict[int, int],
    aliases: dict[str, str],
) -> None:
    """Match messages whose title an author replaced altogether by their place among their neighbours."""
    taken = set(to_new.values())
    for index, message in enumerate(old):
        if index in to_new or is_machine_title(titles[index]):
            continue
        first, last = neighbours(index, len(old), len(new), to_new)
        wanted = message.kind, *(aliases.get(service, service) for service in (message.caller, message.callee))
        for place in range(first, last):
            found = new[place]
            if place not in taken and (found.kind, name(found.caller), name(found.callee)) == wanted:
                to_new[index] = place
                taken.add(place)
                break


def _match_partners(old: Sequence[Message], new: Sequence[Message], to_new: dict[int, int]) -> None:
    """Match responses by their requests: older documents do not always tell the path of a response."""
    if len(to_new) == len(old):
        return
    partners, new_partners = _partners(old), _partners(new)
    taken = set(to_new.values())
    for index, message in enumerate(old):
        partner = partners.get(index)
        if index in to_new or partner not in to_new or message.kind is MessageKind.REQUEST:
            continue
        place = new_partners.get(to_new[partner])
        if place is not None and place not in taken:
            first, last = neighbours(index, len(old), len(new), to_new)
            if first <= place < last:
                to_new[index] = place
                taken.add(place)


def neighbours(index: int, old_count: int, new_count: int, to_new: dict[int, int]) -> tuple[int, int]:
    """Return the range of new places that an old message can have: between those of its neighbours."""
    before = next((to_new[n] for n in range(index - 1, -1, -1) if n in to_new), -1)
    after = next((to_new[n] for n in range(index + 1, old_count) if n in to_new), new_count)
    return before + 1, after


class Ambiguities:
    """Finds out whether an old message could be several new ones, and which of them it most likely is."""

    def __init__(self, old: Sequence[Message], titles: Sequence[str], new: Sequence[Message], to_new: dict[int, int]):
        self._old, self._new, self._to_new = old, new, to_new
        self._operations = [_operation(message, text) for message, text in zip(old, titles, strict=True)]
        self._old_partners, self._new_partners = _partners(old), _partners(new)
        self._places: dict[Hashable, list[int]] = {}
        for place, message in enumerate(new):
            self._places.setdefault(_named_operation(message), []).append(place)

    def candidates(self, index: int) -> list[int]:
        """Return the places that match an old message equally well: by what it is for, and by the other messages."""
        place = self._to_new.get(index)
        if place is None:
            return []
        alike = self._places[_named_operation(self._new[place])]
        if len(alike) == 1:
            return alike
        taken = set(self._to_new.values()) - {place}
        first, last, _ = self._surroundings(index)
        return [other for other in alike if first <= other < last and other not in taken]

    def settled(self, index: int) -> int | None:
        """Return the new place of an old message, ``None`` when several match equally well."""
        own = self._by_itself(index)
        if own is not None or index not in self._to_new:
            return own
        partner = self._old_partners.get(index)
        place = self._by_itself(partner) if partner is not None else None
        found = self._new_partners.get(place) if place is not None else None
        return found if found in self.candidates(index) else self._by_order(index)

    def partner(self, index: int, place: int) -> tuple[int, int] | None:
        """Return where the other half of an exchange is, in the old recording and in the new one."""
        partner, found = self._old_partners.get(index), self._new_partners.get(place)
        return (partner, found) if partner in self._to_new and partner is not None and found is not None else None

    def _by_order(self, index: int) -> int | None:
        """Let the first of several alike be the first, and the last one the last."""
        _, _, alike = self._surroundings(index)
        candidates = self.candidates(index)
        if len(alike) > 1 and index == alike[0]:
            return candidates[0]
        return candidates[-1] if len(alike) > 1 and index == alike[-1] else None

    def _surroundings(self, index: int) -> tuple[int, int, list[int]]:
        """Return the range of new places between messages of other exchanges, and the old messages like this there."""
        partner = self._old_partners.get(index)
        alike = {self._operations[index], self._operations[partner] if partner is not None else None}
        before = after = index
        while before >= 0 and (self._operations[before] in alike or before not in self._to_new):
            before -= 1
        while after < len(self._old) and (self._operations[after] in alike or after not in self._to_new):
            after += 1
        group = [n for n in range(before + 1, after) if self._operations[n] == self._operations[index]]
        first = self._to_new[before] + 1 if before >= 0 else 0
        return first, self._to_new[after] if after < len(self._old) else len(self._new), group

    def _by_itself(self, index: int) -> int | None:
        """Return the one candidate, or the one that says the most of what the old message says."""
        candidates = self.candidates(index)
        if len(candidates) < 2:
            return candidates[0] if candidates else None
        likeness = {place: _likeness(self._old[index], self._new[place]) for place in candidates}
        best = max(likeness.values())
        found = [place for place, value in likeness.items() if value == best]
        return found[0] if len(found) == 1 else None


def _named_operation(message: Message) -> Hashable:
    return name(message.caller), name(message.callee), _operation(message, title(message))


def _likeness(old: Message, new: Message) -> tuple[bool, int]:
    shared = Counter(_said(old)) & Counter(_said(new))
    return old.status == new.status, sum(shared.values())


def _said(message: Message) -> Iterable[str]:
    return [*header_block(message.headers).split("\n"), *body_text(message.body).split("\n")]


def _partners(messages: Sequence[Message]) -> dict[int, int]:
    """Return for each request the place of its response, and the other way round."""
    result: dict[int, int] = {}
    for step in steps_of(Conversation("", tuple(messages))):
        if step.request and step.response:
            result[step.request - 1] = step.response - 1
            result[step.response - 1] = step.request - 1
    return result
