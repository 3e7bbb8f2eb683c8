"""The example of docs/selection.md is a file of rules, and its built-in selections are those of the code."""

import re
from pathlib import Path

from otel_openstack.conversation.rules import BUILT_IN, read_rules

PAGE = (Path(__file__).parent.parent.parent / "docs" / "selection.md").read_text()


def test_the_example_is_read() -> None:
    """With every kind of rule in it."""
    example = re.search(r"<!-- example: rules -->\n```toml\n(.*?)```\n", PAGE, re.DOTALL)
    assert example
    rules = read_rules(example[1], "rules.toml")
    assert all((rules.rename, rules.keep, rules.drop, rules.fold, rules.shorten))


def test_the_built_in_selections_are_all_explained() -> None:
    """And no others."""
    assert re.findall(r"^\| `(.*?)`", PAGE, re.MULTILINE) == list(BUILT_IN)
