"""Two messages that belong together, their secrets masked, compared by what they mean."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import orjson

from otel_openstack.conversation.model import Body, Message, MessageKind
from otel_openstack.conversation.roles import reduced, route, without_versions

Difference = tuple[str, str | None, str | None]
"""What differs, and what either side has: ``None`` where it has no such thing."""

# Their values follow from something that is compared itself, or are another in every run
_HEADERS_BY_PRESENCE = frozenset(
    {
        "content-length", "host", "date", "age", "traceparent", "tracestate", "baggage",
        "x-requestshook-request-id", "x-openstack-request-id", "x-compute-request-id", "x-trans-id",
    }
)  # fmt: skip
# Lists of tokens whose case means nothing: RFC 9110, sections 7.6.1 and 8.4.1
_CASELESS_HEADERS = frozenset({"connection", "transfer-encoding", "accept-encoding", "content-encoding"})
_PRODUCT_HEADERS = frozenset({"user-agent", "server"})
# Random by their definition: Identity API v3
_RANDOM_MEMBERS = frozenset({"audit_ids"})
# What the entries of a list are known by, most telling first
_NAMING = ("name", "type", "interface", "rel", "region", "id", "base")
_MISSING = object()
_SHOWN = 60
_EPOCH = range(1_000_000_000, 5_000_000_000)


class Comparison:
    """Compares messages, and remembers which id of one conversation stands for which of the other.

    :param strict: compare values as they stand, not by their role.
    :param has_queries: whether both conversations tell the queries of URLs; a document does not.
    """

    def __init__(self, *, strict: bool = False, has_queries: bool = True) -> None:
        self._strict = strict
        self._has_queries = has_queries
        self._forward: dict[str, str] = {}
        self._backward: dict[str, str] = {}

    def messages(self, first: Message, second: Message) -> Iterator[Difference]:
        """Yield what differs between two requests or two responses."""
        half = first.kind.value
        if first.kind is MessageKind.RESPONSE and (first.status, first.reason) != (second.status, second.reason):
            if first.status != second.status or self._strict:
                yield (
                    f"status of {first.method} {route(first.path)}".replace("  ", " "),
                    f"{first.status} {first.reason}",
                    f"{second.status} {second.reason}",
                )
            elif first.reason.lower() != second.reason.lower():
                yield "reason", first.reason, second.reason
        if first.kind is MessageKind.REQUEST:
            yield from self._paths(first, second)
        yield from self._headers(first, second, half)
        yield from self._bodies(first.body, second.body, half)

    # -- paths and headers -------------------------------------------------------------------------------------------

    def _paths(self, first: Message, second: Message) -> Iterator[Difference]:
        queries = _query(first), _query(second)
        paths = (first.path, second.path)
        if not self._same(*paths):
            shown = paths if self._strict else (route(first.path), route(second.path))
            yield ("path", *shown) if shown[0] != shown[1] else self._other_id("path", *paths)
        elif self._has_queries and not self._same(*queries):
            yield "query", _shown(queries[0]) or None, _shown(queries[1]) or None

    def _headers(self, first: Message, second: Message, half: str) -> Iterator[Difference]:
        if first.headers == second.headers:
            return
        values = _by_name(first), _by_name(second)
        for name in dict.fromkeys((*values[0], *values[1])):
            before, after = (side.get(name) for side in values)
            what = f"{half} header {name}"
            if before is None or after is None or self._strict:
                if before != after:
                    yield what, self._header(name, before), self._header(name, after)
            elif name not in _HEADERS_BY_PRESENCE:
                if name in _PRODUCT_HEADERS:
                    before, after = without_versions(before), without_versions(after)
                elif name in _CASELESS_HEADERS:
                    before, after = before.lower(), after.lower()
                yield from self._texts(what, before, after)

    def _header(self, name: str, value: str | None) -> str | None:
        """Return what is shown of a header that only one side has."""
        if value is None:
            return None
        if not self._strict and name in _HEADERS_BY_PRESENCE:
            return ""
        return _shown(self._role(value))

    # -- bodies ------------------------------------------------------------------------------------------------------

    def _bodies(self, first: Body, second: Body, half: str) -> Iterator[Difference]:
        a, b = first.content, second.content
        if a == b:
            return
        what = f"{half} body"
        if not a or not b:
            # What was not captured may be anything
            if not (first.missing if not a else second.missing):
                yield what, _kind(first) if a else None, _kind(second) if b else None
        elif isinstance(a, str) and isinstance(b, str):
            values = _json(a), _json(b)
            if values[0] is _MISSING or values[1] is _MISSING:
                is_cut = bool(first.missing or second.missing)
                yield from self._raw(what, a, b, is_cut=is_cut)
            else:
                yield from self._values(what, *values)
        elif isinstance(a, str) or isinstance(b, str):
            yield what, _kind(first), _kind(second)
        elif a[: len(b)] != b[: len(a)] or (len(a) != len(b) and not (first.missing or second.missing)):
            yield what, _shown(repr(a)), _shown(repr(b))

    def _raw(self, what: str, first: str, second: str, *, is_cut: bool) -> Iterator[Difference]:
        """Compare texts that are no JSON, or not all of it: as far as both go, and without white space."""
        texts = [re.sub(r"\s+", "", text if self._strict else reduced(text)[0]) for text in (first, second)]
        length = min(map(len, texts))
        if texts[0] == texts[1] or (is_cut and texts[0][:length] == texts[1][:length]):
            return
        at = next((place for place in range(length) if texts[0][place] != texts[1][place]), length)
        start = max(0, at - 20)
        yield what, _shown(texts[0][start:]), _shown(texts[1][start:])

    def _values(self, what: str, first: object, second: object) -> Iterator[Difference]:
        """Compare two JSON values by their structure."""
        if isinstance(first, dict) and isinstance(second, dict):
            yield from self._objects(what, first, second)
        elif isinstance(first, list) and isinstance(second, list):
            yield from self._lists(what, first, second)
        elif isinstance(first, str) and isinstance(second, str):
            yield from self._texts(what, first, second)
        elif not _equal(first, second) and (self._strict or not (_is_epoch(first) and _is_epoch(second))):
            yield what, _scalar(first), _scalar(second)

    def _objects(self, what: str, first: Mapping[str, object], second: Mapping[str, object]) -> Iterator[Difference]:
        sides = self._members(first), self._members(second)
        for name in dict.fromkeys((*sides[0], *sides[1])):
            before, after = sides[0].get(name, _MISSING), sides[1].get(name, _MISSING)
            member = f"{what} {name}" if what.endswith("body") else f"{what}.{name}"
            if before is _MISSING or after is _MISSING:
                yield member, _inner(before), _inner(after)
            elif self._strict or name not in _RANDOM_MEMBERS:
                yield from self._values(member, before, after)

    def _members(self, members: Mapping[str, object]) -> Mapping[str, object]:
        """Return an object whose names that are ids go by their role; several of one role are a list."""
        if self._strict or not any(any(map(str.isdigit, name)) for name in members):
            return members
        result: dict[str, object] = {}
        several: dict[str, list[object]] = {}
        for name, value in members.items():
            role = reduced(name)[0]
            if role == name:
                result[name] = value
            else:
                several.setdefault(role, []).append(value)
        return result | several

    def _lists(self, what: str, first: Sequence[object], second: Sequence[object]) -> Iterator[Difference]:
        """Compare entries by what they are known by; those of one name in their order."""
        labels = [self._label(entry) for entry in first], [self._label(entry) for entry in second]
        places: dict[str, list[int]] = {}
        for place in range(len(second) - 1, -1, -1):
            places.setdefault(labels[1][place], []).append(place)
        went = []
        for entry, label in zip(first, labels[0], strict=True):
            if left := places.get(label):
                other = second[left.pop()]
                # Alone it is compared; which of several bare values is which, nobody can tell
                if isinstance(entry, dict | list) or (len(first) == len(second) == 1):
                    yield from self._values(f"{what}[]", entry, other)
            else:
                went.append(label)
        came = [labels[1][place] for place in sorted(place for left in places.values() for place in left)]
        if went or came:
            yield f"{what}[]", _labels(went), _labels(came)

    def _label(self, entry: object) -> str:
        if isinstance(entry, dict):
            named = [entry[name] for name in _NAMING if isinstance(entry.get(name), str)]
            plain = [name for name in named if self._strict or not reduced(name)[1]]
            return " ".join(plain[:4])
        if isinstance(entry, list):
            return ""
        return self._role(entry) if isinstance(entry, str) else _scalar(entry)

    # -- texts and ids -----------------------------------------------------------------------------------------------

    def _role(self, text: str) -> str:
        return text if self._strict else reduced(text)[0]

    def _texts(self, what: str, first: str, second: str) -> Iterator[Difference]:
        if not self._same(first, second):
            roles = self._role(first), self._role(second)
            if roles[0] == roles[1]:
                yield self._other_id(what, first, second)
            else:
                yield what, _shown(roles[0]), _shown(roles[1])

    def _same(self, first: str, second: str) -> bool:
        """Whether two texts mean the same: their roles are equal, and their ids stand for each other everywhere."""
        if self._strict:
            return first == second
        (a, ids), (b, others) = reduced(first), reduced(second)
        if a != b:
            return False
        return all(self._stands_for(one, other) for one, other in zip(ids, others, strict=True))

    def _stands_for(self, one: str, other: str) -> bool:
        known = self._forward.get(one), self._backward.get(other)
        if known == (None, None):
            self._forward[one], self._backward[other] = other, one
            return True
        return known == (other, one)

    @staticmethod
    def _other_id(what: str, first: str, second: str) -> Difference:
        return f"{what}: not the same thing as elsewhere", _shown(first), _shown(second)


def _query(message: Message) -> str:
    """Return the query, its parameters in the order of their names."""
    return "&".join(sorted(message.url.partition("?")[2].split("&")))


def _by_name(message: Message) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in message.headers:
        key = name.lower()
        values[key] = f"{values[key]}, {value}" if key in values else value
    return values


def _json(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return _MISSING


def _kind(body: Body) -> str:
    content = body.content
    if isinstance(content, bytes):
        return "binary"
    return "JSON" if content and _json(content) is not _MISSING else "text"


def _equal(first: object, second: object) -> bool:
    # To Python 1 and True are equal
    return first == second and isinstance(first, bool) == isinstance(second, bool)


def _is_epoch(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and int(value) in _EPOCH


def _scalar(value: object) -> str:
    if isinstance(value, dict | list):
        return "{…}" if isinstance(value, dict) else "[…]"
    return _shown(value if isinstance(value, str) else orjson.dumps(value).decode())


def _inner(value: object) -> str | None:
    """Return what is shown of a member that only one side has."""
    return None if value is _MISSING else _scalar(value)


def _labels(labels: Sequence[str]) -> str | None:
    if not labels:
        return None
    counted = Counter(labels)
    return _shown(
        ", ".join(f"{label or 'an entry'}{f' ({count})' if count > 1 else ''}" for label, count in counted.items()), 200
    )


def _shown(text: str, length: int = _SHOWN) -> str:
    """Return a text that fits into a line."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
