"""The ids that lead to a trace, in the one spelling that they are compared in."""

from __future__ import annotations

from collections.abc import Iterator

from otel_openstack.attributes import IDENTIFIERS
from otel_openstack.otlp import Span

_REQ = "req-"


def normalize(identifier: str) -> str:
    """Return an id in lower case, a UUID without its dashes: ``8F3D0A5E-…`` and ``8f3d0a5e…`` are the same one.

    ``req-…`` ids keep theirs: they are words to OpenStack, not numbers.
    """
    text = identifier.strip().lower()
    digits = text.replace("-", "")
    return digits if is_hex(digits, 32) else text


def is_hex(text: str, digits: int) -> bool:
    """Whether a text is that many hex digits."""
    return len(text) == digits and not text.strip("0123456789abcdef")


def spellings(key: str) -> tuple[str, ...]:
    """Return how a normalized id may have been written, the usual way first: for those who compare letter by letter."""
    dashed = "-".join((key[:8], key[8:12], key[12:16], key[16:20], key[20:])) if is_hex(key, 32) else key
    prefix = _REQ if key.startswith(_REQ) else ""
    return tuple(dict.fromkeys((key, dashed, key.upper(), dashed.upper(), prefix + key.removeprefix(prefix).upper())))


def identifiers_of(span: Span) -> Iterator[str]:
    """Yield every id that leads to this span, normalized."""
    yield span.trace_id
    yield span.span_id
    for name in IDENTIFIERS:
        value = span.attributes.get(name)
        if isinstance(value, str):
            yield normalize(value)
