"""The Ansible role, by the real ansible-playbook on this machine: into a scratch root and a scratch environment."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.host import Host
from tests.deploy.tools import TOOLS

ROOT = Path(__file__).parents[2]
PLAYBOOKS = ROOT / "deploy" / "ansible"

pytestmark = pytest.mark.usefixtures("tools")


def play(name: str, *options: str, variables: dict[str, object]) -> tuple[int, str]:
    """Run a playbook on this machine; return how much it changed, and what it printed."""
    values = variables | {"otel_openstack_become": False, "ansible_python_interpreter": str(TOOLS / "bin/python")}
    done = subprocess.run(
        [TOOLS / "bin/ansible-playbook", "-i", "localhost,", "-c", "local", "-e", json.dumps(values), *options, name],
        cwd=PLAYBOOKS,
        env=os.environ
        | {
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    match = re.search(r"changed=(\d+)", done.stdout)
    return int(match[1]) if match else 0, done.stdout


@pytest.mark.parametrize("name", ["enable.yml", "disable.yml"])
def test_the_syntax_is_right(name: str) -> None:
    """As ansible-playbook has it."""
    play(name, "--syntax-check", variables={})


@pytest.mark.slow
def test_the_role_is_idempotent_and_its_removal_leaves_the_tree_as_it_was(host: Host, tmp_path: Path) -> None:
    """A check changes nothing and tells what it would; the second run changes nothing; all goes to the byte."""
    environment = host.path / "opt/glance"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    wheels = tmp_path / "wheels"
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", wheels, ROOT], check=True
    )
    host.program("/opt/glance/bin/glance-api", "#!/opt/glance/bin/python3\n")
    host.unit("glance-api.service", "ExecStart=/opt/glance/bin/glance-api")
    variables: dict[str, object] = {
        "otel_openstack_services": ["glance-api"],
        "otel_openstack_environments": [str(environment)],
        "otel_openstack_pip_environment": {"PIP_NO_COMPILE": "1", "PIP_FIND_LINKS": str(wheels)},
        "otel_openstack_root": str(host.path),
        "otel_openstack_endpoint": "http://127.0.0.1:4318",
        "otel_openstack_attributes": {"deployment.environment.name": "lab"},
        "otel_openstack_variables": {"OTEL_OPENSTACK_BODY_LIMIT": 0},
    }
    before = host.snapshot()
    changed, _ = play("enable.yml", "--check", "--diff", variables=variables)
    assert changed
    assert host.snapshot() == before

    play("enable.yml", variables=variables)
    enabled = host.snapshot()
    dropin = host.path / "etc/systemd/system/glance-api.service.d/zz-otel-openstack.conf"
    text = dropin.read_text()
    assert "Environment=OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=lab\n" in text
    assert "Environment=OTEL_OPENSTACK_BODY_LIMIT=0\n" in text
    assert "ExecStart=/opt/glance/bin/opentelemetry-instrument /opt/glance/bin/glance-api\n" in text
    for options in ([], ["--check"]):
        changed, said = play("enable.yml", *options, variables=variables)
        assert changed == 0, said
        assert host.snapshot() == enabled

    variables["otel_openstack_endpoint"] = "http://127.0.0.2:4318"
    changed, said = play("enable.yml", "--check", variables=variables)
    assert changed == 1
    assert "+Environment=OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.2:4318" in said
    changed, _ = play("disable.yml", "--check", variables=variables)
    assert changed
    assert host.snapshot() == enabled

    play("disable.yml", variables=variables)
    assert host.snapshot() == before
    changed, said = play("disable.yml", variables=variables)
    assert changed == 0, said
