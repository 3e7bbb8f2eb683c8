"""Which service a process is, by what it was started with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from otel_openstack.instrument.services import SERVICES, Role, command_line, identify, named_applications
from tests.instrument.harness import Launcher, OtlpServer

PYTHON = "/venv/bin/python3.11"


@pytest.mark.parametrize(
    ("arguments", "name", "role"),
    [
        ([PYTHON, "/venv/bin/openstack", "--os-password", "x", "image", "save"], "openstack", Role.CLIENT),
        ([PYTHON, "-m", "openstack"], "openstack", Role.CLIENT),
        ([PYTHON, "/venv/bin/swift", "list"], "swift", Role.CLIENT),
        ([PYTHON, "/venv/bin/swift-proxy-server", "/etc/p.conf"], "swift-proxy-server", Role.SERVICE),
        ([PYTHON, "-W", "ignore", "-s", "/usr/bin/nova-compute"], "nova-compute", Role.SERVICE),
        ([PYTHON, "/usr/bin/glance-api", "--config-file", "x"], "glance-api", Role.SERVICE),
        ([PYTHON, "/usr/bin/keystone-wsgi-public"], "keystone", Role.SERVICE),
        ([PYTHON, "/usr/bin/keystone-manage", "bootstrap"], "keystone-manage", Role.OTHER),
        ([PYTHON, "/usr/bin/nova-rootwrap"], "nova-rootwrap", Role.OTHER),
        ([PYTHON, "/home/me/report.py"], "report", Role.OTHER),
        ([PYTHON, "/home/me/tool/__main__.py"], "tool", Role.OTHER),
        ([PYTHON, "-c", "pass"], "python3.11", Role.OTHER),
        ([PYTHON], "python3.11", Role.OTHER),
        ([], "python", Role.OTHER),
        (["/usr/bin/uwsgi", "--module", "keystone.wsgi.api:application"], "keystone", Role.SERVICE),
        (["uwsgi", "--module=glance.wsgi.api:application"], "glance-api", Role.SERVICE),
        (["uwsgi", "--mount", "/identity=keystone.wsgi.api:application"], "keystone", Role.SERVICE),
        (["uwsgi", "-w", "neutron.wsgi.api"], "neutron-server", Role.SERVICE),
        (["uwsgi-core", "--wsgi-file", "/usr/bin/nova-api-wsgi"], "nova-api", Role.SERVICE),
        (["uwsgi", "--module", "somebody.keystone.wsgi.api.else"], "uwsgi", Role.SERVICE),
        (["uwsgi", "-w", "ironic.wsgi"], "ironic-api", Role.SERVICE),
        (["uwsgi", "--module", "ironic.wsgi.api:application"], "ironic-api", Role.SERVICE),
        (["uwsgi", "--module", "octavia.wsgi.api:application"], "octavia-api", Role.SERVICE),
        (["uwsgi", "--module", "designate.wsgi.api:application"], "designate-api", Role.SERVICE),
        (["uwsgi", "--wsgi-file", "/usr/bin/manila-wsgi"], "manila-api", Role.SERVICE),
        (["uwsgi", "--wsgi-file", "/usr/bin/trove-wsgi"], "trove-api", Role.SERVICE),
        (["uwsgi", "--wsgi-file", "/usr/bin/aodh-api"], "aodh-api", Role.SERVICE),
        (["uwsgi", "--module", "aodh.wsgi.api:application"], "aodh-api", Role.SERVICE),
        (["uwsgi", "--module", "magnum.wsgi.api:application"], "magnum-api", Role.SERVICE),
        ([PYTHON, "/venv/bin/gunicorn", "zaqar.transport.wsgi.app:app"], "zaqar-server", Role.SERVICE),
        ([PYTHON, "/venv/bin/gunicorn", "placement.wsgi.api:application"], "placement", Role.SERVICE),
    ],
)
def test_a_process_is_recognised_by_its_command_line(arguments: list[str], name: str, role: Role) -> None:
    """Programs, modules, application servers and their options."""
    process = identify(arguments, {})
    assert (process.name, process.role) == (name, role)


@pytest.mark.parametrize("option", ["{}", "--ini={}", "--ini"])
def test_uwsgi_is_recognised_by_its_configuration_file(option: str, tmp_path: Path) -> None:
    """DevStack and Kolla name the entry point in an ini file."""
    ini = tmp_path / "heat.ini"
    ini.write_text("[uwsgi]\nmaster = true\nmodule = heat.wsgi.cfn:application\n")
    arguments = ["uwsgi", option.format(ini)] if "{" in option else ["uwsgi", option, str(ini)]
    assert identify(arguments, {}).name == "heat-api-cfn"


def test_uwsgi_is_recognised_by_its_environment() -> None:
    """UWSGI takes each of its options from a variable too."""
    assert identify(["uwsgi"], {"UWSGI_WSGI_FILE": "/usr/bin/placement-api"}).name == "placement"


def test_a_service_tells_its_distribution() -> None:
    """The distribution is where service.version comes from."""
    assert identify([PYTHON, "/usr/bin/swift-proxy-server"], {}).distribution == "swift"
    assert identify([PYTHON, "/usr/bin/heat-engine"], {}).distribution == "openstack-heat"


def test_no_service_is_listed_twice() -> None:
    """Names, applications and scripts each lead to one service."""
    applications = [service.application for service in SERVICES]
    scripts = [script for service in SERVICES for script in service.scripts]
    assert len(set(applications)) == len(applications)
    assert len(set(scripts)) == len(scripts)


def test_the_command_line_is_that_of_the_process() -> None:
    """What the system says of a process, the interpreter included."""
    code = "from otel_openstack.instrument import services; print(services.command_line())"
    output = subprocess.check_output([sys.executable, "-c", code, "é x"], text=True, env=dict(os.environ))
    assert output.strip() == str([sys.executable, "-c", code, "é x"])
    assert command_line()


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_process_of_multiprocessing_has_the_name_of_its_program(
    method: str, launcher: Launcher, receiver: OtlpServer
) -> None:
    """However it is started, also by another one of the kind, and unless the user gives it a name."""
    program = launcher.write(
        "report.py",
        "import multiprocessing, sys\nfrom opentelemetry import trace\n"
        "def work(name, deeper):\n"
        "    trace.get_tracer('test').start_span(name).end()\n"
        "    if deeper: start('grandchild')\n"
        "def start(name):\n"
        "    child = multiprocessing.get_context(sys.argv[1]).Process(target=work, args=(name, name == 'child'))\n"
        "    child.start()\n    child.join()\n    assert child.exitcode == 0\n"
        "if __name__ == '__main__': start('child')\n",
    )
    for named, variables in (("report", {}), ("mine", {"OTEL_SERVICE_NAME": "mine"})):
        receiver.spans.clear()
        launcher.run([sys.executable, program, method], variables)
        said = {span.name: span.resource.attributes["service.name"] for span in receiver.wait(2)}
        assert said == {"child": named, "grandchild": named}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--module", "a.b:app"], ["a.b:app"]),
        (["--module=a.b"], ["a.b:application"]),
        (["-w", "a", "--callable", "app"], ["a:app"]),
        (["--mount", "/x=a.b:c", "--mount=/y=d"], ["a.b:c", "d:application"]),
        (["--wsgi-file", "/usr/bin/a-wsgi", "--http-socket", "localhost:80"], []),
        (["--pyimport", "json:loads"], []),
    ],
)
def test_uwsgi_names_the_modules_it_imports(arguments: list[str], named: list[str]) -> None:
    """Only options that serve an application count, in each of their spellings."""
    assert list(named_applications(["uwsgi", *arguments], {})) == named


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.ini", "[uwsgi]\nmodule = a.b:c\nmaster = true\n"),
        ("x.yaml", "uwsgi:\n  module: a.b\n  callable: c\n"),
        ("x.json", '{"uwsgi": {"module": "a.b:c"}}'),
        ("x.xml", "<uwsgi><module>a.b:c</module></uwsgi>"),
    ],
)
def test_uwsgi_names_them_in_any_kind_of_file(name: str, text: str, tmp_path: Path) -> None:
    """INI, YAML, JSON and XML."""
    (tmp_path / name).write_text(text)
    assert list(named_applications(["uwsgi", str(tmp_path / name)], {})) == ["a.b:c"]


def test_uwsgi_names_them_in_its_environment() -> None:
    """And no other program reads those variables."""
    assert list(named_applications(["uwsgi"], {"UWSGI_MODULE": "a.b", "UWSGI_CALLABLE": "c"})) == ["a.b:c"]
    assert list(named_applications(["gunicorn", "a:b"], {"UWSGI_MODULE": "a.b"})) == []
