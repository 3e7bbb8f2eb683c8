"""What is masked: planted secrets are looked for and not found, wherever a body is cut."""

from __future__ import annotations

import hashlib
import json
import string
import time
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_openstack.redaction import masking
from otel_openstack.redaction import names as tables

RULES = masking()
TOKEN = "gAAAAABjsoUBidK_dtSo6s04L6HQ5WB6XDcLhYyaRXYNAhH7A1bnXkF18BtoVGL7BP799R3yTWMzrtvmcCpzr3Rby-9BWtotal"
DIGEST = "{SHA256}" + hashlib.sha256(TOKEN.encode()).hexdigest()

# A secret has a part that nothing else in a generated document has, and characters that JSON must escape
_MARK = "Zq7"
secrets = st.text(st.sampled_from(string.ascii_letters + string.digits + "\"\\/{}[]:, \n\té€😀'&="), max_size=20).map(
    lambda tail: _MARK + tail
)
harmless = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(st.sampled_from('abcdef "\\{}[]:,é'), max_size=8),
)
names = st.text(st.sampled_from("abcdef_"), min_size=1, max_size=8)
secret_names = st.sampled_from(sorted(tables.SECRET_NAMES))


def _documents(depth: int) -> st.SearchStrategy[Any]:
    """Documents with secrets in them, also as JSON within a string of JSON, ``depth`` strings deep."""
    tree = st.recursive(
        harmless,
        lambda children: st.one_of(
            st.lists(children, max_size=3),
            st.dictionaries(names, children, max_size=3),
            st.dictionaries(secret_names, secrets, min_size=1, max_size=2),
            st.dictionaries(secret_names, children, max_size=2),
        ),
        max_leaves=12,
    )
    if depth == 0:
        return tree
    inner = _documents(depth - 1).map(json.dumps)
    return st.one_of(tree, st.dictionaries(names, inner, min_size=1, max_size=2))


@given(_documents(2), st.booleans(), st.sampled_from([None, 2]), st.data())
def test_no_secret_is_left_in_json_at_any_cut(document: Any, ascii_only: bool, indent: int | None, data: Any) -> None:
    """No piece of a planted secret survives, and a whole document stays JSON."""
    text = json.dumps(document, ensure_ascii=ascii_only, indent=indent)
    masked = RULES.body(text)
    assert _MARK not in masked
    json.loads(masked)
    cut = data.draw(st.integers(0, len(text)))
    assert _MARK not in RULES.body(text[:cut])
    octets = text.encode("utf-8", "surrogatepass")
    assert _MARK.encode() not in RULES.body(octets[:cut])


@given(st.lists(st.tuples(st.one_of(names, secret_names), st.text(max_size=8)), max_size=5), secret_names, secrets)
def test_no_secret_is_left_in_a_form_at_any_cut(pairs: list[tuple[str, str]], name: str, secret: str) -> None:
    """Forms lose their secrets and keep their other fields."""
    form = urlencode([*pairs, (name, secret), ("z", "kept")])
    for cut in range(len(form) + 1):
        assert _MARK not in RULES.body(form[:cut], form=True)
    assert ("z", "kept") in parse_qsl(RULES.body(form, form=True))


xml_secrets = secrets.map(lambda secret: escape(secret, {'"': "&quot;", "'": "&apos;"}))


@given(secret_names, xml_secrets, names, st.data())
@pytest.mark.parametrize(
    "template",
    [
        '<a b="1"><{n}>{s}</{n}><{o}>x</{o}></a>',
        "<x:{n} k='v'>{s}</x:{n}>",
        '<a {n}="{s}" {o}="1"/>',
        "<a x:{n}='{s}'>{o}</a>",
        '<samlp:Response><saml:Assertion ID="{o}"><b>{s}</b></saml:Assertion></samlp:Response>',
        "<EncryptedAssertion><c>{s}<d>{s}</d></c></EncryptedAssertion>",
    ],
)
def test_no_secret_is_left_in_xml_at_any_cut(template: str, name: str, secret: str, other: str, data: Any) -> None:
    """Elements and attributes by their name, assertions as a whole."""
    text = template.format(n=name, s=secret, o=other)
    assert _MARK not in RULES.body(text[: data.draw(st.integers(0, len(text)))])
    assert RULES.body(text).startswith(text[:3])


