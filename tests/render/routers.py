"""Print the routes of a service's own router: ``python tests/render/routers.py nova``, in an environment that has it.

Each line is a method (``*`` where the router leaves that to the controller) and a path below the version.
"""

import sys
from collections.abc import Iterable, Iterator
from tempfile import NamedTemporaryFile
from typing import Any

Route = tuple[str, str]


def keystone() -> Iterator[Route]:
    """Read Flask's map."""
    from keystone import conf
    from keystone.server.flask import application

    conf.configure()
    for rule in application.application_factory("public").url_map.iter_rules():
        yield from ((method, rule.rule) for method in rule.methods)


def glance() -> Iterator[Route]:
    """Read the mapper of version 2."""
    import glance.common.wsgi_app  # noqa: F401  registers options, which comes before they are read
    import routes
    from oslo_config import cfg

    cfg.CONF([], project="glance", default_config_files=[])
    from glance.api.v2.router import API

    mapper = routes.Mapper()
    API(mapper)
    return _of_mapper(mapper)


def nova() -> Iterator[Route]:
    """Read the list that its router is made of."""
    from nova.api.openstack.compute.routes import ROUTE_LIST

    return _of_declarations(ROUTE_LIST)


def placement() -> Iterator[Route]:
    """Read the table that its router is made of."""
    from placement.handler import ROUTE_DECLARATIONS

    return _of_declarations(ROUTE_DECLARATIONS.items())


def cinder() -> Iterator[Route]:
    """Read the mapper of version 3, whose controllers want a database and a message queue."""
    from cinder import objects, rpc
    from cinder.common import config  # noqa: F401  the options of everything
    from cinder.db import api, models
    from oslo_config import cfg

    objects.register_all()  # before what uses them is imported
    from cinder.api.v3.router import APIRouter

    with NamedTemporaryFile("w", suffix=".conf") as file:
        file.write("[DEFAULT]\ntransport_url = fake://\n[database]\nconnection = sqlite://\n")
        file.flush()
        cfg.CONF([], project="cinder", default_config_files=[file.name])
    rpc.init(cfg.CONF)
    models.BASE.metadata.create_all(api.get_engine())
    return _of_mapper(APIRouter().map)


def _of_declarations(declarations: Iterable[tuple[str, Any]]) -> Iterator[Route]:
    for path, methods in declarations:
        yield from ((method, path) for method in (methods if isinstance(methods, dict) else ("GET",)))


def _of_mapper(mapper: Any) -> Iterator[Route]:
    for route in mapper.matchlist:
        yield from ((method, route.routepath) for method in (route.conditions or {}).get("method") or ("*",))


ROUTERS = {"keystone": keystone, "glance": glance, "nova": nova, "placement": placement, "cinder": cinder}

if __name__ == "__main__":
    for route in ROUTERS[sys.argv[1]]():
        print(*route)
