"""Where docs.openstack.org describes a request or a command.

``operations.json`` has the operations of each service (method, route, page, key of the body), from the API references
that the services' source distributions carry; ``commands.json`` has the commands of python-openstackclient.
``tests/render/make_references.py`` makes both anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from otel_openstack.route import route

SITE = "https://docs.openstack.org/"

# How the services of services.py, and those who name themselves after a project, start
_SERVICES = {
    "keystone": "identity",
    "glance": "image",
    "swift": "object-store",
    "nova": "compute",
    "placement": "placement",
    "cinder": "block-storage",
    "neutron": "network",
    "heat": "orchestration",
    "octavia": "load-balancer",
    "designate": "dns",
    "ironic": "baremetal",
    "manila": "shared-file-system",
    "magnum": "container-infrastructure-management",
    "barbican": "key-manager",
}
_FIRST_KEY = re.compile(r'\s*\{\s*"([^"\\]*)"')
_VERSION = re.compile(r"(v\d+)(?:\.\d+)?")

_LONGEST_COMMAND = 6  # words: "image metadef resource type association create"

_Operation = tuple[tuple[str, ...], str, str]


def api_reference(callee: str, method: str, path: str, content: str | bytes | None = None) -> str:
    """Return the URL that describes a request, ``""`` when there is none.

    :param callee: the service that is asked, by its ``service.name``.
    :param path: the path without query, below whatever the service is mounted at.
    :param content: the body; an action (``POST /servers/{server_id}/action``) is told by its first key.
    """
    service = _SERVICES.get(callee.partition("-")[0])
    if service is None:
        return ""
    key = _FIRST_KEY.match(content) if isinstance(content, str) and path.endswith("/action") else None
    page = _page(service, method, route(path), key[1] if key else "")
    return urljoin(SITE + "api-ref/", page) if page else ""


def command_reference(arguments: Sequence[str]) -> str:
    """Return the URL that describes a command of ``openstack``, ``""`` when there is none.

    :param arguments: the program and its arguments; options may stand before the name of the command.
    """
    if not arguments or Path(arguments[0]).name != "openstack":
        return ""
    for start in range(1, len(arguments)):
        for end in range(min(start + _LONGEST_COMMAND, len(arguments)), start, -1):
            words = " ".join(arguments[start:end])
            if page := _commands().get(words):
                index = f"python-openstackclient/latest/cli/command-objects/{page}/index.html"
                return f"{SITE}{index}#{words.replace(' ', '-')}"
    return ""


def operations(service: str) -> list[tuple[str, str]]:
    """Return the methods and routes that are known of a service, by its type (``identity``)."""
    return [(method, path) for method, path, _, _ in _read("operations.json")[service]]


@cache
def _commands() -> dict[str, str]:
    return {command: page for page, commands in _read("commands.json").items() for command in commands}


def _read(name: str) -> dict[str, list[Any]]:
    table: dict[str, list[Any]] = json.loads(Path(__file__).with_name(name).read_bytes())
    return table


@cache
def _operations() -> dict[tuple[str, str], list[_Operation]]:
    """Return the operations of each service and method, those with the longest routes first."""
    result: dict[tuple[str, str], list[_Operation]] = {}
    for service, rows in _read("operations.json").items():
        for method, path, page, action in rows:
            words = tuple(path.split("/")[1:])
            operations = result.setdefault((service, method), [])
            operations.append((words, page, action))
            if words[1:2] == ("{project_id}",):  # since API 3.67 cinder does without
                operations.append((words[:1] + words[2:], page, action))
    for operations in result.values():
        operations.sort(key=lambda operation: (-len(operation[0]), sum("{" in word for word in operation[0])))
    return result


@cache
def _page(service: str, method: str, path: str, action: str) -> str:
    words = tuple(path.rstrip("/").split("/")[1:]) or ("",)
    found = [operation for operation in _operations().get((service, method), ()) if _is_at_end(operation[0], words)]
    has_keys = any(key for _, _, key in found)
    for _, page, key in found:
        if key == action if key else not has_keys:
            return page
    return found[0][1].partition("#")[0] if found else ""


def _is_at_end(wanted: tuple[str, ...], words: tuple[str, ...]) -> bool:
    """Whether a path is this route, below wherever a service is mounted and versioned."""
    at = len(words) - len(wanted)
    version = _VERSION.fullmatch(wanted[0])
    if at < 0 or (at and not _is_mount(words[:at], is_versioned=bool(version))):
        return False
    first = _VERSION.fullmatch(words[at])
    if version and first and version[1] == first[1]:  # octavia answers at v2 and at v2.0
        wanted, at = wanted[1:], at + 1
    return all(
        word == found or (word.startswith("{") and found) for word, found in zip(wanted, words[at:], strict=True)
    )


def _is_mount(words: tuple[str, ...], *, is_versioned: bool) -> bool:
    """Whether these words can stand before a route: ``/identity``, ``/compute/v2.1``, ``/v2.1/{project_id}``."""
    if is_versioned:
        return len(words) == 1
    *name, last = words
    if last.startswith("{") and name:
        *name, last = name
    return len(name) < 2 and (not name or _VERSION.fullmatch(last) is not None)
