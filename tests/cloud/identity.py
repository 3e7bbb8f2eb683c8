"""What keystone must know before the cloud is of use: the services' users, their roles, the catalogue."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from tests.cloud.configuration import DOMAIN, REGION, SERVICE_PROJECT, Passwords
from tests.cloud.ports import Ports
from tests.cloud.processes import UNSAMPLED, CloudError

# As DevStack assigns them.
ROLES = {"glance": ["service"], "swift": ["service"], "glance-swift": ["service", "ResellerAdmin"]}


class Identity:
    """Keystone's API as its administrator.

    :param url: keystone's address without the version.
    """

    def __init__(self, url: str, password: str) -> None:
        self._url = f"{url}/v3"
        self._token = ""
        user = {"name": "admin", "domain": {"id": DOMAIN}, "password": password}
        project = {"name": "admin", "domain": {"id": DOMAIN}}
        identity = {"methods": ["password"], "password": {"user": user}}
        self._call("POST", "/auth/tokens", {"auth": {"identity": identity, "scope": {"project": project}}})

    def create(self, collection: str, kind: str, **attributes: str) -> str:
        """Create one thing and return its id."""
        return str(self._call("POST", collection, {kind: attributes})[kind]["id"])

    def assign(self, project: str, user: str, role: str) -> None:
        """Give a user a role in a project."""
        self._call("PUT", f"/projects/{project}/users/{user}/roles/{role}")

    def ids(self, collection: str) -> dict[str, str]:
        """Return the ids of all things of a collection, such as ``roles``, by name."""
        return {thing["name"]: thing["id"] for thing in self._call("GET", f"/{collection}")[collection]}

    def register(self, name: str, kind: str, url: str) -> None:
        """Enter a service of this type into the catalogue, at one address for everybody."""
        service = self.create("/services", "service", name=name, type=kind)
        for interface in ("public", "internal", "admin"):
            endpoint = {"service_id": service, "interface": interface, "url": url, "region_id": REGION}
            self.create("/endpoints", "endpoint", **endpoint)

    def _call(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Content-Type": "application/json", **UNSAMPLED}
        if self._token:
            headers["X-Auth-Token"] = self._token
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, headers, method=method)
        # No proxy that the environment may name: keystone is on loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=30) as response:
                self._token = self._token or response.headers["X-Subject-Token"]
                return json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            raise CloudError(f"keystone answered {error.code} to {method} {path}: {text}") from None


def fill(ports: Ports, passwords: Passwords) -> None:
    """Create the services' project, users, roles and endpoints.

    :raises CloudError: keystone refused.
    """
    keystone = Identity(ports.identity_url, passwords.admin)
    roles = {"ResellerAdmin": keystone.create("/roles", "role", name="ResellerAdmin"), **keystone.ids("roles")}
    project = keystone.create("/projects", "project", name=SERVICE_PROJECT, domain_id=DOMAIN)
    secrets = {"glance": passwords.glance, "swift": passwords.swift, "glance-swift": passwords.glance_swift}
    for name, password in secrets.items():
        user = keystone.create("/users", "user", name=name, password=password, domain_id=DOMAIN)
        for role in ROLES[name]:
            keystone.assign(project, user, roles[role])
    keystone.register("glance", "image", ports.image_url)
    keystone.register("swift", "object-store", ports.object_store_url)
