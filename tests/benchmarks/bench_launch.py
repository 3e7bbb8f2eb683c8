"""What the launcher adds to a command that does nothing, with this distribution, with the stock one, and with none.

``openstack --version`` in environments that differ in the distribution alone: the stock one comes with the
instrumentations that ours stands for, and the floor is the launcher without any. Both send to a receiver that answers.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.instrument.harness import OtlpServer

ROOT = Path(__file__).parents[2]
STOCK = (
    "opentelemetry-distro",
    "opentelemetry-exporter-otlp-proto-http",
    *(f"opentelemetry-instrumentation-{name}" for name in ("requests", "urllib3", "urllib", "httpx", "wsgi")),
)
DISTRIBUTIONS = {"no distribution": ("opentelemetry-instrumentation",), "stock": STOCK, "ours": (str(ROOT),)}


def main() -> None:
    """Print the table: the runs are taken in turn, so that what disturbs one disturbs the others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    count = 3 if parser.parse_args().quick else 21
    receiver = OtlpServer()
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "PYTHON"))} | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    }
    folders = {name: _environment(name, packages) for name, packages in DISTRIBUTIONS.items()}
    added: dict[str, list[tuple[float, float]]] = {name: [] for name in folders}
    bare = []
    for number in range(count + 1):
        for name, folder in folders.items():
            plain = _seconds([folder / "openstack", "--version"], variables)
            launched = _seconds([folder / "opentelemetry-instrument", folder / "openstack", "--version"], variables)
            if number:  # the first writes what is compiled
                bare.append(plain)
                added[name].append((launched[0] - plain[0], launched[1] - plain[1]))
    receiver.close()
    print(f"{'openstack --version':<30}{'wall ms':>10}{'CPU ms':>10}")
    wall, cpu = (statistics.median(column) * 1e3 for column in zip(*bare, strict=True))
    print(f"{'without the launcher':<30}{wall:>10.0f}{cpu:>10.0f}")
    medians = {name: [statistics.median(c) * 1e3 for c in zip(*pairs, strict=True)] for name, pairs in added.items()}
    for name, (wall, cpu) in medians.items():
        print(f"{f'{name} adds':<30}{wall:>10.0f}{cpu:>10.0f}")
    ratios = [ours / stock for ours, stock in zip(medians["ours"], medians["stock"], strict=True)]
    print(f"{'ratio':<30}{ratios[0]:>10.2f}{ratios[1]:>10.2f}")
    above = [
        (ours - floor) / (stock - floor)
        for ours, stock, floor in zip(medians["ours"], medians["stock"], medians["no distribution"], strict=True)
    ]
    print(f"{'ratio above the launcher':<30}{above[0]:>10.2f}{above[1]:>10.2f}")


def _environment(name: str, packages: tuple[str, ...]) -> Path:
    """Install a distribution beside the client, once; ours as it is now."""
    folder = ROOT / "build" / "launch" / name.replace(" ", "-")
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if not (folder / "installed").exists():
        print(f"installing the {name} environment (once)", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([*pip, "python-openstackclient", *packages], check=True)
        (folder / "installed").touch()
    elif name == "ours":
        subprocess.run([*pip, "--no-deps", "--force-reinstall", *packages], check=True)
    return folder / "bin"


def _seconds(command: list[str | Path], variables: Mapping[str, str]) -> tuple[float, float]:
    """Return the wall-clock and the CPU time of a command."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, env=variables, stdout=subprocess.DEVNULL)
    end, after = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    return end - start, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
