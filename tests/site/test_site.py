"""What ``otel-openstack site`` writes and refuses; what it looks like is in tests/browser."""

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from otel_openstack.cli import main
from otel_openstack.render import page
from otel_openstack.site.scripts import SCRIPTS
from tests.cloud.ports import free_ports
from tests.golden.cases import image_list


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """Return a folder with one page."""
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "list.md").write_text(page.render(image_list()))
    return folder


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """Return a folder with scripts, so that nobody is asked for them."""
    folder = tmp_path / "scripts"
    folder.mkdir()
    for script in SCRIPTS:
        (folder / script.name).write_text(f"// {script.name}")
    return folder


def site(*arguments: str | Path) -> int:
    """Run the verb."""
    return main(["site", *map(str, arguments)])


def test_a_site_has_an_index_its_pages_and_its_own_scripts(pages: Path, scripts: Path, tmp_path: Path) -> None:
    """And replaces the site that was there."""
    output = tmp_path / "site"
    (pages / "README.md").write_text("# Welcome\n\nHello.\n")
    for _ in range(2):
        assert site("build", pages, "-o", output, "--scripts", scripts, "--name", "Our cloud") == 0
    index = (output / "index.html").read_text()
    assert "Our cloud" in index
    assert "Hello." in index
    assert 'href="list.html"' in index
    assert "messages" in (output / "list.html").read_text()
    for script in SCRIPTS:
        assert (output / "assets/scripts" / script.name).read_text() == f"// {script.name}"
    assert "unpkg.com" not in (output / "list.html").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pages", "scripts", "site"]


@pytest.mark.parametrize("place", ["pages/site", "."])
def test_a_site_and_its_pages_are_not_in_one_another(
    place: str, pages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Either would be lost."""
    assert site("build", pages, "-o", tmp_path / place) == 2
    assert "would be in one another" in capsys.readouterr().err


def test_a_folder_that_is_no_site_is_not_replaced(
    pages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing that is already written is lost."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home/thesis.txt").write_text("years of work")
    assert site("build", pages, "-o", tmp_path / "home") == 2
    assert "is there and is no site" in capsys.readouterr().err
    assert (tmp_path / "home/thesis.txt").read_text() == "years of work"


def test_a_folder_without_pages_is_told_how_to_get_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also one that is not there."""
    assert site("build", tmp_path, "-o", tmp_path / "site") == 2
    assert "holds no page" in capsys.readouterr().err
    assert site("build", tmp_path / "none", "-o", tmp_path / "site") == 2
    assert "is no folder" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_named(
    pages: Path, scripts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Here, because a file is in the way."""
    (tmp_path / "file").write_text("")
    assert site("build", pages, "-o", tmp_path / "file/site", "--scripts", scripts) == 2
    assert f"{tmp_path}/file/site cannot be written: " in capsys.readouterr().err


def test_a_page_that_is_no_text_is_named(pages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing is written."""
    (pages / "bad.md").write_bytes(b"# x \xff")
    assert site("build", pages, "-o", tmp_path / "site") == 2
    assert "bad.md is not UTF-8 text (byte 4)" in capsys.readouterr().err
    assert not (tmp_path / "site").exists()


def test_a_folder_of_scripts_that_is_not_there_is_told(
    pages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where the cache has what it should hold: somebody means other scripts than those."""
    assert site("build", pages, "-o", tmp_path / "site", "--scripts", tmp_path / "none") == 2
    assert f"error: --scripts {tmp_path / 'none'} is no folder." in capsys.readouterr().err
    assert not (tmp_path / "site").exists()


def test_without_npm_it_is_told_where_the_scripts_come_from(
    pages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing is written."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert site("build", pages, "-o", tmp_path / "site") == 2
    said = capsys.readouterr().err
    assert "there is no npm" in said
    assert "--scripts" in said
    assert not (tmp_path / "site").exists()


@pytest.mark.skipif(shutil.which("npm") is None, reason="there is no npm")
def test_npm_brings_each_script_once(
    pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It stays in the cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert site("build", pages, "-o", tmp_path / "site") == 0
    monkeypatch.setenv("PATH", str(tmp_path))
    assert site("build", pages, "-o", tmp_path / "site") == 0
    assert (tmp_path / "site/assets/scripts/mermaid.min.js").stat().st_size > 1_000_000
    assert "error" not in capsys.readouterr().err


def test_a_site_is_served_while_its_pages_are_written(pages: Path, scripts: Path) -> None:
    """On loopback, until it is ended."""
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "otel_openstack.cli", "site", "serve", str(pages), "--http", f"127.0.0.1:{port}"]
    with subprocess.Popen([*command, "--scripts", str(scripts)], stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            assert process.stderr.readline() == f"http://127.0.0.1:{port}/ shows {pages} until Ctrl-C\n"
            assert "GET /v2/images" in answer(f"http://127.0.0.1:{port}/list.html")
        finally:
            process.terminate()
            assert process.wait(10) == 0


def test_an_address_that_is_taken_is_told(pages: Path, scripts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By its host and port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert site("serve", pages, "--http", address, "--scripts", scripts) == 2
    assert f"{address} cannot be listened at" in capsys.readouterr().err


def answer(url: str) -> str:
    """Return what is served, as soon as it is."""
    text = None
    while text is None:  # pytest's own timeout ends it
        with suppress(OSError), urllib.request.urlopen(url) as response:
            text = response.read().decode()
        time.sleep(0.05)
    return str(text)
