"""Our drop-ins before the real systemd, and the command that it reads from them with a real service."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_openstack.deploy import apply, enable, variables
from tests.deploy.host import BIN, LAUNCHER, Host, borrow, glance
from tests.deploy.service import traced, write_application
from tests.deploy.strategies import lines
from tests.instrument.harness import OtlpServer, free_port

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")

_TARGETS = ("sysinit.target", "basic.target", "shutdown.target", "-.mount", "system.slice")


def verify(host: Host, unit: str, *, debug: bool = False) -> tuple[int, str]:
    """Return systemd's verdict on a unit with its drop-ins, and what it says; with ``debug`` also all that it read."""
    for target in _TARGETS:
        host.write(f"/usr/lib/systemd/system/{target}", "[Unit]\nDescription=test\nDefaultDependencies=no\n")
    done = subprocess.run(
        ["systemd-analyze", "--root", host.path, "--man=no", "verify", unit],
        env=os.environ | {"SYSTEMD_LOG_LEVEL": "debug" if debug else "info"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout if debug else done.stderr


def commands_of(host: Host, unit: str) -> list[str]:
    """Return the command lines that systemd read for a unit, as it shows them."""
    code, said = verify(host, unit, debug=True)
    assert code == 0
    # A unit is shown before and after what it needs is loaded
    shown = said.partition(f"-> Unit {unit}:")[2].partition("-> Unit")[0]
    return re.findall(r"Command Line: (.*)", shown.partition("-> ExecStart:")[2])


def test_systemd_reads_the_drop_in_without_a_word(tmp_path: Path) -> None:
    """Also with marks, quotes, specifiers and a template; a unit that is wrong is told, so it does read."""
    host = glance(tmp_path / "host")
    host.environment("/opt/a b", "x")
    host.unit("a@.service", """ExecStart=-@"/opt/a b/bin/x" %i 'c d' "$E" \\""", "  --last")
    host.unit("b.service", "Type=oneshot", "ExecStart=+/opt/a\\x20b/bin/x", "ExecStart=!/bin/glance ; /x")
    host.program("/usr/bin/glance", "#!/opt/glance/bin/python3\n")
    host.program("/x")
    host.agent("/usr")
    wanted = variables("http://127.0.0.1:4318", ["deployment.environment.name=100% lab \\ \" '"], [])
    apply(enable(host.root, ["glance-api", "a@1", "b.service"], wanted))
    for unit in ("openstack-glance-api.service", "a@1.service", "b.service"):
        assert verify(host, unit) == (0, "")
    _, said = verify(host, "a@1.service", debug=True)
    assert "Environment: OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=100% lab \\ \" '\n" in said
    host.write("/etc/systemd/system/a@1.service.d/zzz.conf", "[Service]\nExecStart=/no/such\n")
    assert "a@1.service" in verify(host, "a@1.service")[1]


@settings(max_examples=5)
@given(st.lists(lines(("/opt/x/bin/x", '"/opt/a b/bin/c"', "/opt/%p/bin/x", "/opt/a\\x20b/bin/c")), min_size=40))
def test_systemd_reads_the_same_arguments_before_and_after(
    tmp_path_factory: pytest.TempPathFactory, found: list[str]
) -> None:
    """Word for word behind the launcher, for whatever a unit has in its lines."""
    host = Host(tmp_path_factory.mktemp("root") / "host")
    host.environment("/opt/x", "x")
    host.environment("/opt/a b", "c")
    host.unit("x.service", "Type=oneshot", *(f"ExecStart={line}" for line in found))
    before = commands_of(host, "x.service")
    apply(enable(host.root, ["x.service"], {}))
    after = commands_of(host, "x.service")
    assert len(before) == len(after) == len(found)
    for line, old, new in zip(found, before, after, strict=True):
        program = "/opt/x/bin/x" if re.match(r"\W*opt/(x|%p)/", line) else '"/opt/a b/bin/c"'
        launcher = f"/opt/x/bin/{LAUNCHER}" if "x/bin/x" in program else f'"/opt/a b/bin/{LAUNCHER}"'
        name = "name" if line.startswith(("@", "-@")) else ""
        arguments = old.removeprefix(name or program)
        assert new == f"{name or launcher} {program}{arguments}", line


def test_the_command_of_the_drop_in_starts_a_service_that_is_traced(tmp_path: Path, receiver: OtlpServer) -> None:
    """As systemd read it: its words, and the environment of the unit alone; no service manager is needed for that."""
    host = Host(tmp_path / "host")
    borrow(host, "uwsgi")
    port = free_port()
    write_application(tmp_path, "keystone")
    ini = tmp_path / "keystone.ini"
    ini.write_text(f"[uwsgi]\nmodule = keystone.wsgi.api:application\npythonpath = {tmp_path}\n")
    host.unit(
        "devstack@keystone.service",
        f"ExecStart={BIN}/uwsgi --ini {ini} --http-socket 127.0.0.1:{port} --master --processes 2 --enable-threads "
        "--die-on-term",
        folder="/etc/systemd/system",
    )
    wanted = variables(receiver.endpoint, ["deployment.environment.name=scratch host"], [])
    apply(enable(host.root, ["keystone"], wanted))
    _, said = verify(host, "devstack@keystone.service", debug=True)
    (line,) = commands_of(host, "devstack@keystone.service")
    environment = dict(pair.split("=", 1) for pair in dict.fromkeys(re.findall(r"Environment: (.*)", said)))
    assert environment == wanted
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", **environment}
    span, master = traced(shlex.split(line), environment, port, "/v3", receiver)
    assert span.name == "GET /v3"
    assert span.resource.attributes["service.name"] == "keystone"
    assert span.resource.attributes["deployment.environment.name"] == "scratch host"
    assert span.resource.attributes["process.pid"] != master
