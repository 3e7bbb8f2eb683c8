"""Gives a span of the SDK attributes that need no cleaning.

``Span.set_attributes`` walks every value and every element of a sequence, to make of anything what OTLP can carry: for
an exchange that is most of what the SDK costs. What :mod:`.capture` has gathered is clean by construction (keys are
non-empty ``str``; values ``str``, ``bytes``, ``int`` or tuples of ``str``), so it is put where cleaned ones would be.
"""

from __future__ import annotations

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.trace import Span
from opentelemetry.util.types import AnyValue

MAX_ATTRIBUTES = 512
"""Attributes that a span of ours may have: the distribution's default for the SDK's limit."""


def hand_over(attributes: dict[str, AnyValue], span: Span) -> None:
    """Add the attributes to the span, past the SDK's cleaning where that changes nothing.

    The SDK's own way is taken wherever it has something to say: limits that the user set and the attributes reach, a
    span that has ended, spans of another make, or an SDK that is not built as this one is.

    :param attributes: values of the types above; the dictionary must not be changed afterwards.
    """
    bounded = getattr(span, "_attributes", None)
    if not (isinstance(bounded, BoundedAttributes) and _take(bounded, attributes)):
        span.set_attributes(attributes)


def _take(bounded: BoundedAttributes, attributes: dict[str, AnyValue]) -> bool:
    try:
        if bounded._immutable or bounded.max_value_len is not None:
            return False
        with bounded._lock:
            held = bounded._dict
            if bounded.maxlen is not None and len(held) + len(attributes) > bounded.maxlen:
                return False
            held.update(attributes)
    except AttributeError:
        return False
    return True
