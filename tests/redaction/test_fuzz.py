"""Secrets at random places of random bodies, cut at every length: none is found afterwards.

The random numbers are the same in every run. Each secret has a mark at its start and behind whatever its grammar has
to escape, so that what leaks is seen wherever a rule stops too early.
"""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode
from xml.sax.saxutils import escape, quoteattr

import pytest

from otel_openstack.redaction import masking
from otel_openstack.redaction.names import SECRET_NAMES, TOKEN_NAMES

RULES = masking()
MARK = "Zq7"
NAMES = sorted(SECRET_NAMES | TOKEN_NAMES)
SPECIAL = "\"\\/{}[]:, \n\té€😀İ'&=<>%;+#@?"

Random = random.Random
Maker = Callable[[Random], str]


def _secret(rng: Random, special: str = SPECIAL) -> str:
    letters = string.ascii_letters + string.digits
    pieces = (MARK + "".join(rng.choices(letters + special, k=rng.randrange(5))) for _ in range(rng.randrange(1, 4)))
    return "".join(pieces) + "".join(rng.choices(letters, k=6))


def _name(rng: Random) -> str:
    """Return a secret name, sometimes with other letters or as an ending."""
    name = rng.choice(NAMES)
    change = rng.randrange(6)
    if change == 0:
        return name.upper()
    if change == 1:
        return rng.choice(["db_password", "rootPassword", "LongPassphrase"])
    return name


def _word(rng: Random) -> str:
    return "".join(rng.choices("abcdef", k=rng.randrange(1, 6)))


def _link(rng: Random) -> str:
    kind = rng.randrange(5)
    pair = f"{_name(rng)}={quote(_secret(rng), safe='')}"
    if kind == 0:
        return f"http://{_word(rng)}:{quote(_secret(rng), safe='')}@host/v3"
    if kind == 1:
        return f"http://host/vnc?path={quote('?' + pair, safe='')}"
    if kind == 2:
        return f"http://host/vnc?url={quote_plus(quote_plus('http://h/?a=b&' + pair))}"
    return f"https://host/v1/x?{_word(rng)}=1&{pair}&limit=2#f"


def _percent_name(rng: Random) -> str:
    name = rng.choice(NAMES)
    at = rng.randrange(len(name))
    return f"{name[:at]}%{ord(name[at]):02x}{name[at + 1 :]}"


def _form(rng: Random) -> str:
    pairs = [
        urlencode({_word(rng): _word(rng)}),
        f"{_percent_name(rng)}={quote_plus(_secret(rng))}",
        urlencode({_word(rng): _json(rng)}),
        urlencode({_word(rng): _link(rng)}),
        urlencode({_name(rng): _secret(rng)}),
    ]
    rng.shuffle(pairs)
    return "&".join(pairs)


def _xml(rng: Random) -> str:
    name, secret = _name(rng), _secret(rng)
    kind = rng.randrange(6)
    if kind == 0:
        inner = f"<{name}><![CDATA[{secret.replace(']]>', '')}]]></{name}>"
    elif kind == 1:
        inner = f"<x:{name} a='1'>{escape(secret)}<!-- c --><![CDATA[{_secret(rng)}]]></x:{name}>"
    elif kind == 2:
        inner = f"<c {name}={quoteattr(secret)} d='e'/>"
    elif kind == 3:
        inner = f'<saml:Assertion ID="1"><saml:NameID a="{MARK}">{escape(secret)}</saml:NameID></saml:Assertion>'
    elif kind == 4:
        inner = f"<link>{escape(_link(rng))}</link>"
    else:
        inner = f"<{name}>{escape(secret)}</{name}>"
    return f'<?xml version="1.0"?><a b="c"><{_word(rng)} />{inner}</a>'


def _repr(rng: Random) -> str:
    return f"Bad value: { {_word(rng): 1, rng.choice(NAMES): _secret(rng), _word(rng): [None]}!r}"


def _call(rng: Random) -> str:
    return f"TypeError: connect({_word(rng)}=1, {rng.choice(NAMES)}={_secret(rng)!r}) failed"


