"""What docs/pages.md promises against the code."""

import re
from pathlib import Path

from otel_openstack.cli.arguments import SECTIONS
from otel_openstack.merge import ORPHANS
from otel_openstack.render import page

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "pages.md").read_text()


def test_every_section_and_template_is_described() -> None:
    """In the order of the page; and the command line knows the same sections."""
    assert re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE) == list(page.HEADINGS) == list(SECTIONS)
    for template in (ROOT / "otel_openstack" / "render" / "templates").iterdir():
        assert f"`{template.name}`" in TEXT


def test_the_heading_of_lost_notes_is_told() -> None:
    """As it stands in documents."""
    assert f"*{ORPHANS.removeprefix('## ')}*" in TEXT
