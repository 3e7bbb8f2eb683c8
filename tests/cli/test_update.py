"""Pages and updates as a person meets them: what is written, what stays untouched, exit codes and hints."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from otel_openstack.cli import export_to_markdown, main
from tests.cli.test_cli import DOCUMENT

LATER = DOCUMENT.replace("GET /v3", "POST /v3").replace("200 OK", "201 Created")


def imported(tmp_path: Path, text: str) -> str:
    """Return a store that holds this document."""
    (tmp_path / "source.md").write_text(text)
    store = str(tmp_path / "traces.db")
    Path(store).unlink(missing_ok=True)
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        assert main(["import", str(tmp_path / "source.md"), "--into", store]) == 0
    return store


def test_a_page_is_written_and_updated_in_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The author's words stay, the file keeps its mode, a link stays a link, and nothing else is left beside it."""
    store, file, link = imported(tmp_path, DOCUMENT), tmp_path / "docs" / "page.md", tmp_path / "link.md"
    file.parent.mkdir()
    assert main(["export", "latest", "--from", store, "--format", "page", "-o", str(file)]) == 0
    file.write_text(file.read_text().replace("\n### (2)", "\n토큰 (2)\n\n### (2)"))
    file.chmod(0o640)
    link.symlink_to(file)
    before = file.stat()
    assert main(["export", "latest", "--from", store, "--update", str(link)]) == 0
    assert file.stat() == before
    later = imported(tmp_path, DOCUMENT + LATER.replace("(2)", "(4)").replace("(1)", "(3)"))
    assert export_to_markdown(["latest", "--from", later, "--update", str(link)]) == 0
    assert "\n토큰 (2)\n" in file.read_text()
    assert "### (4) 201 Created /v3\n" in file.read_text()
    assert file.stat().st_mode == before.st_mode
    assert link.is_symlink()
    assert [path.name for path in file.parent.iterdir()] == ["page.md"]
    assert capsys.readouterr() == ("", "")


def test_conflicts_and_lost_notes_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1 with conflicts, and then nothing more before they are resolved."""
    file = tmp_path / "page.md"
    store = imported(tmp_path, DOCUMENT)
    assert main(["export", "latest", "--from", store, "--format", "page", "-o", str(file)]) == 0
    file.write_text(file.read_text().replace("keystone-->>openstack: 200 OK", "keystone-->>openstack: fine"))
    later = imported(tmp_path, DOCUMENT.replace("200 OK", "203 Else"))
    assert main(["export", "latest", "--from", later, "--update", str(file)]) == 1
    assert f"warning: 1 place is in conflict: look for <<<<<<< in {file}.\n" in capsys.readouterr().err
    conflicted = file.read_text()
    assert main(["export", "latest", "--from", later, "--update", str(file)]) == 2
    assert "a merge conflict that is not resolved.\nhint: Resolve it" in capsys.readouterr().err
    assert file.read_text() == conflicted


@pytest.mark.parametrize(
    ("text", "arguments", "problem"),
    [
        (DOCUMENT, ["--format", "page"], "has no section marked"),
        (DOCUMENT, ["--format", "log"], "What is written as log cannot be updated."),
        ("prose\n", [], "holds no message"),
        (None, [], "cannot be read"),
    ],
)
def test_what_cannot_be_updated_stays_as_it_is(
    tmp_path: Path, text: str | None, arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And a command is not even run."""
    file = tmp_path / "page.md"
    if text is not None:
        file.write_text(text)
    for verb in (["export", "latest"], ["record", "--wait", "1"]):
        command = ["--", sys.executable, "-c", "print('ran')"] if verb[0] == "record" else []
        store = ["--from", str(tmp_path / "x.db")]
        assert main([*verb, *store, *arguments, "--update", str(file), *command]) == 2
        out, err = capsys.readouterr()
        assert problem in err
        assert out == ""
    assert (file.read_text() if file.exists() else None) == text


