"""From text to :class:`~otel_openstack.conversation.selection.Selection`: rules in TOML, and the older tool's in JSON.

::

    [rename]
    "192.0.2.7:8776" = "cinder-api"         # a callee without the agent: HOST:PORT, or HOST:PORT/prefix

    [[keep]]                                # only this, with all that was made for it
    method = "POST"
    path = "/v2.1/servers"

    [[drop]]                                # this, with all that was made for it
    callee = "keystone"
    method = ["GET", "HEAD"]
    path = "*/v3/auth/tokens"               # * is anything, {name} one segment
    why = "validation of tokens"            # what the document calls it

    [[fold]]                                # of calls that repeat each other, only the last
    path = "/v2/images/{id}"

    [[shorten]]                             # a list in a JSON body
    path = "*/v3/auth/tokens"
    member = "token.catalog"
    entries = 1

The older tool's ``should_not_hook.json`` has ``mappings``, an object from ``host:port`` to the name of a service, and
``filters``, a list of objects with ``from``, ``to``, ``method`` and ``urls``: what all of them match is dropped. A URL
without ``://`` is a path, and both are patterns as above.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from otel_openstack.conversation.patterns import Pattern
from otel_openstack.conversation.selection import Rule, Selection, Shortening
from otel_openstack.exceptions import SettingsError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_READ = ("GET", "HEAD")
_SWIFT_DAEMONS = (
    "auditor", "expirer", "reaper", "reconciler", "reconstructor", "replicator", "sharder", "sync", "updater",
)  # fmt: skip


def _drop(why: str, **pattern: tuple[str, ...]) -> Rule:
    return Rule(Pattern(**pattern), why)


BUILT_IN: Mapping[str, Selection] = MappingProxyType(
    {
        "no-token-validation": Selection(
            drop=(_drop("validation of tokens", method=_READ, path=("*/v3/auth/tokens", "*/v2.0/tokens/{id}")),)
        ),
        "no-polling": Selection(fold=(Rule(Pattern(method=_READ)),)),
        "no-periodic": Selection(
            drop=(
                _drop("health checks", path=("*/healthcheck", "*/healthcheck/*")),
                _drop("what nova-compute tells placement", caller=("nova-compute",), path=("*/resource_providers*",)),
                _drop("replication between object servers", method=("REPLICATE",)),
                _drop(
                    "what swift's daemons do on their own", caller=tuple(f"swift-*-{word}" for word in _SWIFT_DAEMONS)
                ),
            )
        ),
    }
)
"""The selections that have a name."""

_PATTERN_KEYS = ("caller", "callee", "method", "path", "status")


def read_rules(text: str, name: str) -> Selection:
    """Read rules in TOML, or the older tool's in JSON; which of the two it is shows in its first character.

    :param name: what errors call the file.
    :raises SettingsError: it is neither, or has a key or a value that means nothing.
    """
    if text.lstrip()[:1] == "{":
        return _read_older(_parsed(json.loads, text, name), name)
    return _read(_parsed(tomllib.loads, text, name), name)


def _parsed(parse: Callable[[str], object], text: str, name: str) -> Mapping[str, object]:
    try:
        value = parse(text)
    except ValueError as error:
        raise SettingsError(
            f"{name} holds no rules: {error}.", hint="See the examples of otel-openstack export --help."
        ) from error
    return _table(value, name)


# -- TOML ----------------------------------------------------------------------------------------------------------


def _read(rules: Mapping[str, object], name: str) -> Selection:
    _check(rules, ("rename", "keep", "drop", "fold", "shorten"), name)
    return Selection(
        rename=_names(rules.get("rename", {}), f"{name}: rename"),
        keep=_rules(rules, "keep", name),
        drop=_rules(rules, "drop", name),
        fold=_rules(rules, "fold", name),
        shorten=tuple(_shortening(rule, where) for rule, where in _tables(rules, "shorten", name)),
    )


def _rules(rules: Mapping[str, object], kind: str, name: str) -> tuple[Rule, ...]:
    result = []
    for rule, where in _tables(rules, kind, name):
        _check(rule, (*_PATTERN_KEYS, "why"), where)
        pattern = _pattern(rule, where)
        if pattern == Pattern() and kind != "fold":
            raise SettingsError(
                f"{where} would {kind} every exchange.", hint=f"Say which, by {', '.join(_PATTERN_KEYS)}."
            )
        result.append(Rule(pattern, _text(rule.get("why", ""), f"{where}, why")))
    return tuple(result)


def _shortening(rule: Mapping[str, object], where: str) -> Shortening:
    _check(rule, (*_PATTERN_KEYS, "member", "entries"), where)
    member, entries = rule.get("member"), rule.get("entries", 1)
    if not isinstance(member, str) or not member:
        raise SettingsError(f"{where} has no member.", hint='Name the list to shorten: member = "token.catalog".')
    if not isinstance(entries, int) or isinstance(entries, bool) or entries < 0:
        raise SettingsError(f"{where}, entries: {entries!r} is no number of entries.", hint="Such as entries = 1.")
    return Shortening(_pattern(rule, where), member, entries)


def _pattern(rule: Mapping[str, object], where: str) -> Pattern:
    return Pattern(**{key: _texts(rule.get(key, ()), f"{where}, {key}") for key in _PATTERN_KEYS})


# -- the older tool's ------------------------------------------------------------------------------------------------


def _read_older(rules: Mapping[str, object], name: str) -> Selection:
    _check(rules, ("mappings", "filters"), name)
    drop = []
    for rule, where in _tables(rules, "filters", name):
        _check(rule, ("from", "to", "method", "urls"), where)
        caller, callee, method, path = (_texts(rule.get(key, ()), where) for key in ("from", "to", "method", "urls"))
        pattern = Pattern(caller, callee, method, path)
        if pattern == Pattern():
            raise SettingsError(f"{where} would drop every exchange.", hint="Say which, by from, to, method or urls.")
        drop.append(Rule(pattern))
    return Selection(rename=_names(rules.get("mappings", {}), f"{name}: mappings"), drop=tuple(drop))


# -- what both share -------------------------------------------------------------------------------------------------


def _check(rules: Mapping[str, object], allowed: tuple[str, ...], where: str) -> None:
    for key in rules:
        if key not in allowed:
            raise SettingsError(f"{where} has {key!r}, which means nothing.", hint=f"It can have {', '.join(allowed)}.")


def _tables(rules: Mapping[str, object], kind: str, name: str) -> Iterable[tuple[Mapping[str, object], str]]:
    tables = rules.get(kind, [])
    if not isinstance(tables, list):
        raise SettingsError(f"{name}: {kind} is one table.", hint=f"There can be several: begin it with [[{kind}]].")
    for number, table in enumerate(tables, start=1):
        where = f"{name}: {kind} {number}"
        yield _table(table, where), where


def _table(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise SettingsError(f"{where} is {value!r:.40}, not a table of keys and values.")
    return value


def _names(value: object, where: str) -> tuple[tuple[str, str], ...]:
    return tuple((old, _text(new, f"{where}, {old}")) for old, new in _table(value, where).items())


def _texts(value: object, where: str) -> tuple[str, ...]:
    return tuple(_text(item, where) for item in value) if isinstance(value, list | tuple) else (_text(value, where),)


def _text(value: object, where: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # a status
    if not isinstance(value, str):
        raise SettingsError(f"{where}: {value!r:.40} is no text.", hint="Put it in quotes.")
    return value
