"""``--select``, as a person meets it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from otel_openstack.cli import main
from otel_openstack.importer import import_document
from otel_openstack.render import RENDERERS
from otel_openstack.traces.store import Store
from tests.golden.cases import CASES


@pytest.fixture
def store(tmp_path: Path) -> str:
    """Keep the trace of a token, a list of images, and the validation of the token."""
    path = str(tmp_path / "traces.db")
    with Store.open(path, create=True) as store:
        store.write(import_document(RENDERERS["markdown"](CASES["image-list"]())).spans)
    return path


def test_selections_add_up(store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Built in or from a file; the document numbers what is left and says what is not."""
    rules = tmp_path / "rules.toml"
    rules.write_text("[[drop]]\nmethod = 'POST'\nwhy = 'the issue of a token'\n")
    arguments = ["export", "latest", "--from", store, "--select", "no-token-validation", "--select", str(rules)]
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert '\n!!! missing "2 messages are left out: validation of tokens"\n' in shown
    assert '\n!!! missing "2 messages are left out: the issue of a token"\n' in shown
    assert [line for line in shown.splitlines() if line.startswith("### ")] == [
        "### (1) GET /v2/images",
        "### (2) 200 OK /v2/images",
    ]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("no-such", "--select no-such names no file"),
        ("RULES", "has 'dorp'"),
        ("ALL", "Nothing is left of the 6 messages"),
    ],
)
def test_rules_that_help_nobody_are_an_error(
    rules: str, said: str, store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, a sentence and a hint; the document that was there stays."""
    (tmp_path / "rules").write_text("[[dorp]]")
    (tmp_path / "all").write_text("[[drop]]\npath = '*'")
    names = {"RULES": str(tmp_path / "rules"), "ALL": str(tmp_path / "all")}
    document = tmp_path / "old.md"
    document.write_text("old")
    assert main(["export", "latest", "--from", store, "--select", names.get(rules, rules), "-o", str(document)]) == 2
    error, hint = capsys.readouterr().err.splitlines()
    assert said in error
    assert hint.startswith("hint: ")
    assert document.read_text() == "old"


def test_nothing_is_recorded_with_rules_that_cannot_be_read(store: str, tmp_path: Path) -> None:
    """The command could not be run a second time."""
    touched = tmp_path / "touched"
    code = f"open({str(touched)!r}, 'w')"
    assert main(["record", "--from", store, "--select", "no-such", "--", sys.executable, "-c", code]) == 2
    assert not touched.exists()
