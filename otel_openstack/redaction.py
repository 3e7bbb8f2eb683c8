"""What is masked, and how. Nothing raw becomes an attribute; documents can be masked again on their way out.

Three rules, applied to headers, bodies and URLs alike:

* a **token** becomes ``{SHA256}<hex>`` of itself, as keystoneauth logs it: two messages that carry the same token still
  show it, and nobody can use it;
* a **secret** (a password, a key) becomes ``***``;
* names are matched exactly, by tables; what looks like a Fernet or a JWS token is masked wherever it stands.

A body is a preview, so it may end in the middle of a value: a value without its end is masked as far as it goes. Masked
JSON stays JSON. Every expression here is linear in the length of its input: no nested or overlapping repetition.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from typing import TypeVar

MASK = "***"

TOKEN_HEADERS = frozenset(
    {
        # Identity API v3 and keystonemiddleware
        "x-auth-token", "x-subject-token", "x-service-token",
        # Object Storage API v1
        "x-storage-token", "x-container-sync-auth",
        # nova's metadata proxy and dynamic vendor data
        "x-instance-id-signature", "x-metadata-provider-signature", "x-vendordata-token",
        # RFC 9110, RFC 6265 and the clouds around
        "authorization", "proxy-authorization", "cookie", "set-cookie", "x-amz-security-token", "x-vault-token",
    }
)  # fmt: skip
"""Headers (lower case) whose value is a token."""

SECRET_HEADERS = frozenset(
    {
        # Object Storage API v1: authentication, temporary URLs, container synchronisation
        "x-auth-key", "x-storage-pass", "x-container-sync-key", "x-container-meta-sync-key",
        "x-account-meta-temp-url-key", "x-account-meta-temp-url-key-2",
        "x-container-meta-temp-url-key", "x-container-meta-temp-url-key-2",
        "x-api-key",
    }
)  # fmt: skip
"""Headers (lower case) whose value is a secret that somebody chose: the digest of a short one could be guessed."""

SECRET_KEYS = frozenset(
    {
        # Identity API v3: password, application credentials, EC2 credentials, trusts and federation
        "password", "original_password", "secret", "access", "blob", "passcode", "client_secret", "assertion",
        # Compute, Baremetal, Shared File System, Database and Container Infrastructure APIs
        "adminPass", "admin_pass", "admin_password", "adminPassword", "new_password", "root_password",
        "user_data", "private_key", "privateKey", "ipmi_password", "redfish_password",
        # Block Storage: what an initiator needs
        "auth_password", "discovery_auth_password", "encryption_key",
        # Key Manager: what it keeps
        "payload", "private_key_passphrase", "passphrase",
        # what configurations and notifications call the same things (oslo.utils knows them too)
        "secret_key", "secretKey", "secret_uuid", "sys_pswd", "api_key", "apikey", "key_material",
        "personal_access_token", "transport_url", "database_connection", "pre_shared_key", "psk",
    }
)  # fmt: skip
"""Names in JSON bodies, forms and queries whose value becomes ``***``."""

TOKEN_KEYS = frozenset({"auth_token", "authToken", "access_token", "refresh_token", "id_token", "X-Auth-Token"})
"""Names in JSON bodies, forms and queries whose value becomes its digest."""

QUERY_KEYS = frozenset(
    {"temp_url_sig", "signature", "Signature", "X-Amz-Signature", "X-Amz-Security-Token", "token", "SAMLResponse"}
)
"""Names that are secret in forms and queries only: in JSON they also name harmless things."""


def _names(names: Iterable[str]) -> str:
    # Grouped by first letter, behind a look at it: most names in a body are then refused at their first character
    groups = groupby(sorted(names), key=itemgetter(0))
    rests = {letter: sorted((name[1:] for name in group), key=len, reverse=True) for letter, group in groups}
    branches = (f"{letter}(?:{'|'.join(map(re.escape, rest))})" for letter, rest in rests.items())
    return f"(?=[{''.join(rests)}])(?:{'|'.join(branches)})"


# A name, quoted as the JSON around it quotes (backslashes when it is JSON within a JSON string), and its colon
_SPACE = r"(?:\s|\\+[nrt])*"
_JSON_NAME = re.compile(rf'"({_names(SECRET_KEYS | TOKEN_KEYS)})(\\*)"{_SPACE}:{_SPACE}')
# {"token": {"id": "…"}}: authentication by a token, Identity API v3 and v2.0
_JSON_TOKEN_ID = re.compile(rf'"(token)(\\*)"{_SPACE}:{_SPACE}\{{[^{{}}]*?"id\\*"{_SPACE}:{_SPACE}')
# The look-behind lets a run of backslashes be tried once, not once from each of its members
_JSON_QUOTE = re.compile(r'(?<!\\)(\\*)"')
_JSON_NUMBER = re.compile(r"-?[0-9][0-9.eE+-]*")
# In a form or a query a value ends with its ampersand; in other text also where a URL would
_PAIR_NAMES = _names(SECRET_KEYS | TOKEN_KEYS | QUERY_KEYS)
_FORM_PAIR = re.compile(rf"(^|[&?;])({_PAIR_NAMES})=([^&]+)")
_URL_PAIR = re.compile(rf"([&?;])({_PAIR_NAMES})=([^&#\"'\s<>\\]+)")
_USERINFO = re.compile(r"://([^/?#\s\"'<>]+)@")
_TOKEN = re.compile(r"gAAAAA[A-Za-z0-9_-]*=*|eyJ(?:hbGciOi|0eXAiOi)[A-Za-z0-9_.-]*")

# What repr() of a dictionary leaves in messages of errors: 'password': 'x'; within JSON a bare quote ends the message
_REPR_NAME = rf"('{_names(SECRET_KEYS | TOKEN_KEYS)}'\s*:\s*[bu]?')"
_REPR_PAIR = re.compile(rf"{_REPR_NAME}(?:[^'\\]|\\.)*\\?", re.DOTALL)
_REPR_PAIR_IN_JSON = re.compile(rf"{_REPR_NAME}(?:[^'\"\\]|\\.)*", re.DOTALL)
# <password>x</password>, <v:password a="b">x, and password="x"
_XML_ELEMENT = re.compile(rf"(<(?:[\w.-]+:)?{_names(SECRET_KEYS | TOKEN_KEYS)}(?:\s[^<>]*)?>)[^<]+")
_XML_ATTRIBUTE = re.compile(rf"""(\s(?:[\w.-]+:)?{_names(SECRET_KEYS | TOKEN_KEYS)}\s*=\s*(["']))[^<]*?(?=\2|<|\Z)""")
# A SAML assertion is a ticket as a whole: whoever has it may enter (SAML 2.0 core, section 2)
_XML_ASSERTION = re.compile(
    r"(<(?:[\w.-]+:)?(?:Encrypted)?Assertion[\s>]).*?(?=</(?:[\w.-]+:)?(?:Encrypted)?Assertion>|\Z)", re.S
)
# RFC 7578: a part of a form that has files; it has two header lines, seldom three
_FORM_PART = re.compile(
    rf'(\bname="{_PAIR_NAMES}"[^\r\n]*(?:\r?\n[^\r\n]+){{0,4}}\r?\n\r?\n).+?(?=\r?\n--|\Z)', re.DOTALL
)

_Content = TypeVar("_Content", str, bytes)


def digest(token: str) -> str:
    """Return ``{SHA256}<hex>`` of a token; what is a digest already stays as it is."""
    if token.startswith("{SHA256}"):
        return token
    return "{SHA256}" + sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def header(name: str, value: str) -> str:
    """Mask the value of a header.

    :param name: the header's name in lower case.
    """
    if name in TOKEN_HEADERS and value:
        return f"{value[:5]} {MASK}" if value[:6].lower() == "basic " else digest(value)
    if name in SECRET_HEADERS and value:
        return MASK
    return text(value)


def body(content: _Content, *, form: bool = False) -> _Content:
    """Mask the preview of a body, wherever the preview ends.

    :param content: text or bytes; the result has the same type.
    :param form: whether it is ``application/x-www-form-urlencoded``.
    """
    if isinstance(content, bytes):
        # latin-1 maps bytes to characters and back one by one, so that the same rules hold for both
        return body(content.decode("latin-1"), form=form).encode("latin-1")
    if form:
        return text(_FORM_PAIR.sub(_mask_pair, content))
    start = content.lstrip()[:2]
    if start[:1] == "<":
        return text(_mask_xml(content))
    if start == "--":
        return text(_FORM_PART.sub(rf"\1{MASK}", content))
    if "'" in content:
        content = (_REPR_PAIR_IN_JSON if start[:1] in '{["' and start != "{'" else _REPR_PAIR).sub(
            rf"\1{MASK}", content
        )
    return text(_mask_json(content))


def query(value: str) -> str:
    """Mask the query of a URL, with or without its question mark."""
    return text(_FORM_PAIR.sub(_mask_pair, value))


def text(value: str) -> str:
    """Mask tokens, user information and secret parameters of URLs anywhere in a text, a URL itself among them."""
    if "=" in value:
        value = _URL_PAIR.sub(_mask_pair, value)
    if "@" in value and "://" in value:
        value = _USERINFO.sub(f"://{MASK}@", value)
    if "gAAAAA" in value or "eyJ" in value:
        value = _TOKEN.sub(_mask_token, value)
    return value


def _mask_token(match: re.Match[str]) -> str:
    return digest(match[0])


def _mask_pair(match: re.Match[str]) -> str:
    before, name, value = match.groups()
    return f"{before}{name}={digest(value) if name in TOKEN_KEYS else MASK}"


def _mask_xml(content: str) -> str:
    content = _XML_ASSERTION.sub(rf"\1{MASK}", content)
    content = _XML_ELEMENT.sub(rf"\1{MASK}", content)
    return _XML_ATTRIBUTE.sub(rf"\1{MASK}", content)


def _mask_json(content: str) -> str:
    if '"' not in content:
        return content
    matches = [*_JSON_NAME.finditer(content), *_JSON_TOKEN_ID.finditer(content)]
    if not matches:
        return content
    pieces: list[str] = []
    done = 0
    for match in sorted(matches, key=lambda match: match.end()):
        start, end, quote = _json_value(content, match.end())
        if end == start or match.end() < done:  # an object, a list or null; or within what is masked already
            continue
        value = content[start:end]
        is_token = match.re is _JSON_TOKEN_ID or match[1] in TOKEN_KEYS
        mask = digest(value) if is_token and quote else MASK
        pieces += (content[done:start], mask if quote else f'{match[2]}"{mask}{match[2]}"')
        done = end
    pieces.append(content[done:])
    return "".join(pieces)


def _json_value(content: str, at: int) -> tuple[int, int, bool]:
    """Return start and end of the string or number at a place, and whether it was a string; (at, at, False) if neither.

    A string ends at its own kind of quote: in JSON that lies ``d`` strings deep, a quote is written with ``2^d - 1``
    backslashes, and each level of unescaping halves the run before it.
    """
    quote = _JSON_QUOTE.match(content, at)
    if quote is None:
        number = _JSON_NUMBER.match(content, at)
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
