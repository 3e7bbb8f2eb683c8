from __future__ import annotations

import os
import random
import signal
import socket
import sqlite3
import threading
import time
from contextlib import closing

import pytest
import requests

from otel_openstack.exceptions import SourceError
from otel_openstack.otlp import Resource, Span, json, protobuf
from otel_openstack.traces.receiver import Receiver, grpc_is_installed
from otel_openstack.traces.store import Store
from tests.strategies import exact
from tests.traces.contract import SPANS, TRACE
from tests.traces.serve import serve, wait_until

LOOPBACK = ("127.0.0.1", 0)
PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "traces.db", create=True) as store:
        yield store


def test_what_was_acknowledged_can_be_read_at_once(store):
    with Receiver(store, http=LOOPBACK) as receiver:
        for number, span in enumerate(SPANS[:2], start=1):
            response = requests.post(f"{receiver.http_endpoint}/v1/traces", protobuf.encode([span]), headers=PROTOBUF)
            assert response.status_code == 200
            assert len(store.trace(TRACE)) == number


def test_the_receiver_sorts_on_its_own(store):
    with Receiver(store, http=LOOPBACK) as receiver, closing(sqlite3.connect(store.path)) as bare:
        requests.post(f"{receiver.http_endpoint}/v1/traces", protobuf.encode(SPANS), headers=PROTOBUF)
        wait_until(lambda: bare.execute("SELECT count(*) FROM span").fetchone() == (3,))


def test_a_receiver_that_stops_has_sorted_everything_and_frees_its_port(store):
    receiver = Receiver(store, http=LOOPBACK)
    receiver.start()
    endpoint = receiver.http_endpoint
    requests.post(f"{endpoint}/v1/traces", protobuf.encode(SPANS), headers=PROTOBUF)
    receiver.stop()
    receiver.stop()
    with closing(sqlite3.connect(store.path)) as bare:
        assert bare.execute("SELECT count(*) FROM span").fetchone() == (3,)
    with pytest.raises(requests.ConnectionError):
        requests.post(f"{endpoint}/v1/traces")


def test_a_receiver_that_stops_answers_what_had_arrived(store):
    with store._writing, Receiver(store, http=LOOPBACK) as receiver:
        answers = []
        url = f"{receiver.http_endpoint}/v1/traces"
        client = threading.Thread(
            target=lambda: answers.append(requests.post(url, protobuf.encode(SPANS), headers=PROTOBUF).status_code)
        )
        client.start()
        time.sleep(0.3)  # the request waits for the store by now
        stopper = threading.Thread(target=receiver.stop)
        stopper.start()
        time.sleep(0.3)
        store._writing.release()
        stopper.join()
        client.join()
        store._writing.acquire()
    assert answers == [200]


def test_an_address_that_is_taken_is_an_error_that_says_what_to_do(store):
    with socket.create_server(LOOPBACK) as taken:
        address = taken.getsockname()
        with pytest.raises(SourceError, match=f"http://127.0.0.1:{address[1]} cannot be listened on") as caught:
            Receiver(store, http=address).start()
        assert "another address" in caught.value.hint
        with pytest.raises(SourceError, match="cannot be listened on"):
            Receiver(store, http=LOOPBACK, grpc=address).start()


def test_only_the_named_address_is_listened_on(store):
    with Receiver(store, http=LOOPBACK) as receiver:
        assert receiver.grpc_endpoint is None
        assert receiver.http_endpoint.startswith("http://127.0.0.1:")


def test_ipv6_is_an_address_too(store):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with Receiver(store, http=("::1", 0)) as receiver:
        assert receiver.http_endpoint.startswith("http://[::1]:")
        url = f"{receiver.http_endpoint}/v1/traces"
        assert requests.post(url, protobuf.encode(SPANS), headers=PROTOBUF).status_code == 200


def test_it_says_whether_grpc_is_there():
    assert grpc_is_installed()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_waiting_and_the_store_is_one_file(tmp_path, number):
    path = tmp_path / "traces.db"
    with serve(path) as served:
        requests.post(f"{served.endpoint}/v1/traces", protobuf.encode(SPANS), headers=PROTOBUF)
        served.process.send_signal(number)
        assert served.process.wait(10) == 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["traces.db"]
    with Store.open(path) as store:
        assert exact(store.trace(TRACE)) == exact(SPANS[:2])


