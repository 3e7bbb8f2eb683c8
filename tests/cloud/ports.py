"""Loopback ports that are free, and the addresses that they make."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack
from dataclasses import dataclass

# Below the range that the kernel gives to outgoing connections: what is free stays free until its server binds it.
_RANGE = range(20000, 32000)


@dataclass(frozen=True)
class Ports:
    """The port of each service."""

    keystone: int
    glance: int
    proxy: int
    account: int
    container: int
    object: int

    @property
    def storage(self) -> dict[str, int]:
        """Swift's storage servers."""
        return {"account": self.account, "container": self.container, "object": self.object}

    @property
    def identity_url(self) -> str:
        """Keystone below a path, where DevStack has it."""
        return f"http://127.0.0.1:{self.keystone}/identity"

    @property
    def image_url(self) -> str:
        """Glance at the root of its port."""
        return f"http://127.0.0.1:{self.glance}"

    @property
    def object_store_url(self) -> str:
        """Swift's address of one project's account, in the catalogue's notation."""
        return f"http://127.0.0.1:{self.proxy}/v1/AUTH_%(project_id)s"


def free_ports(count: int) -> list[int]:
    """Find different loopback ports that nobody listens on at this moment."""
    ports: list[int] = []
    with ExitStack() as held:
        for port in random.sample(_RANGE, len(_RANGE)):
            listener = held.enter_context(socket.socket())
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            ports.append(port)
            if len(ports) == count:
                return ports
    raise OSError(f"fewer than {count} of the loopback ports {_RANGE.start}-{_RANGE.stop} are free")


def choose() -> Ports:
    """Choose a free port for each service."""
    return Ports(*free_ports(6))
