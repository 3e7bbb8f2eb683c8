"""Which units a host has, what they are called there, and what systemd would run for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from otel_openstack.deploy import syntax
from otel_openstack.deploy.root import Root
from otel_openstack.deploy.syntax import Command
from otel_openstack.exceptions import DeploymentError

ADMINISTRATOR = PurePosixPath("/etc/systemd/system")
UNIT_FOLDERS = (
    ADMINISTRATOR,
    *map(PurePosixPath, ("/run/systemd/system", "/run/systemd/generator", "/usr/local/lib/systemd/system",
                         "/usr/lib/systemd/system", "/lib/systemd/system")),
)  # fmt: skip
"""Where units are, first found first taken: systemd.unit(5)."""

DROPIN = "zz-otel-openstack.conf"
"""Behind whatever an administrator calls his own (``override.conf``): the last ``ExecStart=`` holds."""

_VALID_NAME = re.compile(r"[A-Za-z0-9:_.\\@-]+")

UNITS = {
    "keystone": ("keystone-wsgi-public", "devstack@keystone"),
    "glance-api": ("devstack@g-api",),
    "placement": ("placement-api", "devstack@placement-api"),
    "nova-api": ("nova-api-os-compute", "devstack@n-api"),
    "nova-api-metadata": ("nova-metadata-api", "devstack@n-api-meta"),
    "nova-compute": ("devstack@n-cpu",),
    "nova-conductor": ("devstack@n-super-cond", "devstack@n-cond-cell1"),
    "nova-scheduler": ("devstack@n-sch",),
    "neutron-server": ("neutron-api", "devstack@neutron-api", "devstack@q-svc"),
    "neutron-rpc-server": ("devstack@neutron-rpc-server",),
    "neutron-periodic-workers": ("devstack@neutron-periodic-workers",),
    "neutron-dhcp-agent": ("devstack@q-dhcp",),
    "neutron-l3-agent": ("devstack@q-l3",),
    "neutron-openvswitch-agent": ("devstack@q-agt",),
    "cinder-api": ("devstack@c-api",),
    "cinder-scheduler": ("devstack@c-sch",),
    "cinder-volume": ("devstack@c-vol",),
    "cinder-backup": ("devstack@c-bak",),
    "swift-proxy-server": ("swift-proxy", "devstack@s-proxy"),
    "swift-account-server": ("swift-account", "devstack@s-account"),
    "swift-container-server": ("swift-container", "devstack@s-container"),
    "swift-object-server": ("swift-object", "devstack@s-object"),
    "heat-api": ("devstack@h-api",),
    "heat-api-cfn": ("devstack@h-api-cfn",),
    "heat-engine": ("devstack@h-eng",),
    "barbican-api": ("devstack@barbican-svc",),
    "ironic-api": ("devstack@ir-api",),
    "octavia-api": ("devstack@o-api",),
    "designate-api": ("devstack@designate-api",),
    "manila-api": ("devstack@m-api",),
    "magnum-api": ("devstack@magnum-api",),
    "aodh-api": (),
    "trove-api": ("devstack@tr-api",),
    "zaqar-server": ("devstack@zaqar-wsgi",),
}
"""Service -> what else its unit is called: Debian and Ubuntu, OpenStack-Ansible, DevStack; RDO adds ``openstack-``."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of a host.

    :param name: with its suffix, as ``glance-api.service``; ``@`` and an instance included.
    """

    root: Root
    name: str

    @property
    def dropin(self) -> PurePosixPath:
        """Where our drop-in is, or would be."""
        return ADMINISTRATOR / f"{self.name}.d" / DROPIN

    @property
    def fragment(self) -> PurePosixPath | None:
        """The unit's own file, or that of its template; ``None`` when it is not installed or is masked."""
        for name in dict.fromkeys((self.name, self._template)):
            for folder in UNIT_FOLDERS:
                path = self.root.inside(folder / name)
                if path.is_file():
                    return folder / name
                if (self.root.inside(folder) / name).is_symlink():
                    return None  # to /dev/null: masked
        return None

    def real(self) -> Unit:
        """Return the unit that this is another name of, as a link in a folder of units makes it; else this one."""
        if self.fragment is None or "@" in self.name:
            return self
        target = Unit(self.root, self.root.inside(self.fragment).name)
        return target if target.fragment is not None else self

    def commands(self) -> list[Command]:
        """Return what the unit runs without our drop-in.

        :raises DeploymentError: it is not installed, is written so that systemd would not read it, or a drop-in of
            somebody else sets the command after ours.
        """
        if self.fragment is None:
            raise DeploymentError(
                f"{self.name} is not installed in {self.root.path}.",
                hint="otel-openstack status shows the services that are.",
            )
        found = _exec_start(self.root.read(self.fragment), [])
        for path in self._dropins():
            text = self.root.read(path)
            if path.name > DROPIN and any(key == "ExecStart" for key, _ in syntax.assignments(text)):
                raise DeploymentError(
                    f"{path} sets ExecStart after {DROPIN} would.", hint="Give it a name that sorts before zz-."
                )
            found = _exec_start(text, found)
        return found

    def expand(self, text: str) -> str:
        """Return a program's path with those specifiers filled in that its unit's name tells (systemd.unit(5))."""
        stem, _, _ = self.name.rpartition(".")
        prefix, _, instance = stem.partition("@")
        values = {"i": instance, "p": prefix, "n": self.name, "N": stem, "%": "%"}
        return re.sub(r"%(.)", lambda match: values.get(match[1], match[0]), text)

    @property
    def _template(self) -> str:
        prefix, mark, _ = self.name.partition("@")
        return f"{prefix}@.service" if mark else self.name

    def _dropins(self) -> list[PurePosixPath]:
        """Return the drop-ins of others in the order in which systemd reads them."""
        found: dict[str, PurePosixPath] = {}
        for name in dict.fromkeys((self.name, self._template, *_prefixes(self._template), "service")):
            for folder in UNIT_FOLDERS:
                for file in self.root.glob(folder / f"{name}.d", "*.conf"):
                    found.setdefault(file, folder / f"{name}.d" / file)
        return [found[file] for file in sorted(found) if found[file] != self.dropin]


