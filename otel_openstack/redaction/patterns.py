"""What users add to the rules, in a notation that cannot be made slow.

Regular expressions are not taken: one with a repetition within another hangs a service on a body that somebody chose.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

_logger = logging.getLogger(__name__)

NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_HEADER = re.compile(r"(?:\^)?(?:\.\*)?([A-Za-z0-9_-]+)(?:\.\*)?\$?")
# Three characters that stand for themselves keep a pattern from masking everything
_PATTERN = re.compile(r"[A-Za-z0-9_.:/=+~-]{3}[A-Za-z0-9_.:/=+~?-]{0,61}\*?")
_HEADERS = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS"
_ANY = "[A-Za-z0-9_.=+/~-]"


def names(text: str) -> Iterator[str]:
    """Read names of headers and values, with commas between them; return them in lower case."""
    for name in _items(text):
        if NAME.fullmatch(name):
            yield name.lower()
        else:
            _logger.warning(
                "OTEL_OPENSTACK_REDACT_NAMES: %r is no name and is left out: give letters, digits, - _ and .", name
            )


def header_parts(text: str) -> Iterator[str]:
    """Read names of headers as OpenTelemetry's list of fields to sanitize has them; return what to look for in a name.

    There each is a regular expression that is searched for, so that ``session`` means ``x-session-id`` too; ``.*`` and
    anchors at its ends are taken, and make no difference.
    """
    for item in _items(text):
        if match := _HEADER.fullmatch(item):
            yield match[1].lower()
        else:
            _logger.warning("%s: %r names no headers and is left out: give a name, with .* at its ends", _HEADERS, item)


def expression(text: str) -> re.Pattern[str] | None:
    """Read patterns of values, with commas between them: ``?`` is one character of a token, ``*`` at the end the rest.

    The expression takes a bounded number of steps from each place, or consumes what it looked at: it is linear. It
    also matches what is cut off at the end of the text.
    """
    patterns = []
    for item in _items(text):
        if _PATTERN.fullmatch(item):
            patterns.append(_translated(item))
        else:
            _logger.warning(
                "OTEL_OPENSTACK_REDACT_PATTERNS: %r is no pattern and is left out: give 3 to 64 characters such as"
                " ghp_*, where ? is any one and a * at the end the rest of a value",
                item,
            )
    return re.compile("|".join(patterns)) if patterns else None


def _translated(pattern: str) -> str:
    rest = ""
    for character in reversed(pattern[3:]):
        one = _ANY if character == "?" else re.escape(character)
        rest = _ANY + "*" if character == "*" else rf"(?:{one}{rest}|\Z)"
    return re.escape(pattern[:3]) + rest


def _items(text: str) -> Iterator[str]:
    return filter(None, (item.strip() for item in text.split(",")))
