"""The larger cloud: placement, nova, neutron and cinder beside keystone, glance and swift, their APIs only.

They answer what needs their database alone: no message broker, no agent and no compute host is there.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.cloud import configuration, databases
from tests.cloud.cloud import Cloud
from tests.cloud.identity import Identity
from tests.cloud.ports import free_ports
from tests.cloud.processes import Process
from tests.cloud.progress import Progress

AUTHENTICATION = """\
[keystone_authtoken]
www_authenticate_uri = {identity}
auth_url = {identity}
auth_type = password
project_domain_id = default
user_domain_id = default
project_name = service
username = {user}
password = {password}
"""

PLACEMENT = """\
[placement_database]
connection = sqlite:///{state}/placement.db
"""

NOVA = """\
[DEFAULT]
my_ip = 127.0.0.1
state_path = {state}/nova
transport_url = fake://
[wsgi]
api_paste_config = {paste}
[api_database]
connection = sqlite:///{state}/nova_api.db
[database]
connection = sqlite:///{state}/nova.db
[oslo_concurrency]
lock_path = {state}/nova
[oslo_messaging_notifications]
driver = noop
"""

NEUTRON = """\
[DEFAULT]
core_plugin = ml2
service_plugins =
transport_url = fake://
api_paste_config = {paste}
state_path = {state}/neutron
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = false
[database]
connection = sqlite:///{state}/neutron.db
[ml2]
type_drivers = local
tenant_network_types = local
mechanism_drivers = openvswitch
[oslo_concurrency]
lock_path = {state}/neutron
[oslo_messaging_notifications]
driver = noop
"""

CINDER = """\
[DEFAULT]
my_ip = 127.0.0.1
state_path = {state}/cinder
transport_url = fake://
api_paste_config = {paste}
auth_strategy = keystone
[database]
connection = sqlite:///{state}/cinder.db
[oslo_concurrency]
lock_path = {state}/cinder
[oslo_messaging_notifications]
driver = noop
"""


@dataclass(frozen=True)
class Api:
    """One API service.

    :param name: what OpenStack calls it.
    :param project: what its user, configuration file and entry in the catalogue are called.
    :param kind: its service type in the catalogue.
    :param application: its WSGI entry point.
    :param path: the path of its address in the catalogue.
    :param configuration: its configuration file, but for how it authenticates users.
    :param databases: what it keeps its data in.
    """

    name: str
    project: str
    kind: str
    application: str
    path: str
    configuration: str
    databases: tuple[str, ...]


APIS = (
    Api("placement", "placement", "placement", "placement.wsgi.api:application", "", PLACEMENT, ("placement",)),
    Api("nova-api", "nova", "compute", "nova.wsgi.osapi_compute:application", "/v2.1", NOVA, ("nova_api", "nova")),
    Api("neutron-server", "neutron", "network", "neutron.wsgi.api:application", "", NEUTRON, ("neutron",)),
    Api(
        "cinder-api",
        "cinder",
        "block-storage",
        "cinder.wsgi.api:application",
        "/v3/%(project_id)s",
        CINDER,
        ("cinder",),
    ),
)


def start(cloud: Cloud, progress: Progress) -> tuple[str, ...]:
    """Configure the APIs, tell keystone of them, start them, and wait until each of them answers.

    They end with the cloud.

    :param cloud: one that is up, from :func:`tests.cloud.environment.prepare_apis`.
    :returns: the passwords of their users.
    :raises CloudError: any of it failed.
    """
    databases.copy(cloud.environment, cloud.layout.state, progress, *(name for api in APIS for name in api.databases))
    keystone = Identity(cloud.ports.identity_url, cloud.passwords.admin)
    project, role = keystone.ids("projects")[configuration.SERVICE_PROJECT], keystone.ids("roles")["service"]
    passwords = tuple(configuration.password() for _ in APIS)
    waiting = []
    for api, port, password in zip(APIS, free_ports(len(APIS)), passwords, strict=True):
        user = keystone.create("/users", "user", name=api.project, password=password, domain_id=configuration.DOMAIN)
        keystone.assign(project, user, role)
        keystone.register(api.project, api.kind, f"http://127.0.0.1:{port}{api.path}")
        waiting.append((_start(cloud, api, port, password), port))
    for process, port in waiting:
        with progress.step(f"waiting for {process.name} (uWSGI, 1 worker)"):
            process.wait_for_answer(port, "/")
    return passwords


def _start(cloud: Cloud, api: Api, port: int, password: str) -> Process:
    file = cloud.layout.etc / f"{api.project}.conf"
    paste = cloud.environment.path / "etc" / api.project / "api-paste.ini"
    state = cloud.layout.state
    (state / api.project).mkdir()
    file.write_text(
        (api.configuration + AUTHENTICATION).format(
            state=state, paste=paste, identity=cloud.ports.identity_url, user=api.project, password=password
        )
    )
    return cloud.start_wsgi(
        api.name,
        port,
        api.application,
        *("--pyargv", f"--config-file {file}"),
        # Placement does not look at its arguments, and nova's paste file is the first of these, wherever it is.
        variables={"OS_PLACEMENT_CONFIG_DIR": str(cloud.layout.etc), "OS_NOVA_CONFIG_FILES": str(paste)},
    )
