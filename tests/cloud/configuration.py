"""The configuration of every service: what an operator would write for a small cloud, nothing about tracing."""

from __future__ import annotations

import base64
import getpass
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from tests.cloud.ports import Ports

DOMAIN = "default"
REGION = "RegionOne"
SERVICE_PROJECT = "service"


def password() -> str:
    return secrets.token_urlsafe(18)


@dataclass(frozen=True)
class Passwords:
    """One random password a user of keystone, new for every cloud."""

    admin: str = field(default_factory=password)
    glance: str = field(default_factory=password)
    glance_swift: str = field(default_factory=password)
    swift: str = field(default_factory=password)


@dataclass(frozen=True)
class Layout:
    """Where the files of one cloud are: all below one directory, readable to their owner only."""

    directory: Path

    @property
    def etc(self) -> Path:
        """Configuration, with passwords in it."""
        return self.directory / "etc"

    @property
    def state(self) -> Path:
        """Databases, keys, objects."""
        return self.directory / "state"

    @property
    def log(self) -> Path:
        """One log a process."""
        return self.directory / "log"


def write(layout: Layout, ports: Ports, passwords: Passwords, glance_paste: Path) -> None:
    """Write all files and directories that the services are started with, the rings and databases excepted.

    :param glance_paste: the paste file that glance was installed with; it is used as it is.
    """
    etc, state = layout.etc, layout.state
    for directory in (layout.log, *(etc / name for name in ("keystone", "glance", "swift"))):
        directory.mkdir(parents=True)
    for name in ("glance/staging", "glance/tasks", "glance/cache", "swift/d1", "swift/recon", "swift/lock"):
        (state / name).mkdir(parents=True)
    for name in ("fernet-keys", "fernet-receipts", "credential-keys"):
        _write_fernet_keys(state / name)
    identity = ports.identity_url
    files = {
        "keystone/keystone.conf": KEYSTONE.format(state=state, identity=identity),
        "glance/glance-api.conf": GLANCE.format(
            etc=etc,
            state=state,
            identity=identity,
            image=ports.image_url,
            paste=glance_paste,
            password=passwords.glance,
        ),
        "glance/swift-store.conf": GLANCE_SWIFT.format(identity=identity, password=passwords.glance_swift),
        "swift/swift.conf": SWIFT.format(prefix=secrets.token_hex(8), suffix=secrets.token_hex(8)),
        "swift/proxy-server.conf": SWIFT_PROXY.format(
            etc=etc, user=getpass.getuser(), port=ports.proxy, identity=identity, password=passwords.swift
        ),
    }
    for name, port in ports.storage.items():
        files[f"swift/{name}-server.conf"] = SWIFT_STORAGE.format(
            name=name, port=port, etc=etc, state=state, user=getpass.getuser()
        )
    for name, text in files.items():
        (etc / name).write_text(text)


def _write_fernet_keys(directory: Path) -> None:
    """Make a staged and a primary key, as ``keystone-manage fernet_setup`` does, without its two seconds."""
    directory.mkdir(mode=0o700)
    for number in "01":
        (directory / number).write_bytes(base64.urlsafe_b64encode(os.urandom(32)))


# Four rounds of bcrypt are the fewest that it allows: nobody shall crack this cloud, and it has a minute to live.
KEYSTONE = """\
[DEFAULT]
public_endpoint = {identity}
[database]
connection = sqlite:///{state}/keystone.db
[fernet_tokens]
key_repository = {state}/fernet-keys
[fernet_receipts]
key_repository = {state}/fernet-receipts
[credential]
key_repository = {state}/credential-keys
[identity]
password_hash_rounds = 4
"""

# Without memcached_servers, keystonemiddleware keeps validated tokens in the process.
GLANCE = """\
[DEFAULT]
enabled_backends = swift:swift
node_staging_uri = file://{state}/glance/staging
image_cache_dir = {state}/glance/cache
public_endpoint = {image}
[database]
connection = sqlite:///{state}/glance.db
[glance_store]
default_backend = swift
[swift]
default_swift_reference = service
swift_store_config_file = {etc}/glance/swift-store.conf
swift_store_create_container_on_put = true
swift_store_container = glance
swift_store_region = RegionOne
[os_glance_staging_store]
filesystem_store_datadir = {state}/glance/staging
[os_glance_tasks_store]
filesystem_store_datadir = {state}/glance/tasks
[keystone_authtoken]
www_authenticate_uri = {identity}
auth_url = {identity}
auth_type = password
project_domain_id = default
user_domain_id = default
project_name = service
username = glance
password = {password}
[paste_deploy]
flavor = keystone
config_file = {paste}
[oslo_concurrency]
lock_path = {state}/glance
[oslo_messaging_notifications]
driver = noop
"""

GLANCE_SWIFT = """\
[service]
user = service:glance-swift
key = {password}
auth_version = 3
auth_address = {identity}/v3
user_domain_id = default
project_domain_id = default
"""

SWIFT = """\
[swift-hash]
swift_hash_path_prefix = {prefix}
swift_hash_path_suffix = {suffix}
[storage-policy:0]
name = Policy-0
default = yes
"""

SWIFT_STORAGE = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
user = {user}
swift_dir = {etc}/swift
devices = {state}/swift
mount_check = false
disable_fallocate = true
workers = 1
[pipeline:main]
pipeline = healthcheck recon {name}-server
[app:{name}-server]
use = egg:swift#{name}
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:recon]
use = egg:swift#recon
recon_cache_path = {state}/swift/recon
recon_lock_path = {state}/swift/lock
"""

# The usual pipeline, but for the memcached client: one command of one client has nothing to share.
SWIFT_PROXY = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
user = {user}
swift_dir = {etc}/swift
workers = 1
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck proxy-logging listing_formats authtoken keystoneauth \
copy slo dlo versioned_writes proxy-logging proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:proxy-logging]
use = egg:swift#proxy_logging
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
[filter:versioned_writes]
use = egg:swift#versioned_writes
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
www_authenticate_uri = {identity}
auth_url = {identity}
auth_type = password
project_domain_id = default
user_domain_id = default
project_name = service
username = swift
password = {password}
delay_auth_decision = true
include_service_catalog = false
[filter:keystoneauth]
use = egg:swift#keystoneauth
operator_roles = admin, member, service
"""
