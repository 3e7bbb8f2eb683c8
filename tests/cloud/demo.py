"""The main job on real input: one ``openstack image save`` on a real cloud, recorded and written down.

``python -m tests.cloud.demo`` leaves ``image-save.md``, ``.page.md``, ``.diagram.md``, ``.log`` and ``traces.db`` in
``build/demo/``, and the life of an image, a page a command, as a site in ``build/demo/site/``.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console, OverflowMethod

from tests.cloud import environment
from tests.cloud.cloud import Cloud
from tests.cloud.ports import free_ports
from tests.cloud.processes import CloudError, Process, Terminated, base_environment, end_all, termination_as_interrupt
from tests.cloud.progress import Progress

STORE = "traces.db"
DOCUMENT, DIAGRAM, LOG = "image-save.md", "image-save.diagram.md", "image-save.log"
PAGE = "image-save.page.md"
PAGES, SITE = "pages", "site"
_PROGRAMS = Path(sys.executable).parent
_TOOL = _PROGRAMS / "otel-openstack"
_MESSAGE = re.compile(r"^### \((\d+)\) (.*)\n`(.*)` (-->|<--) `(.*)`$", re.MULTILINE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demonstration; the exit status is 0, or 1 after one sentence that says what failed."""
    options = _parser().parse_args(arguments)
    began = time.monotonic()
    try:
        with termination_as_interrupt(), Progress() as progress:
            demonstrate(options.directory, progress, keep=options.keep)
    except CloudError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as interrupt:
        print("interrupted; every service has been ended", file=sys.stderr)
        return 128 + (signal.SIGTERM if isinstance(interrupt, Terminated) else signal.SIGINT)
    show(options.directory, time.monotonic() - began)
    return 0


def demonstrate(directory: Path, progress: Progress, *, keep: bool = False) -> None:
    """Bring a cloud up, record one command, write its documents, take the cloud down.

    :param directory: where the documents and the store go; those of an earlier run are replaced.
    :param keep: leave the cloud running, after the documents are written, until Ctrl-C.
    :raises CloudError: any of it failed.
    """
    installed = environment.prepare(progress)
    directory.mkdir(parents=True, exist_ok=True)
    for name in (DOCUMENT, PAGE, DIAGRAM, LOG, STORE, f"{STORE}-wal", f"{STORE}-shm"):
        (directory / name).unlink(missing_ok=True)
    with (
        receiver(directory / STORE, environment.BUILD / "receiver.log", progress) as endpoint,
        Cloud(installed, environment.BUILD / "demo", otlp_endpoint=endpoint, progress=progress) as cloud,
    ):
        write_pages(cloud, directory, progress)
        write_documents(cloud, directory, progress)
        write_site(cloud, directory, progress)
        if keep:
            _hold(cloud, progress)


def write_documents(cloud: Cloud, directory: Path, progress: Progress) -> str:
    """Create an image, record how it is saved, and write the recording in every format.

    :param cloud: a traced cloud, whose receiver keeps its spans in ``traces.db`` in ``directory``.
    :returns: the id of the trace.
    :raises CloudError: any of it failed.
    """
    with progress.step("creating an image"):
        image = create_image(cloud)
    with progress.step("recording: openstack image save"):
        trace = record_image_save(cloud, image, directory)
    with progress.step("writing its document, its diagram and its log"):
        for file, form in ((DOCUMENT, "markdown"), (DIAGRAM, "diagram"), (LOG, "log")):
            _run(cloud, "export", trace, "--from", directory / STORE, "--format", form, "-o", directory / file)
    return trace


def write_pages(cloud: Cloud, directory: Path, progress: Progress) -> None:
    """Record a token and the life of an image, each command as a page; what became an image is deleted in the end."""
    pages = directory / PAGES
    shutil.rmtree(pages, ignore_errors=True)
    pages.mkdir()
    file = cloud.layout.state / "small.raw"
    file.write_bytes(bytes(1000))
    new = ("--disk-format", "raw", "--container-format", "bare", "--file", file, "cirros")
    commands: tuple[tuple[str | Path, ...], ...] = (
        ("token", "issue"),
        ("image", "create", *new),
        ("image", "list"),
        ("image", "show", "cirros"),
        ("image", "set", "--property", "os_distro=cirros", "cirros"),
        ("image", "delete", "cirros"),
    )
    for command in commands:
        name = "-".join(map(str, command[:2]))
        with progress.step(f"recording: openstack {command[0]} {command[1]}"):
            record(cloud, directory / STORE, pages / f"{name}.md", *command, options=("--format", "page"))


def write_site(cloud: Cloud, directory: Path, progress: Progress) -> None:
    """Make a site of the pages and that of ``image save``, where there is npm, which its scripts come from."""
    pages = directory / PAGES
    shutil.copy(directory / PAGE, pages / "image-save.md")
    if shutil.which("npm") is None:
        progress.note(f"There is no site: it needs npm. Its pages are in {pages}.")
        return
    with progress.step("making a site of the pages"):
        _run(cloud, "site", "build", pages, "-o", directory / SITE, "--name", "OpenStack, message by message")


