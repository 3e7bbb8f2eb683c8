"""What tracing costs a large image: upload and download through glance and swift, traced and untraced, in turn.

Two clouds run that differ in nothing but the launcher; the client is untraced. Memory is what each service's process
takes at its peak (VmHWM, proc_pid_status(5)) above what it had when the transfers began: what the agent's code itself
takes, transfer or none, stands in a column of its own. The processor's time tells the cost on a machine too busy for
clocks.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import statistics
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from tests.benchmarks.clouds import traced_and_untraced
from tests.cloud.cloud import Cloud

_BLOCK = 1 << 20
_SERVICES = ("glance-api", "swift-proxy-server", "swift-object-server")
_RESET_PEAK = "5"  # proc_pid_clear_refs(5)


class Client:
    """Sends and takes images by bare sockets, as fast as the cloud lets it.

    :param blocks: size of an image in MiB.
    """

    def __init__(self, cloud: Cloud, blocks: int) -> None:
        self._address = urlsplit(cloud.ports.image_url).netloc
        self._token = cloud.openstack("token", "issue", "-f", "value", "-c", "id").strip()
        self._blocks = blocks

    def round_trip(self) -> tuple[float, float]:
        """Upload an image, download it, delete it; return the seconds of the first two."""
        image = json.loads(self._call("POST", "/v2/images", _IMAGE, "application/json"))["id"]
        start = time.perf_counter()
        sent = self._upload(f"/v2/images/{image}/file")
        up = time.perf_counter()
        received = self._download(f"/v2/images/{image}/file")
        down = time.perf_counter()
        assert sent == received, "the image came back with other bytes"
        self._call("DELETE", f"/v2/images/{image}")
        return up - start, down - up

    def _upload(self, path: str) -> int:
        checksum, length = 0, self._blocks * _BLOCK
        with self._asked("PUT", path, "application/octet-stream", length) as connection:
            for block in _blocks(self._blocks):
                checksum = zlib.crc32(block, checksum)
                connection.send(block)
            response = connection.getresponse()
            assert response.status == 204, response.read()
        return checksum

    def _download(self, path: str) -> int:
        checksum = 0
        with self._asked("GET", path) as connection:
            response = connection.getresponse()
            assert response.status == 200, response.read()
            buffer = memoryview(bytearray(_BLOCK))
            while count := response.readinto(buffer):
                checksum = zlib.crc32(buffer[:count], checksum)
        return checksum

    def _call(self, method: str, path: str, body: bytes = b"", kind: str = "") -> bytes:
        with self._asked(method, path, kind, len(body)) as connection:
            connection.send(body)
            response = connection.getresponse()
            data = response.read()
            assert response.status < 300, data
        return data

    @contextlib.contextmanager
    def _asked(self, method: str, path: str, kind: str = "", length: int = 0) -> Iterator[http.client.HTTPConnection]:
        connection = http.client.HTTPConnection(self._address, timeout=600)
        with contextlib.closing(connection):
            connection.putrequest(method, path, skip_accept_encoding=True)
            connection.putheader("X-Auth-Token", self._token)
            if kind:
                connection.putheader("Content-Type", kind)
                connection.putheader("Content-Length", str(length))
            connection.endheaders()
            yield connection


_IMAGE = json.dumps({"name": "large", "disk_format": "raw", "container_format": "bare"}).encode()


def _blocks(count: int) -> Iterator[bytes]:
    """Yield blocks of bytes of which no two are alike."""
    rest = bytes(range(256)) * (_BLOCK // 256)
    for number in range(count):
        yield number.to_bytes(256, "big") + rest[256:]


class Usage:
    """What the processes of a cloud's services use, from now on."""

    def __init__(self, cloud: Cloud) -> None:
        sessions = {cloud.pids[service]: service for service in _SERVICES}
        self.processes: dict[Path, str] = {}
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                session = int(_stat(process)[3])
                if session in sessions:
                    self.processes[process] = sessions[session]
                    (process / "clear_refs").write_text(_RESET_PEAK)
        self._before = {process: _status(process, "VmRSS") for process in self.processes}
        self._began = {process: _processor_seconds(process) for process in self.processes}

    def seconds(self, service: str) -> float:
        """Return the processor time that all processes of a service have used."""
        return sum(
            _processor_seconds(process) - began
            for process, began in self._began.items()
            if self.processes[process] == service
        )

    def resident(self, service: str) -> float:
        """Return the MiB that the largest process of a service had at the beginning."""
        return max(self._before[process] for process, name in self.processes.items() if name == service)

    def growth(self, service: str) -> float:
        """Return by how many MiB that process of a service has grown at its peak which has grown most."""
        return max(
            _status(process, "VmHWM") - before
            for process, before in self._before.items()
            if self.processes[process] == service
        )


def _stat(process: Path) -> list[str]:
    """Return the fields of proc_pid_stat(5) behind the name, which may hold anything: ``state`` is the first."""
    return (process / "stat").read_text().rpartition(")")[2].split()


def _processor_seconds(process: Path) -> float:
    user, system = _stat(process)[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _status(process: Path, field: str) -> float:
    lines = (process / "status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) / 1024


def main() -> None:
    """Transfer images to both clouds in turn, and print how they compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="64 MiB instead of 1 GiB")
    size, pairs = (64, 2) if parser.parse_args().quick else (1024, 5)
    with traced_and_untraced() as (traced, untraced):
        for cloud in (traced, untraced):  # fills caches, and imports what a first request does
            Client(cloud, 8).round_trip()
        clients = Client(traced, size), Client(untraced, size)
        usages = Usage(traced), Usage(untraced)
        seconds = []
        for number in range(pairs):
            first = number % 2
            times = {index: clients[index].round_trip() for index in (first, 1 - first)}
            seconds.append((times[0], times[1]))
        _show_throughput(size, seconds)
        _show_usage(*usages)


def _show_throughput(size: int, seconds: list[tuple[tuple[float, float], tuple[float, float]]]) -> None:
    print(f"{f'throughput, {size} MiB':<32}{'traced MiB/s':>14}{'untraced MiB/s':>16}{'ratio':>8}{'goal':>9}   pairs")
    for index, what in enumerate(("upload", "download")):
        ours, theirs = (statistics.median(size / pair[side][index] for pair in seconds) for side in (0, 1))
        ratio = statistics.median(pair[1][index] / pair[0][index] for pair in seconds)
        print(f"{what:<32}{ours:>14.1f}{theirs:>16.1f}{ratio:>8.3f}{'>= 0.98':>9}   {len(seconds)}")


def _show_usage(traced: Usage, untraced: Usage) -> None:
    print(f"{'processor, s':<32}{'traced':>14}{'untraced':>16}{'ratio':>8}")
    for service in _SERVICES:
        ours, theirs = traced.seconds(service), untraced.seconds(service)
        print(f"{service:<32}{ours:>14.2f}{theirs:>16.2f}{ours / theirs:>8.3f}")
    print(f"{'memory, MiB':<32}{'traced peak':>14}{'untraced peak':>16}{'extra':>8}{'goal':>9}   at rest")
    for service in _SERVICES:
        ours, theirs = traced.growth(service), untraced.growth(service)
        rest = traced.resident(service) - untraced.resident(service)
        print(f"{service:<32}{ours:>+14.1f}{theirs:>+16.1f}{ours - theirs:>+8.1f}{'<= 2':>9}   {rest:+.1f}")


if __name__ == "__main__":
    main()
