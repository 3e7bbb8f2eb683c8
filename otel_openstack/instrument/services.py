"""What runs in this process: the table of services, and how a process is recognised.

The name is needed before anything of the service is imported: the launcher starts the agent from ``sitecustomize``,
when under uWSGI even ``sys.argv`` tells nothing. What the process was started with tells it: a service's own program,
or a WSGI entry point that the command line, uWSGI's environment or one of its configuration files names.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePath


@dataclass(frozen=True, slots=True)
class Service:
    """A service that is served by its WSGI entry point.

    :param name: what OpenStack calls it, and ``service.name``.
    :param distribution: the Python distribution whose version is ``service.version``.
    :param application: ``module:attribute`` of the outermost WSGI application.
    :param factory: ``module:function`` that makes it, which is all that the older scripts import.
    :param scripts: other names that lead to the same application: older WSGI scripts and modules.
    """

    name: str
    distribution: str
    application: str
    factory: str = ""
    scripts: tuple[str, ...] = ()


SERVICES = (
    Service(
        "keystone", "keystone", "keystone.wsgi.api:application", "keystone.server.wsgi:initialize_public_application",
        ("keystone-wsgi-public", "keystone-wsgi-admin"),
    ),
    Service("glance-api", "glance", "glance.wsgi.api:application", "glance.common.wsgi_app:init_app",
            ("glance-wsgi-api",)),
    Service("placement", "openstack-placement", "placement.wsgi.api:application", "placement.wsgi:init_application",
            ("placement-api",)),
    Service("nova-api", "nova", "nova.wsgi.osapi_compute:application", "nova.api.openstack.wsgi_app:init_application",
            ("nova-api-wsgi",)),
    Service("nova-api-metadata", "nova", "nova.wsgi.metadata:application",
            "nova.api.openstack.wsgi_app:init_application", ("nova-metadata-wsgi",)),
    Service("neutron-server", "neutron", "neutron.wsgi.api:application", "neutron.server:boot_server",
            ("neutron-api",)),
    Service("cinder-api", "cinder", "cinder.wsgi.api:application", "cinder.wsgi.wsgi:initialize_application",
            ("cinder-wsgi",)),
    Service("heat-api", "openstack-heat", "heat.wsgi.api:application", "heat.api.openstack.wsgi:init_application",
            ("heat-wsgi-api",)),
    Service("heat-api-cfn", "openstack-heat", "heat.wsgi.cfn:application", "heat.api.cfn.wsgi:init_application",
            ("heat-wsgi-api-cfn",)),
    Service("barbican-api", "barbican", "barbican.wsgi.api:application", "barbican.api.app:get_api_wsgi_script",
            ("barbican-wsgi-api",)),
    Service("ironic-api", "ironic", "ironic.wsgi:application", "ironic.api.wsgi:initialize_wsgi_app",
            ("ironic.wsgi.api", "ironic-api-wsgi")),
    Service("octavia-api", "octavia", "octavia.wsgi.api:application", "octavia.api.app:setup_app", ("octavia-wsgi",)),
    Service("designate-api", "designate", "designate.wsgi.api:application", "designate.api.wsgi:init_application",
            ("designate-api-wsgi",)),
    Service("manila-api", "manila", "manila.wsgi.api:application", "manila.wsgi.wsgi:initialize_application",
            ("manila-wsgi",)),
    Service("magnum-api", "magnum", "magnum.wsgi.api:application", "magnum.api.app:build_wsgi_app",
            ("magnum-api-wsgi",)),
    Service("aodh-api", "aodh", "aodh.wsgi.api:application", "aodh.api.app:build_wsgi_app", ("aodh-api",)),
    Service("trove-api", "trove", "trove.cmd.app_wsgi:application", "trove.cmd.app_wsgi:wsgimain", ("trove-wsgi",)),
    Service("zaqar-server", "zaqar", "zaqar.transport.wsgi.app:application"),
)  # fmt: skip

DISTRIBUTIONS = {
    project: project
    for project in (
        "aodh", "barbican", "blazar", "ceilometer", "cinder", "cloudkitty", "cyborg", "designate", "glance", "gnocchi",
        "ironic", "keystone", "magnum", "manila", "masakari", "mistral", "neutron", "nova", "octavia", "swift",
        "tacker", "trove", "vitrage", "watcher", "zaqar", "zun",
    )
} | {"heat": "openstack-heat", "placement": "openstack-placement"}  # fmt: skip
"""Projects whose programs, ``<project>-…``, are services: project and distribution."""

_TOOLS = ("-manage", "-status", "-rootwrap", "-rootwrap-daemon", "-privsep-helper", "-init", "-form-signature")
"""What the programs of a project end with that are run by hand or for a moment."""

CLIENTS = frozenset(
    {
        "openstack", "aodh", "barbican", "baremetal", "blazar", "cinder", "cloudkitty", "designate", "glance",
        "gnocchi", "heat", "magnum", "manila", "mistral", "monasca", "neutron", "nova", "senlin", "swift", "trove",
        "vitrage", "watcher", "zaqar", "zun",
    }
)  # fmt: skip
"""Commands of one run and one purpose: each run is one trace."""

_CONFIGURATION = (".ini", ".yaml", ".yml", ".xml", ".json", ".conf")
_MAX_CONFIGURATION = 64 * 1024
_OF_MULTIPROCESSING = re.compile(
    r"^-c\nfrom multiprocessing\.(?:spawn|forkserver|resource_tracker) import ", re.MULTILINE
)
_PARENT = re.compile(r"^PPid:\s*(\d+)", re.MULTILINE)
_OPTIONS_WITH_VALUE = ("-W", "-X")
# Options of uWSGI as they stand on the command line, in INI, YAML, JSON and XML
_ASSIGNED = r"""(?:["']?\s*[=:>]\s*["']?|\s+)"""
_MODULE_OPTION = re.compile(
    rf"""(?:^|[\s"'<]|--?)(?:(?:module|wsgi|w){_ASSIGNED}|mount{_ASSIGNED}[^\s=]+=)"""
    r"""([A-Za-z_][\w.]*(?::[A-Za-z_]\w*)?)(?=[\s"'<]|$)""",
    re.MULTILINE,
)
_CALLABLE_OPTION = re.compile(rf"""(?:^|[\s"'<]|--?)callable{_ASSIGNED}([A-Za-z_]\w*)""", re.MULTILINE)


class Role(Enum):
    """What a process is to the calls it makes."""

    SERVICE = "service"
    CLIENT = "client"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Process:
    """What runs here.

    :param name: ``service.name`` unless the user gives another.
    :param role: whether it serves, is a command of a client, or neither is known.
    :param distribution: the distribution it comes from, ``""`` when that is not known.
    """

    name: str
    role: Role
    distribution: str = ""


def command_line() -> list[str]:
    """Return what this process was started with, also where an embedding program keeps it from Python.

    What multiprocessing has started (``spawn``, ``forkserver``, and what cleans up behind them) is part of the program
    that started it, and its own command line does not tell of which: the parent's does.
    """
    own = _command_line(Path("/proc/self")) or list(sys.orig_argv)
    arguments, parent = own, Path(f"/proc/{os.getppid()}")
    while _OF_MULTIPROCESSING.search("\n".join(arguments)):
        arguments = _command_line(parent)
        if not arguments or " " in arguments[0]:  # ended already, or has given itself a title in place of it
            return own
        parent = parent.with_name(_PARENT.findall((parent / "status").read_text())[0])
    return arguments


def _command_line(process: Path) -> list[str]:
    try:
        arguments = (process / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    except OSError:
        return []
    return [argument.decode("utf-8", "replace") for argument in arguments]


def identify(arguments: Sequence[str], environ: Mapping[str, str]) -> Process:
    """Recognise a process by its command line and environment.

    :param arguments: the whole command line, the interpreter included.
    """
    program = _program(arguments)
    if program.startswith(("uwsgi", "pyuwsgi", "gunicorn")):
        named = "\n".join(_server_options(arguments, environ))
        for service in SERVICES:
            # The module's name also leads, in any spelling of options, to its attribute
            entry_points = (service.application.partition(":")[0], *service.scripts)
            if re.search(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, entry_points))})(?![\w.-])", named):
                return Process(service.name, Role.SERVICE, service.distribution)
        return Process(program, Role.SERVICE)
    for service in SERVICES:
        if program in service.scripts:
            return Process(service.name, Role.SERVICE, service.distribution)
    if program in CLIENTS:
        return Process(program, Role.CLIENT)
    project, dash, _ = program.partition("-")
    if dash and project in DISTRIBUTIONS and not program.endswith(_TOOLS):
        return Process(program, Role.SERVICE, DISTRIBUTIONS[project])
    return Process(program or "python", Role.OTHER)


