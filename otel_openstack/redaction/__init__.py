"""What is masked, and how. Nothing raw becomes an attribute; documents can be masked again on their way out.

Three rules, applied to headers, bodies and URLs alike:

* a **token** becomes ``{SHA256}<hex>`` of itself, as keystoneauth logs it: two messages that carry the same token still
  show it, and nobody can use it;
* a **secret** (a password, a key) becomes ``***``;
* names are matched exactly, by tables (:mod:`.names`), and passwords also by how their names end; what looks like a
  Fernet token, a JSON web token or a private key is masked wherever it stands.

A body is a preview, so it may end in the middle of a value: a value without its end is masked as far as it goes. Masked
JSON stays JSON. :mod:`.rules` does it; what users add is read by :mod:`.patterns`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol, TypeVar

_Content = TypeVar("_Content", str, bytes)


class Masking(Protocol):
    """What callers need of a set of rules; whether there are any is not their business."""

    def header(self, name: str, value: str) -> str:
        """Mask the value of a header, by its name in lower case."""
        ...

    def body(self, content: _Content, *, form: bool = False, path: str = "") -> _Content:
        """Mask the preview of a body: of a form (``application/x-www-form-urlencoded``) or not, at a URL's path."""
        ...

    def query(self, value: str) -> str:
        """Mask the query of a URL."""
        ...

    def text(self, value: str) -> str:
        """Mask a URL, a path, or any text that may hold one."""
        ...


class _Clear:
    """Masks nothing."""

    def header(self, _name: str, value: str) -> str:
        return value

    def body(self, content: _Content, *, form: bool = False, path: str = "") -> _Content:  # noqa: ARG002  # the protocol's
        return content

    def query(self, value: str) -> str:
        return value

    def text(self, value: str) -> str:
        return value


CLEAR: Masking = _Clear()
"""What ``OTEL_OPENSTACK_REDACT=off`` asks for."""


@lru_cache(maxsize=16)
def masking(redact: bool = True, names: str = "", patterns: str = "", headers: str = "") -> Masking:
    """Return the rules for a process, made once; what is wrong in them is named in the log and left out.

    :param redact: whether anything is masked at all.
    :param names: more names of headers, of keys in JSON, forms, queries and XML, with commas between them.
    :param patterns: values that are masked wherever they stand, such as ``ghp_*``, with commas between them.
    :param headers: parts of the names of more headers to mask, with commas between them.
    """
    if not redact:
        return CLEAR
    # Expressions take milliseconds to be compiled: only a process that has something to mask pays for them
    from otel_openstack.redaction import patterns as given
    from otel_openstack.redaction.rules import Rules

    return Rules(given.names(names), given.header_parts(headers), given.expression(patterns))
