"""What differs from run to run and means the same: ids, times, tokens and addresses, recognised by their form.

Two messages say the same when they are equal after each of these is replaced by the name of its role, and when the ids
of one stand for those of the other one to one.
"""

from __future__ import annotations

import re
from functools import lru_cache

_HEX = "[0-9A-Fa-f]"
_UUID = rf"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"
# What is 32 or more hex digits is an id, or a digest, which is the id of a content
_ID = rf"(?<!{_HEX})(?:{_UUID}|{_HEX}{{32,}})(?!{_HEX})"
_ROLE = re.compile(
    "|".join(
        (
            # oslo.context and swift
            rf"(?P<request_id>req-{_UUID}|\btx[0-9a-f]{{21}}-[0-9a-f]{{10}}[\w-]*)",
            # otel_openstack.redaction, and what older tools left in clear
            r"(?P<token>\{SHA256\}[0-9a-f]+|gAAAAA[A-Za-z0-9_-]*=*)",
            rf"(?P<id>{_ID})",
            # RFC 3339, RFC 9110 (section 5.6.7), and swift's seconds
            r"(?P<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"
            r"|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT|\b[12]\d{9}\.\d+\b)",
            r"(?P<address>(?<=://)[^/\s\"'<>?#]+|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b)",
        )
    )
)
_ONLY_ID = re.compile(_ID)
_VERSION = re.compile(r"(?<=/)[\w.+~-]*\d[\w.+~-]*|(?<=-)\d+(?:\.[\w+~]+)+")


def route(path: str) -> str:
    """Return a path with ``{id}`` in place of what identifies one thing: few routes, however many paths."""
    return _ONLY_ID.sub("{id}", path)


@lru_cache(maxsize=16384)
def reduced(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a text with roles in place of values, and the ids that stood in it, in their order."""
    ids: list[str] = []

    def role(found: re.Match[str]) -> str:
        kind = found.lastgroup or ""
        if kind == "id":
            ids.append(found.group().replace("-", "").lower())
        return f"{{{kind}}}"

    return _ROLE.sub(role, text), tuple(ids)


def without_versions(products: str) -> str:
    """Return a ``User-Agent`` or ``Server`` (RFC 9110, section 10.1.5) without the versions of its products."""
    return _VERSION.sub("*", products)
