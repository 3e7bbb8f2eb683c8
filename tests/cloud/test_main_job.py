"""One real ``openstack image save`` travels the whole way: service, span, OTLP, store, document."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import astuple, dataclass
from pathlib import Path

import pytest

from otel_openstack.conversation import conversation
from otel_openstack.importer import import_document
from otel_openstack.merge import update
from otel_openstack.otlp import Span
from otel_openstack.render import RENDERERS
from otel_openstack.settings import SourceSettings
from otel_openstack.traces import open_source
from otel_openstack.traces.jaeger import Jaeger
from otel_openstack.traces.otlp_sink import OtlpSink
from otel_openstack.traces.tempo import Tempo
from tests.backends import programs
from tests.backends.programs import until
from tests.cloud import environment
from tests.cloud.cloud import Cloud
from tests.cloud.demo import DIAGRAM, DOCUMENT, LOG, PAGE, STORE, receiver, record, write_documents
from tests.cloud.progress import Progress
from tests.importer.test_corpus import CORPUS
from tests.merge.notes import KEPT, annotated

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(900)]

TOKEN = re.compile(rb"gAAAAA[A-Za-z0-9_-]{20,}")
HEADING = re.compile(r"^### \((\d+)\) (.*)\n`(.*)` (-->|<--) `(.*)`$", re.MULTILINE)


TENANT = SourceSettings(headers=(("X-Scope-OrgID", "demo"),))

NOTE = "!!! note\n    토큰은 (3)에서 발급된다."


@dataclass(frozen=True)
class Recorded:
    """What one run of the main job left."""

    directory: Path
    trace: str
    secrets: tuple[str, ...]
    edited: tuple[list[str], list[str]]
    digests: tuple[dict[str, str], dict[str, str]]
    replayed: bytes
    difference: str

    def read(self, name: str) -> str:
        """Return the text of one of its files."""
        return (self.directory / name).read_text()

    def messages(self) -> list[tuple[str, str, str, str]]:
        """Return (caller, arrow, callee, title) of each message of the document, in its order."""
        found = HEADING.findall(self.read(DOCUMENT))
        assert [int(number) for number, *_ in found] == list(range(1, len(found) + 1))
        return [(caller, arrow, callee, title) for _, title, caller, arrow, callee in found]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Run the main job once, with a token planted beside it that the test knows."""
    directory = tmp_path_factory.mktemp("demo")
    installed = environment.prepare(Progress(quiet=True))
    edited_before, before = installed.edited_files(), installed.file_digests()
    with (
        receiver(directory / STORE, directory.parent / "receiver.log", Progress(quiet=True)) as endpoint,
        Cloud(installed, directory.parent / "cloud", otlp_endpoint=endpoint) as cloud,
    ):
        trace = write_documents(cloud, directory, Progress(quiet=True))
        token = cloud.openstack("token", "issue", "-f", "value", "-c", "id").strip()
        authentication = ("--os-auth-type", "v3token", "--os-token", token, "--os-user-domain-id=", "--os-username=")
        cloud.openstack(*authentication, "--os-password=", "image", "list")
        secrets = (token, *map(str, astuple(cloud.passwords)))
        replayed = replay(directory, trace, cloud.passwords.admin)
        image = cloud.openstack("image", "list", "-f", "value", "-c", "ID").strip()
        again = ("image", "save", "--file", directory / "again", image)
        record(cloud, directory / STORE, directory / "again.md", *again)
        noted = directory / "noted.md"
        noted.write_text((directory / PAGE).read_text().replace("\n=== ", f"\n{NOTE}\n\n=== ", 1))
        record(cloud, directory / STORE, directory / "updated.md", *again, options=("--update", noted))
    return Recorded(
        directory,
        trace,
        secrets,
        (edited_before, installed.edited_files()),
        (before, installed.file_digests()),
        replayed,
        tool("diff", directory / DOCUMENT, directory / "again.md"),
    )


