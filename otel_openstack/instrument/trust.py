"""Whose context is believed: at the edge of a cloud anybody may send a ``traceparent``.

A context that is not believed is no parent: the request begins a trace of its own, sampled by one's own rules, and the
other is kept as a link, so that an honest client's trace can still be found (W3C Trace Context, 4.3 and 6.2).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

_REMEMBERED_PEERS = 1024


def trust(setting: str) -> Callable[[str], bool] | None:
    """Return what tells from a peer's address whether its context is believed; ``None`` when everybody's is.

    :param setting: ``always``, ``never``, or networks (``10.0.0.0/8``) with commas between them. A peer is who
        connects: behind a proxy, the proxy. One without an address, as on a Unix socket, lies in no network.
    """
    if setting == "always":
        return None
    if setting == "never":
        return lambda _address: False
    from ipaddress import ip_address, ip_network

    networks = [ip_network(network.strip()) for network in setting.split(",")]

    @lru_cache(maxsize=_REMEMBERED_PEERS)
    def is_believed(address: str) -> bool:
        try:
            peer = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(peer, "ipv4_mapped", None)  # an IPv4 client of a dual-stack socket
        return any((mapped or peer) in network for network in networks)

    return is_believed
