"""Bodies and header blocks as attributes."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from typing import Any

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace

from otel_openstack import attributes as names
from otel_openstack.instrument.capture import MAX_HEADERS, Exchange
from otel_openstack.instrument.handover import MAX_ATTRIBUTES
from otel_openstack.instrument.preview import Preview, charset_of
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


def _raw_deflate(data: bytes) -> bytes:
    return zlib.compress(data)[2:-4]


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", _raw_deflate), ("br", brotli.compress)],
)
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
    content = _preview(b"x" * 100, "text/plain", "compress")
    assert content == b"x" * 32


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_what_is_not_coded_as_it_says_leaves_bytes(encoding: str) -> None:
    """Nor is anything made of it."""
    assert _preview(b"neither of them", "text/plain", encoding) == b"neither of them"


def test_zstandard_comes_in_blocks() -> None:
    """Of a body that is cut before the first block ends nothing can be read; of any other as much as is kept."""
    long = "".join(f"{number * 7919:x} " for number in range(100_000)).encode()
    assert _preview(zstandard.compress(b"short"), "text/plain", "zstd") == "short"
    assert _preview(zstandard.compress(b"x" * 300_000), "text/plain", "zstd") == "x" * SETTINGS.body_limit
    assert isinstance(_preview(zstandard.compress(long), "text/plain", "zstd"), bytes)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_is_never_unpacked(encoding: str) -> None:
    """What comes out is bounded while it comes out."""
    encode = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress, "zstd": zstandard.compress}
    bomb = encode[encoding](b" " * 50_000_000)
    tracemalloc.start()
    try:
        assert _preview(bomb, "text/plain", encoding) == " " * SETTINGS.body_limit
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_the_users_media_types_are_kept_as_text_is() -> None:
    """As bytes, up to the same limit."""
    settings = Settings(body_content_types="image/*, application/x-thing")
    for content_type, kept in (("image/png", 100), ("Application/X-Thing; a=b", 100), ("video/mp4", 32)):
        preview = Preview(settings, content_type)
        preview.feed(b"\xff" * 100)
        assert preview.content() == b"\xff" * kept


HEADERS = [("Content-Type", "text/plain"), ("X-A", "1"), ("X-B", "22"), ("X-A", "333")]


def _recorded(settings: Settings, spans: Spans, *, is_server: bool = True) -> dict[str, Any]:
    exchange = Exchange(settings, trace.get_tracer("t").start_span("x"), is_server=is_server)
    exchange.request(HEADERS)
    exchange.response(200, "OK", HEADERS)
    assert exchange.response_header("content-type") == "text/plain"
    assert exchange.response_body is not None
    exchange.response_body.feed(b"text")
    exchange.end()
    said = dict(spans.one().attributes or {})
    assert said[names.HTTP_RESPONSE_BODY_CONTENT] == "text"
    return said


@pytest.mark.parametrize(
    ("limit", "kept"),
    [
        (0, None),
        (22, ("Content-Type",)),
        (24, ("Content-Type",)),
        (26, ("Content-Type", "X-A")),
        (65536, ("Content-Type", "X-A", "X-B", "X-A")),
    ],
)
def test_headers_are_kept_up_to_a_limit(limit: int, kept: tuple[str, ...] | None, spans: Spans) -> None:
    """What the body is, is known all the same."""
    said = _recorded(Settings(header_limit=limit), spans)
    assert said.get(names.OPENSTACK_HTTP_RESPONSE_HEADER_NAMES) == kept
    values = [key for key in said if key.startswith(names.HTTP_RESPONSE_HEADER_PREFIX)]
    assert len(values) == len(set(kept or ()))


@pytest.mark.parametrize("is_server", [True, False])
def test_users_may_choose_which_headers_are_kept(is_server: bool, spans: Spans) -> None:
    """By the variables of all instrumentations; the order and the repetitions of the others stay."""
    side = "server" if is_server else "client"
    settings = Settings(**{f"{side}_response_headers": "x-a, content-.*"})
    said = _recorded(settings, spans, is_server=is_server)
    assert said[names.OPENSTACK_HTTP_RESPONSE_HEADER_NAMES] == ("Content-Type", "X-A", "X-A")
    assert said[names.HTTP_RESPONSE_HEADER_PREFIX + "x-a"] == ("1", "333")
    assert names.HTTP_RESPONSE_HEADER_PREFIX + "x-b" not in said
    assert said[names.OPENSTACK_HTTP_REQUEST_HEADER_NAMES] == ("Content-Type", "X-A", "X-B", "X-A")


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


@pytest.mark.parametrize(("size", "kept"), [(10, MAX_HEADERS), (100_000, 1)])
def test_a_flood_of_headers_is_bounded(size: int, kept: int, spans: Spans) -> None:
    """Whatever is sent, no attribute of ours pushes another out."""
    flood = [(f"X-{number}", "v" * size) for number in range(1000)]
    exchange = _exchange()
    exchange.request(flood)
    exchange.response(200, "OK", flood)
    exchange.end()
    span = spans.one()
    assert span.dropped_attributes == 0
    assert len(span.attributes or {}) < MAX_ATTRIBUTES
    assert len((span.attributes or {})[names.OPENSTACK_HTTP_REQUEST_HEADER_NAMES]) == kept  # type: ignore[arg-type]


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


def test_the_payload_of_a_secret_is_no_preview() -> None:
    """A key of the Key Manager's fits into the few bytes that are kept of a binary body: its path tells."""
    preview = Preview(SETTINGS, "application/octet-stream", path=f"/v1/secrets/{'0' * 36}/payload")
    preview.feed(b"\x01" * 32)
    assert preview.content() == b"***"
    assert preview.size == 32
