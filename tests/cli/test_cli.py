"""The verbs as a person meets them: output, exit codes, errors and hints."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from otel_openstack import __version__
from otel_openstack.cli import export_to_markdown, main
from otel_openstack.render import RENDERERS

DOCUMENT = """
### (1) GET /v3
`openstack` --> `keystone`

=== "Header"
    ``` http title="GET /v3" linenums="1"
    Host: 127.0.0.1:5000
    X-Auth-Token: gAAAAABjsoUBidK_dtSo6s04L6HQ5WB6XDcLhYyaRXYNAhH7A1bnXkF18BtoVGL7BP799R3y
    X-Requestshook-Request-Id: 1a2e4a3d05ce482586b9219ea2be036d
    ```

=== "Body"
    ``` json title="GET /v3" linenums="1"
    none
    ```


### (2) 200 OK /v3
`openstack` <-- `keystone`

=== "Header"
    ``` http title="200 OK /v3" linenums="1"
    X-Requestshook-Request-Id: 1a2e4a3d05ce482586b9219ea2be036d
    x-openstack-request-id: req-28c2ab3a-0012-4a6a-8875-ae048973164e
    ```

=== "Body"
    ``` json title="200 OK /v3" linenums="1"
    {
      "version": "v3.14"
    }
    ```

"""


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """Write a document of one exchange."""
    path = tmp_path / "one.md"
    path.write_text(DOCUMENT)
    return path


@pytest.fixture
def store(tmp_path: Path, document: Path) -> str:
    """Import that document into a store."""
    path = str(tmp_path / "traces.db")
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        assert main(["import", str(document), "--into", path]) == 0
    return path


def trace_of(store: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the id of the only trace."""
    assert main(["list", "--from", store, "--json"]) == 0
    return str(json.loads(capsys.readouterr().out)["trace_id"])


