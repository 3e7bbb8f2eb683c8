"""Which unit a service has, and what systemd would run for it."""

from __future__ import annotations

import pytest

from otel_openstack.deploy.units import DROPIN, UNITS, Unit, installed, resolve
from otel_openstack.exceptions import DeploymentError
from otel_openstack.instrument.services import SERVICES
from tests.deploy.host import Host


@pytest.mark.parametrize(
    ("service", "unit"),
    [
        ("glance-api", "glance-api.service"),
        ("glance-api", "openstack-glance-api.service"),
        ("glance-api", "devstack@g-api.service"),
        ("nova-api-metadata", "openstack-nova-metadata-api.service"),
        ("swift-proxy-server", "openstack-swift-proxy.service"),
        ("neutron-server", "neutron-api.service"),
        ("devstack@n-cpu", "devstack@n-cpu.service"),
        ("my.service", "my.service"),
    ],
)
def test_a_service_is_found_under_its_package_s_name(service: str, unit: str, host: Host) -> None:
    """Debian's, RDO's, DevStack's; a unit can be named itself."""
    host.unit(unit, "ExecStart=/x")
    assert resolve(host.root, service).name == unit


def test_an_instance_is_found_by_its_template(host: Host) -> None:
    """What its name fills in is expanded."""
    host.unit("nova-compute@.service", "ExecStart=/opt/%i/%p")
    unit = resolve(host.root, "nova-compute@one")
    assert unit.name == "nova-compute@one.service"
    assert unit.expand("/opt/%i/%p%%/%N/%n/%h") == "/opt/one/nova-compute%/nova-compute@one/nova-compute@one.service/%h"


def test_two_units_of_one_service_are_told_apart_by_the_user(host: Host) -> None:
    """Two names of one file are one, and the file's is the unit's; a unit linked from elsewhere has the link's."""
    host.unit("openstack-glance-api.service", "ExecStart=/x")
    (host.path / "usr/lib/systemd/system/glance-api.service").symlink_to("openstack-glance-api.service")
    assert resolve(host.root, "glance-api").name == "openstack-glance-api.service"
    host.unit("other.service", "ExecStart=/x", folder="/opt")
    (host.path / "etc/systemd/system/my.service").symlink_to("/opt/other.service")
    assert resolve(host.root, "my.service").name == "my.service"
    host.unit("devstack@g-api.service", "ExecStart=/x")
    with pytest.raises(
        DeploymentError, match=r"several units here: openstack-glance-api.service, devstack@g-api.service"
    ):
        resolve(host.root, "glance-api")


def test_a_masked_unit_is_not_installed(host: Host) -> None:
    """A link to /dev/null hides the package's file."""
    host.unit("glance-api.service", "ExecStart=/x")
    (host.path / "etc/systemd/system/glance-api.service").symlink_to("/dev/null")
    with pytest.raises(DeploymentError, match="There is no unit of glance-api"):
        resolve(host.root, "glance-api")


@pytest.mark.parametrize("name", ["", "../x", "a b.service", "x/y"])
def test_a_name_that_can_be_none_is_refused(name: str, host: Host) -> None:
    """Before any path is made of it."""
    with pytest.raises(DeploymentError, match="no name of a service"):
        resolve(host.root, name)


def test_the_administrator_s_file_and_drop_ins_hold(host: Host) -> None:
    """/etc before /usr/lib; drop-ins by their names, those of template and prefix too; ours never counts."""
    host.unit("a-b@.service", "ExecStart=/no")
    host.unit("a-b@.service", "ExecStart=/first", folder="/etc/systemd/system")
    host.write("/usr/lib/systemd/system/a-.service.d/10.conf", "[Service]\nExecStart=/second ; /third\n")
    host.write("/usr/lib/systemd/system/a-b@.service.d/20.conf", "[Service]\nExecStart=/no\n")
    host.write("/etc/systemd/system/a-b@c.service.d/20.conf", "[Service]\nExecStart=/fourth\n")
    host.write(f"/etc/systemd/system/a-b@c.service.d/{DROPIN}", "[Service]\nExecStart=/no\n")
    unit = Unit(host.root, "a-b@c.service")
    assert [command.program for command in unit.commands()] == ["/first", "/second", "/third", "/fourth"]
    host.write("/etc/systemd/system/service.d/30.conf", "[Service]\nExecStart=\nExecStart=/all\n")
    assert [command.program for command in unit.commands()] == ["/all"]


def test_a_drop_in_that_would_come_after_ours_is_named(host: Host) -> None:
    """Its command would hold, not ours."""
    host.unit("x.service", "ExecStart=/x")
    host.write("/etc/systemd/system/x.service.d/zzz.conf", "[Service]\nNice=1\n")
    assert Unit(host.root, "x.service").commands()
    host.write("/etc/systemd/system/x.service.d/zzz.conf", "[Service]\nExecStart=\nExecStart=/y\n")
    with pytest.raises(DeploymentError, match=r"zzz.conf sets ExecStart after"):
        Unit(host.root, "x.service").commands()


def test_every_service_of_the_table_that_is_installed_is_listed(host: Host) -> None:
    """And each unit that has our drop-in, whatever it is."""
    assert installed(host.root) == []
    host.unit("glance-api.service", "ExecStart=/x")
    host.unit("openstack-keystone.service", "ExecStart=/x")
    host.unit("cron.service", "ExecStart=/x")
    host.unit("my.service", "ExecStart=/x")
    host.write(f"/etc/systemd/system/my.service.d/{DROPIN}", "")
    host.write("/etc/systemd/system/cron.service.d/x.conf", "")
    names = [unit.name for unit in installed(host.root)]
    assert names == ["openstack-keystone.service", "glance-api.service", "my.service"]


def test_no_name_belongs_to_two_services() -> None:
    """The table leads from a unit to one service."""
    names = [name for service, others in UNITS.items() for name in (service, *others)]
    assert len(names) == len(set(names))


def test_every_service_that_the_agent_knows_can_be_enabled_by_its_name() -> None:
    """The agent's table and this one are two, for neither loads the other."""
    assert {service.name for service in SERVICES} <= set(UNITS)
