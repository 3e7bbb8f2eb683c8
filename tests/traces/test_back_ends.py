"""What Jaeger's and Tempo's sources say when something else than an answer comes back: by real HTTP servers."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

from otel_openstack.cli import main
from otel_openstack.exceptions import SettingsError, SourceError
from otel_openstack.otlp import Span, protobuf
from otel_openstack.traces import open_sink, open_source
from otel_openstack.traces.store import Store

TRACE = "5b8efff798038103d269b633813fc60c"
KINDS = ["jaeger", "tempo"]


class Answering:
    """A server that gives one answer to everything, and remembers the requests."""

    def __init__(self, status=200, body=b"", content_type="application/json", headers=(), context=None, delay=0.0):
        self.requests = requests = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                requests.append(self)
                time.sleep(delay)
                self.send_response(status)
                for name, value in (("Content-Type", content_type), ("Content-Length", str(len(body))), *headers):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.server.handle_error = lambda *_: None
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.address = f"127.0.0.1:{self.server.server_port}"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def answering():
    servers = []

    def answer(*arguments, **keywords):
        servers.append(Answering(*arguments, **keywords))
        return servers[-1]

    yield answer
    for server in servers:
        server.stop()


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    for name in ("HEADERS", "CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY", "TIMEOUT", "LOOKBACK"):
        monkeypatch.delenv(f"OTEL_OPENSTACK_SOURCE_{name}", raising=False)


def _complaint(source):
    with closing(open_source(source)) as opened, pytest.raises(SourceError) as caught:
        opened.summaries()
    assert caught.value.hint.endswith((".", "?"))
    return caught.value


@pytest.mark.parametrize("status", [400, 401, 403, 404, 418, 500])
def test_a_refusal_is_one_sentence_that_names_the_status_and_what_was_said(answering, kind, status):
    server = answering(status, b"no org id\n", "text/plain")
    complaint = _complaint(f"{kind}+http://{server.address}")
    assert str(complaint).startswith(f"http://{server.address} answered {status} ")
    assert str(complaint).endswith(": no org id.")


def test_an_answer_that_may_be_better_the_next_time_is_asked_for_again(answering, kind):
    server = answering(503, b"starting", "text/plain")
    assert "answered 503" in str(_complaint(f"{kind}+http://{server.address}"))
    assert len(server.requests) == 4


def test_who_lacks_credentials_is_told_where_to_put_them(answering, kind):
    complaint = _complaint(f"{kind}+http://{answering(401).address}")
    assert "OTEL_OPENSTACK_SOURCE_HEADERS" in complaint.hint


def test_a_page_to_log_in_is_not_followed(answering, kind):
    server = answering(302, headers=[("Location", "https://login.lab/")])
    assert "go to https://login.lab/" in str(_complaint(f"{kind}+http://{server.address}"))
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", [b"<!DOCTYPE html><html>", b"[1]", b"{", b"\xff"])
def test_a_page_where_json_was_due_is_said_to_be_one(answering, kind, body):
    server = answering(200, body, "text/html; charset=utf-8")
    assert "answered with text/html, where" in str(_complaint(f"{kind}+http://{server.address}"))


@pytest.mark.parametrize("body", [b"<html>", b'{"result": 5}', b"\xff\xff"])
def test_a_trace_that_is_none_is_said_to_be_none(answering, kind, body):
    with (
        closing(open_source(f"{kind}+http://{answering(200, body).address}")) as source,
        pytest.raises(SourceError, match="where OTLP"),
    ):
        source.trace(TRACE)


def test_a_back_end_that_is_down_is_named_with_its_usual_port(kind):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        complaint = _complaint(f"{kind}+http://{address}")
    assert str(complaint) == f"http://{address} cannot be reached: Connection refused."
    assert {"jaeger": "16686", "tempo": "3200"}[kind] in complaint.hint


def test_a_host_that_does_not_exist_is_named(kind):
    assert "http://no-such-host.invalid cannot be reached" in str(_complaint(f"{kind}+http://no-such-host.invalid"))


def test_a_back_end_that_is_slow_is_not_waited_for_longer_than_one_said(answering, kind, monkeypatch):
    monkeypatch.setenv("OTEL_OPENSTACK_SOURCE_TIMEOUT", "1s")
    server = answering(delay=1.5)
    begun = time.monotonic()
    complaint = _complaint(f"{kind}+http://{server.address}")
    assert "gave no answer within 1 s" in str(complaint)
    assert "OTEL_OPENSTACK_SOURCE_TIMEOUT" in complaint.hint
    assert time.monotonic() - begun < 5


def test_a_grpc_port_is_recognised(kind, tmp_path):
    from otel_openstack.traces.receiver import Receiver

    with (
        Store.open(tmp_path / "traces.db", create=True) as store,
        Receiver(store, grpc=("127.0.0.1", 0)) as receiver,
    ):
        complaint = _complaint(f"{kind}+http://{receiver.grpc_endpoint.rpartition('/')[2]}")
    assert "does not speak HTTP/1.1" in str(complaint)
    assert "gRPC" in complaint.hint


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Make an authority, a certificate of its own for loopback, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    files = folder / "authority.pem", folder / "certificate.pem", folder / "key.pem"
    authority.cert_pem.write_to_path(files[0])
    issued.cert_chain_pems[0].write_to_path(files[1])
    issued.private_key_pem.write_to_path(files[2])
    return files


def _tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate[1:])
    return context


def test_tls_is_not_spoken_to_a_port_without_it(answering, kind):
    complaint = _complaint(f"{kind}+https://{answering().address}")
    assert "it does not speak TLS" in str(complaint)
    assert complaint.hint == f"Say {kind}+http:// if that is what it speaks."


def test_a_port_with_tls_is_recognised(answering, kind, certificate):
    complaint = _complaint(f"{kind}+http://{answering(context=_tls(certificate)).address}")
    assert "does not speak HTTP/1.1" in str(complaint)
    assert "TLS" in complaint.hint


def test_a_certificate_of_nobody_one_knows_is_not_trusted(answering, kind, certificate):
    complaint = _complaint(f"{kind}+https://{answering(context=_tls(certificate)).address}")
    assert "cannot be trusted: unable to get local issuer certificate" in str(complaint)
    assert "OTEL_OPENSTACK_SOURCE_CERTIFICATE" in complaint.hint


def test_an_authority_that_is_named_is_trusted(answering, certificate, monkeypatch):
    monkeypatch.setenv("OTEL_OPENSTACK_SOURCE_CERTIFICATE", str(certificate[0]))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/hostname")
    server = answering(200, b'{"traces": []}', context=_tls(certificate))
    with closing(open_source(f"tempo+https://{server.address}")) as source:
        assert list(source.summaries()) == []


def test_a_certificate_of_ours_is_shown(answering, certificate, monkeypatch):
    context = _tls(certificate)
    context.load_verify_locations(certificate[0])
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # where a refusal is part of the handshake
    server = answering(200, b'{"traces": []}', context=context)
    monkeypatch.setenv("OTEL_OPENSTACK_SOURCE_CERTIFICATE", str(certificate[0]))
    assert "it wants a certificate of ours" in str(_complaint(f"tempo+https://{server.address}"))
    monkeypatch.setenv("OTEL_OPENSTACK_SOURCE_CLIENT_CERTIFICATE", str(certificate[1]))
    monkeypatch.setenv("OTEL_OPENSTACK_SOURCE_CLIENT_KEY", str(certificate[2]))
    with closing(open_source(f"tempo+https://{server.address}")) as source:
        assert list(source.summaries()) == []


@pytest.mark.parametrize("name", ["jaeger+http://h", "tempo+http://h", "otlp+http://h", "otlp+grpcs://h:1"])
def test_a_certificate_file_that_is_not_there_is_named(name, monkeypatch):
    monkeypatch.setenv("OTEL_OPENSTACK_SOURCE_CERTIFICATE", "/nowhere.pem")
    with pytest.raises(SettingsError, match=r"There is no file /nowhere\.pem"):
        open_sink(name) if name.startswith("otlp") else open_source(name)


def test_headers_go_with_every_request_and_win_over_netrc(answering, kind, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("OTEL_OPENSTACK_SOURCE_HEADERS", "X-Scope-OrgID=lab,Authorization=Bearer%20abc")
    server = answering(200, b"{}")
    with closing(open_source(f"{kind}+http://{server.address}")) as source:
        source.summaries()
        source.trace(TRACE)
    assert {(r.headers["X-Scope-OrgID"], r.headers["Authorization"]) for r in server.requests} == {
        ("lab", "Bearer abc")
    }


def test_user_and_password_of_the_url_are_sent_and_never_shown(answering, kind):
    server = answering(403)
    complaint = _complaint(f"{kind}+http://me:p%40ss@{server.address}/below")
    assert server.requests[0].headers["Authorization"] == "Basic bWU6cEBzcw=="
    assert server.requests[0].path.startswith("/below/api/")
    assert "me" not in str(complaint).split()[0]
    assert "p@ss" not in f"{complaint}{complaint.hint}"
    assert "p%40ss" not in f"{complaint}{complaint.hint}"


def test_an_answer_in_several_objects_is_one_trace(answering):
    spans = [{"traceId": TRACE, "spanId": f"{n:016x}"} for n in (1, 2)]
    body = "\n".join(json.dumps({"result": {"resourceSpans": [{"scopeSpans": [{"spans": [s]}]}]}}) for s in spans)
    with closing(open_source(f"jaeger+http://{answering(200, body.encode()).address}")) as source:
        assert {span.span_id for span in source.trace(TRACE)} == {"0" * 15 + "1", "0" * 15 + "2"}


def test_a_trace_id_is_exported_by_one_request(answering, capsys):
    span = {"traceId": TRACE, "spanId": "1" * 16, "attributes": []}
    span["attributes"] = [{"key": "http.request.method", "value": {"stringValue": "GET"}}]
    server = answering(200, json.dumps({"result": {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}}).encode())
    assert main(["export", TRACE.upper(), "--from", f"jaeger+http://{server.address}"]) == 0
    assert "### (1) GET" in capsys.readouterr().out
    assert len(server.requests) == 1


def test_a_part_of_a_trace_is_said_to_be_one(answering):
    """Fields 1, 3 and 4 of tempopb.TraceByIDResponse, as Tempo sends them."""
    trace = protobuf.encode([Span(TRACE, "1" * 16)])
    body = b"\x0a" + bytes([len(trace)]) + trace + b"\x18\x01\x22\x09too large"
    with closing(open_source(f"tempo+http://{answering(200, body, 'application/protobuf').address}")) as source:
        assert [span.span_id for span in source.trace(TRACE)] == ["1" * 16]
        assert source.damage == (
            "Tempo gives a part of the trace only: too large. Raise max_bytes_per_trace in its overrides.",
        )


def test_a_search_of_months_goes_week_by_week(answering, monkeypatch):
    monkeypatch.setenv("OTEL_OPENSTACK_SOURCE_LOOKBACK", "60d")
    server, told = answering(200, b"{}"), []
    with closing(open_source(f"tempo+http://{server.address}", progress=told.append)) as source:
        assert list(source.find("req-1")) == []
    asked = [parse_qs(urlsplit(request.path).query) for request in server.requests]
    times = [(int(query["start"][0]), int(query["end"][0])) for query in asked]
    assert all(end - start < 7 * 86400 for start, end in times)
    assert [end for _, end in times[1:]] == [start for start, _ in times[:-1]]
    assert times[0][1] - times[-1][0] >= 60 * 86400
    assert len(told) == len(times)


@pytest.mark.parametrize("name", ["jaeger+http://", "tempo+https:///path"])
def test_a_url_without_a_host_is_an_error(name):
    with pytest.raises(SourceError, match="names no host"):
        open_source(name)


def test_a_url_that_does_not_say_what_it_is_is_helped():
    with pytest.raises(SourceError) as caught:
        open_source("http://127.0.0.1:16686")
    assert "jaeger+http://127.0.0.1:16686" in caught.value.hint


def test_an_export_that_fails_leaves_the_older_document_alone(answering, kind, tmp_path, capsys):
    document = tmp_path / "older.md"
    document.write_text("older")
    source = f"{kind}+http://{answering(500, b'out of memory', 'text/plain').address}"
    assert main(["export", "latest", "--from", source, "-o", str(document)]) == 2
    assert document.read_text() == "older"
    error = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in error] == ["error", "hint"]
    assert "Traceback" not in "".join(error)
