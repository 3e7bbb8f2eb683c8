"""Low-cardinality names for paths: what names one thing among many becomes ``{…_id}``.

Routes are what ``http.route`` and span names are made of, so one operation must have one of them whatever it works on
(semantic conventions, HTTP spans). A service's own router knows best, but speaks only when the request has passed it,
and never to a client; for all else there is a rule. Services mount their routers in many ways; ids look the same in all
of them, and OpenStack's paths are built alike: a version, perhaps a project, then collections (plurals), each before
the id or the name of one of its members.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

_ID = re.compile(
    r"(?:req-)?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}|[0-9]+|[0-9a-f]{64}", re.IGNORECASE
)
_VERSION = re.compile(r"v[0-9.]+")
_PLURALS = (("ies", "y"), ("sses", "ss"), ("s", ""))
_MAX_REMEMBERED_PATH = 256

# Plurals that are names of extensions or forms, and have no members of their own
_NO_COLLECTIONS = frozenset({"fwaas", "lbaas", "os-address", "qos", "schemas", "status", "taas"})
# What stands behind a plural without being a member of it
_OPERATIONS = frozenset(
    {
        "action", "actions", "available", "config", "default", "defaults", "detail", "details", "disable", "enable",
        "import", "import_record", "manageable", "model", "preview", "statistics", "summary", "tasks", "validate",
    }
)  # fmt: skip
_STORED = ("{account}", "{container}", "{object}")
# What a match of Routes says besides the parts of a path
_NOT_IN_A_PATH = frozenset({"action", "controller", "format"})
_RULE_VARIABLE = re.compile(r"<(?:[^<>:]+:)?([^<>:]+)>")


def route(path: str) -> str:
    """Return the template of a path: ``/v2/images/{image_id}/file``, ``/v1/{account}/{container}/{object}``.

    :param path: the path as sent, without query.
    """
    # Clients poll: the same few paths come again and again. Long ones are not worth the memory
    return _remembered(path) if len(path) <= _MAX_REMEMBERED_PATH else _template(path)


def routed(path: str, environ: Mapping[str, Any]) -> str:
    """Return the template of a path whose request has passed its service's router.

    :param path: the path as sent, without query.
    :param environ: what the service has left in it: ``wsgiorg.routing_args`` (Routes, in most services), the request of
        Werkzeug (Flask, in keystone), or what only Swift has.
    """
    if "swift.trans_id" in environ:
        return _stored(path)
    rule = getattr(getattr(environ.get("werkzeug.request"), "url_rule", None), "rule", None)
    if isinstance(rule, str):
        mounted: str = environ.get("SCRIPT_NAME", "")
        return mounted + _RULE_VARIABLE.sub(r"{\1}", rule)
    arguments = environ.get("wsgiorg.routing_args")
    named = arguments[1] if isinstance(arguments, tuple) and len(arguments) == 2 else None
    if not isinstance(named, dict):
        return route(path)
    members = {value: name for name, value in named.items() if isinstance(value, str) and name not in _NOT_IN_A_PATH}
    segments = route(path).split("/")
    for index, segment in enumerate(segments):
        if segment in members:
            segments[index] = _placeholder(segments[index - 1] if index else "", members[segment])
    return "/".join(segments)


@lru_cache(maxsize=16)
def _searching(expressions: str) -> Callable[[str], object]:
    return re.compile("|".join(f"(?:{expression.strip()})" for expression in expressions.split(","))).search


def is_excluded(url: str, expressions: str) -> bool:
    """Return whether a URL is one that is not observed.

    :param expressions: regular expressions with commas between them, each searched for in the URL; ``""`` is none.
    """
    return bool(expressions) and _searching(expressions)(url) is not None


def _template(path: str) -> str:
    segments = path.split("/")
    versioned = False
    for index, segment in enumerate(segments):
        before = segments[index - 1] if index else ""
        if segment.startswith(("AUTH_", ".")) and (_VERSION.fullmatch(before) or before == "{id}"):
            return "/".join([*segments[:index], *_STORED[: len(segments) - index]])
        if not segment:
            continue
        # Every id is longer than most words or starts with a digit: the expression is seldom needed
        is_id = (segment[0].isdigit() or len(segment) >= 32) and _ID.fullmatch(segment)
        if is_id or (versioned and _is_collection(before) and segment not in _OPERATIONS):
            segments[index] = _placeholder(before)
        versioned = versioned or _VERSION.fullmatch(segment) is not None
    return "/".join(segments)


_remembered = lru_cache(maxsize=512)(_template)


def _is_collection(segment: str) -> bool:
    return segment.endswith("s") and segment not in _NO_COLLECTIONS


def _stored(path: str) -> str:
    """Return the template of a path of Swift, whatever its account is called; ``/info`` and its kind stay."""
    version, account, rest = path[1:].partition("/")
    if not (account and rest and _VERSION.fullmatch(version)):
        return route(path)
    return f"/{version}/{'/'.join(_STORED[: rest.count('/') + 1])}"


def _placeholder(collection: str, name: str = "id") -> str:
    if name not in ("id", "uuid"):
        return "{" + name + "}"
    if _VERSION.fullmatch(collection):  # /v3/{project_id}/volumes
        return "{project_id}"
    for plural, singular in _PLURALS:
        if collection.endswith(plural):
            return "{" + collection[: -len(plural)].replace("-", "_") + singular + "_id}"
    return "{id}"
