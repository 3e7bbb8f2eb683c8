"""Each time that urllib3 sends a request, for itself or for requests: a hop, from before it connects."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import trustme
import urllib3
from opentelemetry import trace

from otel_openstack import attributes as names
from otel_openstack.instrument.instrumentor import OpenStackInstrumentor
from otel_openstack.settings import Settings
from tests.instrument import clients
from tests.instrument.harness import Measured, PreparedServer, Spans, attributes_of, free_port, http_answer

pytestmark = pytest.mark.usefixtures("measured")


def _by_urllib3(url: str, retries: Any, **options: Any) -> bytes:
    with urllib3.PoolManager(**options) as pool:
        return pool.request("GET", url, retries=retries, timeout=5).data


def _by_requests(url: str, retries: Any) -> bytes:
    with requests.Session() as session:
        adapter = requests.adapters.HTTPAdapter(max_retries=retries)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        return session.get(url, timeout=5).content


LIBRARIES = pytest.mark.parametrize("ask", [_by_urllib3, _by_requests])
Ask = Callable[..., bytes]


@LIBRARIES
def test_every_retry_is_a_hop(ask: Ask, measured: Measured, server: PreparedServer, spans: Spans) -> None:
    """Also one after an error of the connection; each has its own id."""
    server.answers = [http_answer(b"busy", status=b"503 Busy"), b"", http_answer(b"well")]
    assert ask(server.url, urllib3.Retry(3, status_forcelist=[503], backoff_factor=0)) == b"well"
    hops = list(map(attributes_of, spans.all(3)))
    assert [hop.get(names.HTTP_REQUEST_RESEND_COUNT, 0) for hop in hops] == [0, 1, 2]
    assert [hop.get(names.HTTP_RESPONSE_STATUS_CODE) for hop in hops] == [503, None, 200]
    assert [hop.get(names.ERROR_TYPE) for hop in hops] == ["503", "http.client.RemoteDisconnected", None]
    assert len({hop[names.OPENSTACK_REQUESTSHOOK_REQUEST_ID] for hop in hops}) == 3
    assert [
        (said.get(names.HTTP_RESPONSE_STATUS_CODE), said.get(names.ERROR_TYPE)) for said in measured.hops()
    ] == [(None, "http.client.RemoteDisconnected"), (200, None), (503, "503")]  # fmt: skip


@LIBRARIES
def test_an_attempt_that_never_connects_by_tls_is_a_hop(ask: Ask, measured: Measured, spans: Spans) -> None:
    """Though there is no header block yet when urllib3 connects."""
    with pytest.raises((urllib3.exceptions.MaxRetryError, requests.ConnectionError)):
        ask(f"https://127.0.0.1:{free_port()}/v3", urllib3.Retry(1, backoff_factor=0))
    refused = "urllib3.exceptions.NewConnectionError"
    assert [attributes_of(span)[names.ERROR_TYPE] for span in spans.all(2)] == [refused, refused]
    assert [said[names.ERROR_TYPE] for said in measured.hops()] == [refused, refused]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Make an authority of the tests' own."""
    return trustme.CA()


