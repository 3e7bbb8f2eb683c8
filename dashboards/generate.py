"""Write each dashboard as JSON, and a picture of it for docs/dashboards.md: ``python -m dashboards.generate``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from dashboards.boards import pipeline, requests, service, services, tokens
from dashboards.grafana import model
from dashboards.picture import picture

ROOT = Path(__file__).resolve().parents[1]
BOARDS = (services.BOARD, service.BOARD, tokens.BOARD, requests.BOARD, pipeline.BOARD)


def files() -> Iterator[tuple[Path, str]]:
    """Yield every file that is generated, and its text."""
    for board in BOARDS:
        dashboard = model(board)
        yield ROOT / "dashboards" / "json" / f"{board.uid}.json", json.dumps(dashboard, indent=1) + "\n"
        yield ROOT / "docs" / "dashboards" / f"{board.uid}.svg", picture(dashboard)


if __name__ == "__main__":
    for file, text in files():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
