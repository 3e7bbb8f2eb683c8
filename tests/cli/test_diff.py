"""``diff``, as a person and a job meet it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from otel_openstack.cli import main
from otel_openstack.importer import import_document
from otel_openstack.render import RENDERERS
from otel_openstack.traces.store import Store
from tests.golden.cases import CASES

DOCUMENT = RENDERERS["markdown"](CASES["image-list"]())
LATER = DOCUMENT.replace("5f1c", "77aa").replace("4aa20c74", "0badcafe")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have a document, a log and a store of one conversation, and a document of another one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.md").write_text(DOCUMENT)
    (tmp_path / "one.log").write_text(RENDERERS["log"](CASES["image-list"]()))
    (tmp_path / "later.md").write_text(LATER)
    (tmp_path / "other.md").write_text(DOCUMENT.replace("200 OK /v2/images", "404 Not Found /v2/images"))
    with Store.open(str(tmp_path / "traces.db"), create=True) as store:
        store.write(import_document(DOCUMENT).spans)
    return tmp_path


@pytest.mark.parametrize("second", ["one.md", "one.log", "later.md", "traces.db", "latest"])
@pytest.mark.usefixtures("folder")
def test_whatever_tells_a_conversation_can_be_compared(second: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Documents, logs, sources and ids; 0 when both mean the same."""
    assert main(["diff", "one.md", second, "--from", "traces.db"]) == 0
    assert capsys.readouterr().out == f"A: one.md\nB: {second}\nBoth mean the same.\n"


@pytest.mark.usefixtures("folder")
def test_a_difference_is_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    """So that a job can guard a flow; without colours in a pipe."""
    assert main(["diff", "one.md", "other.md"]) == 1
    assert capsys.readouterr().out.splitlines()[2:] == [
        "1 difference. Numbers are messages of A; of what came, of B.",
        "~ status of GET /v2/images: 200 OK → 404 Not Found  (6)",
    ]
    assert main(["diff", "one.md", "later.md", "--strict"]) == 1


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ("missing.md", "There is no missing.md."),
        ("none*.jsonl", "none*.jsonl"),
        ("gopher://h", "gopher"),
        ("4bf92f35", "'4bf92f35'"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_cannot_be_found_is_exit_code_2(second: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An error is no difference."""
    assert main(["diff", "one.md", second, "--from", "traces.db"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert said in output.err.splitlines()[0]


def test_forms_are_written_to_files(folder: Path) -> None:
    """Markdown and HTML."""
    for form, start in (("markdown", "# one"), ("html", "<!DOCTYPE html>")):
        assert main(["diff", "one.md", "other.md", "--format", form, "-o", "out"]) == 1
        assert (folder / "out").read_text().startswith(start)


@pytest.mark.usefixtures("folder")
def test_what_is_left_out_is_not_compared() -> None:
    """By the same rules as export has."""
    Path("rules.toml").write_text("[[drop]]\npath = '/v2/images'\n")
    assert main(["diff", "one.md", "other.md", "--select", "rules.toml"]) == 0


@pytest.mark.parametrize(("no_color", "coloured"), [(None, True), ("1", False)])
def test_colours_are_for_terminals_that_want_them(folder: Path, no_color: str | None, coloured: bool) -> None:
    """NO_COLOR is honoured (no-color.org)."""
    environment = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    environment |= {"TERM": "xterm-256color"} | ({"NO_COLOR": no_color} if no_color else {})
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "otel_openstack.cli", "diff", "one.md", "other.md"]
    done = subprocess.run(command, stdout=theirs, cwd=folder, env=environment, timeout=60, check=False)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert done.returncode == 1
    assert "404 Not Found" in shown
    assert ("\x1b[33m" in shown) is coloured
