"""Real back ends for tests: started on free ports of loopback, each in a folder of its own, and ended here.

The programs are those of ``make backends``. Without them, whoever asks for one is skipped with that reason.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.cloud.ports import free_ports
from tests.cloud.processes import Process, base_environment, end_all

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / (os.environ.get("BACKENDS") or "build/backends")  # programs start in folders of their own
LARGEST = 128 * 1024**2  # bytes of a message within Tempo
PATIENCE = 30  # seconds until a back end must have started


def program(name: str) -> Path:
    """Return the path of a back end's program, or skip the test that needs it."""
    path = FOLDER / name
    if not path.is_file():
        needed = "Java and Maven" if name == "kafka" else "Go"
        pytest.skip(f"{name} is not in {FOLDER}: make backends builds it, which needs {needed}")
    return path


@dataclass(frozen=True)
class BackEnd:
    """A back end that runs.

    :param api: URL of its own API.
    :param otlp_http: URL that takes OTLP/HTTP.
    :param otlp_grpc: host and port that take OTLP/gRPC.
    :param process: the process itself, for tests that end it early.
    """

    api: str
    otlp_http: str
    otlp_grpc: str
    process: Process


@contextmanager
def run(name: str, arguments: list[str], folder: Path, environment: dict[str, str] | None = None) -> Iterator[Process]:
    """Run a program until the block ends; its log stands in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    process = Process(
        name, [program(name), *arguments], base_environment() | (environment or {}), folder / f"{name}.log"
    )
    try:
        yield process
    finally:
        end_all([process], patience=3)  # what it keeps is of no use to anybody


@contextmanager
def jaeger(folder: Path, storage: dict[str, Any] | None = None) -> Iterator[BackEnd]:
    """Run Jaeger, with its spans in memory if no other storage is named."""
    http, grpc, api, api_grpc = (f"127.0.0.1:{port}" for port in free_ports(4))
    configuration = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": http}, "grpc": {"endpoint": grpc}}}},
        "exporters": {"jaeger_storage_exporter": {"trace_storage": "spans"}},
        "extensions": {
            "jaeger_storage": {"backends": {"spans": storage or {"memory": {"max_traces": 10_000}}}},
            "jaeger_query": {
                "storage": {"traces": "spans"},
                "enable_tracing": False,
                "http": {"endpoint": api},
                "grpc": {"endpoint": api_grpc},
            },
        },
        "service": {
            "extensions": ["jaeger_storage", "jaeger_query"],
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["jaeger_storage_exporter"]}},
            "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "warn"}},
        },
    }
    with run("jaeger", ["--config", _write(folder, configuration)], folder) as process:
        _wait(process, f"http://{api}/api/v3/services")
        wait_for_port(process, http)
        yield BackEnd(f"http://{api}", f"http://{http}", grpc, process)


@contextmanager
def tempo(folder: Path, *, max_bytes_per_trace: int = 100_000_000, **distributor: Any) -> Iterator[BackEnd]:
    """Run Tempo for many tenants, quick to show what it got; keywords are settings of its distributor."""
    http, grpc, api, api_grpc, gossip = free_ports(5)
    configuration = {
        "multitenancy_enabled": True,
        "server": {
            "http_listen_address": "127.0.0.1",
            "http_listen_port": api,
            "grpc_listen_address": "127.0.0.1",
            "grpc_listen_port": api_grpc,
            "log_level": "warn",
            "grpc_server_max_recv_msg_size": LARGEST,
            "grpc_server_max_send_msg_size": LARGEST,
        },
        # A trace goes through all three as one message
        "ingester_client": {"grpc_client_config": {"max_recv_msg_size": LARGEST}},
        "querier": {"frontend_worker": {"grpc_client_config": {"max_send_msg_size": LARGEST}}},
        "distributor": {
            "max_attribute_bytes": 1024**2,
            "receivers": {
                "otlp": {
                    "protocols": {
                        "http": {"endpoint": f"127.0.0.1:{http}"},
                        "grpc": {"endpoint": f"127.0.0.1:{grpc}"},
                    }
                }
            },
        }
        | distributor,
        "ingester": {
            "trace_idle_period": "200ms",
            "flush_check_period": "200ms",
            "lifecycler": {
                "min_ready_duration": "0s",
                "address": "127.0.0.1",
                "ring": {"kvstore": {"store": "inmemory"}, "replication_factor": 1},
            },
        },
        "storage": {
            "trace": {
                "backend": "local",
                "local": {"path": str(folder / "blocks")},
                "wal": {"path": str(folder / "log")},
            }
        },
        "overrides": {"defaults": {"global": {"max_bytes_per_trace": max_bytes_per_trace}}},
        "memberlist": {"bind_addr": ["127.0.0.1"], "bind_port": gossip},
        "usage_report": {"reporting_enabled": False},
    }
    with run("tempo", [f"-config.file={_write(folder, configuration)}"], folder) as process:
        _wait(process, f"http://127.0.0.1:{api}/ready")
        yield BackEnd(f"http://127.0.0.1:{api}", f"http://127.0.0.1:{http}", f"127.0.0.1:{grpc}", process)


@dataclass(frozen=True)
class RunningCollector:
    """A Collector of ours that runs.

    :param otlp_http: URL that takes OTLP/HTTP; the gateway has none.
    :param otlp_grpc: host and port that take OTLP/gRPC.
    :param metrics: URL of the metrics that it makes of spans, for Prometheus.
    :param telemetry: URL of its own metrics.
    :param process: the process itself.
    """

    otlp_http: str
    otlp_grpc: str
    metrics: str
    telemetry: str
    process: Process


@contextmanager
def collector(
    folder: Path, *names: str | Path, settings: dict[str, str] | None = None, addresses: Addresses | None = None
) -> Iterator[RunningCollector]:
    """Run our Collector.

    :param names: which of the configurations in ``collector/``, or files, later ones over earlier ones.
    :param settings: what they take from the environment, besides ports and folders.
    :param addresses: where it listens, for one that comes back at the same place.
    """
    http, grpc, metrics, telemetry, health = addresses or collector_addresses()
    environment = {
        "OTLP_HTTP": http,
        "OTLP_GRPC": grpc,
        "PROMETHEUS": metrics,
        "TELEMETRY_PORT": telemetry.rpartition(":")[2],
        "HEALTH": health,
        "SPANS_FOLDER": str(folder / "spans"),
        "QUEUE_FOLDER": str(folder / "queue"),
        "METRICS_INTERVAL": "200ms",
        "DECISION_WAIT": "500ms",
    }
    files = [name if isinstance(name, Path) else ROOT / "collector" / f"{name}.yaml" for name in names]
    arguments = [part for file in files for part in ("--config", str(file))]
    with run("otelcol-openstack", arguments, folder, environment | (settings or {})) as process:
        _wait(process, f"http://{health}/")
        yield RunningCollector(
            f"http://{http}", grpc, f"http://{metrics}/metrics", f"http://{telemetry}/metrics", process
        )


@contextmanager
def prometheus(folder: Path, configuration: Path) -> Iterator[str]:
    """Run Prometheus, and yield the URL of its API."""
    (port,) = free_ports(1)
    api = f"http://127.0.0.1:{port}"
    arguments = [
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'series'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--enable-feature=exemplar-storage",
    ]
    with run("prometheus", arguments, folder) as process:
        _wait(process, f"{api}/-/ready")
        yield api


@contextmanager
def kafka(folder: Path, ports: list[int]) -> Iterator[Process]:
    """Run a Kafka broker, which is its own controller.

    What is in the folder already it has kept: started there again, it goes on.

    :param folder: where its log is.
    :param ports: that of clients, which has to be the same when it comes back, and that of the controller.
    """
    clients, controller = ports
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "server.properties"
    file.write_text(
        f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{clients},CONTROLLER://127.0.0.1:{controller}
log.dirs={folder}/log
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
num.partitions=4
message.max.bytes=5242880
"""
    )
    formatting = ["kafka.tools.StorageTool", "format", "--ignore-formatted", "-t", "A" * 21 + "B", "-c", str(file)]
    with run("kafka", formatting, folder) as process:
        process.wait()
    with run("kafka", ["kafka.Kafka", str(file)], folder) as process:
        wait_for_port(process, f"127.0.0.1:{clients}")
        yield process


Addresses = tuple[str, str, str, str, str]


def collector_addresses() -> Addresses:
    """Choose free ports for one Collector."""
    http, grpc, metrics, telemetry, health = (f"127.0.0.1:{port}" for port in free_ports(5))
    return http, grpc, metrics, telemetry, health


def until(true: Callable[[], object], patience: float = PATIENCE, what: str = "that") -> None:
    """Wait until something is true."""
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, f"{what} did not come within {patience:.0f} s"
        time.sleep(0.1)


def wait_for_port(process: Process, address: str) -> None:
    """Wait until a process listens."""

    def listens() -> bool:
        assert process.status is None, process.log.read_text()[-2000:]
        host, _, port = address.rpartition(":")
        with socket.socket() as client:
            return client.connect_ex((host, int(port))) == 0

    until(listens, what=address)


def _write(folder: Path, configuration: dict[str, Any]) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "configuration.yaml"
    # YAML is a superset of JSON
    file.write_text(json.dumps(configuration))
    return str(file)


def _wait(process: Process, url: str) -> None:
    """Wait until a back end says that it is ready."""

    def ready() -> bool:
        assert process.status is None, process.log.read_text()[-2000:]
        try:
            return requests.get(url, timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    until(ready, what=url)