def named_applications(arguments: Sequence[str], environ: Mapping[str, str]) -> Iterator[str]:
    """Yield ``module:attribute`` of each application that uWSGI was told to import; nothing for any other program.

    A file (``wsgi-file``) is run without the import system: what it serves is found where it is made.
    """
    if not _program(arguments).startswith(("uwsgi", "pyuwsgi")):
        return
    options = "\n".join(_server_options(arguments, environ))
    named = [environ[f"UWSGI_{name}"] for name in ("MODULE", "WSGI") if f"UWSGI_{name}" in environ]
    named += (match[1] for match in _MODULE_OPTION.finditer(options))
    callables = {environ.get("UWSGI_CALLABLE", ""), *(match[1] for match in _CALLABLE_OPTION.finditer(options))}
    for name in dict.fromkeys(named):
        if ":" in name:
            yield name
        else:
            yield from (f"{name}:{attribute}" for attribute in sorted(callables - {""}) or ["application"])


def _program(arguments: Sequence[str]) -> str:
    """Return the name of the program that runs: for Python, that of its script or module."""
    if not arguments:
        return ""
    first = PurePath(arguments[0]).name
    if not first.startswith(("python", "pypy")):
        return first
    index = 1
    while index < len(arguments):
        argument = arguments[index]
        if argument == "-m" and index + 1 < len(arguments):
            return arguments[index + 1]
        if argument == "-c" or not argument:
            break
        if not argument.startswith("-"):
            path = PurePath(argument)
            return path.parent.name if path.name == "__main__.py" else path.name.removesuffix(".py")
        index += 2 if argument in _OPTIONS_WITH_VALUE else 1
    return first


def _server_options(arguments: Sequence[str], environ: Mapping[str, str]) -> Iterator[str]:
    """Yield whatever may name the entry point that an application server was told to serve."""
    values = [*arguments[1:], *(value for key, value in environ.items() if key.startswith("UWSGI_"))]
    for value in values:
        yield value
        path = Path(value.partition("=")[2] if value.startswith("--") else value)
        if path.suffix in _CONFIGURATION:
            try:
                with path.open("rb") as file:
                    yield file.read(_MAX_CONFIGURATION).decode("utf-8", "replace")
            except OSError:
                continue
