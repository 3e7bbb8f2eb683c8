"""``enable``, ``disable`` and ``status`` as a person meets them."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from otel_openstack.cli import main
from tests.deploy.host import Host, glance

FILE = "/etc/systemd/system/openstack-glance-api.service.d/zz-otel-openstack.conf"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """Make a host with glance-api."""
    return glance(tmp_path / "host")


def test_enable_and_disable_say_what_to_type_and_restart_nothing(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    """Standard output is that line alone; once it is so, there is nothing to type."""
    before = host.snapshot()
    for verb, done, already in (("enable", "written", "on"), ("disable", "removed", "off")):
        arguments = [verb, "--service", "glance-api", "--root", str(host.path)]
        assert main(arguments) == 0
        output = capsys.readouterr()
        assert output.out == "systemctl daemon-reload && systemctl restart openstack-glance-api.service\n"
        assert output.err == f"{FILE} {done}\n"
        assert main(arguments) == 0
        output = capsys.readouterr()
        assert (output.out, output.err) == ("", f"openstack-glance-api.service is {already} already\n")
    assert host.snapshot() == before


def test_a_dry_run_shows_the_change_and_writes_nothing(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    """As a unified diff with the host's own paths."""
    before = host.snapshot()
    assert main(["enable", "--service", "glance-api", "--root", str(host.path), "--dry-run"]) == 0
    output = capsys.readouterr()
    assert output.out.startswith(f"--- /dev/null\n+++ {FILE}\n@@ ")
    assert "\n+ExecStart=/opt/glance/bin/opentelemetry-instrument /opt/glance/bin/glance-api" in output.out
    assert output.err == "dry run: nothing was written\n"
    assert host.snapshot() == before


def test_status_is_a_line_a_unit_and_an_exit_code(host: Host, capsys: pytest.CaptureFixture[str]) -> None:
    """1 when one that was named is not on."""
    tree = ["--root", str(host.path)]
    assert main(["status", *tree]) == 0
    unit = "openstack-glance-api.service"
    assert capsys.readouterr().out == f"{unit}\toff\t/usr/lib/systemd/system/{unit}\n"
    assert main(["status", "--service", "glance-api", *tree]) == 1
    assert main(["enable", "--service", "glance-api", *tree]) == 0
    capsys.readouterr()
    assert main(["status", "--service", "glance-api", *tree]) == 0
    assert capsys.readouterr().out == f"{unit}\ton\t{FILE}\n"
    assert main(["status", "--service", "glance-api", "--service", "keystone", *tree]) == 1
    assert capsys.readouterr().out == f"{unit}\ton\t{FILE}\nkeystone\tnot installed\t\n"


def test_status_is_a_table_on_a_terminal(host: Host) -> None:
    """With headings, and columns that stand below each other."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "otel_openstack.cli", "status", "--service", "glance-api", "--service", "keystone"]
    done = subprocess.run([*command, "--root", str(host.path)], stdout=theirs, check=False)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert done.returncode == 1
    assert shown.splitlines() == [
        "unit                          state          where",
        "openstack-glance-api.service  off            /usr/lib/systemd/system/openstack-glance-api.service",
        "keystone                      not installed",
    ]


def test_a_host_without_services_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rather than nothing at all."""
    empty = Host(tmp_path / "empty")
    assert main(["status", "--root", str(empty.path)]) == 0
    assert "No service of OpenStack is installed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said", "hint"),
    [
        (["enable", "--service", "keystone"], "There is no unit of keystone", "otel-openstack status"),
        (["enable", "--service", "nova-api"], "/opt/nova/bin/python3 has no", "/opt/nova/bin/python3 -m pip install"),
        (["enable", "--service", "glance-api", "--endpoint", "4318"], "'4318' is no endpoint", "--endpoint http"),
        (["enable", "--service", "glance-api", "--python", "/opt/no"], "no interpreter /opt/no", "absolute path"),
        (["disable", "--service", "a/b"], "'a/b' is no name", "--service glance-api"),
        (["status", "--service", "a/b"], "'a/b' is no name", "--service glance-api"),
        (["enable", "--service", "glance-api", "--root", "/no/such/root"], "/no/such/root is no folder", "--root"),
    ],
)
def test_an_error_is_a_sentence_and_a_hint(
    arguments: list[str], said: str, hint: str, host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, and nothing is written."""
    host.environment("/opt/nova", "nova-api", agent=False)
    host.unit("nova-api.service", "ExecStart=/opt/nova/bin/nova-api")
    before = host.snapshot()
    assert main(arguments if "--root" in arguments else [*arguments, "--root", str(host.path)]) == 2
    error, remedy = capsys.readouterr().err.splitlines()
    assert error.startswith("error: ")
    assert said in error
    assert remedy.startswith("hint: ")
    assert hint in remedy
    assert host.snapshot() == before


def test_each_help_teaches_by_example_and_names_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """As every verb's does."""
    for verb in ("enable", "disable", "status"):
        with pytest.raises(SystemExit, match="0"):
            main([verb, "--help"])
        shown = capsys.readouterr().out
        assert f"  otel-openstack {verb} " in shown
        assert "exit codes: 0 " in shown


def test_an_environment_with_the_agent_alone_has_these_verbs(host: Host) -> None:
    """Nothing of the reader's extras is imported."""
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('rich', 'argcomplete', 'orjson', 'platformdirs', 'requests')));"
        "from otel_openstack.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    for verb in ("enable", "status", "disable"):
        command = [sys.executable, "-c", code, verb, "--service", "glance-api", "--root", str(host.path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