def test_retention_keeps_a_store_within_its_bounds(store, monkeypatch):
    for number in range(1, 100):
        store.write([Span(f"{number:032x}", "1" * 16, attributes={"body": "x" * 100_000})])
    monkeypatch.setattr("otel_openstack.traces.receiver._PRUNE_SECONDS", 0.05)
    with Receiver(store) as receiver:
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
        receiver.wait(max_age_days=1, max_megabytes=5)
    assert store.used_bytes() <= 5 * 1024**2
    assert store.trace(f"{99:032x}")


# -- killed under load -----------------------------------------------------------------------------------------------

CLIENTS = 4


def _send_until_it_dies(endpoint, client, acknowledged):
    """Send small and large requests, and note every span that was acknowledged."""
    with requests.Session() as session:
        for batch in range(1, 10**6):
            size = 1 + batch % 40
            spans = [
                Span(
                    f"{client:016x}{batch:016x}",
                    f"{position:016x}",
                    attributes={"http.response.body.content": "x" * 2048},
                    resource=Resource({"service.name": f"client-{client}"}),
                )
                for position in range(1, 1 + size)
            ]
            try:
                response = session.post(f"{endpoint}/v1/traces", protobuf.encode(spans), headers=PROTOBUF, timeout=10)
            except requests.RequestException:
                return
            if response.status_code == 200:
                acknowledged.extend((span.trace_id, span.span_id) for span in spans)


@pytest.mark.parametrize("seconds", [0.3, 1.0, 2.5])
def test_a_receiver_killed_under_load_has_lost_no_acknowledged_span(tmp_path, seconds):
    path = tmp_path / "traces.db"
    acknowledged = []
    with serve(path) as served:
        clients = [
            threading.Thread(target=_send_until_it_dies, args=(served.endpoint, client, acknowledged))
            for client in range(1, 1 + CLIENTS)
        ]
        for client in clients:
            client.start()
        wait_until(lambda: len(acknowledged) > 100)
        time.sleep(seconds)
        served.process.kill()
        for client in clients:
            client.join()
    with Store.open(path) as store:
        found = [(span.trace_id, span.span_id) for trace in store.traces() for span in trace]
    assert len(found) == len(set(found))
    assert set(acknowledged) <= set(found)
    # What came through without its answer is at most one request a client
    assert len(found) - len(acknowledged) <= CLIENTS * 40


# -- sent nonsense ---------------------------------------------------------------------------------------------------

MUTANTS = 10_000


def _mutated(payload, chance):
    """Return the payload with some of its bytes changed, cut out, doubled or cut off."""
    data = bytearray(payload)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        at = chance.randrange(len(data))
        length = chance.randrange(1, 20)
        kind = chance.randrange(5)
        if kind == 0:
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            data[at] = chance.choice(b'\x00\xff\x7f\x80"{}[],:0-')
        elif kind == 2:
            del data[at : at + length]
        elif kind == 3:
            data[at:at] = data[at : at + length]
        else:
            del data[max(at, 1) :]
        if not data:
            break
    return bytes(data)


@pytest.mark.slow
def test_ten_thousand_mutated_payloads_are_taken_or_refused_and_cost_no_memory(tmp_path):
    chance = random.Random(20260101)
    forms = [(protobuf.encode(SPANS), PROTOBUF), (json.encode(SPANS).encode(), JSON)]
    statuses = {}
    with serve(tmp_path / "traces.db") as served, requests.Session() as session:
        url = f"{served.endpoint}/v1/traces"
        memory = 0
        for number in range(MUTANTS):
            payload, headers = forms[number % 2]
            response = session.post(url, _mutated(payload, chance), headers=headers, timeout=10)
            statuses[response.status_code] = statuses.get(response.status_code, 0) + 1
            if response.status_code != 200:
                assert len(response.content) > 20, "a refusal without a reason"
            if number == MUTANTS // 10:
                memory = served.memory_bytes
        growth = served.memory_bytes - memory
    assert set(statuses) == {200, 400}
    assert min(statuses.values()) > MUTANTS // 20
    assert growth < 32 * 1024**2, f"{growth} bytes more after {MUTANTS} requests"
    with Store.open(tmp_path / "traces.db") as store:
        summaries = store.summaries(limit=MUTANTS)
        assert sum(summary.span_count for summary in summaries) > 1
        assert store.damage == ()