@contextmanager
def receiver(store: Path, log: Path, progress: Progress) -> Iterator[str]:
    """Run the embedded receiver on a free loopback port.

    :param store: the file that it keeps spans in.
    :returns: its OTLP/HTTP endpoint.
    """
    (port,) = free_ports(1)
    log.unlink(missing_ok=True)
    arguments = (_TOOL, "receive", "--http", f"127.0.0.1:{port}", "--store", store.resolve())
    process = Process("otel-openstack receive", arguments, base_environment(), log)
    try:
        with progress.step("starting the receiver"):
            process.wait_for_answer(port, "/")
        yield f"http://127.0.0.1:{port}"
    finally:
        end_all([process])


def create_image(cloud: Cloud) -> str:
    """Upload a small file; the same bytes every time.

    :returns: the id of the image.
    """
    file = _uploaded(cloud)
    file.write_bytes(random.Random(0).randbytes(100_000))
    options = ("--disk-format", "raw", "--container-format", "bare", "--file", file)
    return cloud.openstack("image", "create", "demo", *options, "-f", "value", "-c", "id").strip()


def record_image_save(cloud: Cloud, image: str, directory: Path) -> str:
    """Record the client while it saves the image, and see that it got the bytes that were uploaded.

    :returns: the id of the trace.
    """
    saved = cloud.layout.state / "saved.raw"
    options = ("--format", "page")
    trace = record(cloud, directory / STORE, directory / PAGE, "image", "save", "--file", saved, image, options=options)
    if saved.read_bytes() != _uploaded(cloud).read_bytes():
        raise CloudError("openstack image save wrote other bytes than were uploaded.", cloud.log_tail("glance-api"))
    return trace


def record(
    cloud: Cloud, store: Path, document: Path, *arguments: str | Path, options: Sequence[str | Path] = ()
) -> str:
    """Record one run of the ``openstack`` client.

    :param store: where the receiver of this cloud keeps its spans.
    :param document: where to write the recording.
    :param options: more options of ``otel-openstack record``.
    :returns: the id of the trace.
    """
    where = ("--endpoint", str(cloud.otlp_endpoint), "--from", store, "-o", document)
    said = _run(cloud, "record", *where, *options, "--", cloud.environment.program("openstack"), *arguments)
    trace = re.search(r"^trace ([0-9a-f]{32})\Z", said.strip(), re.MULTILINE)
    if trace is None:
        raise CloudError("otel-openstack record did not tell the id of the trace.", said)
    return trace[1]


def _uploaded(cloud: Cloud) -> Path:
    return cloud.layout.state / "image.raw"


def _run(cloud: Cloud, *arguments: str | Path) -> str:
    """Run a verb of ``otel-openstack`` and return what it said on standard error."""
    command = [str(part) for part in (_TOOL, *arguments)]
    done = subprocess.run(
        command, env=cloud.client_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        raise CloudError(f"otel-openstack {arguments[0]} failed with status {done.returncode}.", done.stderr)
    return done.stderr


def _hold(cloud: Cloud, progress: Progress) -> None:
    """Wait for Ctrl-C while somebody tries the cloud; that ends the demonstration as it should."""
    settings = cloud.layout.etc / "openrc"
    wanted = {"OTEL_EXPORTER_OTLP_ENDPOINT": str(cloud.otlp_endpoint), **cloud.client_environment()}
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in wanted.items() if name not in ("HOME", "USER")]
    settings.write_text("".join(lines))
    progress.note(f"The cloud stays until Ctrl-C. In another shell: . {settings}; openstack image list")
    try:
        signal.pause()
    except Terminated:
        raise
    except KeyboardInterrupt:
        return


def show(directory: Path, seconds: float) -> None:
    """Print the messages of the document, what was written, and how to go on."""
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    overflow: OverflowMethod = "ellipsis" if console.is_terminal else "ignore"
    messages = _MESSAGE.findall((directory / DOCUMENT).read_text())
    width = max((len(name) for _, _, caller, _, callee in messages for name in (caller, callee)), default=0)
    for number, message, caller, arrow, callee in messages:
        request = arrow == "-->"
        line = f"{number:>3}  {caller:<{width}}  {'──▶' if request else '◀──'}  {callee:<{width}}  {message}"
        console.print(line, markup=False, no_wrap=True, overflow=overflow, style="" if request else "dim")
    store, programs = directory / STORE, os.path.relpath(_PROGRAMS)
    names = (DOCUMENT, PAGE, DIAGRAM, LOG, STORE, f"{SITE}/index.html")
    written = "".join(f"\n  {directory / name}" for name in names if (directory / name).exists())
    console.print(
        f"\nWritten in {seconds:.0f} s:{written}\n\nGo on with\n"
        f"  {programs}/otel-openstack list --from {store}\n"
        f"  {programs}/export-to-markdown latest --from {store}\n"
        f"  {programs}/otel-openstack import {directory / DOCUMENT} --into otlp+http://127.0.0.1:4318\n"
        "where the last one sends the conversation to a Jaeger or Collector, as OTEL_EXPORTER_OTLP_ENDPOINT does\n"
        "with what a service itself sends.",
        markup=False,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make demo", description="Record one command on a real cloud.")
    parser.add_argument("--directory", type=Path, default=Path("build/demo"), help="for the output (build/demo)")
    parser.add_argument("--keep", action="store_true", help="leave the cloud running until Ctrl-C")
    return parser


if __name__ == "__main__":
    sys.exit(main())
