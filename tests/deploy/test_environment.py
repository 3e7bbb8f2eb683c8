"""Which launcher a command gets."""

from __future__ import annotations

import pytest

from otel_openstack.deploy.environment import of_command, of_interpreter
from otel_openstack.deploy.units import Unit
from otel_openstack.exceptions import DeploymentError
from tests.deploy.host import LAUNCHER, Host


def launcher(host: Host, line: str) -> str:
    """Return the launcher of the only command of a unit."""
    host.unit("x.service", f"ExecStart={line}")
    unit = Unit(host.root, "x.service")
    (command,) = unit.commands()
    environment = of_command(unit, command)
    return environment.launcher() if environment else ""


@pytest.mark.parametrize(
    ("program", "text"),
    [
        ("/usr/bin/glance-api", "#!/opt/x/bin/python3\n"),
        ("/usr/bin/glance-api", "#!/bin/sh\n'''exec' /opt/x/bin/python3.11 \"$0\" \"$@\"\n' '''\n"),
        ("/opt/x/bin/uwsgi", "\x7fELF"),
        ("/opt/x/bin/python3 -m glance", "\x7fELF"),
        ("/usr/bin/uwsgi --venv /opt/x --ini /etc/none.ini", "\x7fELF"),
        ("/usr/bin/uwsgi --virtualenv=/opt/x", "\x7fELF"),
        ("/usr/bin/uwsgi --ini /etc/x.ini", "\x7fELF"),
        ("uwsgi --ini=/etc/x.ini", "\x7fELF"),
    ],
)
def test_the_launcher_is_that_of_the_service_s_own_environment(program: str, text: str, host: Host) -> None:
    """Its first line tells it, its folder, or what uWSGI is told."""
    host.environment("/opt/x")
    host.agent("/usr", "lib/python3/dist-packages")
    name = program.split()[0]
    host.program(name if "/" in name else f"/usr/bin/{name}", text)
    host.write("/etc/x.ini", "[uwsgi]\nmodule = a\nvirtualenv = /opt/x\n")
    assert launcher(host, program) == f"/opt/x/bin/{LAUNCHER}"


@pytest.mark.parametrize("text", ["#!/usr/bin/python3\n", "#!/usr/bin/env python3\n", "#!/bin/sh\nexec uwsgi\n"])
def test_a_packaged_program_runs_in_the_system_s_environment(text: str, host: Host) -> None:
    """Where pip puts programs into /usr/local; a start script is the packages' own."""
    host.agent("/usr/local", "lib/python3.11/dist-packages")
    host.program("/etc/init.d/glance-api", text)
    assert launcher(host, "/etc/init.d/glance-api systemd-start") == f"/usr/local/bin/{LAUNCHER}"


def test_what_is_no_python_has_no_environment(host: Host) -> None:
    """Apache and the engines of containers are told apart."""
    host.program("/usr/sbin/apache2", "\x7fELF")
    assert launcher(host, "/usr/sbin/apache2 -k start") == ""


@pytest.mark.parametrize(("launcher_there", "said"), [(False, f"has no {LAUNCHER}"), (True, "the agent is not")])
def test_what_is_missing_is_named_with_the_line_to_type(launcher_there: bool, said: str, host: Host) -> None:
    """It is pip of that very environment."""
    host.environment("/opt/x y", agent=False)
    if launcher_there:
        host.program(f"/opt/x y/bin/{LAUNCHER}")
    with pytest.raises(DeploymentError, match=said) as caught:
        launcher(host, '"/opt/x y/bin/python3" -m glance')
    assert caught.value.hint == "'/opt/x y/bin/python3' -m pip install otel-openstack"


def test_the_distribution_s_own_interpreter_wants_to_be_asked_twice(host: Host) -> None:
    """PEP 668: Debian marks it as managed."""
    host.write("/usr/lib/python3.11/EXTERNALLY-MANAGED", "")
    host.program("/usr/bin/glance-api")
    with pytest.raises(DeploymentError) as caught:
        launcher(host, "/usr/bin/glance-api")
    assert caught.value.hint == "/usr/bin/python3 -m pip install --break-system-packages otel-openstack"


def test_links_are_followed_inside_the_tree(host: Host) -> None:
    """As a process on that host would follow them, not as this machine would."""
    host.environment("/opt/x", "glance-api")
    (host.path / "usr/bin/glance-api").symlink_to("/opt/y/bin/glance-api")
    (host.path / "opt/y").symlink_to("../opt/./x")
    assert launcher(host, "/usr/bin/glance-api") == f"/opt/x/bin/{LAUNCHER}"


def test_a_program_that_is_gone_is_named(host: Host) -> None:
    """So is an interpreter, and a circle of links is no endless loop."""
    with pytest.raises(DeploymentError, match=r"no /usr/bin/glance-api, which x\.service runs"):
        launcher(host, "/usr/bin/glance-api")
    with pytest.raises(DeploymentError, match="no interpreter /opt/none/bin/python"):
        of_interpreter(host.root, "/opt/none/bin/python")
    (host.path / "usr/bin/a").symlink_to("b")
    (host.path / "usr/bin/b").symlink_to("a")
    with pytest.raises(DeploymentError, match="circle"):
        launcher(host, "/usr/bin/a")


def test_a_unit_that_names_the_launcher_itself_is_left_alone(host: Host) -> None:
    """It is on by somebody else's hand."""
    host.environment("/opt/x")
    with pytest.raises(DeploymentError, match="by its own unit"):
        launcher(host, f"/opt/x/bin/{LAUNCHER} /opt/x/bin/glance-api")
