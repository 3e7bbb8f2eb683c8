"""What a whole process of the reader costs, against the least that such a process could cost."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from otel_openstack.cli import main as run_cli

PROTOBUF = [sys.executable, "-c", "import google.protobuf, opentelemetry.proto.trace.v1.trace_pb2"]
NOTHING = [sys.executable, "-c", "pass"]


def main() -> None:
    """Print the table; pairs are run in turn, so that what disturbs one disturbs the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    runs = 3 if parser.parse_args().quick else 25
    scripts = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as folder:
        store = str(Path(folder) / "traces.db")
        run_cli(["import", str(_document(Path(folder))), "--into", store])
        export = [str(scripts / "export-to-markdown"), "latest", "--from", store]
        print(f"{'whole process':<44}{'median ms':>10}{'peer ms':>10}{'ratio':>8}   peer")
        _row("export-to-markdown, 16 messages", export, PROTOBUF, "python -c 'import protobuf, trace_pb2'", runs)
        _row("otel-openstack --help", [str(scripts / "otel-openstack"), "--help"], NOTHING, "python -c pass", runs)


def _row(what: str, command: Sequence[str], peer: Sequence[str], peer_name: str, runs: int) -> None:
    pairs = [(_seconds(command), _seconds(peer)) for _ in range(runs)]
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"{what:<44}{ours * 1e3:>10.1f}{theirs * 1e3:>10.1f}{ours / theirs:>8.2f}   {peer_name}")


def _seconds(command: Sequence[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def _document(folder: Path) -> Path:
    """Write a document of 16 messages of the size that a token with a catalogue has."""
    catalogue = ", ".join(f'{{"id": "{n:032x}", "url": "http://127.0.0.1:{5000 + n}/v3"}}' for n in range(40))
    lines = []
    for number in range(1, 17, 2):
        request_id = f"{number:032x}"
        for arrow, title, body in (
            ("-->", f"GET /v3/things/{number}", "none"),
            ("<--", f"200 OK /v3/things/{number}", f"[{catalogue}]"),
        ):
            lines += [
                f"\n### {title}\n`openstack` {arrow} `keystone`\n",
                f'=== "Header"\n    ``` http title="{title}" linenums="1"',
                f"    Content-Type: application/json\n    X-Requestshook-Request-Id: {request_id}\n    ```\n",
                f'=== "Body"\n    ``` json title="{title}" linenums="1"\n    {body}\n    ```\n',
            ]
    path = folder / "things.md"
    path.write_text("\n".join(lines) + "\n")
    return path


if __name__ == "__main__":
    main()
