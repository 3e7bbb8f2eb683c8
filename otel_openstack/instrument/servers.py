"""The ways in for applications that no table names: what is handed to a server, and what a loader makes.

An application is observed once, whichever of these it passes and in whatever order: it is never wrapped a second time,
and one within another that is observed too leaves the request to the outer one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from otel_openstack.instrument import exits, runtime
from otel_openstack.instrument.guard import never_raises
from otel_openstack.settings import Settings

Wrapper = Callable[[Callable[..., Any], object, tuple[Any, ...], Mapping[str, Any]], Any]
"""A wrapper as wrapt calls it: wrapped, instance, args, kwargs."""


@dataclass(frozen=True, slots=True)
class Server:
    """A function that is given the application.

    :param module: module that has it.
    :param function: its name there, that of its class before it.
    :param position: where among its positional arguments, ``self`` not counted, the application stands.
    :param keyword: what that argument is called.
    """

    module: str
    function: str
    position: int
    keyword: str


SERVERS = (
    Server("eventlet.wsgi", "server", 1, "site"),
    Server("cheroot.wsgi", "Server.__init__", 1, "wsgi_app"),
    Server("waitress.server", "BaseWSGIServer.__init__", 0, "application"),
    Server("werkzeug.serving", "BaseWSGIServer.__init__", 2, "app"),
    Server("wsgiref.simple_server", "WSGIServer.set_app", 0, "application"),
)

LOADERS = (("paste.deploy.loadwsgi", "loadapp"), ("gunicorn.app.base", "BaseApplication.wsgi"))
"""Module and function of what returns an application."""


def observed(application: Any, settings: Settings) -> Any:
    """Return an application observed; anything else, and one that is observed already, as it is."""
    found = _observed(application, settings)
    if found is None:
        return application
    from otel_openstack.instrument.wsgi import ObservedApplication

    return found if type(found) is ObservedApplication else application


@never_raises
def _observed(application: Any, settings: Settings) -> Any:
    from otel_openstack.instrument.streams import observe_chunks_of_uwsgi
    from otel_openstack.instrument.wsgi import ObservedApplication

    if not callable(application) or isinstance(application, ObservedApplication) or _is_asynchronous(application):
        return None
    runtime.watch_forks_of_uwsgi()
    observe_chunks_of_uwsgi()
    return ObservedApplication(application, settings)


def observing_argument(server: Server, settings: Settings) -> Wrapper:
    """Return the wrapper of a function that is given an application."""
    position, keyword = server.position, server.keyword

    def wrapper(
        wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        if keyword in kwargs:
            kwargs = {**kwargs, keyword: observed(kwargs[keyword], settings)}
        elif len(args) > position:
            args = (*args[:position], observed(args[position], settings), *args[position + 1 :])
        exits.watch_sigterm()  # now: threads that serve could not
        return wrapped(*args, **kwargs)

    return wrapper


def observing_result(settings: Settings) -> Wrapper:
    """Return the wrapper of a function that returns an application."""

    def wrapper(
        wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        return observed(wrapped(*args, **kwargs), settings)

    return wrapper


def _is_asynchronous(application: Any) -> bool:
    """Tell an ASGI application, which servers take in the same place."""
    return inspect.iscoroutinefunction(application) or inspect.iscoroutinefunction(
        getattr(type(application), "__call__", None)  # noqa: B004  # the function itself is wanted
    )


def observing_call(settings: Settings) -> Wrapper:
    """Return the wrapper of the call of a middleware that would make the server span where it is the outermost."""
    from otel_openstack.instrument.wsgi import ObservedApplication

    def wrapper(
        wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        application: Any = _observed_call(wrapped, settings)
        if type(application) is not ObservedApplication:
            return wrapped(*args, **kwargs)
        return application(*args, **kwargs)

    return wrapper


@never_raises
def _observed_call(call: Callable[..., Any], settings: Settings) -> Any:
    from otel_openstack.instrument.wsgi import ObservedApplication

    return ObservedApplication(call, settings)


def step_aside(wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Wrap ``process_request`` of a filter that makes a server span: it has nothing to do where there is one."""
    from otel_openstack.instrument.wsgi import SEEN

    request = args[0] if args else kwargs.get("req")
    return None if SEEN in getattr(request, "environ", ()) else wrapped(*args, **kwargs)
