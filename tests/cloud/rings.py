"""Swift's rings, one device each; run by the cloud's Python: ``rings.py DIRECTORY account=6202 container=…``."""

import importlib
import sys
from pathlib import Path

# By name, as only the cloud's own environment has it.
RingBuilder = importlib.import_module("swift.common.ring").RingBuilder


def build(directory: Path, name: str, port: int) -> None:
    """Write ``<name>.ring.gz`` with the one device ``d1`` on this loopback port."""
    builder = RingBuilder(part_power=4, replicas=1, min_part_hours=0)
    builder.add_dev({"region": 1, "zone": 1, "ip": "127.0.0.1", "port": port, "device": "d1", "weight": 1.0})
    builder.rebalance()
    builder.get_ring().save(str(directory / f"{name}.ring.gz"))


if __name__ == "__main__":
    for argument in sys.argv[2:]:
        ring, _, number = argument.partition("=")
        build(Path(sys.argv[1]), ring, int(number))
