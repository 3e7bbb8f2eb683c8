"""Bodies and header blocks as attributes."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace

from otel_openstack import attributes as names
from otel_openstack.instrument.capture import MAX_HEADERS, Exchange, Preview, charset_of
from otel_openstack.instrument.handover import MAX_ATTRIBUTES
from otel_openstack.settings import Settings
from tests.instrument.harness import Spans

SETTINGS = Settings()


def _preview(
    data: bytes, content_type: str, encoding: str = "", settings: Settings = SETTINGS, piece: int = 7
) -> str | bytes | None:
    preview = Preview(settings, content_type, encoding)
    for start in range(0, len(data), piece):
        preview.feed(data[start : start + piece])
    assert preview.size == len(data)
    return preview.content()


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        ("application/json", "utf-8"),
        ("application/json; charset=latin-1", "iso8859-1"),
        ("application/openstack-images-v2.1-json-patch+json", "utf-8"),
        ("TEXT/Plain", "utf-8"),
        ("application/xml", "utf-8"),
        ("application/yaml", "utf-8"),
        ("application/x-www-form-urlencoded", "utf-8"),
        ("application/x-thing; charset=\"utf-8\"", "utf-8"),
        ("text/html; charset=no-such-thing", "utf-8"),
        ("application/octet-stream", None),
        ("image/png", None),
        ("", None),
    ],
)  # fmt: skip
def test_textual_is_what_semantic_conventions_call_textual(content_type: str, charset: str | None) -> None:
    """text/*, JSON, XML, YAML, forms and whatever names a character set."""
    assert charset_of(content_type) == charset


@given(st.text(max_size=40), st.integers(0, 60), st.integers(1, 9))
def test_text_is_cut_between_characters(text: str, limit: int, piece: int) -> None:
    """The preview is the longest beginning of whole characters that fits."""
    settings = Settings(body_limit=limit, redact=False)
    whole = text.encode("utf-8", "replace")
    expected = whole[:limit].decode("utf-8", "ignore")
    assert (_preview(whole, "text/plain", settings=settings, piece=piece) or "") == expected


def test_a_body_that_is_not_what_it_says_is_bytes() -> None:
    """Invalid UTF-8 in the middle is no text; nothing is replaced."""
    assert _preview(b'{"a": "\xff\xfe"}', "application/json") == b'{"a": "\xff\xfe"}'


def test_other_bodies_are_bytes_and_short() -> None:
    """An image gets 32 bytes, and none of them is believed to be text."""
    assert _preview(bytes(range(100)), "application/octet-stream") == bytes(range(32))
    assert _preview(b"abc", "application/octet-stream") == b"abc"


def test_the_limits_may_be_nothing() -> None:
    """Zero keeps nothing, and the size is still counted."""
    assert _preview(b"x" * 100, "text/plain", settings=Settings(body_limit=0)) is None
    assert _preview(b"x" * 100, "image/png", settings=Settings(binary_body_limit=0)) is None


@pytest.mark.parametrize(("encoding", "encode"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_content_coding_is_taken_off(encoding: str, encode: object) -> None:
    """The preview is of what the coding wraps, also when it was cut, and never longer than the limit."""
    text = "".join(f"{number:06x} é " for number in range(50_000))
    coded: bytes = encode(text.encode())  # type: ignore[operator]  # one of the two above
    assert len(coded) > SETTINGS.body_limit
    content = _preview(coded, "text/plain", encoding)
    assert isinstance(content, str)
    assert text.startswith(content)
    assert len(content.encode()) in (SETTINGS.body_limit, SETTINGS.body_limit - 1)
    small = _preview(encode(b"short"), "text/plain", encoding)  # type: ignore[operator]  # the same
    assert small == "short"


def test_an_unknown_coding_leaves_bytes() -> None:
    """What cannot be read is not guessed at."""
    content = _preview(b"x" * 100, "text/plain", "br")
    assert content == b"x" * 32


def test_a_secret_across_the_cut_leaves_nothing() -> None:
    """The beginning of a password at the end of a preview is masked too."""
    body = b'{"password": "' + b"Zq7" * 40 + b'"}'
    for limit in range(len(body)):
        content = _preview(body, "application/json", settings=Settings(body_limit=limit))
        assert "Zq7" not in str(content or "")


def test_bytes_are_masked_as_text_is() -> None:
    """A token in a body of no type is found as well."""
    content = _preview(b"gAAAAAsecretsecret", "application/octet-stream")
    assert b"secret" not in content  # type: ignore[operator]  # bytes


def _exchange() -> Exchange:
    return Exchange(SETTINGS, trace.get_tracer("tests").start_span("x"), is_server=True)


def test_a_header_block_can_be_rebuilt(spans: Spans) -> None:
    """Order, spelling, repetitions and empty values: names in order, and values of each in order."""
    block = [("Host", "h"), ("set-cookie", ""), ("X-B", ""), ("x-a", "1"), ("X-B", "2"), ("X-A", "3")]
    exchange = _exchange()
    exchange.request(block)
    exchange.end()
    attributes = dict(spans.one().attributes or {})
    values = {key: list(value) for key, value in attributes.items() if key.startswith("http.request.header.")}  # type: ignore[call-overload]
    order = attributes[names.OPENSTACK_HTTP_REQUEST_HEADER_NAMES]
    rebuilt = [(name, values[f"http.request.header.{name.lower()}"].pop(0)) for name in order]  # type: ignore[union-attr]
    assert rebuilt == block


def test_header_bytes_are_read_as_utf_8_where_they_are(spans: Spans) -> None:
    """PEP 3333 hands bytes over as latin-1; a lone surrogate never reaches the exporter."""
    exchange = _exchange()
    exchange.request([("X-U", "é".encode().decode("latin-1")), ("X-L", "\xe9"), ("X-S", "a\udc80")])
    exchange.end()
    attributes = spans.one().attributes or {}
    assert attributes["http.request.header.x-u"] == ("é",)
    assert attributes["http.request.header.x-l"] == ("é",)
    assert attributes["http.request.header.x-s"] == ("a?",)


def test_a_flood_of_headers_is_bounded(spans: Spans) -> None:
    """Whatever is sent, no attribute of ours pushes another out."""
    flood = [(f"X-{number}", "v" * 100_000) for number in range(1000)]
    exchange = _exchange()
    exchange.request(flood)
    exchange.response(200, "OK", flood)
    exchange.end()
    span = spans.one()
    assert span.dropped_attributes == 0
    assert len(span.attributes or {}) < MAX_ATTRIBUTES
    assert len((span.attributes or {})[names.OPENSTACK_HTTP_REQUEST_HEADER_NAMES]) == MAX_HEADERS  # type: ignore[arg-type]


def test_a_second_response_replaces_the_first(spans: Spans) -> None:
    """An application may start again with an error (PEP 3333, exc_info)."""
    exchange = _exchange()
    exchange.response(200, "OK", [("X-Old", "1")])
    exchange.response(500, "Oops", [("X-New", "1")])
    exchange.end()
    attributes = spans.one().attributes or {}
    assert "http.response.header.x-old" not in attributes
    assert attributes[names.HTTP_RESPONSE_STATUS_CODE] == 500
    assert attributes[names.ERROR_TYPE] == "500"


def test_an_exception_is_recorded_without_its_secrets(spans: Spans) -> None:
    """Messages and stack traces carry tokens as well as headers do."""
    exchange = _exchange()
    with pytest.raises(ValueError, match="invalid literal") as raised:
        int("bad token gAAAAAsecret")
    exchange.fail(raised.value)
    exchange.end()
    span = spans.one()
    assert (span.attributes or {})[names.ERROR_TYPE] == "ValueError"
    (event,) = span.events
    assert "ValueError" in str((event.attributes or {})["exception.stacktrace"])
    assert "gAAAAAsecret" not in str(dict(event.attributes or {})) + str(span.status.description)


def test_the_ids_of_openstack_are_found(spans: Spans) -> None:
    """``req-…`` of the response, the global one of the request."""
    exchange = _exchange()
    exchange.request([("X-OpenStack-Request-ID", "req-global")])
    exchange.response(200, "OK", [("X-Openstack-Request-Id", "req-local")])
    exchange.end()
    attributes = spans.one().attributes or {}
    assert attributes[names.OPENSTACK_GLOBAL_REQUEST_ID] == "req-global"
    assert attributes[names.OPENSTACK_REQUEST_ID] == "req-local"
