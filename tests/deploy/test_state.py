"""What ``status`` tells of each unit."""

from __future__ import annotations

from pathlib import Path

from otel_openstack.deploy import State, apply, enable, states
from tests.deploy.host import LAUNCHER, Host, glance
from tests.deploy.test_changes import FILE


def state(host: Host) -> State:
    """Return the state of glance-api."""
    (found,) = states(host.root, ["glance-api"])
    assert found.unit == "openstack-glance-api.service"
    return found.state


def test_off_then_on(tmp_path: Path) -> None:
    """And where it can be looked up: the unit first, then our drop-in."""
    host = glance(tmp_path / "host")
    (off,) = states(host.root)
    assert (off.state, off.where) == (State.OFF, "/usr/lib/systemd/system/openstack-glance-api.service")
    apply(enable(host.root, ["glance-api"], {}))
    (on,) = states(host.root)
    assert (on.unit, on.state, on.where) == ("openstack-glance-api.service", State.ON, f"/{FILE}")


def test_changed_by_hand(tmp_path: Path) -> None:
    """One line more is seen."""
    host = glance(tmp_path / "host")
    apply(enable(host.root, ["glance-api"], {}))
    with (host.path / FILE).open("a") as file:
        file.write("Nice=1\n")
    assert state(host) is State.CHANGED


def test_a_new_command_of_the_package_makes_it_outdated(tmp_path: Path) -> None:
    """The drop-in still has the old one; enable mends that."""
    host = glance(tmp_path / "host")
    apply(enable(host.root, ["glance-api"], {}))
    host.unit("openstack-glance-api.service", "ExecStart=/opt/glance/bin/glance-api --new")
    assert state(host) is State.OUTDATED
    apply(enable(host.root, ["glance-api"], {}))
    assert state(host) is State.ON
    host.unit("openstack-glance-api.service", 'ExecStart="')
    assert state(host) is State.OUTDATED


def test_a_launcher_that_is_gone_would_not_start(tmp_path: Path) -> None:
    """As after the environment was built anew."""
    host = glance(tmp_path / "host")
    apply(enable(host.root, ["glance-api"], {}))
    (host.path / "opt/glance/bin" / LAUNCHER).unlink()
    assert state(host) is State.BROKEN


def test_a_file_of_somebody_else_is_in_the_way(tmp_path: Path) -> None:
    """It is his."""
    host = glance(tmp_path / "host")
    host.write(FILE, "[Service]\n")
    assert state(host) is State.FOREIGN


def test_what_is_not_installed_is_told_by_name(tmp_path: Path) -> None:
    """Also when our drop-in is left of it."""
    host = glance(tmp_path / "host")
    apply(enable(host.root, ["glance-api"], {}))
    (host.path / "usr/lib/systemd/system/openstack-glance-api.service").unlink()
    left, never = states(host.root, ["glance-api", "keystone"])
    assert (left.state, left.where) == (State.NOT_INSTALLED, f"/{FILE}")
    assert (never.unit, never.state, never.where) == ("keystone", State.NOT_INSTALLED, "")