def resolve(root: Root, service: str) -> Unit:
    """Return the unit that a service has on this host.

    :param service: OpenStack's name of it (``glance-api``), or a unit's (``devstack@g-api``, ``x.service``).
    :raises DeploymentError: it has none here, or several.
    """
    found = units_of(root, service)
    if len(found) > 1:
        names = ", ".join(unit.name for unit in found)
        raise DeploymentError(f"{service} is several units here: {names}.", hint="Name the one that is meant.")
    if not found:
        tried = ", ".join(_candidates(service))
        raise DeploymentError(
            f"There is no unit of {service} in {root.path}: {tried}.",
            hint="otel-openstack status shows the services that are installed.",
        )
    return found[0]


def units_of(root: Root, service: str) -> list[Unit]:
    """Return a service's units that are installed or still have our drop-in, by their real names.

    :raises DeploymentError: the name can be none.
    """
    if not _VALID_NAME.fullmatch(service):
        raise DeploymentError(f"{service!r} is no name of a service or unit.", hint="Such as --service glance-api.")
    units = (Unit(root, name).real() for name in _candidates(service))
    return list(dict.fromkeys(unit for unit in units if unit.fragment is not None or root.is_file(unit.dropin)))


def installed(root: Root) -> list[Unit]:
    """Return the units of every service of the table that is on this host, and all that have our drop-in."""
    units = [unit for service in UNITS for unit in units_of(root, service)]
    others = (Unit(root, folder.removesuffix(".d")) for folder in root.glob(ADMINISTRATOR, "*.service.d"))
    return list(dict.fromkeys([*units, *(unit for unit in others if root.is_file(unit.dropin))]))


def _candidates(service: str) -> list[str]:
    if service.endswith(".service"):
        return [service]
    if "@" in service:
        return [f"{service}.service"]
    names = (service, f"openstack-{service}", *UNITS.get(service, ()))
    packaged = (f"openstack-{name}" for name in UNITS.get(service, ()) if "@" not in name)
    return [f"{name}.service" for name in dict.fromkeys((*names, *packaged))]


def _exec_start(text: str, found: list[Command]) -> list[Command]:
    """Return the commands after one more file: an empty assignment clears what was there."""
    for key, value in syntax.assignments(text):
        if key == "ExecStart":
            found = [*found, *syntax.commands(value)] if value else []
    return found


def _prefixes(name: str) -> Iterator[str]:
    """Yield ``a-b-.service`` and ``a-.service`` for ``a-b-c.service``: their drop-ins hold too (systemd.unit(5))."""
    stem = name.removesuffix(".service").removesuffix("@")
    while "-" in stem.rstrip("-"):
        stem = stem.rstrip("-").rpartition("-")[0]
        yield f"{stem}-.service"
