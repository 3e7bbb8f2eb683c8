from __future__ import annotations

import socket

import pytest

from tests.cloud import ports


def test_ports_are_different_and_free() -> None:
    """Six services get six ports that each of them can bind."""
    found = ports.free_ports(6)
    assert len(set(found)) == 6
    for port in found:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", port))


def test_a_port_in_use_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that somebody listens on is passed over."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        taken: int = listener.getsockname()[1]
        monkeypatch.setattr(ports, "_RANGE", range(taken, taken + 1))
        with pytest.raises(OSError, match="fewer than 1"):
            ports.free_ports(1)
