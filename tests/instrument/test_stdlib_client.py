"""Hops that no ``requests`` makes: http.client, urllib.request and urllib3, against what a raw socket got and gave."""

from __future__ import annotations

import gc
import http.client
import io
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import urllib3

from otel_openstack import attributes as names
from otel_openstack.instrument import stdlib_client
from otel_openstack.instrument.instrumentor import OpenStackInstrumentor
from tests.instrument import clients
from tests.instrument.clients import Ask
from tests.instrument.harness import PreparedServer, Spans, attributes_of, http_answer

_CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"

pytestmark = pytest.mark.usefixtures("instrumented")

CLIENTS = pytest.mark.parametrize("ask", clients.OF_THE_STANDARD_LIBRARY)


def _pieces() -> Iterator[bytes]:
    yield b"one "
    yield b"two"


@CLIENTS
@pytest.mark.parametrize(
    "make", [lambda: b"one two", lambda: io.BytesIO(b"one two"), _pieces], ids=["bytes", "file", "generator"]
)
def test_every_kind_of_request_body_is_seen_as_it_is_sent(
    make: Callable[[], Any], ask: Ask, server: PreparedServer, spans: Spans
) -> None:
    """Frames of chunks are no part of it, whoever makes them."""
    server.answers = [http_answer()]
    ask("PUT", server.url, make(), Content_Type="text/plain")
    sent = server.requests[0].partition(b"\r\n\r\n")[2]
    assert sent == b"one two" or b"".join(sent.split(b"\r\n")[1::2]) == b"one two"
    attributes = attributes_of(spans.one())
    assert attributes[names.HTTP_REQUEST_BODY_CONTENT] == "one two"
    assert attributes[names.HTTP_REQUEST_BODY_SIZE] == 7


@pytest.mark.parametrize(
    "read",
    [
        lambda response: response.read(),
        lambda response: b"".join(iter(lambda: response.read(3), b"")),
        lambda response: b"".join(iter(lambda: response.read1(3), b"")),
        lambda response: b"".join(response),
        lambda response: b"".join(response.readlines()),
        lambda response: response.readline() + response.read(),
        lambda response: io.BufferedReader(response, 4).read(),
    ],
)
@pytest.mark.parametrize("chunked", [False, True])
def test_every_way_of_reading_a_response_is_observed(
    read: Any, chunked: bool, server: PreparedServer, spans: Spans
) -> None:
    """Each piece once, though some ways use others; and the span ends with the body."""
    server.answers = [_CHUNKED + b"4\r\none\n\r\n4\r\ntwo\n\r\n0\r\n\r\n" if chunked else http_answer(b"one\ntwo\n")]
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request("GET", "/")
    response = connection.getresponse()
    assert isinstance(response, http.client.HTTPResponse)
    assert read(response) == b"one\ntwo\n"
    attributes = attributes_of(spans.one())
    assert attributes[names.HTTP_RESPONSE_BODY_CONTENT] == "one\ntwo\n"
    assert attributes[names.HTTP_RESPONSE_BODY_SIZE] == 8
    response.close()


@pytest.mark.parametrize("how", ["close", "forget"])
def test_a_response_that_is_not_read_ends_too(how: str, server: PreparedServer, spans: Spans) -> None:
    """Closed, or just forgotten: no span is leaked, and the size is what was read."""
    server.answers = [http_answer(b"abcdef")]
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request("GET", "/")
    response = connection.getresponse()
    response.read(2)
    if how == "close":
        response.close()
    del response, connection
    gc.collect()
    attributes = attributes_of(spans.one())
    assert attributes[names.HTTP_RESPONSE_BODY_CONTENT] == "ab"
    assert attributes[names.HTTP_RESPONSE_BODY_SIZE] == 2


def test_a_body_that_is_sent_by_hand_is_seen(server: PreparedServer, spans: Spans) -> None:
    """As swift's clients do: header lines one by one, chunks framed by the caller."""
    server.answers = [http_answer()]
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.putrequest("PUT", "/x")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.putheader("Content-Type", "text/plain")
    connection.endheaders()
    for piece in (b"5\r\nhello\r\n", b"2\r\n!\n\r\n", b"0\r\n\r\n"):
        connection.send(piece)
    connection.getresponse().read()
    connection.close()
    attributes = attributes_of(spans.one())
    assert attributes[names.HTTP_REQUEST_BODY_CONTENT] == "hello!\n"
    assert attributes[names.HTTP_REQUEST_BODY_SIZE] == 7


def test_a_connection_that_is_kept_has_an_exchange_for_each_request(spans: Spans, serve: Any) -> None:
    """Nothing of one is left for the next."""
    OpenStackInstrumentor().uninstrument()
    port = serve(
        lambda environ, start: (start("200 OK", [("Content-Length", "1")]), [environ["PATH_INFO"][1:].encode()])[1]
    )
    OpenStackInstrumentor().instrument(skip_dep_check=True)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    for number in range(3):
        connection.request("GET", f"/{number}")
        assert connection.getresponse().read() == b"%d" % number
    connection.close()
    assert [attributes_of(span)[names.HTTP_RESPONSE_BODY_SIZE] for span in spans.all(3)] == [1, 1, 1]


