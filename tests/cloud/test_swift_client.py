"""Swift's own HTTP client, between its servers, against what a raw socket got and gave."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_openstack import attributes as names
from otel_openstack.otlp import Span
from tests.cloud import environment
from tests.cloud.progress import Progress
from tests.instrument.harness import OtlpServer

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(900)]

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_MADE = b"HTTP/1.1 201 Created\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nx-B: 1\r\nX-a: 2\r\n\r\nok"
_FULL = b"HTTP/1.1 507 Insufficient Storage\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nfull"

_PUT = """
import sys
import eventlet
eventlet.monkey_patch()
from swift.common.bufferedhttp import http_connect

headers = {"Content-Type": "text/plain", "x-Z": "1", "Transfer-Encoding": "chunked", "Expect": "100-continue",
           "traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01"}
with eventlet.Timeout(10):
    connection = http_connect("127.0.0.1", sys.argv[1], "d1", 3, "PUT", "/AUTH_a/c/o", headers, "x=1")
    for _ in range(int(sys.argv[2])):
        response = connection.getexpect()
        if response.status != 100:
            break
        connection.send(b"5\\r\\nhello\\r\\n")
    else:
        connection.send(b"0\\r\\n\\r\\n")
        response = connection.getresponse()
    print(response.status, response.read().decode())
    response.nuke_from_orbit()
"""


class Storage:
    """Answers one request with what a storage server would: before the body, in the middle, and after it."""

    def __init__(self, answers: list[bytes]) -> None:
        self.received = b""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, args=(answers,), daemon=True).start()

    def _serve(self, answers: list[bytes]) -> None:
        connection, _ = self._listener.accept()
        with connection:
            for end, answer in zip((b"\r\n\r\n", b"hello\r\n", b"0\r\n\r\n"), answers, strict=False):
                while answer and not self.received.endswith(end):
                    self.received += connection.recv(65536)
                connection.sendall(answer)
            while connection.recv(65536):
                pass

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()


@pytest.fixture
def receiver() -> Iterator[OtlpServer]:
    """Receive the spans of the program."""
    server = OtlpServer()
    yield server
    server.close()


def _put(answers: list[bytes], interim: int, receiver: OtlpServer, folder: Path) -> tuple[str, bytes, Span]:
    """Return what swift's client saw, what the storage got, and the exchange."""
    installed = environment.prepare(Progress(quiet=True))
    program, storage = folder / "put.py", Storage(answers)
    program.write_text(_PUT)
    try:
        done = subprocess.run(
            [installed.program("opentelemetry-instrument"), installed.program("python"), "-W", "ignore", program,
             str(storage.port), str(interim)],
            env={"PATH": os.environ["PATH"], "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    finally:
        storage.close()
    assert done.returncode == 0, done.stderr
    (span,) = receiver.wait(1)
    return done.stdout, storage.received, span


@pytest.mark.parametrize("interim", [1, 2])
def test_a_put_with_100_continue_is_one_whole_exchange(interim: int, receiver: OtlpServer, tmp_path: Path) -> None:
    """It waits for nothing but what swift waits for; an object in fragments has a second interim response."""
    answers = [_CONTINUE, _CONTINUE if interim == 2 else b"", _MADE]
    said, received, span = _put(answers, interim, receiver, tmp_path)
    assert said == "201 ok\n"
    head, _, body = received.partition(b"\r\n\r\n")
    assert body == b"5\r\nhello\r\n" * interim + b"0\r\n\r\n"
    sent = [tuple(line.split(": ", 1)) for line in head.decode().split("\r\n")[1:]]
    attributes = span.attributes
    assert list(attributes[names.OPENSTACK_HTTP_REQUEST_HEADER_NAMES]) == [name for name, _ in sent]
    for name, value in sent:
        assert attributes[names.HTTP_REQUEST_HEADER_PREFIX + name.lower()] == (value,)
    assert [name for name, _ in sent].count("traceparent") == 1
    assert span.span_id in dict(sent)["traceparent"]
    assert list(attributes[names.OPENSTACK_HTTP_RESPONSE_HEADER_NAMES]) == [
        "Content-Type", "Content-Length", "x-B", "X-a",
    ]  # fmt: skip
    assert attributes[names.HTTP_REQUEST_BODY_CONTENT] == "hello" * interim
    assert attributes[names.HTTP_RESPONSE_BODY_CONTENT] == "ok"
    assert attributes[names.HTTP_RESPONSE_STATUS_CODE] == 201
    assert attributes[names.URL_FULL].endswith("/d1/3/AUTH_a/c/o?x=1")


def test_a_put_that_is_refused_before_its_body_is_one_exchange_too(receiver: OtlpServer, tmp_path: Path) -> None:
    """The answer comes where 100 was expected."""
    said, received, span = _put([_FULL], 1, receiver, tmp_path)
    assert said == "507 full\n"
    assert received.endswith(b"\r\n\r\n")
    assert span.attributes[names.HTTP_RESPONSE_STATUS_CODE] == 507
    assert span.attributes[names.HTTP_RESPONSE_BODY_CONTENT] == "full"
    assert names.HTTP_REQUEST_BODY_CONTENT not in span.attributes
