"""How values are found: each expression ends where a value begins, and the value's own grammar says where it ends.

Every expression here is linear in the length of its input: no nested or overlapping repetition, and what was found is
not looked at again. Names are looked for in a lower-case copy of the text, by their first three letters, and then in a
table: such an expression is compiled in a millisecond, which every process pays once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from typing import TypeVar
from urllib.parse import quote_plus, unquote_plus

from otel_openstack.redaction.names import (
    PLAIN_HEADERS,
    SECRET_ENDINGS,
    SECRET_HEADERS,
    SECRET_NAMES,
    TOKEN_HEADERS,
    TOKEN_NAMES,
)

MASK = "***"

_Content = TypeVar("_Content", str, bytes)
_Span = tuple[int, int, str]  # from, to, and what stands there instead
_Value = tuple[int, int]
_Mask = Callable[[str], str]
_Found = tuple[int, _Mask]  # where a value begins, and how it is masked

# White space in JSON, also where the JSON is itself a string of JSON
_SPACE = re.compile(r"(?:\s|\\+[nrt])*")
_COMMA = re.compile(rf"\\*\"{_SPACE.pattern},{_SPACE.pattern}")
_COLON = rf"{_SPACE.pattern}:{_SPACE.pattern}"
# {"token": {"id": "…"}}: authentication by a token, Identity API v3 and v2.0
_TOKEN_ID = re.compile(rf'\{{[^{{}}]*?"id\\*"{_COLON}')
# The look-behind lets a run of backslashes be tried once, not once from each of its members
_JSON_QUOTE = re.compile(r'(?<!\\)(\\*)"')
_NUMBER = re.compile(r"-?[0-9][0-9.eE+-]*")
_ESCAPE = re.compile(r"(?<!\\)(\\+)u00([2-7][0-9a-fA-F])")

# What repr() leaves of a dictionary or a call, and what XML attributes and options look like
_LOOSE_QUOTE = re.compile(r"[bBuU]?(\\*)([\"'])")
_SINGLE = re.compile(r"(?:[^'\\]+|\\.)*", re.DOTALL)
# Within JSON the outermost string ends the value at the latest, and an apostrophe after backslashes is part of it
_SINGLE_IN_JSON = re.compile(r"""(?:[^'"\\]+|(?:\\\\)+'?|\\.)*""", re.DOTALL)
_PAIR_VALUE = re.compile(r"[^&#\"'\s<>\\]+")
_QUERY_VALUE = re.compile(r"[^&]+")
_WORD = re.compile(r"(?<![\w.%-])[\w.%-]+\Z")
_ENCODED_EQUALS = re.compile(r"%(?:25){0,3}3d")
_SEPARATORS = re.compile(r"[&?;=/]")
_MOST = 64  # characters of a name, and of a percent-encoded one thrice that

# RFC 3986, 3.2.1; a slash may be escaped in JSON
_USERINFO = re.compile(r":\\*/\\*/([^/?#\s\"'<>]+)@")
_USERINFO_CUT = re.compile(r":\\*/\\*/(?!\[)([^/?#\s\"'<>:]*:(?![0-9]{0,5}\Z)[^/?#\s\"'<>]*)\Z")
# Compute API: what is asked of a console's token has the token in its path
_PATH_TOKEN = re.compile(r"/os-console-auth-tokens/([^/?#\s\"'<>]+)")
# Fernet and JSON web tokens
_TOKEN = re.compile(r"gAAAAA[A-Za-z0-9_-]*=*|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)+")
# RFC 7468 and the older forms with headers
_PRIVATE_KEY = re.compile(r"PRIVATE KEY(?: BLOCK)?-----((?:[A-Za-z0-9+/=\s:,]+|\\+[nr]|-(?!----))+)")

# Text of an element, with sections and comments in it; within JSON it ends with the string
_XML_TEXT = re.compile(r"(?:[^<]+|<!\[CDATA\[(?:[^\]]+|\](?!\]>))*(?:\]\]>)?|<!--(?:[^-]+|-(?!->))*(?:-->)?)+")
_XML_TEXT_IN_JSON = re.compile(
    r"""(?:[^<"\\]+|\\.|<!\[CDATA\[(?:[^\]"\\]+|\\.|\](?!\]>))*(?:\]\]>)?|<!--(?:[^"\\-]+|\\.|-(?!->))*(?:-->)?)+""",
    re.S,
)
# A SAML assertion is a ticket as a whole: whoever has it may enter (SAML 2.0 core, section 2)
_ASSERTION = re.compile(r"<(?:[\w.-]+:)?(?:encrypted)?assertion[\s>]")
_NO_ASSERTION_END = r"<(?!/(?:[\w.-]+:)?(?:encrypted)?assertion>)"
_ASSERTION_TEXT = re.compile(rf"(?:[^<]+|{_NO_ASSERTION_END})+")
_ASSERTION_TEXT_IN_JSON = re.compile(rf'(?:[^<"\\]+|\\.|{_NO_ASSERTION_END})+', re.S)
# RFC 7578: the parts of a form that has files; the lengths keep it linear
_BOUNDARY = re.compile(r"\s*(--[^\r\n]+)")
_PART = re.compile(r"\bname=\"?([\w.-]{1,64})\"?[^\r\n]{0,200}(?:\r?\n[^\r\n]{1,200}){0,4}\r?\n\r?\n")


def digest(token: str) -> str:
    """Return ``{SHA256}<hex>`` of a token; what is a digest already stays as it is."""
    if token.startswith("{SHA256}"):
        return token
    return "{SHA256}" + sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _credentials(value: str) -> str:
    """Return the digest of a token, but not that of a password (RFC 7617): it could be guessed."""
    return f"{value[:5]} {MASK}" if value[:6].lower() == "basic " else digest(value)


def _hidden(_value: str) -> str:
    return MASK


def _unchanged(value: str) -> str:
    return value


class Rules:
    """Masks by the tables of :mod:`.names`, and by what the user adds to them.

    :param names: more names of headers and of values in bodies, in lower case.
    :param header_parts: parts of names of headers that no table has, in lower case, whose value is masked.
    :param pattern: matches values that are masked wherever they stand.
    """

    def __init__(
        self,
        names: Iterable[str] = (),
        header_parts: Iterable[str] = (),
        pattern: re.Pattern[str] | None = None,
    ) -> None:
        own = frozenset(names)
        self._names: Mapping[str, _Mask] = {
            **dict.fromkeys(SECRET_NAMES | own, _hidden),
            **dict.fromkeys(TOKEN_NAMES, _credentials),
        }
        self._headers: Mapping[str, _Mask] = {
            **dict.fromkeys(PLAIN_HEADERS, _unchanged if pattern is None else self.text),
            **dict.fromkeys(SECRET_HEADERS | own, _hidden),
            **dict.fromkeys(TOKEN_HEADERS, _credentials),
        }
        self._header_parts = tuple(header_parts)
        self._pattern = pattern

    def header(self, name: str, value: str) -> str:
        """Mask the value of a header.

        :param name: the header's name in lower case.
        """
        mask = self._headers.get(name)
        if mask is not None:
            return mask(value) if value else value
        if self._header_parts and value and any(part in name for part in self._header_parts):
            return MASK
        return self.text(value)

    def body(self, content: _Content, *, form: bool = False) -> _Content:
        """Mask the preview of a body, wherever the preview ends. Whole JSON stays JSON.

        :param content: text or bytes; the result has the same type.
        :param form: whether it is ``application/x-www-form-urlencoded``.
        """
        if isinstance(content, bytes):
            # latin-1 maps bytes to characters and back one by one, so that the same rules hold for both
            return self.body(content.decode("latin-1"), form=form).encode("latin-1")
        if form:
            return self._form(content)
        if "\\u00" in content:
            plain = _without_escapes(content)
            masked = self._body(plain)
            if masked != plain:
                return masked
        return self._body(content)

    def query(self, value: str) -> str:
        """Mask the query of a URL, with or without its question mark."""
        if "%" in value or "+" in value:
            return self._form(value)
        return self._text(value, _QUERY_VALUE)

    def text(self, value: str) -> str:
        """Mask tokens, user information and secret parameters of URLs anywhere in a text, a URL itself among them."""
        return self._text(value, _PAIR_VALUE)

    def _text(self, value: str, end: re.Pattern[str]) -> str:
        if ("=" in value and self._pair_name.search(value.lower())) or "%" in value:
            value = _spliced(value, self._pairs(value, _folded(value), end))
        if "@" in value or "gAAAAA" in value or "eyJ" in value or "/os-c" in value or self._pattern is not None:
            value = _spliced(value, self._shapes(value))
        return value

    # -- where values begin: after a name, as each grammar has it -----------------------------------------------------

    @cached_property
    def _ends(self) -> list[str]:
        """How names end, by length: most of what is no name of ours is refused by its last characters."""
        ends = sorted({name[-4:] for name in (*self._names, *SECRET_ENDINGS)}, key=len)
        return ["|".join(map(re.escape, group)) for _, group in groupby(ends, key=len)]

    def _after(self, mark: str, *others: str) -> str:
        """Return an expression for a mark, such as a quote, that stands behind what may be a name, or behind others."""
        last = "".join(sorted({re.escape(name[-1]) for name in (*self._names, *SECRET_ENDINGS)}))
        named = "|".join(f"(?<=(?:{ends}){mark})" for ends in self._ends)
        return "|".join((f"{mark}(?<=[{last}]{mark})(?:{named})", *(f"{mark}(?<={other}{mark})" for other in others)))

    @cached_property
    def _json_name(self) -> re.Pattern[str]:
        return re.compile(self._after('"') + _COLON)

    @cached_property
    def _nested_json_name(self) -> re.Pattern[str]:
        return re.compile(self._after(r"\\") + rf'\\*"{_COLON}')

    @cached_property
    def _repr_name(self) -> re.Pattern[str]:
        return re.compile(rf"{self._after(chr(39))}\s*:\s*")

    @cached_property
    def _pair_name(self) -> re.Pattern[str]:
        return re.compile(f"(?:{self._after('=', '[a-z] ', '%[0-9a-f][0-9a-f]')})[ \\t]{{0,4}}")

    @cached_property
    def _xml_name(self) -> re.Pattern[str]:
        ends = "|".join(f"(?<={ends})" for ends in self._ends)
        return re.compile(rf"<(?:[\w.-]+:)?([\w.-]+)(?=[\s>])(?:{ends})[^<>]*>")

    def _mask_of(self, name: str) -> _Mask | None:
        return self._names.get(name) or (_hidden if name.endswith(SECRET_ENDINGS) else None)

    def _named(self, matches: Iterable[re.Match[str]]) -> Iterator[_Found]:
        for match in matches:
            if mask := self._mask_of(match[1]):
                yield match.end(), mask

    def _quoted(self, expression: re.Pattern[str], quote: str, folded: str) -> Iterator[_Found]:
        for match in expression.finditer(folded):
            end = match.start()
            start = folded.rfind(quote, max(0, end - _MOST - 1), end) + 1
            if start and (mask := self._mask_of(folded[start:end])):
                yield match.end(), mask

    def _equalled(self, folded: str) -> Iterator[_Found]:
        matches = self._pair_name.finditer(folded)
        if "%" in folded:  # an equals sign that is encoded, once or twice: a URL in a query, as consoles have it
            encoded = _ENCODED_EQUALS.finditer(folded)
            matches = iter(sorted((*matches, *encoded), key=re.Match.start))
        for match in matches:
            end = match.start()
            word = _WORD.search(folded[max(0, end - 3 * _MOST) : end].rstrip(" "))
            if word is None:
                continue
            name = word[0]
            if "%" in name:
                name = _SEPARATORS.split(unquote_plus(unquote_plus(name)))[-1].lower()
            if mask := self._mask_of(name.lstrip("-")):
                yield match.end(), mask

    # -- each grammar ---------------------------------------------------------------------------------------------

    def _body(self, content: str) -> str:
        folded = _folded(content)
        in_json = _is_json(content)
        spans: list[_Span] = []
        if '"' in content:
            spans += self._json(content, folded)
        if "'" in content:
            found = self._quoted(self._repr_name, "'", folded)
            spans += _masked(content, found, lambda at: _loose_value(content, at, in_json, _NUMBER))
        if "=" in content or "%" in content:
            spans += self._pairs(content, folded, _PAIR_VALUE, in_json=in_json)
        if "<" in content:
            text = _XML_TEXT_IN_JSON if in_json else _XML_TEXT
            found = self._named(self._xml_name.finditer(folded))
            spans += _masked(content, found, lambda at: _matched(text, content, at))
            text_of_assertion = _ASSERTION_TEXT_IN_JSON if in_json else _ASSERTION_TEXT
            assertions = ((match.end(), _hidden) for match in _ASSERTION.finditer(folded))
            spans += _masked(content, assertions, lambda at: _matched(text_of_assertion, folded, at))
        if "content-disposition" in folded:
            boundary = _BOUNDARY.match(content)
            end = "\n" + (boundary[1] if boundary else "--")
            found = self._named(_PART.finditer(folded))
            spans += _masked(content, found, lambda at: _part(content, at, end))
        spans += self._shapes(content)
        if cut_off := _USERINFO_CUT.search(content, max(0, content.rfind(":") - 4 * _MOST)):
            spans.append((*cut_off.span(1), MASK))
        return _spliced(content, spans)

    def _json(self, content: str, folded: str) -> Iterator[_Span]:
        found = [*self._quoted(self._json_name, '"', folded)]
        if '\\"' in content:
            found += self._quoted(self._nested_json_name, '"', folded)
            found.sort(key=itemgetter(0))
        done = 0
        for at, mask in found:
            if at < done:
                continue
            if mask is _credentials and (identifier := _TOKEN_ID.match(folded, at)):
                at = identifier.end()
            for start, end, quoted in _json_values(content, at):
                yield start, end, mask(content[start:end]) if quoted else _as_string(content, at)
                done = end

    def _pairs(self, content: str, folded: str, value: re.Pattern[str], *, in_json: bool = False) -> Iterator[_Span]:
        return _masked(content, self._equalled(folded), lambda at: _loose_value(content, at, in_json, value))

    def _form(self, content: str) -> str:
        pairs = content.split("&")
        for number, pair in enumerate(pairs):
            key, _equals, value = pair.partition("=")
            if not value:
                continue
            name = unquote_plus(key.lstrip("?")).strip().lower()
            if mask := self._mask_of(name):
                pairs[number] = f"{key}={mask(value)}"
            elif "%" in value or "+" in value:
                plain = unquote_plus(value)
                masked = self.body(plain)
                if masked != plain:
                    pairs[number] = f"{key}={quote_plus(masked)}"
        return self.text("&".join(pairs))

    def _shapes(self, content: str) -> Iterator[_Span]:
        """Find what is known by its looks, not by a name."""
        if "@" in content:
            yield from ((*match.span(1), MASK) for match in _USERINFO.finditer(content))
        if "gAAAAA" in content or "eyJ" in content:
            yield from ((*match.span(), digest(match[0])) for match in _TOKEN.finditer(content))
        if "PRIVATE KEY" in content:
            yield from ((*match.span(1), MASK) for match in _PRIVATE_KEY.finditer(content))
        if "/os-console-auth-tokens/" in content:
            yield from ((*match.span(1), digest(match[1])) for match in _PATH_TOKEN.finditer(content))
        if self._pattern is not None:
            yield from ((*match.span(), MASK) for match in self._pattern.finditer(content) if match[0])


def _folded(content: str) -> str:
    """Return the text in lower case, each character at its place: only ``İ`` becomes two of them."""
    folded = content.lower()
    return folded if len(folded) == len(content) else content.replace("\u0130", "i").lower()


def _is_json(content: str) -> bool:
    """Say whether a text is JSON, or the beginning of it; a dictionary's repr() has apostrophes first."""
    if content.lstrip()[:1] not in ("{", "[", '"'):
        return False
    apostrophe = content.find("'")
    return apostrophe < 0 or -1 < content.find('"') < apostrophe


def _without_escapes(content: str) -> str:
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


def _masked(content: str, found: Iterable[_Found], value: Callable[[int], _Value]) -> Iterator[_Span]:
    done = 0
    for at, mask in found:
        if at >= done:
            start, end = value(at)
            if start < end:
                yield start, end, mask(content[start:end])
                done = end


def _spliced(content: str, spans: Iterable[_Span]) -> str:
    """Put the masks into the text; of two that overlap the first stands for both."""
    pieces: list[str] = []
    done = 0
    for start, end, mask in sorted(spans):
        if start >= done:
            pieces += content[done:start], mask
        done = max(done, end)
    return "".join((*pieces, content[done:])) if pieces else content


def _matched(expression: re.Pattern[str], content: str, at: int) -> _Value:
    match = expression.match(content, at)
    return match.span() if match else (at, at)


def _part(content: str, at: int, boundary: str) -> _Value:
    end = content.find(boundary, at)
    return at, len(content) if end < 0 else end


def _loose_value(content: str, at: int, in_json: bool, unquoted: re.Pattern[str]) -> _Value:
    """Return the value of a pair or of a dictionary's repr(): quoted, or else what an expression matches."""
    quote = _LOOSE_QUOTE.match(content, at)
    if quote is None:
        return _matched(unquoted, content, at)
    if quote[2] == "'":
        return _matched(_SINGLE_IN_JSON if in_json else _SINGLE, content, quote.end())
    if in_json and not quote[1]:  # the end of the string that the name is in
        return at, at
    return _json_value(content, quote.start(1))[:2]


def _json_values(content: str, at: int) -> Iterator[tuple[int, int, bool]]:
    """Return the string or number at a place, or those of the list there; nothing of an object or null."""
    is_list = content.startswith("[", at)
    if is_list and (space := _SPACE.match(content, at + 1)):
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


def _as_string(content: str, at: int) -> str:
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
        number = _NUMBER.match(content, at)
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