@pytest.fixture
def tls_server(authority: trustme.CA) -> Iterator[PreparedServer]:
    """Answer by TLS with what the test prepared."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = PreparedServer(context)
    yield server
    server.close()


def test_a_hop_by_tls_is_one_whole_exchange(
    measured: Measured, tls_server: PreparedServer, authority: trustme.CA, spans: Spans
) -> None:
    """That passes its ids on, though it began before its connection."""
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    tls_server.answers = [http_answer(b"ok")]
    assert _by_urllib3(tls_server.url, False, ssl_context=trusting) == b"ok"
    attributes = attributes_of(spans.one())
    assert attributes[names.URL_FULL] == f"{tls_server.url}/"
    assert attributes[names.HTTP_RESPONSE_BODY_CONTENT] == "ok"
    identifier = attributes[names.OPENSTACK_REQUESTSHOOK_REQUEST_ID]
    assert f"x-requestshook-request-id: {identifier}\r\n" in tls_server.requests[0].decode().lower()
    assert len(measured.hops()) == 1


def test_a_certificate_that_is_not_trusted_is_a_hops_error(
    measured: Measured, tls_server: PreparedServer, spans: Spans
) -> None:
    """The first thing that goes wrong where TLS is new."""
    with pytest.raises(urllib3.exceptions.SSLError):
        _by_urllib3(tls_server.url, False, ssl_context=ssl.create_default_context())
    assert attributes_of(spans.one())[names.ERROR_TYPE] == "urllib3.exceptions.SSLError"
    assert [said[names.ERROR_TYPE] for said in measured.hops()] == ["urllib3.exceptions.SSLError"]


def test_urllib3_knows_how_often_it_has_sent_a_request_before(server: PreparedServer, spans: Spans) -> None:
    """A redirect is another time."""
    server.answers = [http_answer(b"there", b"Location: /next", status=b"302 Found"), http_answer(b"here")]
    assert clients.by_urllib3("GET", server.url) == b"here"
    first, second = map(attributes_of, spans.all(2))
    assert names.HTTP_REQUEST_RESEND_COUNT not in first
    assert second[names.HTTP_REQUEST_RESEND_COUNT] == 1


def test_a_hop_of_requests_has_one_span(server: PreparedServer, spans: Spans) -> None:
    """Though urllib3 and http.client are beneath it."""
    server.answers = [http_answer(b"x"), http_answer(b"y")]
    assert requests.get(server.url, timeout=5).content == b"x"
    assert clients.by_urllib3("GET", server.url) == b"y"
    assert len(spans.all(2)) == 2
    assert server.requests[0].lower().count(b"traceparent") == 1


def test_what_a_body_asks_of_others_while_it_is_sent_are_hops_of_their_own(
    server: PreparedServer, spans: Spans
) -> None:
    """And none of the attempt that sends it."""
    other = PreparedServer()
    other.answers, server.answers = [http_answer(b"fetched")], [http_answer(b"stored")]

    def pieces() -> Iterator[bytes]:
        yield clients.by_http_client("GET", other.url)

    assert clients.by_urllib3("PUT", server.url, pieces(), Content_Type="text/plain") == b"stored"
    other.close()
    fetched, stored = map(attributes_of, spans.all(2))
    assert (fetched[names.URL_FULL], stored[names.URL_FULL]) == (f"{other.url}/", f"{server.url}/")
    assert stored[names.HTTP_REQUEST_BODY_CONTENT] == "fetched"


@pytest.mark.parametrize("flags", [0, 1])
def test_an_attempt_that_is_not_sampled_passes_its_ids_on(
    flags: int, measured: Measured, server: PreparedServer, spans: Spans
) -> None:
    """Sampled or not, its header lines are those of its own span."""
    server.answers = [http_answer(b"x")]
    parent = trace.SpanContext(1, 2, is_remote=True, trace_flags=trace.TraceFlags(flags))
    with trace.use_span(trace.NonRecordingSpan(parent)):
        assert _by_urllib3(server.url, False) == b"x"
    assert server.requests[0].lower().count(b"traceparent: 00-00000000000000000000000000000001-") == 1
    assert len(spans.all(flags)) == flags
    assert len(measured.hops()) == 1


@pytest.mark.parametrize("library", ["requests", "urllib3", "urllib"])
def test_a_retrying_adapter_is_seen_as_its_libraries_are(library: str, server: PreparedServer, spans: Spans) -> None:
    """Where what sees its attempts is disabled, requests sees one hop; where requests is, there is none."""
    instrumentor = OpenStackInstrumentor()
    instrumentor.uninstrument()
    instrumentor.instrument(skip_dep_check=True, settings=Settings(disabled=library))
    server.answers = [http_answer(b"busy", status=b"503 Busy"), http_answer(b"well")]
    assert _by_requests(server.url, urllib3.Retry(1, status_forcelist=[503], backoff_factor=0)) == b"well"
    hops = list(map(attributes_of, spans.all(0 if library == "requests" else 1)))
    assert [hop[names.HTTP_RESPONSE_STATUS_CODE] for hop in hops] == [200] * len(hops)
