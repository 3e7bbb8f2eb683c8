"""Lists in JSON bodies, cut."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_openstack.conversation.model import Body
from otel_openstack.conversation.shortening import shortened

VALUES = st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4)


@given(st.lists(VALUES), st.integers(0, 3), st.sampled_from((None, 2)), st.booleans())
def test_the_first_entries_stay_and_the_rest_is_counted(
    entries: list[object], kept: int, indent: int | None, ascii_only: bool
) -> None:
    """Whatever stands in the list and around it, however it is laid out."""
    whole = {"x": {"list": "no"}, "a": {"b]": [1], "list": entries, "z": "}"}}
    text = json.dumps(whole, indent=indent, ensure_ascii=ascii_only)
    body = Body(text, len(text.encode()) + 3)
    cut = shortened(body, "a.list", kept)
    if len(entries) <= kept:
        assert cut is body
        return
    assert isinstance(cut.content, str)
    whole["a"]["list"] = [*entries[:kept], f"... ({len(entries) - kept} more)"]
    assert json.loads(cut.content) == whole
    assert cut.missing == 3


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"[1, 2]",
        "",
        "text",
        '{"list": {"a": 1}}',
        '{"list": [1, 2',
        '["list"]',
        "{1: 2}",
        '{"list',
        "[" * 100_000,
    ],
)
def test_what_has_no_such_list_stays_as_it_is(content: str | bytes | None) -> None:
    """No body, no JSON, not all of it, or something else of that name."""
    body = Body(content)
    assert shortened(body, "list", 1) is body
