"""What the index of a site tells of its pages."""

from pathlib import Path

from otel_openstack.conversation.command import Command
from otel_openstack.render import page
from otel_openstack.site.index import Recording, index, recording, recordings
from tests.golden.cases import image_list

COMMAND = Command(("openstack", "image", "list"))


def test_a_page_tells_its_command_its_messages_and_its_services() -> None:
    """As its own text has them."""
    read = recording(page.render(image_list(), command=COMMAND), "image/list.md")
    assert read == Recording("image/list.md", "openstack image list", 6, ("glance-api", "keystone", "openstack"))


def test_a_text_without_messages_is_no_recording(tmp_path: Path) -> None:
    """It is shown, and the index does not tell of it, nor of what is hidden."""
    (tmp_path / "notes.md").write_text("# Notes\n\n`a` and `b`\n")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/list.md").write_text(page.render(image_list(), command=COMMAND))
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/list.md").write_text(page.render(image_list(), command=COMMAND))
    assert [found.path for found in recordings(tmp_path)] == ["deep/list.md"]


def test_the_index_has_each_command_and_each_service_with_its_commands() -> None:
    """The links lead to the pages, whatever stands in their names."""
    pages = [
        Recording("a b.md", "openstack image list", 6, ("glance-api", "keystone")),
        Recording("c.md", "GET /a|b[c](javascript:d)<e>", 2, ("keystone",)),
    ]
    assert (
        index(pages, "Our cloud")
        == """\
# Our cloud

## Commands

| command | messages | services |
|---|--:|---|
| [openstack image list](a%20b.md) | 6 | glance-api, keystone |
| [GET /a&#124;b&#91;c&#93;(javascript:d)&#60;e&#62;](c.md) | 2 | keystone |

## Services

### glance-api

- [openstack image list](a%20b.md)

### keystone

- [openstack image list](a%20b.md)
- [GET /a&#124;b&#91;c&#93;(javascript:d)&#60;e&#62;](c.md)
"""
    )


def test_an_index_of_the_author_comes_first() -> None:
    """Its heading is the site's."""
    assert index([], "Our cloud", "# Welcome\n\nHello.\n").startswith("# Welcome\n\nHello.\n\n## Commands\n")
