"""The page of one command."""

import re
from pathlib import Path

import pytest
from hypothesis import given

from otel_openstack.conversation.command import Command
from otel_openstack.conversation.model import Conversation
from otel_openstack.exceptions import SettingsError
from otel_openstack.importer import import_document
from otel_openstack.render import markdown, page
from tests.conversation.strategies import conversations, nasty_text
from tests.golden.cases import CASES, request, response

SAVE = Command(("openstack", "image", "save", "--file", "a b", "cirros"), "+----+\n| ok |\n+----+\n")


@given(conversations(nasty_text()))
def test_a_page_is_read_back_as_its_document(conversation: Conversation) -> None:
    """Nothing that a service can send is taken for a message, nor ends what it stands in; no message is lost."""
    shown = page.render(conversation, command=Command(("x", "`b`"), "### (1) GET /\n```\n`a` --> `b`\n"))
    assert import_document(shown).trace_id == import_document(markdown.render(conversation)).trace_id


def test_a_page_tells_the_command_and_where_it_is_described() -> None:
    """As the terminal showed it."""
    shown = page.render(CASES["image-list"](), command=SAVE)
    assert shown.startswith("# openstack image save\n\n## Command\n\n")
    assert "\n$ openstack image save --file 'a b' cirros\n+----+\n| ok |\n+----+\n```\n" in shown
    assert "/cli/command-objects/image/v2/index.html#image-save)\n" in shown


def test_a_failed_command_is_told_as_such() -> None:
    """By its exit code, under its output; a name that nobody describes has no link."""
    shown = page.render(CASES["image-list"](), command=Command(("glance", "image-list", "-v"), "", 3))
    assert shown.startswith("# glance image-list\n")
    assert "```\n\nThe command failed with exit code 3.\n<!--" in shown


def test_a_page_is_as_long_as_its_messages() -> None:
    """Also where a service asks itself a thousand times at once, which looks like one call within the other."""

    def size(count: int) -> int:
        asked = [request("nova-api", "nova-api", "GET", f"http://h/v2.1/servers/{n:06}") for n in range(count)]
        return len(page.render(Conversation("", (*asked, *[response(one, 200, "OK") for one in asked]))))

    assert size(2000) < 2.1 * size(1000)


def test_sections_can_be_chosen() -> None:
    """In any order; the command is there when it is known."""
    shown = page.render(CASES["image-list"](), sections=("messages", "command", "diagram"))
    assert re.findall("^## .*", shown, re.MULTILINE) == ["## Messages", "## Sequence diagram"]
    with pytest.raises(SettingsError, match="A page has no section 'picture'"):
        page.render(CASES["image-list"](), sections=("picture",))


def test_a_template_of_the_users_goes_first(tmp_path: Path) -> None:
    """The others stay ours."""
    (tmp_path / "log.md").write_text("see the archive\n")
    shown = page.render(CASES["image-list"](), templates=tmp_path)
    assert "\n<!-- otel-openstack:log -->\nsee the archive\n<!-- /otel-openstack:log -->\n" in shown
    assert "sequenceDiagram" in shown


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("a\n{% for %}\n", "line 2: Expected an expression"),
        ("a\n\n{{ nothing }}\n", "line 3: 'nothing' is undefined"),
        ("a\n{{ 1 / 0 }}\n", "line 2: division by zero"),
        ("{% include 'other.md' %}\n", "line 1: 'other.md' not found"),
    ],
)
def test_an_error_in_a_template_names_file_and_line(tmp_path: Path, template: str, problem: str) -> None:
    """Whether it is found when the template is read or when it is filled."""
    (tmp_path / "log.md").write_text(template)
    with pytest.raises(SettingsError, match=re.escape(f"{tmp_path}/log.md, {problem}")):
        page.render(CASES["image-list"](), templates=tmp_path)


def test_a_folder_without_templates_is_an_error(tmp_path: Path) -> None:
    """As is one that does not exist."""
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(SettingsError, match=re.escape(f"{folder} holds no template.")):
            page.render(CASES["image-list"](), templates=folder)