@given(secret_names, secrets.filter(lambda secret: "\n" not in secret), st.sampled_from(["\n", "\r\n"]), st.data())
def test_no_secret_is_left_in_a_form_of_parts_at_any_cut(name: str, secret: str, end: str, data: Any) -> None:
    """The parts that are no secret stay."""
    head = f"--b{end}Content-Disposition: form-data; name="
    text = f'{head}"{name}"; filename="f"{end}Content-Type: text/plain{end}{end}{secret}{end}'
    text += f'{head}"x"{end}{end}ok{end}--b--'
    assert _MARK not in RULES.body(text[: data.draw(st.integers(0, len(text)))])
    assert RULES.body(text).endswith(f'"x"{end}{end}ok{end}--b--')


@given(secret_names, secrets, st.booleans(), st.data())
def test_no_secret_is_left_in_the_repr_of_a_dictionary_at_any_cut(
    name: str, secret: str, in_json: bool, data: Any
) -> None:
    """As services put them into the messages of errors, alone or within JSON, which stays JSON."""
    text = f"Bad value: { {'a': 'x', name: secret.replace(chr(39), ''), 'b': 1}!r}"
    if in_json:
        text = json.dumps({"error": {"message": text, "code": 400}})
        json.loads(RULES.body(text))
    assert _MARK not in RULES.body(text[: data.draw(st.integers(0, len(text)))])
    assert "'b': 1}" in RULES.body(text)


@given(st.text(max_size=20), st.text(max_size=20), st.integers(6, len(TOKEN)))
def test_a_token_is_found_anywhere(before: str, after: str, cut: int) -> None:
    """A Fernet token is masked in any text, also when only its beginning is there."""
    masked = RULES.text(f"{before} {TOKEN[:cut]} {after}")
    assert TOKEN[:cut] not in masked
    assert "{SHA256}" in masked


def test_masking_leaves_everything_else_as_it_is() -> None:
    """A document of keystone's without secrets passes unchanged, byte for byte."""
    text = json.dumps({"token": {"methods": ["password"], "user": {"password_expires_at": None, "id": "33bc"}}})
    assert RULES.body(text) == text
    assert RULES.body(text.encode()) == text.encode()


def test_equal_tokens_stay_equal_in_headers_and_bodies() -> None:
    """A token has one digest wherever it occurs, and that of keystoneauth's log."""
    assert RULES.header("x-auth-token", TOKEN) == DIGEST
    assert RULES.header("x-subject-token", TOKEN) == DIGEST
    body = RULES.body(json.dumps({"auth": {"identity": {"methods": ["token"], "token": {"id": TOKEN}}}}))
    assert json.loads(body)["auth"]["identity"]["token"]["id"] == DIGEST
    assert RULES.text(f"/v1/x?t={TOKEN}") == f"/v1/x?t={DIGEST}"


def test_a_token_that_is_no_fernet_token_is_known_by_its_place() -> None:
    """``token.id`` is masked whatever the token looks like, and a digest is not digested again."""
    body = RULES.body('{"auth": {"token": {"methods": [], "id": "0123abc"}}}')
    assert "0123abc" not in body
    assert "{SHA256}" in body
    assert RULES.body(body) == body


@pytest.mark.parametrize("name", sorted(tables.TOKEN_HEADERS | tables.SECRET_HEADERS))
def test_every_secret_header_is_masked(name: str) -> None:
    """The value of each header in the tables is gone; an empty one stays empty."""
    assert "s3cr3t" not in RULES.header(name, "s3cr3t")
    assert RULES.header(name, "") == ""


def test_a_password_in_a_header_is_not_even_digested() -> None:
    """What a person chose could be guessed from its digest."""
    assert RULES.header("authorization", "Basic YWRtaW46cHc=") == "Basic ***"
    assert RULES.header("x-auth-key", "testing") == "***"
    assert RULES.header("authorization", f"Bearer {TOKEN}").startswith("{SHA256}")


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("http://u:p@host/v3?x=1", "http://***@host/v3?x=1"),
        (
            "http://h/v1/a/c/o?temp_url_sig=ab&temp_url_expires=1",
            "http://h/v1/a/c/o?temp_url_sig=***&temp_url_expires=1",
        ),
        (
            "http://h/?x=1&token=abc#f",
            "http://h/?x=1&token={SHA256}ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad#f",
        ),
        ("http://h/a@b?c=d", "http://h/a@b?c=d"),
    ],
)
def test_urls_lose_their_secrets_in_headers_and_in_bodies(url: str, masked: str) -> None:
    """Location, Referer and links in JSON are URLs like any other."""
    assert RULES.text(url) == masked
    assert RULES.header("location", url) == masked
    assert RULES.body(json.dumps({"href": url})) == json.dumps({"href": masked})


