"""The back ends' compose file, against the schema of its format and against itself."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.backends import programs

FILE = Path(__file__).parents[2] / "deploy" / "compose.yaml"


def load(tools: Path, text: str) -> Any:
    """Read YAML; its library is among the tools."""
    code = "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))"
    done = subprocess.run([tools / "bin/python", "-c", code], input=text, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.fixture
def compose(tools: Path) -> Any:
    """Return the file's content."""
    return load(tools, FILE.read_text())


def test_it_keeps_the_schema_of_the_compose_specification(tools: Path) -> None:
    """As docker compose checks it."""
    command = [tools / "bin/check-jsonschema", "--builtin-schema", "vendor.compose-spec", FILE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_image_is_pinned_and_nothing_listens_beyond_loopback(compose: Any) -> None:
    """Names are the projects' own."""
    images = {service["image"].rpartition(":")[0] for service in compose["services"].values()}
    assert images == {
        "otel/opentelemetry-collector-contrib", "jaegertracing/jaeger", "grafana/tempo", "prom/prometheus",
        "grafana/grafana", "busybox",
    }  # fmt: skip
    for service in compose["services"].values():
        assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+\.\d+", service["image"])
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_everything_that_is_named_is_there_and_is_asked_for_its_health(compose: Any) -> None:
    """Configurations, volumes and services; whoever cannot be asked itself is asked by ``ready``."""
    probes = json.dumps(compose["services"]["ready"]["healthcheck"]["test"])
    for name, service in compose["services"].items():
        assert set(service.get("depends_on", ())) <= set(compose["services"])
        assert {config["source"] for config in service.get("configs", ())} <= set(compose["configs"])
        for volume in (volume.partition(":")[0] for volume in service.get("volumes", ())):
            assert volume in compose["volumes"] or (FILE.parent / volume).is_dir()
        assert "healthcheck" in service or f"http://{name}:" in probes


def test_the_configurations_lead_to_each_other(compose: Any, tools: Path) -> None:
    """Every host that one of them names is a service."""
    for name, config in compose["configs"].items():
        text = config.get("content") or (FILE.parent / config["file"]).read_text()
        assert load(tools, text), name
        hosts = set(re.findall(r"(?:http://|\")([a-z]+):\d+", config.get("content", "")))
        assert hosts <= set(compose["services"])


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("collector", ["otelcol-openstack", "validate", "--config"]),
        ("tempo", ["tempo", "-config.verify=true", "-config.file"]),
    ],
)
def test_the_real_program_takes_its_configuration(
    compose: Any, tmp_path: Path, name: str, arguments: list[str]
) -> None:
    """As it stands within the file."""
    file = tmp_path / "config.yaml"
    file.write_text(compose["configs"][name]["content"])
    command = [programs.program(arguments[0]), *arguments[1:], file]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_collector_is_the_one_that_is_built_here(compose: Any) -> None:
    """So that what the tests show of its configurations holds for the image."""
    tag = compose["services"]["collector"]["image"].rpartition(":")[2]
    assert f"  version: {tag}\n" in (FILE.parents[1] / "collector" / "builder.yaml").read_text()
