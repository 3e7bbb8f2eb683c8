from __future__ import annotations

import itertools
import multiprocessing
import sqlite3
import stat
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from otel_openstack.exceptions import SourceError
from otel_openstack.otlp import Span, json, protobuf
from otel_openstack.traces import store as store_module
from otel_openstack.traces.store import Store
from otel_openstack.traces.store_file import connect
from tests.strategies import exact, span_lists
from tests.traces.contract import SPANS, TRACE, SourceContract


class TestStore(SourceContract):
    @pytest.fixture(params=["written span by span", "received in one request", "reopened"])
    def keep(self, request, tmp_path):
        numbers = itertools.count()

        def keep(spans):
            store = Store.open(tmp_path / f"{next(numbers)}.db", create=True)
            if request.param == "received in one request":
                store.append(protobuf.encode(spans))
            else:
                for span in spans:
                    store.write([span])
            if request.param == "reopened":
                store.close()
                return Store.open(store.path)
            return store

        return keep


@pytest.fixture
def path(tmp_path):
    return tmp_path / "traces.db"


@pytest.fixture
def store(path):
    with Store.open(path, create=True) as store:
        yield store


def _span(number, trace=1, **fields):
    return Span(f"{trace:032x}", f"{number:016x}", name=f"span {number}", **fields)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spans=span_lists())
def test_spans_survive_json_protobuf_and_the_store(tmp_path_factory, spans):
    with Store.open(tmp_path_factory.mktemp("store") / "traces.db", create=True) as store:
        store.write(json.decode(json.encode(protobuf.decode(protobuf.encode(spans)))))
        assert exact(span for trace in store.traces() for span in trace) == exact(spans)


def test_all_traces_are_given_whole_in_one_pass(store):
    spans = [_span(number, trace=1 + number % 3) for number in range(1, 100)]
    for span in spans:
        store.write([span])
    traces = list(store.traces())
    assert [len({span.trace_id for span in trace}) for trace in traces] == [1, 1, 1]
    assert exact(itertools.chain(*traces)) == exact(spans)


def test_more_batches_than_fit_in_the_cache_are_read_all_the_same(store, monkeypatch):
    monkeypatch.setattr(store_module, "_CACHE_BYTES", 100)
    spans = [_span(number, trace=1 + number % 3) for number in range(1, 60)]
    for span in spans:
        store.write([span])
    assert exact(itertools.chain(*store.traces())) == exact(spans)


def test_the_file_is_private_to_its_owner(store, path):
    store.write(SPANS)
    for name in (path, f"{path}-wal", f"{path}-shm"):
        assert stat.S_IMODE(Path(name).stat().st_mode) == 0o600


def test_folders_above_the_store_are_made(tmp_path):
    with Store.open(tmp_path / "a" / "b" / "traces.db", create=True) as store:
        assert list(store.summaries()) == []


def test_closing_leaves_one_file(store, path):
    store.write(SPANS)
    store.close()
    assert [entry.name for entry in path.parent.iterdir()] == ["traces.db"]


def test_times_beyond_sqlites_integers_are_kept(store):
    span = _span(1, start_unix_nano=2**64 - 1, end_unix_nano=2**64 - 1)
    store.write([span])
    assert exact(store.trace(span.trace_id)) == exact([span])
    assert [summary.start_unix_nano for summary in store.summaries()] == [2**64 - 1]


def test_a_long_identifier_is_cut_but_harms_nothing(store):
    span = _span(1, attributes={"openstack.request_id": "x" * 100_000})
    store.write([span])
    assert exact(store.trace(span.trace_id)) == exact([span])


@pytest.mark.parametrize(("trace_id", "span_id"), [("", ""), ("0" * 32, "1" * 16), ("1" * 32, "xyz")])
def test_a_span_that_nothing_could_find_is_refused(store, trace_id, span_id):
    with pytest.raises(SourceError, match="A span named 'lost' has the ids"):
        store.write([Span(trace_id, span_id, name="lost")])


# -- what is no store ------------------------------------------------------------------------------------------------


def test_a_store_that_does_not_exist_is_an_error_that_says_who_makes_one(path):
    with pytest.raises(SourceError, match=r"There is no store .*traces\.db") as caught:
        Store.open(path)
    assert "receive" in caught.value.hint


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("content", [b"not a database at all, though long enough to be one" * 100, b"x"])
def test_a_file_of_something_else_is_refused_and_left_alone(path, content, create):
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"traces\.db"):
        Store.open(path, create=create)
    assert path.read_bytes() == content


@pytest.mark.parametrize("create", [True, False])
def test_somebody_elses_database_is_refused_and_left_alone(path, create):
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE songs (title)")
        other.commit()
    content = path.read_bytes()
    with pytest.raises(SourceError, match="is not a store of traces"):
        Store.open(path, create=create)
    assert path.read_bytes() == content


def test_an_empty_file_is_no_store_but_can_become_one(path):
    path.touch()
    with pytest.raises(SourceError, match="is not a store of traces"):
        Store.open(path)
    with Store.open(path, create=True) as store:
        assert list(store.summaries()) == []


def test_a_store_of_a_newer_version_is_refused(store, path):
    store.close()
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 99")
    with pytest.raises(SourceError, match="newer version") as caught:
        Store.open(path)
    assert "pip install" in caught.value.hint


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match="cannot be made"):
        Store.open(tmp_path / "file" / "traces.db", create=True)