def test_import_prints_the_trace_id_as_its_last_line(
    tmp_path: Path, document: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twice the same document is one trace, and standard output is that id alone."""
    path = str(tmp_path / "traces.db")
    for _ in range(2):
        assert main(["import", str(document), "--into", path]) == 0
    first, second = capsys.readouterr().out.split()
    assert first == second
    assert trace_of(path, capsys) == first


def test_a_document_comes_back_to_the_byte(store: str, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """What was imported is what is exported."""
    assert export_to_markdown(["latest", "--from", store]) == 0
    assert capsysbinary.readouterr().out == DOCUMENT.encode()


@pytest.mark.parametrize(
    "identifier",
    [
        "1a2e4a3d05ce482586b9219ea2be036d",
        "1A2E4A3D-05CE-4825-86B9-219EA2BE036D",
        "req-28c2ab3a-0012-4a6a-8875-ae048973164e",
    ],
)
def test_any_id_leads_to_the_trace(identifier: str, store: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Find and export take request ids, dashed or not, in any case."""
    trace = trace_of(store, capsys)
    assert main(["find", identifier, "--from", store, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["trace_id"] == trace
    assert main(["export", identifier, "--from", store, "--format", "diagram"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "openstack->>keystone: GET /v3",
        "keystone-->>openstack: 200 OK /v3",
    ]


def test_a_list_in_a_pipe_is_separated_by_tabs(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each trace is one line: time, duration, spans, id, root, services."""
    assert main(["list", "--from", store]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    cells = line.split("\t")
    assert len(cells) == 6
    assert cells[2] == "2"
    assert set(cells[5].split(", ")) == {"openstack", "keystone"}


def test_a_list_can_be_narrowed(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    """By a service that took part, and by time."""
    for arguments, count in ((["--service", "keystone"], 1), (["--service", "glance-api"], 0), (["--since", "1h"], 0)):
        assert main(["list", "--from", store, *arguments]) == 0
        assert len(capsys.readouterr().out.splitlines()) == count


def test_secrets_of_older_documents_can_be_masked(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With --redact a token leaves as its digest."""
    assert main(["export", "latest", "--from", store, "--redact"]) == 0
    shown = capsys.readouterr().out
    assert "gAAAAAB" not in shown
    assert "X-Auth-Token: {SHA256}" in shown


def test_what_a_site_adds_is_masked_in_older_documents_too(
    store: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader takes the same settings as the agent."""
    monkeypatch.setenv("OTEL_OPENSTACK_REDACT_NAMES", "version")
    assert main(["export", "latest", "--from", store, "--redact"]) == 0
    assert '"version": "***"' in capsys.readouterr().out


def test_a_document_is_written_beside_and_renamed_in(store: str, tmp_path: Path) -> None:
    """The file is whole, and nothing else is left in its folder."""
    folder = tmp_path / "out"
    folder.mkdir()
    assert main(["export", "latest", "--from", store, "-o", str(folder / "one.md")]) == 0
    assert [path.name for path in folder.iterdir()] == ["one.md"]
    assert (folder / "one.md").read_text() == DOCUMENT


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list", "--from", "missing.db"], "missing.db"),
        (["list", "--from", "gopher://host"], "gopher"),
        (["export", "4bf92f35", "--from", "STORE"], "'4bf92f35'"),
        (["import", "missing.md", "--into", "STORE"], "missing.md"),
        (["import", "LATIN1", "--into", "STORE"], "not UTF-8"),
        (["import", "EMPTY", "--into", "STORE"], "holds no message"),
        (["export", "latest", "--from", "STORE", "-o", "no/such/folder/x.md"], "no/such/folder/x.md"),
        (["record", "--from", "STORE", "--", "no-such-program"], "no-such-program"),
        (["record", "--from", "STORE", "--"], "no command"),
        (["record", "--from", "spans.jsonl", "--", "true"], "spans.jsonl"),
        (["import", "DOCUMENT", "--into", "otlp+http://127.0.0.1:9"], "127.0.0.1:9"),
    ],
)
def test_an_error_is_a_sentence_and_a_hint(
    arguments: list[str],
    said: str,
    store: str,
    document: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It names the value, ends with exit code 2, writes nothing to standard output and shows no traceback."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "latin1.md").write_bytes("### GET /é".encode("latin-1"))
    (tmp_path / "empty.md").write_bytes(b"")
    names = {"STORE": store, "DOCUMENT": str(document), "LATIN1": "latin1.md", "EMPTY": "empty.md"}
    assert main([names.get(argument, argument) for argument in arguments]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    error, *rest = output.err.splitlines()
    assert error.startswith("error: ")
    assert said in error
    assert "Traceback" not in output.err
    assert all(line.startswith("hint: ") for line in rest[:1])


def test_what_cannot_be_recorded_is_not_run(store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A receiver that is away is told before the command does anything."""
    touched = tmp_path / "touched"
    command = ["record", "--endpoint", "http://127.0.0.1:9", "--from", store, "--", "touch", str(touched)]
    assert main(command) == 2
    assert "http://127.0.0.1:9/v1/traces cannot be reached" in capsys.readouterr().err
    assert not touched.exists()


@pytest.mark.parametrize("code", [0, 7])
def test_a_recorded_command_keeps_its_exit_code_and_its_output(
    code: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A client that calls nobody leaves its root span; there is no message to write a document of, and that is said."""
    store = str(tmp_path / "fresh.db")
    script = f"print('hello'); raise SystemExit({code})"
    done = main(["record", "--from", store, "--", sys.executable, "-c", script])
    output = capfd.readouterr()
    assert done == (code or 2)
    assert output.out == "hello\n"
    assert "no HTTP message" in output.err
    assert main(["list", "--from", store, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["span_count"] == 1


def test_an_id_that_nobody_knows_is_not_found(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, a sentence for people, nothing for machines."""
    assert main(["find", "req-0", "--from", store]) == 2
    assert "'req-0'" in capsys.readouterr().err
    assert main(["find", "req-0", "--from", store, "--json"]) == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("value", ["localhost", "127.0.0.1:http", ":99999"])
def test_an_address_that_is_none_is_refused(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The argument parser names the value and an example."""
    with pytest.raises(SystemExit, match="2"):
        main(["receive", "--http", value])
    assert repr(value) in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["export", "latest", "-o", ""], ["site", "build", "pages", "--output="]])
def test_an_empty_name_is_no_file(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A variable of the shell that is not set leaves it; it would mean the folder that somebody is in."""
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "argument -o/--output: '' is no name of a file; is a variable not set?" in capsys.readouterr().err


def test_every_verb_teaches_by_example(capsys: pytest.CaptureFixture[str]) -> None:
    """Each help ends with commands that can be typed, and each format has a renderer."""
    for verb in ("receive", "record", "export", "import", "list", "find", "doctor"):
        with pytest.raises(SystemExit, match="0"):
            main([verb, "--help"])
        assert f"  otel-openstack {verb}" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="0"):
        export_to_markdown(["--help"])
    assert "  export-to-markdown latest" in capsys.readouterr().out
    from otel_openstack.cli.arguments import FORMATS

    assert tuple(RENDERERS) == FORMATS


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """As one line."""
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"otel-openstack {__version__}\n"


def test_a_reader_that_has_had_enough_is_no_error(store: str) -> None:
    """Export into a pipe that is closed ends quietly."""
    script = f"{sys.executable} -m otel_openstack.cli export latest --from {store} | head -c 1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=False)
    assert (done.stdout, done.stderr) == (b"\n", b"")


def test_completion_knows_the_verbs(tmp_path: Path) -> None:
    """What argcomplete asks is answered."""
    answer = tmp_path / "answer"
    environment = os.environ | {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        "COMP_LINE": "otel-openstack ex",
        "COMP_POINT": "17",
    }
    subprocess.run([sys.executable, "-m", "otel_openstack.cli"], env=environment, check=False)
    assert answer.read_text().split() == ["export"]


def test_help_loads_nothing_that_it_does_not_need() -> None:
    """Neither protobuf nor SQLite nor anything of a server is imported to print a help text."""
    code = (
        "import sys; from otel_openstack.cli.arguments import otel_openstack_parser as p; p().format_help(); "
        "print([m for m in ('google.protobuf', 'sqlite3', 'rich', 'orjson', 'waitress', 'grpc') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


WITHOUT = "import sys; sys.modules[{0!r}] = None; from otel_openstack.cli import main; sys.exit(main({1!r}))"


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("orjson", ["list"]),
        ("waitress", ["receive"]),
        ("waitress", ["record", "--", "true"]),
        ("platformdirs", ["export", "latest"]),
        ("orjson", ["diff", "a.md", "b.md"]),
        ("orjson", ["import", "a.md"]),
    ],
)
def test_where_only_the_agent_is_installed_the_extra_is_named(module: str, arguments: list[str], store: str) -> None:
    """Exit code 2, which package is missing, and what to type."""
    rest = ["--from", store] if arguments == ["list"] else []
    code = WITHOUT.format(module, [*arguments, *rest])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f"error: This needs {module}, which is not installed.",
        "hint: pip install 'otel-openstack[reader]'",
    ]


def shell(script: str, **environment: str) -> tuple[int, str]:
    """Run a line of bash in which ``$cli`` is the command; return its exit code and both its streams."""
    done = subprocess.run(
        ["bash", "-c", f"cli='{sys.executable} -m otel_openstack.cli'\n{script}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | environment,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_a_stream_that_is_closed_is_as_good_as_the_null_device(store: str) -> None:
    """Nothing is printed, nothing breaks, and no file of ours becomes a standard stream."""
    assert shell(f"$cli list --from {store} >&-") == (0, "")
    assert shell(f"$cli export latest --from {store} >&-") == (0, "")
    assert shell("$cli list --from nothing.db 2>&-") == (2, "")
    code, told = shell("$cli import - <&-")
    assert (code, told.splitlines()[0]) == (2, "error: standard input holds no message.")


@pytest.mark.parametrize("verb", ["list", "export latest"])
def test_output_that_cannot_be_written_is_told(verb: str, store: str) -> None:
    """A full disk behind a redirection is an error, and said once."""
    assert shell(f"$cli {verb} --from {store} >/dev/full") == (
        2,
        "error: Standard output: No space left on device.\n",
    )


def test_a_help_text_can_be_printed_in_any_encoding() -> None:
    """A character that the terminal lacks is spelled out."""
    code, told = shell("$cli export --help", PYTHONIOENCODING="ascii")
    assert code == 0
    assert "NAME,\\u2026" in told


@pytest.mark.parametrize(("value", "found"), [("9" * 20 + "d", 1), ("9999-12-31T23:59", 0)])
def test_a_time_that_no_store_can_hold_lies_before_or_after_every_trace(
    value: str, found: int, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """SQLite's numbers end in the year 2262."""
    assert main(["list", "--from", store, "--since", value]) == 0
    assert len(capsys.readouterr().out.splitlines()) == found


@pytest.mark.parametrize("value", ["²d", "0001-01-01", "soon"])
def test_what_is_no_time_is_named(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With examples of what is one."""
    with pytest.raises(SystemExit, match="2"):
        main(["list", "--since", value])
    assert f"{value!r} is neither 15m nor" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["0", "-1", "²", str(2**31)])
def test_a_number_that_is_too_small_or_too_large_is_refused(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The argument parser names it."""
    with pytest.raises(SystemExit, match="2"):
        main(["list", f"--limit={value}"])
    assert repr(value) in capsys.readouterr().err


def test_a_file_that_is_none_of_ours_is_told_where_nothing_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Why there is nothing comes before that there is nothing, and not a thousand times."""
    (tmp_path / "other.json").write_text("{\n" + '"a": 1,\n' * 1000 + '"b": 2\n}\n')
    assert main(["export", "latest", "--from", str(tmp_path / "other.json")]) == 2
    told = capsys.readouterr().err.splitlines()
    assert told[0].startswith("warning: line 1 of other.json is not OTLP JSON")
    assert told[10:12] == ["warning: 993 more like these", "error: There is no trace yet."]


def test_a_data_directory_that_cannot_be_made_is_told(document: Path) -> None:
    """A service's account often has a home that does not exist."""
    assert shell(f"$cli import {document}", HOME="/proc/none", XDG_DATA_HOME="/proc/none")[1].startswith(
        "error: The store /proc/none/otel-openstack/traces.db cannot be made: "
    )


def test_doctor_names_what_to_install_where_there_is_no_agent(tmp_path: Path) -> None:
    """An interpreter of another environment is told from one whose agent finds fault."""
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    code, told = shell(f"$cli doctor --python {bare}")
    assert (code, told) == (
        2,
        f"error: {bare} has no agent that starts: ModuleNotFoundError: No module named 'otel_openstack'\n"
        f"hint: Where it is missing: {bare} -m pip install otel-openstack\n",
    )


def test_doctor_names_what_keeps_the_launcher_itself_from_starting() -> None:
    """OpenTelemetry's API refuses to be imported with a propagator that it does not find."""
    code, told = shell("$cli doctor", OTEL_PROPAGATORS="b3")
    assert code == 2
    assert "has no agent that starts: ValueError: Propagator b3 not found" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("columns", [20, 80, 200])
def test_no_column_is_left_out_on_a_narrow_terminal(columns: int, store: str) -> None:
    """Where the table has no room, each trace takes two lines."""
    code, told = shell(f'script -qec "$cli list --from {store}" /dev/null', COLUMNS=str(columns), NO_COLOR="1")
    assert code == 0
    assert "keystone" in told
    assert "0.001 s" in told


def test_an_error_that_quotes_another_does_not_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Escape sequences and what turns the direction of text are seen, not obeyed."""
    path = tmp_path / "\x1b[31m\x9b5m\u202e.jsonl"
    assert main(["list", "--from", str(path)]) == 2
    assert "�[31m�5m�.jsonl" in capsys.readouterr().err
