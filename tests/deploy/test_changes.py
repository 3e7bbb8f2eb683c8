"""Enable and disable against trees of units: nothing else is touched, and nothing is left."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_openstack.deploy import apply, disable, enable, variables
from otel_openstack.deploy.units import DROPIN
from otel_openstack.exceptions import DeploymentError
from tests.deploy.host import LAUNCHER, Host, glance
from tests.deploy.strategies import lines

FILE = f"etc/systemd/system/openstack-glance-api.service.d/{DROPIN}"
VARIABLES = variables(
    "http://127.0.0.1:4318", ["deployment.environment.name=100% lab"], ["OTEL_OPENSTACK_BODY_LIMIT=0"]
)
WRITTEN = f"""\
# Starts openstack-glance-api.service under opentelemetry-instrument.
# Not to be edited: otel-openstack disable --service openstack-glance-api.service takes it away.

[Service]
Environment=OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318
Environment="OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=100%% lab"
Environment=OTEL_OPENSTACK_BODY_LIMIT=0
ExecStart=
ExecStart=/opt/glance/bin/{LAUNCHER} /opt/glance/bin/glance-api --config-dir /etc/x
"""


def test_a_drop_in_is_all_that_is_written(tmp_path: Path) -> None:
    """With the environment, the launcher, and the unit's own command."""
    host = glance(tmp_path / "host")
    before = host.snapshot()
    apply(enable(host.root, ["glance-api"], VARIABLES))
    after = host.snapshot()
    assert set(after) - set(before) == {FILE, str(Path(FILE).parent)}
    assert {name: after[name] for name in before} == before
    mark, text = (host.path / FILE).read_text().split("\n", 1)
    assert mark.startswith("# otel-openstack: sha256 ")
    assert text == WRITTEN


def test_the_umask_does_not_hide_it_from_systemd(tmp_path: Path) -> None:
    """Folders can be entered, the file be read."""
    host = glance(tmp_path / "host")
    old = os.umask(0o077)
    try:
        apply(enable(host.root, ["glance-api"], {}))
    finally:
        os.umask(old)
    assert (host.path / FILE).stat().st_mode & 0o777 == 0o644
    assert (host.path / FILE).parent.stat().st_mode & 0o777 == 0o755


def test_twice_is_as_good_as_once(tmp_path: Path) -> None:
    """The second time there is nothing to do, in both directions."""
    host = glance(tmp_path / "host")
    before = host.snapshot()
    apply(enable(host.root, ["glance-api", "openstack-glance-api.service"], VARIABLES))
    assert all(change.is_none for change in enable(host.root, ["glance-api"], VARIABLES))
    apply(enable(host.root, ["glance-api"], {}))
    apply(disable(host.root, ["glance-api"]))
    assert all(change.is_none for change in disable(host.root, ["glance-api"]))
    assert host.snapshot() == before


PROGRAMS = ("/opt/x/bin/x", "uwsgi", '"/opt/a b/bin/c"', "/opt/%i/bin/x", "/opt/$x/bin/y")
NAMES = ("a-b@x.service", "a.service", "devstack@g-api.service")


@settings(max_examples=150)
@given(
    st.dictionaries(st.sampled_from(NAMES), st.lists(lines(PROGRAMS), min_size=1, max_size=3), min_size=1),
    st.sets(st.sampled_from(("etc/systemd/system", "10-x.conf", "foreign"))),
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0")),
)
def test_disable_leaves_the_tree_as_it_was(units: dict[str, list[str]], there: set[str], comment: str) -> None:
    """To the byte and to the mode: folders that were there stay, those that were made go."""
    with tempfile.TemporaryDirectory() as folder:
        host = Host(Path(folder) / "host")
        for path in ("/opt/x", "/opt/a b", "/opt/$x"):
            host.environment(path, "x", "c", "y")
        host.agent("/usr/local")
        host.program("/usr/bin/uwsgi", "\x7fELF")
        if "etc/systemd/system" not in there:
            (host.path / "etc/systemd/system").rmdir()
            (host.path / "etc/systemd").rmdir()
        for name, found in units.items():
            instance = name.partition("@")[2].removesuffix(".service")
            usable = [line.replace("/opt/%i/", "/opt/x/" if instance != "x" else "/opt/%i/") for line in found]
            host.unit(name, f"# {comment}", *(f"ExecStart={line}" for line in usable))
            if "10-x.conf" in there:
                host.write(f"/etc/systemd/system/{name}.d/10-x.conf", f"[Service]\n# {comment}\nNice=1\n")
        before = host.snapshot()
        apply(enable(host.root, units, VARIABLES))
        enabled = host.snapshot()
        assert {name: enabled[name] for name in before} == before
        assert sum(name.endswith(DROPIN) for name in enabled) == len(units)
        if "foreign" in there:  # in the wrong order, one at a time
            for name in units:
                apply(disable(host.root, [name]))
        else:
            apply(disable(host.root, units))
        assert host.snapshot() == before


def test_a_file_that_is_not_ours_is_not_touched(tmp_path: Path) -> None:
    """Neither is one of ours that somebody changed: not by enable, not by disable."""
    host = glance(tmp_path / "host")
    host.write(FILE, "[Service]\nNice=1\n")
    before = host.snapshot()
    for plan in (lambda: enable(host.root, ["glance-api"], {}), lambda: disable(host.root, ["glance-api"])):
        with pytest.raises(DeploymentError, match="was not written by otel-openstack"):
            plan()
    assert host.snapshot() == before
    (host.path / FILE).unlink()
    apply(enable(host.root, ["glance-api"], VARIABLES))
    text = (host.path / FILE).read_text()
    edits = (("[Service]\n", "[Service]\nNice=1\n"), ("folders made 0", "folders made 1"), ("LIMIT=0", "LIMIT=1"))
    for old, new in edits:
        changed = text.replace(old, new)
        (host.path / FILE).write_text(changed)
        for plan in (lambda: enable(host.root, ["glance-api"], {}), lambda: disable(host.root, ["glance-api"])):
            with pytest.raises(DeploymentError, match="changed by hand"):
                plan()
        assert (host.path / FILE).read_text() == changed