def test_a_broken_file_is_an_error(store, path):
    for number in range(1, 200):
        store.write([_span(number, trace=number, attributes={"body": "x" * 5000})])
    store.sort()
    store.close()
    content = bytearray(path.read_bytes())
    for offset in range(100, len(content), 7919):
        content[offset] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"traces\.db"), Store.open(path) as broken:
        list(broken.traces())


def test_a_batch_that_is_not_otlp_is_noted_and_the_rest_is_read(store, path):
    store.append(b"\xff\xff")
    store.write(SPANS)
    assert exact(store.trace(TRACE)) == exact(SPANS[:2])
    assert len(store.damage) == 1
    assert store.damage[0].startswith(f"batch 1 of {path} is not OTLP")


# -- retention -------------------------------------------------------------------------------------------------------


def test_what_is_too_old_is_forgotten_with_every_trace_of_it(store):
    store.write(SPANS[:2])
    time.sleep(0.3)
    store.write(SPANS[2:])
    assert store.prune(max_age_seconds=0.2) == 1
    assert store.trace(TRACE) == []
    assert [len(store.find(identifier)) for identifier in (TRACE, "eee19b7ec3c1b174", "req-global")] == [0, 0, 1]
    assert [summary.root_name for summary in store.summaries()] == ["periodic work"]
    assert list(store.summaries(service="glance-api")) == []


def test_a_store_that_is_too_large_forgets_its_oldest_until_it_fits(store):
    for number in range(1, 201):
        store.write([_span(number, trace=number, attributes={"body": "x" * 50_000})])
    before = store.used_bytes()
    assert store.prune(max_bytes=before // 2) > 50
    assert store.used_bytes() <= before // 2
    left = [number for number in range(1, 201) if store.trace(f"{number:032x}")]
    assert left == list(range(201 - len(left), 201))
    assert len(left) > 50


def test_space_is_used_again(store, path):
    def fill():
        for number in range(1, 101):
            store.write([_span(number, trace=number, attributes={"body": "x" * 50_000})])
        store.prune(max_age_seconds=0)

    fill()
    store.close()
    size = path.stat().st_size
    with Store.open(path) as again:
        store = again
        fill()
    assert path.stat().st_size < 1.2 * size


def test_pruning_within_bounds_forgets_nothing(store):
    store.write(SPANS)
    assert store.prune(max_age_seconds=3600, max_bytes=10**9) == 0
    assert store.prune() == 0
    assert exact(store.trace(TRACE)) == exact(SPANS[:2])


# -- several at once -------------------------------------------------------------------------------------------------


def test_a_second_store_on_the_file_sees_what_the_first_one_committed(store, path):
    with Store.open(path) as reader:
        for number in range(1, 20):
            store.append(protobuf.encode([_span(number)]))
            assert len(reader.trace(f"{1:032x}")) == number


def test_who_may_not_write_is_told_who_makes_the_rest_visible(store, path, monkeypatch):
    monkeypatch.setattr(store_module, "BUSY_SECONDS", 0.1)
    store.write([_span(1)])
    connections = tuple(connect(path, read_only=True) for _ in range(3))
    with Store(path, connections, read_only=True) as reader:
        assert reader.find(f"{1:016x}") == []
        assert reader.damage == (
            f"1 batches of {path} are not shown: they are not sorted yet, and you may not write to it."
            f" Whoever may does it by otel-openstack list --from {path}.",
        )
        store.sort()
        assert reader.find(f"{1:016x}") == [f"{1:032x}"]


def test_threads_share_a_store(store):
    def write(thread):
        for number in range(50):
            store.write([_span(1 + number, trace=thread)])
            assert len(store.trace(f"{thread:032x}")) == 1 + number

    threads = [threading.Thread(target=write, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [summary.span_count for summary in store.summaries()] == [50] * 8


def _write_many(path, process):
    with Store.open(path, create=True) as store:
        for number in range(1, 101):
            store.write([_span(number, trace=process)])
            if number % 10 == 0:
                store.sort()
                with Store.open(path) as second:  # whose closing must not take the first one's locks away
                    second.find("req-unknown")


def test_processes_write_and_sort_one_file_at_the_same_time(path):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write_many, args=(path, number)) for number in range(1, 4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    with Store.open(path) as store:
        assert [summary.span_count for summary in store.summaries()] == [100] * 3


def test_the_write_ahead_log_stays_short(store, path, monkeypatch):
    monkeypatch.setattr(store_module, "WAL_BYTES", 2**20)
    for number in range(1, 400):
        store.write([_span(number, attributes={"body": "x" * 50_000})])
        store.sort()
    assert Path(f"{path}-wal").stat().st_size < 3 * 2**20


def test_who_appends_sorts_when_nobody_else_does(store, path, monkeypatch):
    monkeypatch.setattr(store_module, "_MAX_FRESH_BYTES", 10_000)
    for number in range(1, 100):
        store.append(protobuf.encode([_span(number, attributes={"body": "x" * 1000})]))
    with closing(sqlite3.connect(path)) as bare:
        ((unsorted,),) = bare.execute("SELECT count(*) FROM batch WHERE id > (SELECT through FROM sorted)").fetchall()
    assert unsorted < 20
