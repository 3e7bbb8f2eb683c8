"""The Collector's configurations are taken by the real one, and do what they say."""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import time
from contextlib import ExitStack, closing
from dataclasses import replace

import pytest
import requests

from otel_openstack.otlp import protobuf
from otel_openstack.redaction import masking
from otel_openstack.traces import open_source
from tests.backends import programs
from tests.backends.load import exchange, metric, send, trace_ids
from tests.backends.programs import ROOT, until

COLLECTOR = ROOT / "collector"
USES = [
    ("single-host", "redaction"),
    ("agent", "redaction"),
    ("agent", "redaction", "agent-kafka"),
    ("gateway",),
    ("gateway", "gateway-kafka"),
]


@pytest.mark.parametrize("names", USES, ids=" ".join)
def test_the_real_collector_takes_each_configuration(names):
    command = [programs.program("otelcol-openstack"), "validate"]
    for name in names:
        command += ["--config", COLLECTOR / f"{name}.yaml"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_every_configuration_is_among_those():
    files = {file.stem for file in COLLECTOR.glob("*.yaml")} - {"builder"}
    assert files == {name for names in USES for name in names}


def test_the_rules_of_masking_are_those_of_the_agent():
    """collector/redaction.yaml is what python collector/generate.py writes now."""
    generated = runpy.run_path(str(COLLECTOR / "generate.py"))["configuration"]()
    assert (COLLECTOR / "redaction.yaml").read_text() == generated, "make format writes it anew"


@pytest.fixture
def single_host(jaeger_server, tmp_path):
    settings = {"BACKEND": jaeger_server.otlp_grpc}
    with programs.collector(tmp_path, "single-host", "redaction", settings=settings) as collector:
        yield collector


def test_a_single_host_has_spans_in_a_file_and_in_jaeger_and_their_metrics(single_host, jaeger_server, tmp_path):
    span = exchange("5" * 32, **{"http.response.status_code": 200})
    send(f"otlp+{single_host.otlp_http}", [span])
    with closing(open_source(f"jaeger+{jaeger_server.api}")) as source:
        until(lambda: source.trace("5" * 32), what="the trace in Jaeger")
        assert list(source.trace("5" * 32)) == [span]
    until(lambda: (tmp_path / "spans" / "spans.jsonl").stat().st_size, what="the trace in the file")
    with closing(open_source(str(tmp_path / "spans"))) as source:
        assert list(source.trace("5" * 32)) == [span]
    until(lambda: "traces_span_metrics_calls" in requests.get(single_host.metrics, timeout=5).text, what="metrics")
    shown = requests.get(single_host.metrics, timeout=5).text
    for label in ('service_name="glance-api"', 'http_route="/v2/images"', 'http_response_status_code="200"'):
        assert label in shown


SECRETS = {
    "http.request.header.x-auth-token": ("gAAAAABlrawtokenrawtokenraw",),
    "http.response.header.set-cookie": ("session=raw-1", "other=raw-2"),
    "http.request.header.x-storage-pass": ("raw",),
    "http.request.header.x_auth_token": ("raw",),
    "http.request.body.content": '{"auth": {"passwordCredentials": {"password": "raw \\"quoted", "adminPass": "raw"}}}',
    "http.response.body.content": '{"token": {"id": "raw"}, "access_token": "raw", "db_password": "raw',
    "url.full": "http://me:raw@127.0.0.1/v1/a?temp_url_sig=raw&limit=1&auth_token=raw",
    "url.query": "token=raw&limit=1",
    "db.statement": "a gAAAAABl012345678901234567890raw b",
}
HARMLESS = {
    "http.request.header.accept": ("*/*", "text/plain"),
    "http.request.header.content-type": ("application/json",),
    "http.response.body.content": '{"images": [{"name": "password", "token": null}], "next": "/v2/images?limit=1"}',
    "url.full": "http://127.0.0.1/v2/images?limit=1&marker=a",
    "http.request.body.content": b"\x00\xff",
}


def test_what_an_agent_left_in_clear_is_masked(single_host, jaeger_server):
    send(f"otlp+{single_host.otlp_http}", [exchange("6" * 32, **SECRETS)])
    with closing(open_source(f"jaeger+{jaeger_server.api}")) as source:
        until(lambda: source.trace("6" * 32), what="the trace")
        attributes = source.trace("6" * 32)[0].attributes
    assert {name: value for name, value in attributes.items() if name in SECRETS and "raw" in str(value)} == {}
    assert attributes["url.full"].endswith("limit=1&auth_token=***")
    assert attributes["http.request.header.x-auth-token"] == ("***",)


def test_what_the_agent_has_masked_and_what_is_harmless_passes_untouched(single_host, jaeger_server):
    rules = masking()
    masked = {
        "http.request.header.x-auth-token": (rules.header("x-auth-token", "gAAAAAB-token"),),
        "http.request.header.authorization": (rules.header("authorization", "Basic bWU6cEBzcw=="),),
        "http.response.header.set-cookie": tuple(rules.header("set-cookie", value) for value in ("a=b", "c=d")),
        "http.request.header.x-storage-pass": (rules.header("x-storage-pass", "secret"),),
        "http.request.body.content": rules.body(
            '{"password": "a", "access_token" : "b", "auth": {"token": {"id": "c"}}}'
        ),
        "url.full": rules.text("http://u:p@h/a?temp_url_sig=1&token=2&limit=3"),
    }
    spans = [exchange("7" * 32, "a" * 16, **masked), exchange("7" * 32, "b" * 16, **HARMLESS)]
    send(f"otlp+{single_host.otlp_http}", spans)
    with closing(open_source(f"jaeger+{jaeger_server.api}")) as source:
        until(lambda: len(source.trace("7" * 32)) == 2, what="the trace")
        assert sorted(source.trace("7" * 32), key=lambda span: span.span_id) == spans


def test_a_gateway_keeps_what_somebody_will_want_to_read(jaeger_server, tmp_path):
    settings = {"BACKEND": jaeger_server.otlp_grpc}
    ordinary = [exchange(trace_id) for trace_id in trace_ids(100, first=1000)]
    asked_for = replace(exchange("c" * 32), trace_state="openstack=keep")
    slow = replace(exchange("d" * 32), start_unix_nano=time.time_ns() - 6 * 10**9)
    wanted = [exchange("a" * 32, failed=True), exchange("b" * 32, **{"process.exit.code": 0}), asked_for, slow]
    with programs.collector(tmp_path, "gateway", settings=settings) as gateway:
        send(f"otlp+grpc://{gateway.otlp_grpc}", [*ordinary, *wanted])
        with closing(open_source(f"jaeger+{jaeger_server.api}")) as source:
            until(lambda: all(source.trace(span.trace_id) for span in wanted), what="the traces")
            kept = sum(bool(source.trace(span.trace_id)) for span in ordinary)
        until(lambda: metric(gateway.metrics, "traces_span_metrics_calls_total") >= 104, what="metrics of all")
    assert kept < 30  # five of a hundred are expected


def test_an_agent_loses_nothing_while_its_gateway_is_killed_and_itself_too(jaeger_server, tmp_path):
    gateway_at, agent_at = programs.collector_addresses(), programs.collector_addresses()
    first, second, third = (trace_ids(40, first) for first in (100, 200, 300))
    settings = {"BACKEND": jaeger_server.otlp_grpc}

    def gateway():
        return programs.collector(tmp_path / "gateway", "gateway", settings=settings, addresses=gateway_at)

    def agent():
        names, gateways = ("agent", "redaction"), {"GATEWAYS": gateway_at[1]}
        return programs.collector(tmp_path / "agent", *names, settings=gateways, addresses=agent_at)

    def taken(ids):
        send(f"otlp+http://{agent_at[0]}", [exchange(trace_id, failed=True) for trace_id in ids])

    with closing(open_source(f"jaeger+{jaeger_server.api}")) as source, ExitStack() as running:

        def came(ids):
            until(lambda: all(source.trace(trace_id) for trace_id in ids), 60, f"{len(ids)} traces")

        with agent() as before:
            with gateway() as killed:
                taken(first)
                came(first)
                os.killpg(killed.process.pid, signal.SIGKILL)
            taken(second)
            time.sleep(1)  # for the batch to be on disk: what has not left the receiver is the sender's
            os.killpg(before.process.pid, signal.SIGKILL)
        running.enter_context(agent())
        taken(third)
        running.enter_context(gateway())
        came([*first, *second, *third])


def test_a_queue_that_is_full_refuses_and_counts_what_it_refuses(tmp_path):
    overlay = tmp_path / "small.yaml"
    overlay.write_text('{"exporters": {"load_balancing": {"sending_queue": {"queue_size": 600000}}}}')
    with programs.collector(tmp_path, "agent", "redaction", overlay, settings={"GATEWAYS": "127.0.0.1:1"}) as agent:
        taken, status = _filled(agent, trace_ids(20))
        assert 3 < len(taken) < 19
        assert status == 503  # to be tried again: the span is still its sender's
        until(lambda: metric(agent.telemetry, "otelcol_exporter_enqueue_failed_spans") > 0, what="the count")


@pytest.fixture
def small_disk(tmp_path):
    """Mount a file system of 8 MiB, for which one has to be root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_full_refuses_and_what_was_taken_is_not_lost(small_disk, jaeger_server, tmp_path):
    gateway_at, ids = programs.collector_addresses(), trace_ids(200)
    settings = {"GATEWAYS": gateway_at[1], "QUEUE_FOLDER": str(small_disk / "queue")}
    with ExitStack() as running:
        agent = running.enter_context(programs.collector(tmp_path / "agent", "agent", "redaction", settings=settings))
        taken, status = _filled(agent, ids)
        assert 10 < len(taken) < 199
        assert status == 503  # to be tried again: the span is still its sender's
        until(lambda: metric(agent.telemetry, "otelcol_exporter_enqueue_failed_spans") > 0, what="the count")
        to_jaeger = {"BACKEND": jaeger_server.otlp_grpc}
        running.enter_context(
            programs.collector(tmp_path / "gateway", "gateway", settings=to_jaeger, addresses=gateway_at)
        )
        with closing(open_source(f"jaeger+{jaeger_server.api}")) as source:
            until(lambda: all(source.trace(trace_id) for trace_id in taken), 60, f"{len(taken)} traces")
        assert _filled(agent, ids[-1:])[1] == 200


def _filled(agent, ids):
    """Send spans of 100 kB until one is refused; return the ids of those that were taken, and the last status."""
    taken = []
    for trace_id in ids:
        body = {"http.response.body.content": "x" * 100_000}
        reply = requests.post(
            f"{agent.otlp_http}/v1/traces",
            data=protobuf.encode([exchange(trace_id, failed=True, **body)]),
            headers={"Content-Type": "application/x-protobuf"},
            timeout=10,
        )
        if reply.status_code != 200:
            break
        taken.append(trace_id)
    return taken, reply.status_code