def test_a_query_is_masked_from_its_first_parameter() -> None:
    """The first parameter of a query has no separator before it."""
    assert RULES.query("signature=abc&limit=1") == "signature=***&limit=1"


def test_a_number_is_masked_as_a_string() -> None:
    """A secret that is a number is masked, and the document stays JSON."""
    assert json.loads(RULES.body('{"adminPass": 1234, "size": 5}')) == {"adminPass": "***", "size": 5}


@pytest.mark.parametrize(
    "piece",
    [
        *("\\", '"password": "\\', '"password"', '"password\\\\', "://", '"token":{', "gAAAAA", '"', "?token=", "@://"),
        *("'password': '", "'password': '\\", "<password>", '<a password="', "<Assertion ", "<a password=", "< "),
        *(
            "%3d",
            "=%61",
            "%61=",
            "%61b=",
            "%61%",
            "token%3d",
            '"password": ["a",',
            "<password><![CDATA[",
            '"p\\u0061ss":"',
            "\\u005c",
        ),
        *(
            "BEGIN PRIVATE KEY-----\\",
            "BEGIN A ",
            "eyJaaaaaaaa.",
            "://a:b",
            "password =",
            'Content-Disposition: name="password"',
        ),
        *('--name="password"\n\n', '--name="password"\nx', "--\n\n"),
    ],
)
def test_no_text_makes_masking_slow(piece: str) -> None:
    """Four times the text takes about four times the time: nothing in it is quadratic."""

    def seconds(length: int) -> float:
        text = (piece * length)[:length]
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            RULES.body(text)
            best = min(best, time.process_time() - start)
        return best

    seconds(100)
    assert seconds(160_000) < 8 * seconds(40_000) + 0.02


@pytest.mark.parametrize(
    "harmless",
    [
        '{"token": {"methods": ["password"], "expires_at": "x", "user": {"password_expires_at": null}}}',
        '{"access": {"access_type": "ip", "access_to": "10.0.0.1", "state": "active"}}',
        '{"config_drive": "True", "has_password": true, "payload": {"a": "b"}, "next_token": "abc", "secret_id": 1}',
        '{"config_drive": "True", "has_password": true, "payload": {"a": "b"}, "next_token": "abc", "secret_id": "i"}',
        '{"links": [{"rel": "self", "href": "http://[::1]:9292/v2/images?limit=1&marker=x&sort_key=name"}]}',
        '{"error": {"message": "The password is too short: \'min\': 8", "code": 400}}',
        "<access><server id='1'/></access>",
        "<html><body class='token'><a href='/tokens?page=2'>password</a></body></html>",
        "user@example.org wrote to http://host:5000",
        "http://host:50",
        "C:\\\\users\\\\u0041",
    ],
)
def test_what_only_looks_like_a_secret_stays(harmless: str) -> None:
    """Objects, booleans, ports, names of other things: not a byte is changed."""
    assert RULES.body(harmless) == harmless
    assert RULES.body(harmless.encode()) == harmless.encode()


@pytest.mark.parametrize("name", ["limit", "marker", "tokens", "x-token-id", "password_expires_at", "secretary"])
def test_a_name_is_matched_as_a_whole(name: str) -> None:
    """A part of a name is another name, unless it is how passwords end."""
    assert RULES.body(f'{{"{name}": "kept"}}') == f'{{"{name}": "kept"}}'
    assert RULES.query(f"{name}=kept") == f"{name}=kept"
    assert RULES.header(name, "kept") == "kept"