def test_a_port_that_is_none_is_told_by_the_socket_and_recorded(spans: Spans) -> None:
    """As everything else that cannot be connected to."""
    with pytest.raises((OSError, OverflowError)) as raised:
        http.client.HTTPConnection("127.0.0.1", -1, timeout=5).request("GET", "/")
    attributes = attributes_of(spans.one())
    assert str(attributes[names.ERROR_TYPE]).endswith(raised.type.__name__)
    assert attributes[names.SERVER_PORT] == 0


@pytest.mark.parametrize(
    ("connection", "target", "url"),
    [
        (http.client.HTTPConnection("h"), "/a?b=c://d", "http://h/a?b=c://d"),
        (http.client.HTTPConnection("h", 8080), "/a", "http://h:8080/a"),
        (http.client.HTTPConnection("h:443"), "/a", "http://h:443/a"),
        (http.client.HTTPSConnection("h"), "/a", "https://h/a"),
        (http.client.HTTPSConnection("h", 80), "/a", "https://h:80/a"),
        (http.client.HTTPConnection("[::1]:8080"), "/a", "http://[::1]:8080/a"),
        (http.client.HTTPConnection("fe80::1%eth0", 80), "/a", "http://[fe80::1%eth0]/a"),
        (http.client.HTTPConnection("h"), "*", "http://h"),
        (http.client.HTTPConnection("proxy", 3128), "http://h:81/a", "http://h:81/a"),
        (urllib3.connection.HTTPSConnection("::1", 8443), "/a", "https://[::1]:8443/a"),
        (urllib3.connection.HTTPConnection("h"), "/a", "http://h/a"),
    ],
)
def test_the_url_is_that_of_the_request_not_of_the_way_to_it(connection: Any, target: str, url: str) -> None:
    """Default ports are left out, IPv6 addresses stand in brackets."""
    assert stdlib_client._url(connection, target) == url


@pytest.mark.parametrize(("host", "url"), [("h", "http://h:81/a"), ("2001:db8::1", "http://[2001:db8::1]:81/a")])
def test_a_request_through_a_tunnel_is_one_to_its_end(host: str, url: str, spans: Spans) -> None:
    """CONNECT is no exchange: it is the proxy's, and carries none of our headers."""
    heads: list[bytes] = []

    def relay() -> None:
        connection, _ = listener.accept()
        with connection:
            for answer in (b"HTTP/1.1 200 Go on\r\n\r\n", http_answer(b"ok")):
                head = b""
                while b"\r\n\r\n" not in head:
                    head += connection.recv(65536)
                heads.append(head)
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=relay, daemon=True).start()
        connection = http.client.HTTPConnection("127.0.0.1", listener.getsockname()[1], timeout=5)
        connection.set_tunnel(host, 81)
        connection.request("GET", "/a")
        assert connection.getresponse().read() == b"ok"
        connection.close()
    attributes = attributes_of(spans.one())
    assert attributes[names.URL_FULL] == url
    assert attributes[names.SERVER_PORT] == 81
    assert b"traceparent" not in heads[0]
    assert heads[1].count(b"traceparent") == 1


@pytest.mark.parametrize("ask", [clients.by_urllib, clients.by_urllib3])
def test_a_request_to_a_proxy_is_one_to_its_server(ask: Any, server: PreparedServer, spans: Spans) -> None:
    """The target on the wire is the whole URL, and so is what is recorded."""
    server.answers = [http_answer(b"ok")]
    if ask is clients.by_urllib3:
        with urllib3.ProxyManager(server.url) as pool:
            assert pool.request("GET", "http://h:81/a?b", timeout=5).data == b"ok"
    else:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": server.url}))
        with opener.open("http://h:81/a?b", timeout=5) as response:
            assert response.read() == b"ok"
    assert server.requests[0].startswith(b"GET http://h:81/a?b HTTP/1.1\r\n")
    attributes = attributes_of(spans.one())
    assert attributes[names.URL_FULL] == "http://h:81/a?b"
    assert attributes[names.SERVER_ADDRESS] == "h"


@pytest.mark.parametrize("how", ["close", "forget", "ask again"])
def test_a_connection_given_up_before_the_response_ends_its_exchange(
    how: str, server: PreparedServer, spans: Spans
) -> None:
    """With an error: it is not known what the server did."""
    server.answers = [http_answer(), http_answer()]
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request("GET", "/first")
    if how == "ask again":
        with pytest.raises(http.client.CannotSendRequest):
            connection.request("GET", "/second")
    if how != "forget":
        connection.close()
    else:
        connection.sock.close()
    del connection
    gc.collect()
    attributes = attributes_of(spans.one())
    assert attributes[names.ERROR_TYPE] == "ConnectionAbortedError"
    assert names.HTTP_RESPONSE_STATUS_CODE not in attributes


def test_a_response_whose_class_cannot_be_exchanged_ends_its_exchange(server: PreparedServer, spans: Spans) -> None:
    """Its header block is known, its body goes unseen."""

    class Wrapper:
        __slots__ = ("wrapped",)

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self.wrapped = http.client.HTTPResponse(*args, **kwargs)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.wrapped, name)

    server.answers = [http_answer(b"body")]
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.response_class = Wrapper  # type: ignore[assignment]  # as http.client takes it
    connection.request("GET", "/")
    response = connection.getresponse()
    assert isinstance(response, Wrapper)
    assert response.read() == b"body"
    assert attributes_of(spans.one())[names.HTTP_RESPONSE_STATUS_CODE] == 200
