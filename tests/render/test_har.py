"""Archives as the specification of HAR 1.2 has them (http://www.softwareishard.com/blog/har-12-spec/).

Its JSON schema is that of npm's har-schema (ISC). It lets pass members that nobody knows, so a table names all that
there are.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft6Validator
from referencing import Registry
from referencing.jsonschema import DRAFT6

from otel_openstack.conversation import conversation
from otel_openstack.conversation.model import Body, Conversation
from otel_openstack.importer import import_document
from otel_openstack.render import RENDERERS
from tests.conversation.strategies import EPOCH, TRACE_ID, conversations, nasty_text, span
from tests.golden.cases import CASES, request, response, said
from tests.npm import package

SHAPES: dict[str, dict[str, Any]] = {
    "log": {"version": str, "creator": "creator", "entries": ["entry"]},
    "creator": {"name": str, "version": str},
    "entry": {
        "startedDateTime": str, "time": float, "request": "request", "response": "response", "cache": "cache",
        "timings": "timings",
    },
    "request": {
        "method": str, "url": str, "httpVersion": str, "cookies": ["pair"], "headers": ["pair"],
        "queryString": ["pair"], "headersSize": int, "bodySize": int, "postData?": "post",
    },
    "response": {
        "status": int, "statusText": str, "httpVersion": str, "cookies": ["pair"], "headers": ["pair"],
        "content": "content", "redirectURL": str, "headersSize": int, "bodySize": int,
    },
    "content": {"size": int, "mimeType": str, "text?": str, "encoding?": str},
    "post": {"mimeType": str, "text?": str, "encoding?": str},
    "pair": {"name": str, "value": str},
    "cache": {},
    "timings": {"send": float, "wait": float, "receive": float},
}  # fmt: skip
"""What each object must have; a ``?`` where it may be missing. ``comment`` and names that begin with ``_`` are free."""


def check(value: Any, shape: Any, where: str = "log") -> None:
    """Compare a value with its shape, all the way down."""
    if isinstance(shape, list):
        assert isinstance(value, list), where
        for place, item in enumerate(value):
            check(item, shape[0], f"{where}[{place}]")
    elif isinstance(shape, str):
        members = SHAPES[shape]
        names = {name.rstrip("?") for name in members} | {"comment"}
        assert not [name for name in value if name not in names and not name.startswith("_")], where
        for name, inner in members.items():
            if name.rstrip("?") in value or not name.endswith("?"):
                check(value[name.rstrip("?")], inner, f"{where}.{name}")
    else:
        assert isinstance(value, (int, float) if shape is float else shape), where


@cache
def schema() -> Draft6Validator:
    """Return what validates an archive."""
    files = package("har-schema", "2").glob("lib/*.json")
    parts = [DRAFT6.create_resource(json.loads(file.read_bytes())) for file in files]
    registry = Registry().with_resources([(part.contents["$id"], part) for part in parts])
    return Draft6Validator({"$ref": "har.json#"}, registry=registry, format_checker=Draft6Validator.FORMAT_CHECKER)


def test_the_schema_finds_what_is_no_archive() -> None:
    """In an entry, where it is told by references; a URL and a time by their formats."""
    text = RENDERERS["har"](CASES["image-list"]())
    for before, after in (
        ('"method"', '"verb"'),
        ('"url": "http', '"url": "//[http'),
        ('DateTime": "', 'DateTime": "x'),
    ):
        assert before in text
        assert not schema().is_valid(json.loads(text.replace(before, after)))


def archive(shown: Conversation, **options: bool) -> dict[str, Any]:
    """Return the archive of a conversation, once it is found to be one."""
    whole = json.loads(RENDERERS["har"](shown, **options))
    schema().validate(whole)
    log: dict[str, Any] = whole["log"]
    check(log, "log")
    assert log["version"] == "1.2"
    for entry in log["entries"]:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", entry["startedDateTime"])
        assert re.fullmatch(r"https?://[!-~]+", entry["request"]["url"])
        assert entry["time"] == sum(entry["timings"].values()) >= 0
    return log


@pytest.mark.parametrize("case", CASES)
def test_every_exchange_is_an_entry(case: str) -> None:
    """With the numbers of its messages and who speaks to whom."""
    shown = CASES[case]()
    entries = archive(shown)["entries"]
    assert len(entries) == len(shown.exchanges)
    assert entries[0]["comment"].startswith(f"(1) (2) {entries[0]['_caller']} → {entries[0]['_callee']}.")
    assert "(1)" not in archive(shown, numbers=False)["entries"][0]["comment"]


@given(conversations(nasty_text()))
def test_whatever_was_said_is_an_archive(shown: Conversation) -> None:
    """With whatever is missing."""
    imported = import_document(RENDERERS["json"](shown))
    archive(conversation(imported.trace_id, imported.spans))


def test_bodies_are_text_or_base64_and_say_when_they_were_cut() -> None:
    """In both directions."""
    upload = request(
        "a", "b", "PUT", "http://h/x?a=1&b=%20&c", (("Content-Type", "x/y"), ("Cookie", "k=v; l=w=")), Body(b"\xff", 3)
    )
    answer = response(upload, 200, "OK", (("Set-Cookie", "s=1; Path=/"), ("Location", "/y")), Body("é", 2))
    (entry,) = archive(said(upload, answer))["entries"]
    posted = entry["request"]["postData"]
    assert b64decode(posted["text"]) == b"\xff"
    assert (posted["encoding"], posted["mimeType"]) == ("base64", "x/y")
    assert posted["comment"] == "2 more bytes were not captured."
    assert entry["response"]["content"] == {"size": 2, "mimeType": "", "text": "é"}
    assert entry["response"]["redirectURL"] == "/y"
    assert entry["request"]["cookies"] == [{"name": "k", "value": "v"}, {"name": "l", "value": "w="}]
    assert entry["response"]["cookies"] == [{"name": "s", "value": "1"}]
    assert [one["value"] for one in entry["request"]["queryString"]] == ["1", " ", ""]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://h:80/a?b=%20", "http://h:80/a?b=%20"),
        ("https://[2001:db8::1]:443/", "https://[2001:db8::1]:443/"),
        ('http://h/{"a": [1]}#2', "http://h/%7B%22a%22:%20%5B1%5D%7D%232"),
        ("http://h/100%", "http://h/100%25"),
        ("http://[h/x", "http://%5Bh/x"),
        ("http://a b:c/", "http://a%20b%3Ac/"),
        ("", "http://b/x%5B"),
    ],
)
def test_what_stands_for_a_url_is_one(url: str, shown: str) -> None:
    """Whatever was sent in its place (RFC 3986)."""
    asked = replace(request("a", "b", "GET", "http://h/x["), url=url)
    (entry,) = archive(said(asked))["entries"]
    assert entry["request"]["url"] == shown


@pytest.mark.parametrize(
    ("server", "timings"),
    [
        ((2, 7), {"send": 2.0, "wait": 5.0, "receive": 3.0}),
        ((20, 25), {"send": 0, "wait": 10.0, "receive": 0}),
        (None, {"send": 0, "wait": 10.0, "receive": 0}),
    ],
)
def test_times_come_from_the_spans(server: tuple[int, int] | None, timings: dict[str, float]) -> None:
    """What the network took is told where the clocks of both sides agree, in milliseconds."""
    spans = [span("a", "1" * 16, start=0, end=10_000_000, network__protocol__version="1.1")]
    if server is not None:
        start, end = (moment * 1_000_000 for moment in server)
        spans.append(span("b", "2" * 16, "1" * 16, server=True, start=start, end=end))
    (entry,) = archive(conversation(TRACE_ID, spans))["entries"]
    assert entry["timings"] == timings
    assert entry["startedDateTime"] == "2023-11-14T22:13:20.000000Z"
    assert EPOCH == 1_700_000_000 * 10**9
    assert entry["request"]["httpVersion"] == "HTTP/1.1"


def test_a_call_without_an_answer_has_status_0() -> None:
    """As browsers write it; and its comment says why."""
    entry = archive(CASES["marks"]())["entries"][-1]
    assert entry["response"]["status"] == 0
    assert "never ended" in entry["comment"]