def tool(*arguments: str | Path) -> str:
    """Run ``otel-openstack``, and return what it prints."""
    command = [sys.executable, "-m", "otel_openstack.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def replay(directory: Path, trace: str, password: str) -> bytes:
    """Make the client's calls again with the script of the document, and return the image that it saves."""
    script = directory / "image-save.sh"
    script.write_text(tool("export", trace, "--from", directory / STORE, "--format", "curl"))
    environment = {"PATH": os.environ["PATH"], "OS_PASSWORD": password}
    subprocess.run(["sh", script], cwd=directory, env=environment, capture_output=True, check=True, timeout=60)
    (saved,) = directory.glob("message-*.body")
    return saved.read_bytes()


def test_a_shell_saves_the_image_again(recorded: Recorded) -> None:
    """With a fresh token, and the password that the recording does not have."""
    assert recorded.replayed == random.Random(0).randbytes(100_000)


def test_the_same_command_means_the_same_again(recorded: Recorded) -> None:
    """Other ids, times and tokens are no difference."""
    assert "Both mean the same." in recorded.difference, recorded.difference


def test_callers_and_callees_are_named_as_openstack_names_them(recorded: Recorded) -> None:
    """The hops are those of the document that used to be written by hand, each with its answer."""
    client, keystone, glance, swift = "openstack", "keystone", "glance-api", "swift-proxy-server"
    hops = {(client, keystone), (client, glance), (glance, keystone), (glance, swift), (swift, keystone)}
    hops |= {(swift, f"swift-{kind}-server") for kind in ("account", "container", "object")}
    assert {(caller, callee) for caller, arrow, callee, _ in recorded.messages() if arrow == "-->"} == hops
    assert {(caller, callee) for caller, arrow, callee, _ in recorded.messages() if arrow == "<--"} == hops


def test_the_steps_of_an_image_save_are_all_there(recorded: Recorded) -> None:
    """Discovery, token, metadata, validation, file, glance's own token, swift, its validation, and its disk."""
    titles = [(caller, callee, title) for caller, arrow, callee, title in recorded.messages() if arrow == "-->"]
    wanted = [
        ("openstack", "keystone", r"GET /identity/?"),
        ("openstack", "keystone", r"POST /identity/v3/auth/tokens"),
        ("openstack", "glance-api", r"GET /v2/images/[0-9a-f-]{36}"),
        ("glance-api", "keystone", r"GET /identity/v3/auth/tokens"),
        ("openstack", "glance-api", r"GET /v2/images/[0-9a-f-]{36}/file"),
        ("glance-api", "keystone", r"POST /identity/v3/auth/tokens"),
        ("glance-api", "swift-proxy-server", r"GET /v1/AUTH_[0-9a-f]{32}/glance/[0-9a-f-]{36}"),
        ("swift-proxy-server", "keystone", r"GET /identity/v3/auth/tokens"),
        ("swift-proxy-server", "swift-object-server", r"GET /d1/[0-9]+/AUTH_[0-9a-f]{32}/glance/[0-9a-f-]{36}"),
    ]
    remaining = iter(titles)
    for caller, callee, pattern in wanted:
        assert any((caller, callee) == title[:2] and re.fullmatch(pattern, title[2]) for title in remaining), (
            f"{caller} -> {callee} {pattern} is missing or out of order in {titles}"
        )


def test_every_request_is_answered_once(recorded: Recorded) -> None:
    """Read as brackets, the messages close as they opened: nothing is lost, doubled or out of order."""
    waiting: list[tuple[str, str, str]] = []
    for caller, arrow, callee, title in recorded.messages():
        path = title.rpartition(" ")[2]
        if arrow == "-->":
            waiting.append((caller, callee, path))
        else:
            assert waiting.pop() == (caller, callee, path)
    assert waiting == []


def test_no_message_lacks_anything(recorded: Recorded) -> None:
    """With an agent on both sides of each hop, the document marks no gap."""
    with open_source(str(recorded.directory / STORE)) as source:
        shown = conversation(recorded.trace, source.trace(recorded.trace))
    assert [message.gap for message in shown.messages if message.gap] == []
    assert all(message.headers for message in shown.messages)


def test_diagram_and_log_tell_the_same_messages(recorded: Recorded) -> None:
    """The three forms show one conversation."""
    count = len(recorded.messages())
    assert len(re.findall(r"->>", recorded.read(DIAGRAM))) == count
    assert len(re.findall(r"^### \(.*\) RE(?:Q|SP) ", recorded.read(LOG), re.MULTILINE)) == count


def test_the_page_tells_the_command_and_every_message(recorded: Recorded) -> None:
    """With what the client said, links to what its requests mean, and all that the document has."""
    page = recorded.read(PAGE)
    assert page.startswith("# openstack image save\n")
    assert "\n$ openstack image save --file " in page
    assert "/image/v2/index.html#image-save)\n" in page
    assert "[API reference](https://docs.openstack.org/api-ref/image/v2/#download-binary-image-data)\n" in page
    assert "        opt token validation\n" in page or "    opt token validation\n" in page
    assert import_document(page).trace_id == import_document(recorded.read(DOCUMENT)).trace_id


def test_a_note_on_the_page_survives_the_next_recording(recorded: Recorded) -> None:
    """Which is another trace, with other ids and times."""
    updated = recorded.read("updated.md")
    assert NOTE in updated
    imported = import_document(updated)
    assert imported.message_count == len(recorded.messages())
    assert imported.trace_id not in (import_document(recorded.read(name)).trace_id for name in (PAGE, "again.md"))


@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no real documents at {CORPUS}: set OTEL_OPENSTACK_CORPUS")
def test_the_document_of_2023_keeps_its_notes(recorded: Recorded) -> None:
    """Korean and English ones of each kind; its messages are those of today."""
    with open_source(str(recorded.directory / STORE)) as source:
        shown = conversation(recorded.trace, source.trace(recorded.trace))
    updated = update(annotated((CORPUS / "image-save.md").read_text()), shown, name="image-save.md")
    for note in KEPT:
        assert _without_numbers(note) in _without_numbers(updated.text)
    numbers = {title: int(number) for number, title, *_ in HEADING.findall(updated.text) if "/glance/" in title}
    (first, *_, last) = [numbers[title] for title in sorted(numbers, key=numbers.__getitem__) if " /v1/" in title]
    assert f"({first}-{last})는 swift와의 대화이다." in updated.text
    assert (updated.conflicts, updated.warnings) == (0, ())
    assert import_document(updated.text).message_count == len(shown.messages)
    assert update(updated.text, shown, name="image-save.md").text == updated.text


def _without_numbers(text: str) -> str:
    return re.sub(r"\((#?)\d+(?:-\d+)?\)", r"(\1n)", text)


def test_the_ids_of_every_hop_lead_back_to_the_trace(recorded: Recorded) -> None:
    """Any request id that the document shows is found again; a request and its response share theirs."""
    document = recorded.read(DOCUMENT)
    ids = re.findall(r"X-Requestshook-Request-Id: ([0-9a-f]{32})", document)
    assert len(ids) == len(recorded.messages())
    assert len(set(ids)) == len(ids) / 2
    requests = re.findall(r"(?i)x-openstack-request-id: (req-\S+)", document)
    assert requests
    for identifier in (ids[0], ids[-1], requests[0]):
        found = _tool("find", identifier, "--from", str(recorded.directory / STORE), "--json")
        assert recorded.trace in found


def test_nothing_secret_is_left_in_any_file(recorded: Recorded) -> None:
    """Neither a password of the cloud nor a token, planted or issued, stands in any byte that was written."""
    files = [path for path in recorded.directory.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {DOCUMENT, DIAGRAM, LOG, STORE}
    exported = "".join(
        _tool("export", trace, "--from", str(recorded.directory / STORE), "--format", "log")
        for trace in re.findall(
            r'"trace_id": "([0-9a-f]{32})"',
            _tool(
                "list", "--from", str(recorded.directory / STORE), "--json", "--limit", "100", "--service", "keystone"
            ),
        )
    )
    for name, content in [*((path.name, path.read_bytes()) for path in files), ("every trace", exported.encode())]:
        assert TOKEN.findall(content) == [], name
        for secret in recorded.secrets:
            assert secret.encode() not in content, name
    assert "{SHA256}" in exported


def test_no_service_file_was_edited(recorded: Recorded) -> None:
    """Every file of every installed package has the bytes that it had before, which are those that pip installed."""
    assert recorded.edited == ([], [])
    assert recorded.digests[0] == recorded.digests[1]
    assert len(recorded.digests[0]) > 1000


def _tool(*arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("otel-openstack")), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_the_documents_come_back_through_the_collector_from_jaeger_and_from_tempo(recorded, tmp_path) -> None:
    """What a real cloud said, masked once more on its way and kept by real back ends, is the same to the byte."""
    with open_source(str(recorded.directory / STORE)) as store:
        summaries = store.summaries(service="openstack", limit=100)
        traces = {summary.trace_id: store.trace(summary.trace_id) for summary in summaries}
    documents = {trace: _document(trace, spans) for trace, spans in traces.items()}
    assert documents[recorded.trace] == recorded.read(DOCUMENT)
    with programs.jaeger(tmp_path / "jaeger") as jaeger:
        assert _kept(traces, jaeger, Jaeger(jaeger.api, TENANT, progress=print), tmp_path / "1") == documents
    with programs.tempo(tmp_path / "tempo") as tempo:
        assert _kept(traces, tempo, Tempo(tempo.api, TENANT, progress=print), tmp_path / "2") == documents


def _kept(
    traces: Mapping[str, Sequence[Span]], server: programs.BackEnd, source: Jaeger | Tempo, folder: Path
) -> dict[str, str]:
    """Send traces to a back end by way of a Collector, and return the document of each that comes back."""
    folder.mkdir()
    tenant = folder / "tenant.json"
    tenant.write_text(json.dumps({"exporters": {"otlp_grpc": {"headers": dict(TENANT.headers)}}}))
    settings = {"BACKEND": server.otlp_grpc}
    with source, programs.collector(folder, "single-host", "redaction", tenant, settings=settings) as collector:
        with closing(OtlpSink(collector.otlp_http, TENANT)) as sink:
            for spans in traces.values():
                sink.write(spans)
        counts = {trace: len(spans) for trace, spans in traces.items()}
        until(lambda: {trace: len(source.trace(trace)) for trace in traces} == counts, what="every span")
        assert source.damage == ()
        return {trace: _document(trace, source.trace(trace)) for trace in traces}


def _document(trace: str, spans: Sequence[Span]) -> str:
    return RENDERERS["markdown"](conversation(trace, spans), numbers=True)