def test_a_folder_that_somebody_moved_into_stays(tmp_path: Path) -> None:
    """With what is his."""
    host = glance(tmp_path / "host")
    apply(enable(host.root, ["glance-api"], {}))
    other = host.write(str(Path(FILE).parent / "override.conf"), "[Service]\nNice=1\n")
    apply(disable(host.root, ["glance-api"]))
    assert [path.name for path in other.parent.iterdir()] == ["override.conf"]


def test_disable_works_when_the_package_is_gone(tmp_path: Path) -> None:
    """Its unit does not need to be there."""
    host = glance(tmp_path / "host")
    apply(enable(host.root, ["glance-api"], {}))
    (host.path / "usr/lib/systemd/system/openstack-glance-api.service").unlink()
    apply(disable(host.root, ["glance-api"]))
    assert not (host.path / FILE).parent.exists()


def test_nothing_is_written_when_one_service_cannot_be(tmp_path: Path) -> None:
    """Neither at planning nor when a write fails: what was done is taken back."""
    host = glance(tmp_path / "host")
    host.unit("nova-api.service", "ExecStart=/opt/glance/bin/glance-api")
    before = host.snapshot()
    with pytest.raises(DeploymentError, match="no unit of keystone"):
        enable(host.root, ["glance-api", "keystone"], {})
    changes = enable(host.root, ["glance-api", "nova-api"], {})
    host.write("etc/systemd/system/nova-api.service.d", "a file where a folder is due")
    with pytest.raises(DeploymentError, match=f"nova-api.service.d/{DROPIN} cannot be written: ") as caught:
        apply(changes)
    assert caught.value.hint
    (host.path / "etc/systemd/system/nova-api.service.d").unlink()
    assert host.snapshot() == before


def test_the_diff_is_one_that_git_applies(tmp_path: Path) -> None:
    """A dry run is what would happen: applied by git, the tree is the same."""
    host, by_hand = glance(tmp_path / "host"), glance(tmp_path / "by hand")
    for value in ("http://a", "http://b"):
        (change,) = enable(host.root, ["glance-api"], variables(value, [], []))
        apply([change])
        subprocess.run(["git", "apply"], input=change.diff(), text=True, cwd=by_hand.path, check=True)
        assert (by_hand.path / FILE).read_text() == (host.path / FILE).read_text()
    (change,) = disable(host.root, ["glance-api"])
    subprocess.run(["git", "apply"], input=change.diff(), text=True, cwd=by_hand.path, check=True)
    assert not (by_hand.path / FILE).exists()


def test_a_service_that_is_no_python_program_is_told_so(tmp_path: Path) -> None:
    """With the chapter that tells how it is done there; only Python's commands of several get the launcher."""
    host = glance(tmp_path / "host")
    host.program("/usr/sbin/apache2", "\x7fELF")
    host.unit("keystone.service", "ExecStart=/usr/sbin/apache2 -k start")
    with pytest.raises(DeploymentError, match="runs /usr/sbin/apache2, which is no Python program") as caught:
        enable(host.root, ["keystone"], {})
    assert "docs/deployment.md" in caught.value.hint
    host.program("/usr/bin/mkdir", "\x7fELF")
    host.unit("nova-api.service", "Type=oneshot", "ExecStart=-/bin/mkdir /x", "ExecStart=@/opt/glance/bin/glance-api g")
    (change,) = enable(host.root, ["nova-api"], {})
    started = [line for line in change.after.splitlines() if line.startswith("ExecStart")]
    assert started == [
        "ExecStart=",
        "ExecStart=-/bin/mkdir /x",
        f"ExecStart=@/opt/glance/bin/{LAUNCHER} g /opt/glance/bin/glance-api",
    ]


def test_an_interpreter_can_be_named_where_the_unit_does_not_tell(tmp_path: Path) -> None:
    """As for a program that starts another's."""
    host = glance(tmp_path / "host")
    host.program("/usr/bin/wrapper", "\x7fELF")
    host.unit("my.service", "ExecStart=/usr/bin/wrapper glance-api")
    (change,) = enable(host.root, ["my.service"], {}, python="/opt/glance/bin/python3")
    assert f"ExecStart=/opt/glance/bin/{LAUNCHER} /usr/bin/wrapper glance-api\n" in change.after


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("localhost:4318", [], []), "'localhost:4318' is no endpoint"),
        (("http://a\nExecStart=/x", [], []), "is no endpoint"),
        ((None, ["lab"], []), "'lab' is no attribute"),
        ((None, ["a=b,c=d"], []), "'a=b,c=d' is no attribute"),
        ((None, ["a=b\n"], []), "is no attribute"),
        ((None, [], ["PATH=/x"]), "'PATH=/x' sets no OTEL_ variable"),
        ((None, [], ["OTEL_EXPORTER_OTLP_HEADERS=authorization=x"]), "carries secrets"),
    ],
)
def test_variables_that_mean_nothing_are_refused(arguments: tuple[str | None, list[str], list[str]], said: str) -> None:
    """A line break would be a line of the unit, a secret would be everybody's."""
    with pytest.raises(DeploymentError, match=said):
        variables(*arguments)
