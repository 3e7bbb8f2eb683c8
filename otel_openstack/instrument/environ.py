"""What a request's environ says of it (PEP 3333, and what servers add)."""

from __future__ import annotations

from collections.abc import MutableMapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from opentelemetry.propagators.textmap import Getter

from otel_openstack.instrument.capture import Pairs

Environ = MutableMapping[str, Any]

REQUEST_ID = "HTTP_X_REQUESTSHOOK_REQUEST_ID"
REQUEST_FROM = "HTTP_X_REQUESTSHOOK_REQUEST_FROM"


class EnvironGetter(Getter[Environ]):
    """Gives propagators the request's headers."""

    def get(self, carrier: Environ, key: str) -> list[str] | None:
        """Return a header's values; servers join those of one name."""
        value = carrier.get(_key(key))
        return None if value is None else [value]

    def keys(self, carrier: Environ) -> list[str]:
        """Return the names of all headers."""
        return [name for name, _ in header_lines(carrier)]


@lru_cache(maxsize=64)
def _key(name: str) -> str:
    """Return the key of the environ that a header stands under."""
    return "HTTP_" + name.upper().replace("-", "_")


@lru_cache(maxsize=1024)
def _header_name(key: str) -> str:
    """Return the header that a key of the environ stands for, ``""`` when it is none."""
    if key.startswith("HTTP_"):
        key = key[5:]
    elif key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        return ""
    return key.replace("_", "-").title()


def header_lines(environ: Environ) -> Pairs:
    """Return the request's header lines in order: as sent where the server kept them (eventlet), else rebuilt."""
    raw = environ.get("headers_raw")
    if isinstance(raw, tuple):
        return raw
    return [
        (name, value)
        for key, value in environ.items()
        if (name := _header_name(key)) and (value or not name.startswith("Content-"))
    ]


def request_target(environ: Environ) -> tuple[str, str]:
    """Return path and query as they were sent: from the server's raw target where it gives one, else quoted again."""
    raw = environ.get("REQUEST_URI") or environ.get("RAW_URI") or ""
    if raw.startswith("/"):
        path, _, query = raw.partition("?")
        return path, query
    path = environ.get("RAW_PATH_INFO") or ""
    if not path.startswith("/"):
        whole = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        path = quote(whole.encode("latin-1", "replace"), safe="/:@!$&'()*+,;=~-._")
    return path, environ.get("QUERY_STRING", "")


def server(environ: Environ) -> tuple[str, int]:
    """Return the server's address and port as the client named them, else as the server knows itself."""
    name = environ.get("HTTP_HOST")
    if not name:
        return environ["SERVER_NAME"], int(environ["SERVER_PORT"])
    host, _, port = name.rpartition(":")
    if host and port.isdigit():
        return host.strip("[]"), int(port)
    return name.strip("[]"), 443 if environ.get("wsgi.url_scheme") == "https" else 80


def url(environ: Environ) -> str:
    """Return the whole URL, as the client named the server."""
    host = environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    path, query = request_target(environ)
    return f"{environ.get('wsgi.url_scheme', 'http')}://{host}{path}{'?' if query else ''}{query}"
