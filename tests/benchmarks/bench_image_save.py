"""What tracing costs one ``openstack image save`` on a real cloud: the same command, traced and untraced, in turn."""

from __future__ import annotations

import argparse
import statistics
import time

from tests.benchmarks.clouds import traced_and_untraced
from tests.cloud.cloud import Cloud
from tests.cloud.demo import create_image


def main() -> None:
    """Alternate between the two clouds, and print how they compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    pairs = 2 if parser.parse_args().quick else 10
    with traced_and_untraced() as clouds:
        images = {cloud: create_image(cloud) for cloud in clouds}
        for cloud, image in images.items():  # the first of each fills caches
            _save(cloud, image)
        traced, untraced = images.items()
        seconds = [(_save(*traced), _save(*untraced)) for _ in range(pairs)]
    ours, theirs = (statistics.median(column) for column in zip(*seconds, strict=True))
    ratio = statistics.median(a / b for a, b in seconds)
    print(f"{'openstack image save, whole command':<44}{'traced s':>10}{'untraced s':>12}{'ratio':>8}   pairs")
    print(f"{'medians':<44}{ours:>10.3f}{theirs:>12.3f}{ratio:>8.3f}   {pairs}")


def _save(cloud: Cloud, image: str) -> float:
    saved = cloud.layout.state / "saved.raw"
    start = time.perf_counter()
    cloud.openstack("image", "save", "--file", saved, image)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