def _options(rng: Random) -> str:
    return f"mysql --user x --{rng.choice(NAMES)}={quote(_secret(rng), safe='')} db"


def _escaped(rng: Random, text: str) -> str:
    """Escape some of the letters of a JSON document that stand in names."""
    at = [index for index, character in enumerate(text) if character in "aeiopst_"]
    for index in sorted(rng.sample(at, min(len(at), 8)), reverse=True):
        if index and text[index - 1] != "\\" and "\\" not in text[max(0, index - 6) : index]:
            text = f"{text[:index]}\\u{ord(text[index]):04x}{text[index + 1 :]}"
    return text


def _json(rng: Random) -> str:
    depth = rng.randrange(4)
    document: object = rng.choice(
        [
            lambda: {_word(rng): 1, _name(rng): _secret(rng), "z": None},
            lambda: [{_name(rng): [_secret(rng), _secret(rng)]}, _word(rng)],
            lambda: {"auth": {"token": {"methods": [], "id": _secret(rng)}}},
            lambda: {"error": {"message": _plain(rng), "code": 400}},
            lambda: [_plain(rng), {_word(rng): {_name(rng): _secret(rng)}}],
        ]
    )()
    text = json.dumps(document, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, None, 2]))
    if rng.random() < 0.3:
        text = _escaped(rng, text)
    for _ in range(depth):
        text = json.dumps({_word(rng): text, "n": 1}, ensure_ascii=rng.random() < 0.5)
    if rng.random() < 0.2:
        text = text.replace('\\"', "\\u0022")
    if rng.random() < 0.2:
        text = text.replace("/", "\\/")
    return text


def _parts(rng: Random) -> str:
    end = rng.choice(["\n", "\r\n"])
    head = f"--b0undary{end}Content-Disposition: form-data; name="
    secret = _secret(rng) + f"{end}--{MARK}{end}{_secret(rng)}"
    return (
        f'{head}"x"{end}{end}{_plain(rng)}{end}'
        f'{head}"{_name(rng)}"; filename="f"{end}Content-Type: text/plain{end}{end}{secret}{end}'
        f'{head}"y"{end}Content-Type: application/json{end}{end}{_json(rng)}{end}--b0undary--{end}'
    )


PLAIN: tuple[Maker, ...] = (_link, _repr, _call, _options, _xml)


def _plain(rng: Random) -> str:
    return rng.choice(PLAIN)(rng)


KINDS: dict[str, Maker] = {
    "json": _json,
    "form": _form,
    "xml": _xml,
    "parts": _parts,
    "text": lambda rng: f"{_word(rng)} {_plain(rng)}\n{_json(rng)}\n{_plain(rng)}",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_no_planted_secret_is_found_at_any_cut(kind: str, seed: int) -> None:
    """Neither in text nor in bytes; what was JSON and is whole stays JSON, and masking twice changes nothing."""
    rng = Random(f"{kind} {seed}")
    is_form = kind == "form"
    for _ in range(25):
        body = KINDS[kind](rng)
        masked = RULES.body(body, form=is_form)
        assert RULES.body(masked, form=is_form) == masked
        if kind == "json":
            json.loads(masked)
        octets = body.encode()
        for cut in range(len(body) + 1):
            assert MARK not in RULES.body(body[:cut], form=is_form), body[:cut]
        for cut in range(0, len(octets) + 1, 7):
            assert MARK.encode() not in RULES.body(octets[:cut], form=is_form), octets[:cut]


@pytest.mark.parametrize("maker", [_link, _options, _call, _repr])
def test_no_planted_secret_is_found_in_a_header(maker: Maker) -> None:
    """Headers and URLs are never cut before they are masked."""
    rng = Random(maker.__name__)
    for _ in range(300):
        value = maker(rng).replace("\n", " ")
        if maker is _link:
            assert MARK not in RULES.text(value), value
            assert MARK not in RULES.header("location", value), value
            assert MARK not in RULES.query(value.partition("?")[2]), value
        assert MARK not in RULES.body(value), value
