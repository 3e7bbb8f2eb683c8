"""The rules: what is masked in headers, bodies and URLs.

Where a value begins says :mod:`.beginnings`, where it ends :mod:`.values`; some are known by their looks. All is
linear in the length of the text: what was found is not looked at again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from typing import TypeVar
from urllib.parse import quote_plus, unquote_plus

from otel_openstack.redaction.beginnings import Found, Mask, Names
from otel_openstack.redaction.names import (
    PLAIN_HEADERS,
    SECRET_ENDINGS,
    SECRET_HEADERS,
    SECRET_NAMES,
    SECRET_PATHS,
    TOKEN_HEADERS,
    TOKEN_NAMES,
)
from otel_openstack.redaction.values import (
    COLON,
    MASK,
    NUMBER,
    PAIR_VALUE,
    QUERY_VALUE,
    Value,
    assertion_text,
    element_text,
    folded_case,
    is_json,
    json_values,
    loose_value,
    part,
    string_of_mask,
    without_escapes,
)

_Content = TypeVar("_Content", str, bytes)
_Span = tuple[int, int, str]  # from, to, and what stands there instead

# One of these is in everything that has a value known by its name, or by its looks
_MARKS = re.compile(r"[\"'=%<:@]|gAAAAA|eyJ|BEGIN ")
# {"token": {"id": "…"}}: authentication by a token, Identity API v3 and v2.0
_TOKEN_ID = re.compile(rf'\{{[^{{}}]*?"id\\*"{COLON}')
# RFC 3986, 3.2.1; a slash may be escaped in JSON
_USERINFO = re.compile(r":\\*/\\*/([^/?#\s\"'<>]+)@")
_USERINFO_CUT = re.compile(r":\\*/\\*/(?!\[)([^/?#\s\"'<>:]*:(?![0-9]{0,5}\Z)[^/?#\s\"'<>]*)\Z")
_LONGEST_USER = 256
# Compute API: what is asked of a console's token has the token in its path
_PATH_TOKEN = re.compile(r"(/os-console-auth-tokens/)([^/?#\s\"'<>]+)")
# Fernet and JSON web tokens
_TOKEN = re.compile(r"gAAAAA[A-Za-z0-9_-]*=*|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)+")
# Whether there may be one: an expression without choices finds letters in a third of the time that ``in`` takes
_FERNET = re.compile("gAAAAA")
_JSON_WEB = re.compile("eyJ")
# RFC 7468 and the older forms with headers
_PRIVATE_KEY = re.compile(r"BEGIN (?:[A-Z0-9]{1,16} ){0,4}PRIVATE KEY-----((?:[A-Za-z0-9+/=\s:,]+|\\+[nr]|-(?!----))+)")
# A SAML assertion is a ticket as a whole: whoever has it may enter (SAML 2.0 core, section 2)
_ASSERTION = re.compile(r"<(?:[\w.-]+:)?(?:encrypted)?assertion[\s>]")
# RFC 7578: the first line of a form that has files
_BOUNDARY = re.compile(r"\s*(--[^\r\n]+)")


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


def _unknown(value: str) -> str:
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
        masks = {**dict.fromkeys(SECRET_NAMES | own, _hidden), **dict.fromkeys(TOKEN_NAMES, _credentials)}
        self._names = Names(masks, SECRET_ENDINGS, _hidden)
        self._header_parts = tuple(header_parts)
        plain = frozenset() if pattern else {name for name in PLAIN_HEADERS if not self._is_named(name)}
        self._headers: Mapping[str, Mask | None] = {
            **dict.fromkeys(plain),
            **dict.fromkeys(SECRET_HEADERS | own, _hidden),
            **dict.fromkeys(TOKEN_HEADERS, _credentials),
        }
        self._pattern = pattern

    def header(self, name: str, value: str) -> str:
        """Mask the value of a header.

        :param name: the header's name in lower case.
        """
        mask = self._headers.get(name, _unknown)
        if mask is None or not value:
            return value
        if mask is not _unknown:
            return mask(value)
        return MASK if self._header_parts and self._is_named(name) else self._text(value, PAIR_VALUE)

    def _is_named(self, header: str) -> bool:
        return any(part in header for part in self._header_parts)

    def body(self, content: _Content, *, form: bool = False, path: str = "") -> _Content:
        """Mask the preview of a body, wherever the preview ends. Whole JSON stays JSON.

        :param content: text or bytes; the result has the same type.
        :param form: whether it is ``application/x-www-form-urlencoded``.
        :param path: path of the URL, or all of it: what some paths lead to is a secret as a whole.
        """
        if isinstance(content, bytes):
            # latin-1 maps bytes to characters and back one by one, so that the same rules hold for both
            text = content.decode("latin-1")
            masked = self.body(text, form=form, path=path)
            return content if masked is text else masked.encode("latin-1")
        if content and _is_secret(path, content):
            return MASK
        if form:
            return self._form(content)
        if "\\" in content and "\\u00" in content:
            plain = without_escapes(content)
            masked = self._body(plain)
            if masked != plain:
                return masked
        return self._body(content)

    def query(self, value: str) -> str:
        """Mask the query of a URL, with or without its question mark."""
        if "%" in value or "+" in value:
            return self._form(value)
        return self._text(value, QUERY_VALUE)

    def text(self, value: str) -> str:
        """Mask tokens, user information and secret parameters of URLs anywhere in a text, a URL itself among them."""
        return self._text(value, PAIR_VALUE)

    def _text(self, value: str, end: re.Pattern[str]) -> str:
        if "=" in value or "%" in value:
            folded = folded_case(value)
            if self._names.has_pairs(folded):
                value = _spliced(value, self._pairs(value, folded, end))
        if "@" in value or "gAAAAA" in value or "eyJ" in value or self._pattern is not None:
            value = _spliced(value, self._shapes(value))
        if "/os-console-auth-tokens/" in value:
            value = _PATH_TOKEN.sub(lambda match: match[1] + digest(match[2]), value)
        return value

    # -- each grammar ---------------------------------------------------------------------------------------------

    def _body(self, content: str) -> str:
        if self._pattern is None and not _MARKS.search(content):  # most previews of images and objects
            return content
        folded = folded_case(content)
        in_json = is_json(content)
        spans: list[_Span] = []
        if '"' in content:
            spans += self._json(content, folded)
        if "'" in content:
            found = self._names.in_repr(folded)
            spans += _masked(content, found, lambda at: loose_value(content, at, in_json, NUMBER))
        if "=" in content or "%" in content:
            spans += self._pairs(content, folded, PAIR_VALUE, in_json=in_json)
        if "<" in content:
            found = self._names.in_elements(folded)
            spans += _masked(content, found, lambda at: element_text(content, at, in_json))
            assertions = ((match.end(), _hidden) for match in _ASSERTION.finditer(folded))
            spans += _masked(content, assertions, lambda at: assertion_text(folded, at, in_json))
        if "=" in content and "content-disposition" in folded:
            boundary = _BOUNDARY.match(content)
            end = "\n" + (boundary[1] if boundary else "--")
            found = self._names.in_parts(folded)
            spans += _masked(content, found, lambda at: part(content, at, end))
        spans += self._shapes(content)
        if cut_off := _USERINFO_CUT.search(content, max(0, content.rfind(":") - _LONGEST_USER)):
            spans.append((*cut_off.span(1), MASK))
        return _spliced(content, spans)

    def _json(self, content: str, folded: str) -> Iterator[_Span]:
        done = 0
        for at, mask in self._names.in_json(folded):
            if at < done:
                continue
            if mask is _credentials and (identifier := _TOKEN_ID.match(folded, at)):
                at = identifier.end()
            for start, end, quoted in json_values(content, at):
                yield start, end, mask(content[start:end]) if quoted else string_of_mask(content, at)
                done = end

    def _pairs(self, content: str, folded: str, value: re.Pattern[str], *, in_json: bool = False) -> Iterator[_Span]:
        return _masked(content, self._names.in_pairs(folded), lambda at: loose_value(content, at, in_json, value))

    def _form(self, content: str) -> str:
        pairs = content.split("&")
        for number, pair in enumerate(pairs):
            key, _equals, value = pair.partition("=")
            if not value:
                continue
            name = (unquote_plus(key) if "%" in key or "+" in key else key).strip("? ").lower()
            if mask := self._names.mask_of(name):
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
        if _FERNET.search(content) or ("J" in content and _JSON_WEB.search(content)):
            yield from ((*match.span(), digest(match[0])) for match in _TOKEN.finditer(content))
        if "K" in content and "PRIVATE KEY" in content:
            yield from ((*match.span(1), MASK) for match in _PRIVATE_KEY.finditer(content))
        if self._pattern is not None:
            yield from ((*match.span(), MASK) for match in self._pattern.finditer(content) if match[0])


def _is_secret(path: str, content: str) -> bool:
    match = SECRET_PATHS.search(path)
    # Without its last part, the path of a secret is that of its metadata too, and those are JSON
    return match is not None and not (match["or_metadata"] is not None and is_json(content))


def _masked(content: str, found: Iterable[Found], value: Callable[[int], Value]) -> Iterator[_Span]:
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
