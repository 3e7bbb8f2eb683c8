"""The HTML form as text; what it looks like and does in a browser is in tests/browser."""

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given

from otel_openstack.conversation.command import Command
from otel_openstack.conversation.model import Conversation
from otel_openstack.exceptions import SettingsError
from otel_openstack.render import html
from tests.conversation.strategies import conversations, nasty_text
from tests.golden.cases import image_list


class _Elements(HTMLParser):
    """Counts elements, and what only a script or another host could mean."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.messages: list[str] = []
        self.arrows: list[str] = []
        self.names: set[str] = set()
        self.active: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.names.add(tag)
        self.active += [name for name in known if name.startswith("on") or name in ("src", "style", "action")]
        if tag == "details" and "id" in known:
            self.messages.append(known["id"] or "")
        if tag == "a" and known.get("class", "").startswith("re"):
            self.arrows.append(known["href"] or "")


_NAMES = {
    "html", "head", "meta", "title", "style", "body", "a", "header", "h1", "p", "code", "main", "section", "h2", "div",
    "svg", "g", "rect", "text", "tspan", "path", "search", "input", "button", "output", "details", "summary",
    "span", "h3", "pre", "b", "footer", "kbd", "script", "strong",
}  # fmt: skip


@given(conversations(nasty_text()))
def test_every_message_is_one_element_and_one_arrow_and_nothing_else_is_in_it(conversation: Conversation) -> None:
    """Whatever stands in names, paths, headers and bodies."""
    elements = _Elements(html.render(conversation))
    numbers = [str(number) for number, _ in conversation.numbered()]
    assert elements.messages == numbers
    assert elements.arrows == [f"#{number}" for number in numbers]
    assert elements.names <= _NAMES
    assert elements.active == []


def test_the_policy_names_the_digests_of_the_style_and_the_script() -> None:
    """Content Security Policy, level 3, section 6.7.3: nothing else in the file can run."""
    text = html.render(image_list())
    for kind in ("style", "script"):
        (content,) = re.findall(f"(?s)<{kind}>(.*?)</{kind}>", text)
        digest = b64encode(sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in text


def test_the_command_is_told_with_its_output_and_how_it_ended() -> None:
    """In the heading, too."""
    text = html.render(image_list(), command=Command(("openstack", "image", "list", "<b>"), "No <i>.\n", 1))
    assert "<h1>openstack image list</h1>" in text
    assert "$ openstack image list '&lt;b&gt;'\nNo &lt;i&gt;.</pre>" in text
    assert "The command failed with exit code 1." in text


def test_numbers_can_be_left_out_of_what_is_shown() -> None:
    """The anchors stay, so that links go on leading somewhere."""
    text = html.render(image_list(), numbers=False)
    assert 'class="number"' not in text
    assert 'id="6"' in text


def test_templates_of_the_users_go_first(tmp_path: Path) -> None:
    """The others stay ours, and the policy lets the user's style work."""
    style = "body { color: teal; }"
    (tmp_path / "html.css").write_text(style)
    shown = html.render(image_list(), templates=tmp_path)
    assert f"<style>{style}</style>" in shown
    assert f"style-src 'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" in shown
    assert "<svg" in shown


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("<p>\n{% for %}\n", "line 2: Expected an expression"),
        ("<p>\n\n{{ messages[0].nothing }}\n", "line 3: '.*' has no attribute 'nothing'"),
    ],
)
def test_an_error_in_a_template_names_file_and_line(tmp_path: Path, template: str, problem: str) -> None:
    """As in those of a page."""
    (tmp_path / "html.html").write_text(template)
    with pytest.raises(SettingsError, match=f"^{re.escape(str(tmp_path))}/html.html, {problem}"):
        html.render(image_list(), templates=tmp_path)


def test_a_file_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    """With its name."""
    (tmp_path / "html.js").write_bytes(b"\xff")
    with pytest.raises(SettingsError, match=f"^{re.escape(str(tmp_path))}/html.js: 'utf-8' codec can't decode"):
        html.render(image_list(), templates=tmp_path)
