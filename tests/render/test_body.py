"""Bodies as text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_openstack.conversation.model import Body, BodyLayout
from otel_openstack.render.body import body_text, read_body, spread_json
from tests.conversation.strategies import bodies, nasty_text

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)
CONTAINERS = st.lists(JSON) | st.dictionaries(st.text(), JSON)


@given(CONTAINERS, st.booleans(), st.sampled_from(((", ", ": "), (",", ":"), (" ,\t", " : "))))
def test_json_is_laid_out_as_the_standard_library_does(
    value: object, ascii_only: bool, separators: tuple[str, str]
) -> None:
    """However it was separated: two spaces a level, the strings and numbers as they were written."""
    line = json.dumps(value, ensure_ascii=ascii_only, separators=separators)
    assert spread_json(line) == json.dumps(value, ensure_ascii=ascii_only, indent=2)


@pytest.mark.parametrize(
    "line",
    [
        '{"a":1.00,"a":1E5,"b":-0,"c":12345678901234567890123,"d":1e999}',
        '["\\u00e9\\/\\ud800","é",{"{[,:]}":"\\"}"}]',
        '{"a" :[ ],"b":{ }}  \n',
        "[" * 300 + "1" + "]" * 300,
    ],
)
def test_laying_out_changes_white_space_alone(line: str) -> None:
    """Spelling of numbers, escapes, duplicate keys and their order are evidence."""
    spread = spread_json(line)
    assert spread is not None
    assert "\n" in spread
    assert "".join(spread.split()) == "".join(line.split())


@pytest.mark.parametrize("text", ['{"a": 1,\n"b": 2}', "{'a': 1}", '{"a": NaN}', "{", '{"a": 1} x', "[" * 100_000])
def test_what_is_no_json_on_one_line_stays_as_it_came(text: str) -> None:
    """Text with line ends was laid out by somebody, and half a JSON text is none."""
    assert spread_json(text) is None
    assert body_text(Body(text)) == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (Body(), "none"),
        (Body("", 0), "none"),
        (Body(None, 274), "... (274 bytes, not captured)"),
        (Body("né", 10), "né\n... (7 more bytes)"),
        (Body('{"a": 1', 8), '{"a": 1\n... (1 more bytes)'),
        (Body('{"a": "***"}', 99, previewed=99), '{\n  "a": "***"\n}'),
        (Body('{"a": "***', 99, previewed=50), '{"a": "***\n... (49 more bytes)'),
        (Body(b"abc", 99, previewed=50), "b'abc'... (49 more bytes)"),
        (Body('{"a": 1}', 8), '{\n  "a": 1\n}'),
        (Body("né", 2), "né"),
        (Body(b"\x00'"), 'b"\\x00\'"...'),
        (Body(b"ab", 2), "b'ab'"),
        (Body(b"ab", 5), "b'ab'... (3 more bytes)"),
        (Body(bytes(33), 33), "b'" + r"\x00" * 32 + "'... (1 more bytes)"),
        (Body('{"a": 1}', layout=BodyLayout.AS_IS), '{"a": 1}'),
    ],
)
def test_a_body_says_what_is_missing_of_it(body: Body, text: str) -> None:
    """Absent, not captured, cut, or whole."""
    assert body_text(body) == text


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("none", Body()),
        ("... (274 bytes, not captured)", Body(None, 274)),
        ("né\n... (7 more bytes)", Body("né", 10)),
        ("b'QFI\\xfb'...", Body(b"QFI\xfb")),
        ("b'ab'", Body(b"ab", 2)),
        ("b'ab'... (3 more bytes)", Body(b"ab", 5)),
        ("b'가'...", Body("b'가'...")),
        ('b"ab"', Body('b"ab"')),
        ('{"a":1}', Body('{"a":1}', layout=BodyLayout.AS_IS)),
        ("{}", Body("{}")),
        ("", Body("", layout=BodyLayout.AS_IS)),
    ],
)
def test_a_body_is_read_from_its_text(text: str, body: Body) -> None:
    """What is not spelled as this package would spell it stays text."""
    assert read_body(text) == body


@given(nasty_text())
def test_any_text_is_read_as_a_body_that_shows_it(text: str) -> None:
    """Up to what cannot be shown: control characters."""
    shown = body_text(read_body(text))
    assert body_text(read_body(shown)) == shown
    if "\r" not in text and text.replace("\n", "").replace("\t", "").isprintable():
        assert shown == text


@given(bodies(st.text("ab é", max_size=8)))
def test_a_body_comes_back_from_its_text(body: Body) -> None:
    """All but what is not shown: the size of a whole text, and the bytes of a preview beyond the first 32."""
    text = body_text(body)
    back = read_body(text)
    assert body_text(back) == text
    if isinstance(body.content, str) and body.content:
        assert back.content == body.content
