"""A call by each client library that is observed: takes a method, a URL, a body and headers, and gives a body."""

from __future__ import annotations

import asyncio
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import requests
import urllib3

Ask = Callable[..., bytes]


def by_requests(method: str, url: str, body: Any = None, **headers: str) -> bytes:
    """Ask through requests."""
    return requests.request(method, url, data=body, headers=_named(headers), timeout=5).content


def by_http_client(method: str, url: str, body: Any = None, **headers: str) -> bytes:
    """Ask by a connection of http.client, which follows no redirect."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    connection.request(method, url.partition(parts.netloc)[2] or "/", body, _named(headers))
    with connection.getresponse() as response:
        return response.read()


def by_urllib(method: str, url: str, body: Any = None, **headers: str) -> bytes:
    """Ask through urllib.request, which raises what is no success, redirects or not."""
    try:
        response = urllib.request.urlopen(urllib.request.Request(url, body, _named(headers), method=method), timeout=5)
    except urllib.error.HTTPError as error:
        response = error
    with response:
        data: bytes = response.read()
    return data


def by_urllib3(method: str, url: str, body: Any = None, **headers: str) -> bytes:
    """Ask by a pool of urllib3, which tries three more times to connect."""
    with urllib3.PoolManager() as pool:
        return pool.request(method, url, body=body, headers=_named(headers), timeout=5).data


def by_httpx(method: str, url: str, body: Any = None, **headers: str) -> bytes:
    """Ask through httpx."""
    with httpx.Client(timeout=5, follow_redirects=True) as client:
        return client.request(method, url, content=body, headers=_named(headers)).content


def by_httpx_async(method: str, url: str, body: Any = None, **headers: str) -> bytes:
    """Ask through httpx, within an event loop."""

    async def ask() -> bytes:
        async with httpx.AsyncClient(timeout=5, follow_redirects=True) as client:
            return (await client.request(method, url, content=body, headers=_named(headers))).content

    return asyncio.run(ask())


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


OF_THE_STANDARD_LIBRARY = (by_http_client, by_urllib, by_urllib3)
"""Whatever speaks through http.client, and is observed there."""

ALL = (by_requests, *OF_THE_STANDARD_LIBRARY, by_httpx, by_httpx_async)