@pytest.mark.parametrize(
    ("body", "masked"),
    [
        (r'{"pass\u0077ord": "hunter22"}', '{"password": "***"}'),
        (r'{"a": "{\"pass\\u0077ord\": \"hunter22\"}"}', r'{"a": "{\"password\": \"***\"}"}'),
        (r'{"a": "{\u0022password\u0022: \u0022hunter22\u0022}"}', r'{"a": "{\"password\": \"***\"}"}'),
        ('{"PassWord" : 5, "ADMINPASS":"x"}', '{"PassWord" : "***", "ADMINPASS":"***"}'),
        ('{"db_password": ["a", "b\\"c"], "n": 1}', '{"db_password": ["***", "***"], "n": 1}'),
        ('{"connection_info": {"auth_method": "CHAP", "auth_password": "x"}}',
         '{"connection_info": {"auth_method": "CHAP", "auth_password": "***"}}'),
        ('{"auth_url": "http:\\/\\/u:p@h\\/v3"}', '{"auth_url": "http:\\/\\/***@h\\/v3"}'),
        ('{"key": "-----BEGIN PRIVATE KEY-----\\nMIIE+/\\n-----END PRIVATE KEY-----\\n"}',
         '{"key": "-----BEGIN PRIVATE KEY-----***-----END PRIVATE KEY-----\\n"}'),
        ("<password><![CDATA[a<b]]>c<!-- -->d</password>", "<password>***</password>"),
        ("<wsse:Password Type='t'>a&lt;b</wsse:Password>", "<wsse:Password Type='t'>***</wsse:Password>"),
        (r"""said {"e": "{\"m\": \"connect(password='a\\\\'b\\\"c', n=1)\"}"}""",
         r"""said {"e": "{\"m\": \"connect(password='***', n=1)\"}"}"""),
        ("mysql --password=hunter22 -u x", "mysql --password=*** -u x"),
        ("connect(password=\"it's\", user='x')", "connect(password=\"***\", user='x')"),
    ],
)  # fmt: skip
def test_a_secret_is_found_however_it_is_written(body: str, masked: str) -> None:
    """Escapes, other cases, lists, sections, quotes of either kind."""
    assert RULES.body(body) == masked


@pytest.mark.parametrize("mark", ["=", "%3d", "%253D", "= "])
@pytest.mark.parametrize("place", range(len("temp-url-key")))
def test_any_letter_of_a_name_may_be_percent_encoded(place: int, mark: str) -> None:
    """Once or twice, also in a text that is neither a form nor a query."""
    for percent in ("%", "%25"):
        name = "".join([f"{percent}{ord(c):X}" if at == place else c for at, c in enumerate("temp-url-key")])
        for text in (f"x-account-meta-{name}{mark}", f"see x=1&x-account-meta-{name}{mark}"):
            assert RULES.body(f"{text}hunter22") == RULES.text(f"{text}hunter22") == f"{text}***"


@pytest.mark.parametrize(
    ("query", "masked"),
    [
        ("a=1&pass%77ord=hunter22", "a=1&pass%77ord=***"),
        ("?path=%3Ftoken%3Dabc", "?path=%3Ftoken%3D"),
        ("Signature=a%2Bb%3D&AWSAccessKeyId=x", "Signature=***&AWSAccessKeyId=***"),
        ("x=%7B%22password%22%3A%22ab%22%7D", "x=%7B%22password%22%3A%22%2A%2A%2A%22%7D"),
        ("changes-since=2026-11-23T10%3A00%3A00Z&limit=5", "changes-since=2026-11-23T10%3A00%3A00Z&limit=5"),
    ],
)
def test_a_query_is_read_as_services_read_it(query: str, masked: str) -> None:
    """Percent-encoded names, and URLs and JSON in its values; what has no secret keeps its spelling."""
    assert RULES.query(query).startswith(masked)
    assert "abc" not in RULES.query(query)


SECRET_ID = "/v1/secrets/0d5f5a1c-2c1a-4a0b-9b4e-2b1f4f6a1c11"


@pytest.mark.parametrize("path", [f"{SECRET_ID}/payload", f"/key-manager{SECRET_ID}", "/openstack/latest/user_data"])
def test_what_some_paths_lead_to_is_a_secret_as_a_whole(path: str) -> None:
    """A key may be no longer than a preview of bytes is."""
    assert RULES.body(b"\x00" * 32, path=path) == b"***"
    assert RULES.body("hunter22", path=path) == "***"
    assert RULES.body("a=b", form=True, path=f"http://host{path}?x=1") == "***"
    assert RULES.body(b"", path=path) == b""


def test_metadata_of_a_secret_stay() -> None:
    """The Key Manager answers with JSON where the payload is not asked for."""
    assert RULES.body('{"status": "ACTIVE"}', path=SECRET_ID) == '{"status": "ACTIVE"}'
    assert RULES.body("x", path="/v1/secrets") == "x"


def test_the_token_of_a_console_is_masked_in_a_path() -> None:
    """The Compute API asks for it by its path."""
    assert RULES.text("/v2.1/os-console-auth-tokens/abc?x=1").startswith("/v2.1/os-console-auth-tokens/{SHA256}")
