"""Where a value ends, by the grammar that it is in; a value that is cut off ends with the text.

Every expression here and in :mod:`.rules` is linear in the length of its input: nothing that could fail stands
behind a nested repetition, and no two repetitions overlap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MASK = "***"

Value = tuple[int, int]
"""Where a value begins and ends."""

# White space in JSON, also where the JSON is itself a string of JSON
SPACE = re.compile(r"(?:\s|\\+[nrt])*")
_COMMA = re.compile(rf"\\*\"{SPACE.pattern},{SPACE.pattern}")
COLON = rf"{SPACE.pattern}:{SPACE.pattern}"
# The look-behind lets a run of backslashes be tried once, not once from each of its members
_JSON_QUOTE = re.compile(r'(?<!\\)(\\*)"')
NUMBER = re.compile(r"-?[0-9][0-9.eE+-]*")
_ESCAPE = re.compile(r"(?<!\\)(\\+)u00([2-7][0-9a-fA-F])")

# What repr() leaves of a dictionary or a call, and what XML attributes and options look like
_LOOSE_QUOTE = re.compile(r"[bBuU]?(\\*)([\"'])")
# An apostrophe after backslashes is part of the value: how many there are tells nothing where JSON may be around it
_SINGLE = re.compile(r"(?:[^'\\]+|(?:\\\\)+'?|\\.)*", re.DOTALL)
# Within JSON the outermost string ends the value at the latest
_SINGLE_IN_JSON = re.compile(r"""(?:[^'"\\]+|(?:\\\\)+'?|\\.)*""", re.DOTALL)
PAIR_VALUE = re.compile(r"[^&#\"'\s<>\\]+")
QUERY_VALUE = re.compile(r"[^&]+")

# Text of an element, with sections and comments in it; within JSON it ends with the string
_XML_TEXT = re.compile(r"(?:[^<]+|<!\[CDATA\[(?:[^\]]+|\](?!\]>))*(?:\]\]>)?|<!--(?:[^-]+|-(?!->))*(?:-->)?)+")
_XML_TEXT_IN_JSON = re.compile(
    r"""(?:[^<"\\]+|\\.|<!\[CDATA\[(?:[^\]"\\]+|\\.|\](?!\]>))*(?:\]\]>)?|<!--(?:[^"\\-]+|\\.|-(?!->))*(?:-->)?)+""",
    re.S,
)
_NO_ASSERTION_END = r"<(?!/(?:[\w.-]+:)?(?:encrypted)?assertion>)"
_ASSERTION_TEXT = re.compile(rf"(?:[^<]+|{_NO_ASSERTION_END})+")
_ASSERTION_TEXT_IN_JSON = re.compile(rf'(?:[^<"\\]+|\\.|{_NO_ASSERTION_END})+', re.S)


def folded_case(content: str) -> str:
    """Return the text in lower case, each character at its place: only ``İ`` becomes two of them."""
    folded = content.lower()
    return folded if len(folded) == len(content) else content.replace("\u0130", "i").lower()


def is_json(content: str) -> bool:
    """Say whether a text is JSON, or the beginning of it; a dictionary's repr() has apostrophes first."""
    if content.lstrip()[:1] not in ("{", "[", '"'):
        return False
    apostrophe = content.find("'")
    return apostrophe < 0 or -1 < content.find('"') < apostrophe


def without_escapes(content: str) -> str:
    """Return JSON with its ASCII characters written as such, at whatever depth they were escaped."""

    def plain(match: re.Match[str]) -> str:
        # One escape has as many backslashes as the depth of its string doubles it: a power of two
        run, character = len(match[1]), chr(int(match[2], 16))
        own = run & -run
        kept = {'"': 2 * own - 1, "\\": 2 * own}.get(character, 0)
        return "\\" * (run - own + kept) + character

    for _depth in range(4):
        before, content = content, _ESCAPE.sub(plain, content)
        if before == content:
            break
    return content


def matched(expression: re.Pattern[str], content: str, at: int) -> Value:
    """Return what an expression matches at a place, or nothing there."""
    match = expression.match(content, at)
    return match.span() if match else (at, at)


def part(content: str, at: int, boundary: str) -> Value:
    """Return the content of a part of a form, up to the boundary or the end."""
    end = content.find(boundary, at)
    return at, len(content) if end < 0 else end


def element_text(content: str, at: int, in_json: bool) -> Value:
    """Return the text of an XML element, up to its first child or its end."""
    return matched(_XML_TEXT_IN_JSON if in_json else _XML_TEXT, content, at)


def assertion_text(folded: str, at: int, in_json: bool) -> Value:
    """Return everything up to the end of a SAML assertion, of a text in lower case."""
    return matched(_ASSERTION_TEXT_IN_JSON if in_json else _ASSERTION_TEXT, folded, at)


def loose_value(content: str, at: int, in_json: bool, unquoted: re.Pattern[str]) -> Value:
    """Return the value of a pair or of a dictionary's repr(): quoted, or else what an expression matches."""
    quote = _LOOSE_QUOTE.match(content, at)
    if quote is None:
        return matched(unquoted, content, at)
    if quote[2] == "'":
        return matched(_SINGLE_IN_JSON if in_json else _SINGLE, content, quote.end())
    if in_json and not quote[1]:  # the end of the string that the name is in
        return at, at
    return _json_value(content, quote.start(1))[:2]


def json_values(content: str, at: int) -> Iterator[tuple[int, int, bool]]:
    """Return the string or number at a place, or those of the list there; nothing of an object or null."""
    is_list = content.startswith("[", at)
    if is_list and (space := SPACE.match(content, at + 1)):
        at = space.end()
    while True:
        start, end, quoted = _json_value(content, at)
        if start < end:
            yield start, end, quoted
        elif not quoted:
            return
        comma = _COMMA.match(content, end) if is_list and quoted else None
        if comma is None:
            return
        at = comma.end()


def string_of_mask(content: str, at: int) -> str:
    """Return the mask as a string of JSON, quoted as the name before it is."""
    end = content.rfind('"', 0, at)
    start = end
    while content.startswith("\\", start - 1):
        start -= 1
    quote = content[start : end + 1]
    return f"{quote}{MASK}{quote}"


def _json_value(content: str, at: int) -> tuple[int, int, bool]:
    """Return start and end of the string or number at a place, and whether it was a string; (at, at, False) if neither.

    A string ends at its own kind of quote: in JSON that lies ``d`` strings deep, a quote is written with ``2^d - 1``
    backslashes, and each level of unescaping halves the run before it.
    """
    quote = _JSON_QUOTE.match(content, at)
    if quote is None:
        number = NUMBER.match(content, at)
        return (at, number.end(), False) if number else (at, at, False)
    depth = (len(quote[1]) + 1).bit_length() - 1
    start = quote.end()
    for candidate in _JSON_QUOTE.finditer(content, start):
        level = _closing_level(len(candidate[1]), depth)
        if level is not None:
            return start, candidate.end() - (1 << level), True
    return start, len(content), True


def _closing_level(backslashes: int, depth: int) -> int | None:
    """Return which string, from the outermost (0) to the one asked for, a quote after so many backslashes ends."""
    for level in range(depth + 1):
        if backslashes % 2 == 0:
            return level
        backslashes //= 2
    return None
