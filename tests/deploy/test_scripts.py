"""Every script of ``deploy/``, and DevStack's plugin through its phases in the real bash."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.host import Host

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SCRIPTS = [*sorted(DEPLOY.rglob("*.sh")), DEPLOY / "devstack" / "settings"]

# What DevStack itself brings: functions-common, and sudo
_DEVSTACK = """
set -o errexit
is_service_enabled() { return 0; }
define_plugin() { :; }
enable_service() { :; }
trueorfalse() { [[ "${!2:-$1}" == "True" ]] && echo True || echo False; }
sudo() { "$@"; }
pip_install() { echo "pip_install $*"; }
pip_uninstall() { echo "pip_uninstall $*"; }
SYSTEMCTL="echo systemctl"
source "$PLUGIN/settings"
for phase in "$@"; do
    source "$PLUGIN/plugin.sh" $phase
done
"""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_a_script_is_sound(script: Path, tools: Path) -> None:
    """To bash, and to shellcheck."""
    subprocess.run(["bash", "-n", script], check=True)
    done = subprocess.run([tools / "bin/shellcheck", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def devstack(host: Host, *phases: str, **variables: str) -> list[str]:
    """Let DevStack go through phases on a host; return what was printed."""
    venv = host.path / "opt/stack/data/venv"
    done = subprocess.run(
        ["bash", "-c", _DEVSTACK, "stack.sh", *phases],
        env={
            "PATH": "/usr/bin:/bin",
            "PLUGIN": str(ROOT / "devstack"),
            "DEVSTACK_VENV": str(venv),
            "OTEL_OPENSTACK_ROOT": str(host.path),
            **variables,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def stacked(host: Host) -> Host:
    """Make a host as stack.sh leaves it."""
    host.environment("/opt/stack/data/venv", "uwsgi", "nova-compute")
    # The environment is the host's, the interpreter that acts there is ours
    host.program("/opt/stack/data/venv/bin/python3", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    host.program("/usr/bin/etcd", "\x7fELF")
    for name, line in (
        ("g-api", "/opt/stack/data/venv/bin/uwsgi --ini /etc/glance/glance-uwsgi.ini --venv /opt/stack/data/venv"),
        ("n-cpu", "/opt/stack/data/venv/bin/nova-compute --config-file /etc/nova/nova-cpu.conf"),
        ("etcd", "/usr/bin/etcd"),
    ):
        host.unit(f"devstack@{name}.service", f"ExecStart = {line}", folder="/etc/systemd/system")
    return host


def test_stack_enables_and_unstack_leaves_no_trace(stacked: Host) -> None:
    """Each phase can be run again; what is no service of OpenStack is left alone."""
    before = stacked.snapshot()
    phases = ["stack pre-install", "stack install", "stack post-config", "stack extra"]
    restart = "systemctl daemon-reload && systemctl restart devstack@g-api.service devstack@n-cpu.service"
    assert devstack(stacked, *phases, OTEL_OPENSTACK_ATTRIBUTES="a=b c=d") == [
        f"pip_install {ROOT}[reader]",
        restart,
        *restart.split(" && "),
    ]
    dropin = stacked.path / "etc/systemd/system/devstack@n-cpu.service.d/zz-otel-openstack.conf"
    assert "Environment=OTEL_RESOURCE_ATTRIBUTES=a=b,c=d\n" in dropin.read_text()
    enabled = stacked.snapshot()
    assert len(set(enabled) - set(before)) == 4
    devstack(stacked, "stack extra", OTEL_OPENSTACK_ATTRIBUTES="a=b c=d")
    assert stacked.snapshot() == enabled
    for _ in range(2):
        devstack(stacked, "unstack")
        assert stacked.snapshot() == before
    assert devstack(stacked, "clean") == ["pip_uninstall otel-openstack"]


def test_devstack_s_dry_run_shows_the_change_alone(stacked: Host) -> None:
    """Nothing is written or restarted."""
    before = stacked.snapshot()
    said = devstack(stacked, "stack extra", OTEL_OPENSTACK_DRY_RUN="True")
    assert sum(line.startswith("+++ ") for line in said) == 2
    assert not any(line.startswith("systemctl") for line in said)
    assert stacked.snapshot() == before


def test_kolla_starts_what_has_the_agent_under_it_and_nothing_else(tmp_path: Path) -> None:
    """As kolla_start does: sourced, with the command in CMD, under errexit."""
    script = f'set -o errexit -o nounset; CMD="glance-api --x"; . {DEPLOY}/kolla/start.sh; echo "$CMD"'
    (tmp_path / "opentelemetry-instrument").touch(mode=0o755)
    for path, expected in (("/bin", "glance-api --x"), (f"{tmp_path}:/bin", "opentelemetry-instrument glance-api --x")):
        done = subprocess.run(["bash", "-c", script], env={"PATH": path}, capture_output=True, text=True, check=True)
        assert done.stdout == f"{expected}\n"


@pytest.mark.slow
def test_kolla_build_takes_the_template(tmp_path: Path, tools: Path) -> None:
    """The real kolla-build writes Dockerfiles with the agent in the base and the hook in the image, before its user."""
    template = DEPLOY / "kolla" / "template-override.j2"
    subprocess.run(
        [
            tools / "bin/kolla-build", "--template-only", "--base", "debian", "--work-dir", tmp_path,
            "--template-override", template, "^glance-api$", "^mariadb-server$",
        ],
        capture_output=True,
        check=True,
    )  # fmt: skip
    files = {path.parent.name: path.read_text() for path in tmp_path.rglob("Dockerfile")}
    assert "install --upgrade otel-openstack\n" in files["openstack-base"]
    hook = "if [ -r /etc/otel-openstack/start.sh ]; then . /etc/otel-openstack/start.sh; fi"
    for image, user in (("glance-api", "USER glance"), ("mariadb-server", "USER mysql")):
        assert 0 < files[image].index(hook) < files[image].rindex(user)
