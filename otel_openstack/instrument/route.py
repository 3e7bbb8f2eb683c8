"""Low-cardinality names for paths: what looks like an id becomes ``{…_id}``.

Routes are what ``http.route`` and span names are made of, so one operation must have one of them whatever it works on
(semantic conventions, HTTP spans). Services mount their routers in many ways; ids look the same in all of them.
"""

from __future__ import annotations

import re
from functools import lru_cache

_ID = re.compile(
    r"(?:req-)?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}|[0-9]+|[0-9a-f]{64}", re.IGNORECASE
)
_VERSION = re.compile(r"v[0-9.]+")
_PLURALS = (("ies", "y"), ("sses", "ss"), ("s", ""))
_MAX_REMEMBERED_PATH = 256


def route(path: str) -> str:
    """Return the template of a path: ``/v2/images/{image_id}/file``, ``/v1/{account}/{container}/{object}``.

    :param path: the path as sent, without query.
    """
    # Clients poll: the same few paths come again and again. Long ones are not worth the memory
    return _remembered(path) if len(path) <= _MAX_REMEMBERED_PATH else _template(path)


def _template(path: str) -> str:
    segments = path.split("/")
    for index, segment in enumerate(segments):
        if segment.startswith(("AUTH_", ".")) and index and _VERSION.fullmatch(segments[index - 1]):
            names = ["{account}", "{container}", "{object}"][: len(segments) - index]
            return "/".join(segments[:index] + names)
        # Every id is longer than most words or starts with a digit: the expression is seldom needed
        if segment and (segment[0].isdigit() or len(segment) >= 32) and _ID.fullmatch(segment):
            segments[index] = _placeholder(segments[index - 1] if index else "")
    return "/".join(segments)


_remembered = lru_cache(maxsize=512)(_template)


def _placeholder(collection: str) -> str:
    if _VERSION.fullmatch(collection):  # /v3/{project_id}/volumes
        return "{project_id}"
    for plural, singular in _PLURALS:
        if collection.endswith(plural):
            return "{" + collection[: -len(plural)].replace("-", "_") + singular + "_id}"
    return "{id}"
