"""HTTP/1 as bytes: what a raw socket sends, and what it gets back taken apart as RFC 9112 says, with nothing lost."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

Lines = tuple[tuple[str, str], ...]
"""Header lines in order, as spelled."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request to a path of the application, which is also its name in the matrix.

    :param body: what the application is sent.
    :param chunks: whether it is sent in chunks rather than with a length.
    :param read: how much of the body the application reads, ``None`` for all of it.
    :param fails: whether the application raises.
    :param goes_away: whether the client hangs up in the middle of the response.
    """

    path: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    chunks: bool = False
    read: int | None = None
    fails: bool = False
    goes_away: bool = False

    def lines(self, number: str, connection: str) -> Lines:
        """Return the header lines that are sent."""
        lines = [("hOsT", "matrix:81"), ("X-number", number), *self.headers]
        if self.chunks:
            lines.append(("Transfer-Encoding", "chunked"))
        elif self.body:
            lines.append(("Content-Length", str(len(self.body))))
        return (*lines, ("Connection", connection))

    def head(self, number: str, connection: str) -> bytes:
        """Return the bytes of the head; names and values are UTF-8 unless they say ``latin``."""
        encoded = (
            f"{name}: {value}\r\n".encode("latin-1" if "latin" in name.lower() else "utf-8")
            for name, value in self.lines(number, connection)
        )
        return f"{self.method} /{self.path} HTTP/1.1\r\n".encode() + b"".join(encoded) + b"\r\n"

    def payload(self) -> bytes:
        """Return the bytes of the body as they are sent."""
        if not self.chunks:
            return self.body
        half = len(self.body) // 2
        return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (self.body[:half], self.body[half:], b""))


@dataclass(frozen=True, slots=True)
class Response:
    """What came back."""

    status: int
    reason: str
    lines: Lines
    body: bytes

    def header(self, name: str) -> str:
        """Return the value of a header by its name in lower case."""
        return next((value for key, value in self.lines if key.lower() == name), "")


class Connection:
    """A connection of a client that knows no library."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self._buffer = b""

    def exchange(self, request: Request, number: str, connection: str = "close") -> Response:
        """Send a request and read its response."""
        if "Expect" in dict(request.headers):
            self._socket.sendall(request.head(number, connection))
            if self._is_welcome():
                self._socket.sendall(request.payload())
        else:
            self._socket.sendall(request.head(number, connection) + request.payload())
        if request.goes_away:
            return self._go_away()
        return self._response(request.method)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._socket.close()

    def _is_welcome(self) -> bool:
        """Tell whether the body is to be sent: a server that knows no expectation waits for it (RFC 9110, 10.1.1)."""
        self._socket.settimeout(0.3)
        try:
            while b"\r\n\r\n" not in self._buffer and self._more():
                pass
        except TimeoutError:
            return True
        finally:
            self._socket.settimeout(20)
        return self._buffer.startswith(b"HTTP/1.1 100")

    def _go_away(self) -> Response:
        status, reason, lines = self._head()
        body = self._buffer + self._socket.recv(100)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, no farewell
        self._socket.close()
        return Response(status, reason, lines, body)

    def _response(self, method: str) -> Response:
        if not self._buffer and not self._more():
            return Response(0, "", (), b"")  # uWSGI says nothing where the application raises
        status, reason, lines = self._head()
        response = Response(status, reason, lines, b"")
        if method == "HEAD" or status in (204, 304):
            body = b""  # RFC 9112, 6.3: whatever a server may send behind such a head, it is no message's
        elif response.header("transfer-encoding") == "chunked":
            body = self._chunked()
        elif length := response.header("content-length"):
            body = self._take(int(length))
        else:
            body = self._rest()
        return Response(status, reason, lines, body)

    def _head(self) -> tuple[int, str, Lines]:
        while b"\r\n\r\n" not in self._buffer:
            assert self._more(), f"no head: {self._buffer!r}"
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *rest = head.split(b"\r\n")
        _, code, reason = (first + b" ").split(b" ", 2)
        if code == b"100":  # werkzeug says it twice
            return self._head()
        return int(code), reason.decode().strip(), tuple(_line(line) for line in rest)

    def _chunked(self) -> bytes:
        body = b""
        while True:
            while b"\r\n" not in self._buffer:
                if not self._more():
                    return body  # broken off
            size, _, self._buffer = self._buffer.partition(b"\r\n")
            piece = self._take(int(size, 16) + 2)[:-2]
            if not piece:
                return body
            body += piece

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size and self._more():
            pass
        taken, self._buffer = self._buffer[:size], self._buffer[size:]
        return taken

    def _rest(self) -> bytes:
        while self._more():
            pass
        rest, self._buffer = self._buffer, b""
        return rest

    def _more(self) -> bool:
        try:
            piece = self._socket.recv(65536)
        except ConnectionResetError:
            return False
        self._buffer += piece
        return bool(piece)


def _line(line: bytes) -> tuple[str, str]:
    name, _, value = line.partition(b":")
    return text(name), text(value.strip())


def text(value: bytes) -> str:
    """Read header bytes: UTF-8 where they are that, else latin-1."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
