"""The picture of the README: the HTML form of the image save that ``make demo`` has recorded."""

import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from otel_openstack.conversation import conversation
from otel_openstack.conversation.command import command_of
from otel_openstack.render import html
from otel_openstack.traces import open_source
from otel_openstack.traces.lookup import LATEST, resolve
from tests.browser.conftest import launch
from tests.browser.visit import Visitor

STORE = Path("build/demo/traces.db")
PICTURE = Path("docs/pictures/image-save.png")


def main() -> int:
    """Take it."""
    if not STORE.exists():
        print(f"error: there is no {STORE}\nhint: make demo", file=sys.stderr)
        return 2
    with open_source(str(STORE)) as source:
        trace_id = resolve(source, LATEST)
        spans = source.trace(trace_id)
    command = command_of(spans)
    assert command is not None
    # Where this machine keeps its files is nobody's concern
    command = replace(command, arguments=tuple(argument.rpartition("/")[2] for argument in command.arguments))
    text = html.render(conversation(trace_id, spans), command=command)
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder, sync_playwright() as playwright, launch(playwright) as browser:
        file = Path(folder) / "image-save.html"
        file.write_text(text, encoding="utf-8")
        with Visitor(browser) as visitor:
            visitor.open(file).screenshot(path=PICTURE)
    print(f"{PICTURE}: {PICTURE.stat().st_size // 1000} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