def test_a_section_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """By the argument parser, which names those there are."""
    with pytest.raises(SystemExit, match="2"):
        main(["export", "latest", "--format", "page", "--sections", "log,picture"])
    assert "'picture' is no section of a page: command, diagram, steps, messages, log" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--sections", "log"], "--sections means nothing for markdown."),
        (["--template", ".", "--format", "log"], "--template means nothing for log."),
        (["--sections", "log", "--update", "x.md"], "x.md keeps the sections that it has."),
    ],
)
def test_options_that_mean_nothing_are_refused(
    arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rather than passed over."""
    assert main(["export", "latest", *arguments]) == 2
    assert f"error: {problem}\nhint: " in capsys.readouterr().err


def test_a_template_error_leaves_the_page_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With file and line."""
    file = tmp_path / "page.md"
    store = imported(tmp_path, DOCUMENT)
    (tmp_path / "steps.md").write_text("\n{{ steps | nothing }}\n")
    arguments = ["export", "latest", "--from", store, "--format", "page", "--template", str(tmp_path)]
    assert main([*arguments, "-o", str(file)]) == 2
    assert f"error: {tmp_path}/steps.md, line 2: No filter named 'nothing'.\nhint: " in capsys.readouterr().err
    assert not file.exists()


def test_the_html_form_takes_templates_too(tmp_path: Path) -> None:
    """From the same option."""
    store, file = imported(tmp_path, DOCUMENT), tmp_path / "page.html"
    (tmp_path / "html.html").write_text("<h1>{{ title }}</h1>")
    arguments = ["export", "latest", "--from", store, "--format", "html", "--template", str(tmp_path)]
    assert main([*arguments, "-o", str(file)]) == 0
    assert file.read_text().startswith("<h1>GET /")


def test_a_recorded_page_tells_what_the_terminal_showed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The program's own output passes through; a secret option is masked, and a later export tells the same."""
    program = tmp_path / "client"
    program.write_text(
        f"#!{sys.executable}\n"
        "import http.server, threading, requests\n"
        "server = http.server.HTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)\n"
        "threading.Thread(target=server.handle_request).start()\n"
        "answer = requests.get(f'http://127.0.0.1:{server.server_port}/nothing-there', timeout=20)\n"
        "raise SystemExit(f'\\x1b[31mHTTP Error {answer.status_code}')\n"
    )
    program.chmod(0o755)
    file, store = tmp_path / "page.md", str(tmp_path / "recorded.db")
    command = ["--", str(program), "--os-password", "s3cret"]
    code = main(["record", "--from", store, "--wait", "1", "--format", "page", "-o", str(file), *command])
    out, err = capfd.readouterr()
    assert code == 1
    assert "HTTP Error 404" in err
    assert out == ""
    page = file.read_text()
    assert "$ client --os-password '***'\n" in page
    assert "\nHTTP Error 404\n```\n" in page
    assert "The command failed with exit code 1." in page
    assert "s3cret" not in page
    assert main(["export", "latest", "--from", store, "--format", "page"]) == 0
    assert capfd.readouterr().out == page


def test_documents_link_to_their_trace_and_an_update_renews_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The link follows the recording, by option or environment; without either it goes rather than lead elsewhere."""
    viewers = ["--link", "jaeger+https://jaeger.lab:16686/", "--link", "grafana+http://grafana.lab:3000?datasource=t"]
    for form, wanted in (("markdown", 0), ("page", 2)):
        file = tmp_path / f"{form}.md"
        store = imported(tmp_path, DOCUMENT)
        export = ["export", "latest", "--from", store]
        assert main([*export, "--format", form, *viewers, "-o", str(file)]) == 0
        text = file.read_text()
        line = text.split("\n")[wanted]
        old = line[7:39]
        assert line.startswith(f"Trace `{old}`: [Jaeger](https://jaeger.lab:16686/trace/{old}), [Grafana](http://graf")
        assert main([*export, "--update", str(file)]) == 0
        assert file.read_text() == text, "it is the same trace"
        imported(tmp_path, DOCUMENT.replace("200 OK", "203 Else"))
        monkeypatch.setenv("OTEL_OPENSTACK_LINKS", "jaeger+http://127.0.0.1")
        assert main([*export, "--update", str(file)]) == 0
        new = file.read_text().split("\n")[wanted]
        assert new != line
        assert new == f"Trace `{new[7:39]}`: [Jaeger](http://127.0.0.1/trace/{new[7:39]})"
        monkeypatch.delenv("OTEL_OPENSTACK_LINKS")
        imported(tmp_path, DOCUMENT)
        assert main([*export, "--update", str(file)]) == 0
        assert file.read_text().split("\n")[wanted] == f"Trace `{old}`"
        assert main([*export, "--update", str(file), *viewers]) == 0
        assert file.read_text() == text
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("http://jaeger.lab", "error: 'http://jaeger.lab' is no place where traces are browsed.\nhint: Give jaeger+"),
        ("zipkin+http://lab", "error: 'zipkin+http://lab' is no place"),
        ("jaeger+http://[lab", "error: 'jaeger+http://[lab' is no place"),
        ("jaeger+http://lab/)[x](", "is no place"),
        ("grafana+https://admin:pw@lab", "error: The link to lab has a user or password in it.\n"),
    ],
)
def test_a_link_that_leads_nowhere_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], link: str, words: str
) -> None:
    """Before anything is read; a password is not shown again."""
    assert main(["export", "latest", "--from", str(tmp_path / "none.db"), "--link", link]) == 2
    told = capsys.readouterr().err
    assert words in told
    assert "pw" not in told


def test_what_has_no_place_for_a_link_refuses_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A log is only a log."""
    store = imported(tmp_path, DOCUMENT)
    assert main(["export", "latest", "--from", store, "--format", "log", "--link", "jaeger+http://lab"]) == 2
    assert "--link means nothing for log.\nhint: Use --format markdown or page or html." in capsys.readouterr().err
