"""Kafka between agents and gateways: each of the three may be away, and nothing is lost."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from contextlib import ExitStack

import pytest

from otel_openstack.otlp import json
from tests.backends import programs
from tests.backends.load import exchange, metric, send, trace_ids
from tests.backends.programs import until
from tests.cloud.ports import free_ports

AGENT = ("agent", "redaction", "agent-kafka")
GATEWAY = ("gateway", "gateway-kafka")
TRACES = 200  # of each step


@pytest.fixture
def cloud(tmp_path):
    return Cloud(tmp_path)


class Cloud:
    """An agent, a broker and a gateway that come back where they were, and what arrives in the end."""

    def __init__(self, folder):
        self.folder = folder
        self.ports = free_ports(2)
        self.settings = {"KAFKA": f"127.0.0.1:{self.ports[0]}"}
        self.agent_at = programs.collector_addresses()
        self.arrived = folder / "arrived.jsonl"
        self.to_a_file = folder / "file.yaml"
        self.to_a_file.write_text(
            f"""\
exporters: {{file: {{path: {self.arrived}, append: true}}}}
service: {{pipelines: {{traces/kept: {{exporters: [file]}}}}}}
"""
        )

    def broker(self):
        return programs.kafka(self.folder / "kafka", self.ports)

    def agent(self):
        return programs.collector(self.folder / "agent", *AGENT, settings=self.settings, addresses=self.agent_at)

    def gateway(self, *overlays):
        files = overlays or (self.to_a_file,)
        return programs.collector(self.folder / "gateway", *GATEWAY, *files, settings=self.settings)

    def send(self, ids, **attributes):
        send(f"otlp+http://{self.agent_at[0]}", [exchange(trace_id, failed=True, **attributes) for trace_id in ids])

    def counts(self):
        """Count how often each trace has arrived."""
        lines = self.arrived.read_bytes().splitlines(keepends=True) if self.arrived.exists() else []
        return Counter(span.trace_id for line in lines if line.endswith(b"\n") for span in json.decode(line))

    def came(self, ids):
        until(lambda: set(ids) <= self.counts().keys(), 60, f"{len(ids)} traces")


def test_nothing_is_lost_while_the_broker_or_the_gateway_is_away(cloud):
    """The broker comes last of all, is killed and comes back; a gateway comes late, goes, and comes back."""
    early, at_a_time, without_broker, without_gateway = (trace_ids(TRACES, n * TRACES) for n in range(1, 5))
    with ExitStack() as running:
        agent = running.enter_context(cloud.agent())
        cloud.send(early)
        broker = running.enter_context(cloud.broker())
        until(lambda: metric(agent.telemetry, "otelcol_exporter_sent_spans") == TRACES, what="the first spans")
        with cloud.gateway():
            cloud.came(early)
            cloud.send(at_a_time)
            cloud.came(at_a_time)
            os.killpg(broker.pid, signal.SIGKILL)
            cloud.send(without_broker)
            running.enter_context(cloud.broker())
            cloud.came(without_broker)
        cloud.send(without_gateway)
        with cloud.gateway():
            cloud.came(without_gateway)
    assert cloud.counts().keys() == {*early, *at_a_time, *without_broker, *without_gateway}


def test_a_trace_as_long_as_a_request_may_be_passes(cloud):
    """Random bytes, for Kafka's limits are those of compressed messages."""
    body = random.Random(1).randbytes(65_000)
    spans = [exchange("e" * 32, f"{n:016x}", failed=True, **{"http.response.body.content": body}) for n in range(1, 64)]
    with cloud.broker(), cloud.agent(), cloud.gateway():
        send(f"otlp+http://{cloud.agent_at[0]}", spans)
        until(lambda: cloud.counts()["e" * 32] == len(spans), 60, "the trace")


def test_what_a_gateway_refuses_is_read_again(cloud):
    """A pipeline without queues refuses while its back end is away, as any does over its memory limit."""
    refusing = cloud.folder / "refusing.yaml"
    refusing.write_text(
        """\
exporters: {otlp_grpc: {sending_queue: {enabled: false}, retry_on_failure: {enabled: false}}}
service: {pipelines: {traces/kept: {processors: []}}}
"""
    )
    back_end = programs.collector_addresses()
    cloud.settings["BACKEND"] = back_end[1]
    with cloud.broker(), cloud.agent(), cloud.gateway(refusing) as gateway:
        cloud.send(trace_ids(3))
        until(lambda: "Backing off" in gateway.process.log.read_text(), what="a refusal")
        with programs.collector(cloud.folder / "back-end", "gateway", cloud.to_a_file, addresses=back_end):
            cloud.came(trace_ids(3))
