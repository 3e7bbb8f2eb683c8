"""Scripts that are run: by a shell, with curl, against a server."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_openstack.conversation.model import Body, Conversation, Headers, Message
from otel_openstack.render import RENDERERS
from tests.conversation.strategies import NASTY
from tests.golden.cases import CASES, request, response, said

TOKEN = "gAAAAABjsoUBidK_dtSo6s04L6HQ5WB6XDcLhYyaRXYNAhH7A1bnXkF18BtoVGL7BP799R3yTWMz"
ISSUED = "gAAAAABissuedNow"


@dataclass
class Heard:
    """What the server was asked: method, target, headers and body of each request."""

    base: str = ""
    requests: list[tuple[str, str, Headers, bytes]] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    """Notes what it is asked, and issues a token."""

    def answer(self) -> None:
        """Answer any method."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        heard = self.server.heard  # type: ignore[attr-defined]
        heard.requests.append((self.command, self.path, tuple(self.headers.items()), body))
        self.send_response(200)
        self.send_header("X-Subject-Token", ISSUED)
        self.send_header("Content-Length", "2")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"{}")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer  # noqa: N815 (the base class's names)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def heard() -> Iterator[Heard]:
    """Run a server on a free port of loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told = server.heard = Heard(f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield told
    server.shutdown()
    thread.join()
    server.server_close()


def run(
    shown: Conversation, heard: Heard, folder: Path, **variables: str
) -> tuple[subprocess.CompletedProcess[str], int]:
    """Run the script of a conversation, and return how it ended and how many requests were heard before."""
    before = len(heard.requests)
    script = RENDERERS["curl"](shown)
    for shell in ("bash", "sh"):
        subprocess.run([shell, "-n"], input=script.encode(), check=True, capture_output=True, timeout=60)
    environment = {"PATH": os.environ["PATH"], **variables}
    done = subprocess.run(
        ["sh", "-s"], input=script, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    return done, before


def test_a_token_is_taken_over_from_the_answer(heard: Heard, tmp_path: Path) -> None:
    """The password is asked for, goes into its JSON, and no secret is in the script."""
    body = '{"auth": {"password": {"user": {"password": "hunter2", "name": "o\'admin $(x)"}}}}'
    login = request(
        "openstack", "keystone", "POST", f"{heard.base}/v3/auth/tokens", (("Content-Type", "text/json"),), Body(body)
    )
    issued = response(login, 201, "CREATED", (("X-Subject-Token", TOKEN),))
    images = request(
        "openstack",
        "glance-api",
        "GET",
        f"{heard.base}/v2/images?name=a%20b",
        (("X-Auth-Token", TOKEN), ("Accept", "")),
    )
    checked = request("glance-api", "keystone", "GET", f"{heard.base}/v3/auth/tokens", (("X-Subject-Token", TOKEN),))
    shown = said(login, issued, images, checked, response(checked, 200, "OK"), response(images, 200, "OK"))
    assert not [secret for secret in (TOKEN, "hunter2") if secret in RENDERERS["curl"](shown)]

    refused, before = run(shown, heard, tmp_path)
    assert refused.returncode != 0
    assert "OS_PASSWORD: is not in the recording: the password of message 1" in refused.stderr
    assert len(heard.requests) == before

    done, before = run(shown, heard, tmp_path, OS_PASSWORD='a"b\\c')
    assert done.returncode == 0, done.stderr
    (method, target, headers, sent), (_, listed, asked, _) = heard.requests[before:]
    assert (method, target, listed) == ("POST", "/v3/auth/tokens", "/v2/images?name=a%20b")
    assert sent.decode() == body.replace("hunter2", 'a\\"b\\\\c')
    assert ("Content-Type", "text/json") in headers
    assert {("X-Auth-Token", ISSUED), ("Accept", "")} <= set(asked)
    assert not [name for name, _ in asked if name == "User-Agent"]
    assert "200 OK" in done.stdout


def test_a_body_that_was_not_captured_comes_from_a_file(heard: Heard, tmp_path: Path) -> None:
    """One that was, and is not textual, is in the script byte by byte."""
    upload = request("openstack", "glance-api", "PUT", f"{heard.base}/file", (), Body(b"QFI", 5))
    small = request("openstack", "glance-api", "PUT", f"{heard.base}/small", (), Body(b"'%s\\\x00\xff", 6))
    large = request("openstack", "glance-api", "PUT", f"{heard.base}/large", (), Body("'\\" * 100_000))
    shown = said(upload, response(upload, 204, ""), small, response(small, 200, "", (), Body(b"\xff", 1)), large)
    (tmp_path / "image").write_bytes(b"QFI\xfb\0")
    done, before = run(shown, heard, tmp_path, BODY_1=str(tmp_path / "image"))
    assert done.returncode == 0, done.stderr
    assert [body for *_, body in heard.requests[before:]] == [b"QFI\xfb\0", b"'%s\\\x00\xff", b"'\\" * 100_000]
    assert (tmp_path / "message-4.body").read_bytes() == b"{}"


SHELL = ("$(touch PWNED)", "`touch PWNED`", "'; touch PWNED; '", "\\", "${HOME}", "!", "@/etc/hosts", "%s")
HOSTILE = st.lists(st.sampled_from((*NASTY, *SHELL)), max_size=4).map("".join)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=HOSTILE, value=HOSTILE, body=HOSTILE, path=HOSTILE)
def test_nothing_that_was_sent_is_run(
    name: str, value: str, body: str, path: str, heard: Heard, tmp_path: Path
) -> None:
    """A body arrives as it was; what cannot be sent is left out with a comment."""
    first = request(
        f"open{name}", f"k{value}", "POST", f"{heard.base}/{path}", ((name, value), ("X-Value", value)), Body(body)
    )
    plain = request(f"open{name}", "keystone", "PUT", f"{heard.base}/last", (), Body(body))
    shown = said(first, response(first, 200, value, ((name, value),), Body(value)), plain)
    done, before = run(shown, heard, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert done.returncode == 0 or path, done.stderr
    if done.returncode == 0:
        assert heard.requests[-1][1] == "/last"
        assert heard.requests[-1][3] == body.encode()
        assert len(heard.requests) - before in (1, 2)


NOT_AGAIN = "# It cannot be made again: its URL or its method is not known."


def test_what_cannot_be_called_is_said() -> None:
    """A document without hosts, or a trace without a client."""
    (message,) = CASES["image-list"]().messages[:1]
    lost = Message(message.kind, "openstack", "keystone", "GET", "", "/v3")
    assert NOT_AGAIN in RENDERERS["curl"](said(lost))
    assert "The calls of nobody" in RENDERERS["curl"](Conversation("0" * 32, (lost,)))


@pytest.mark.parametrize("url", ["http://[::1/v3", "http://host/a b", "ftp://host/v3"])
def test_what_is_no_url_is_not_called(url: str) -> None:
    """Spans come from whoever can send some."""
    (message,) = CASES["image-list"]().messages[:1]
    assert NOT_AGAIN in RENDERERS["curl"](said(replace(message, url=url)))
