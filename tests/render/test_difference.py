"""What differs, as people read it."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from otel_openstack.conversation.diff import Change, Finding
from otel_openstack.render.difference import FORMS, Difference

HOSTILE = "<script>alert(1)</script> | `x` **b** \x1b[31m\n\u202e\"'&"
DIFFERENCE = Difference(
    "zed.md",
    "latest",
    (
        Finding(Change.CAME, "request header traceparent", numbers=(1, 2, 3, 7)),
        Finding(Change.CHANGED, "status of GET /", "200 OK", "404 Not Found", (2,)),
        Finding(Change.MOVED, "a → b: GET / (200)", numbers=(4, 5)),
        Finding(Change.WENT, "response header vary", "x", numbers=tuple(range(1, 41, 2))),
    ),
)


def test_the_text_has_one_line_a_difference() -> None:
    """A sign, what it is, both values, and where; of many places the first ones."""
    assert FORMS["text"](DIFFERENCE) == (
        "A: zed.md\nB: latest\n4 differences. Numbers are messages of A; of what came, of B.\n"
        "+ request header traceparent  (1-3, 7)\n"
        "~ status of GET /: 200 OK → 404 Not Found  (2)\n"
        "» a → b: GET / (200)  (4-5)\n"
        "- response header vary: x  (1, 3, 5, 7, 9, 11, 13, 15, … 20 messages)\n"
    )


@pytest.mark.parametrize("form", FORMS)
def test_nothing_different_is_said_in_words(form: str) -> None:
    """Rather than by an empty table."""
    shown = FORMS[form](Difference("a", "b", ()))
    assert "Both mean the same." in shown
    assert "|" not in shown
    assert "<table" not in shown


class Tags(HTMLParser):
    """Collects the tags and the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        del attrs
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.texts.append(data)


@pytest.mark.parametrize("form", FORMS)
def test_nothing_breaks_out_of_its_place(form: str) -> None:
    """Whatever a service sent."""
    hostile, harmless = (
        FORMS[form](Difference(text, text, (Finding(Change.CHANGED, text, text, text, (1,)),)))
        for text in (HOSTILE, "x")
    )
    assert hostile.count("\n") == harmless.count("\n")
    assert not {"\x1b", "\u202e"} & set(hostile)
    if form == "html":
        tags = [Tags(), Tags()]
        for parser, page in zip(tags, (hostile, harmless), strict=True):
            parser.feed(page)
        assert tags[0].tags == tags[1].tags
        assert any("<script>alert(1)</script>" in text for text in tags[0].texts)
    if form == "markdown":
        rows = hostile.splitlines()[-1]
        assert rows.replace("\\|", "").count("|") == 6
        assert "\\<script\\>" in rows


def test_the_page_asks_for_nothing() -> None:
    """One file: no link, no script, no picture."""
    page = FORMS["html"](DIFFERENCE)
    assert page.count("<tr") == 1 + len(DIFFERENCE.findings)
    assert not [word for word in ("http:", "https:", "src=", "<link", "<script", "url(") if word in page]
