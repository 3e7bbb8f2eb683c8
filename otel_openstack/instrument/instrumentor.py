"""Puts the agent's hooks into what a process imports; each waits for the module that it is about."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import Any

import wrapt
from opentelemetry import propagate
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # untyped

from otel_openstack.instrument import runtime, servers
from otel_openstack.instrument.guard import never_raises
from otel_openstack.instrument.propagator import keep_propagator
from otel_openstack.instrument.services import SERVICES, command_line, named_applications
from otel_openstack.settings import Settings

_logger = logging.getLogger("otel_openstack")


class OpenStackInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # untyped there
    """Puts the hooks in, and takes them out again."""

    _settings: Settings | None = None
    _wrapped: list[tuple[Any, str]]

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return nothing: whatever is there is observed when it is imported."""
        return ()

    def _instrument(self, **kwargs: Any) -> None:
        self._settings = kwargs.get("settings") or Settings.from_env(os.environ)
        self._wrapped = []
        if not self._settings.redact:
            _logger.warning("OTEL_OPENSTACK_REDACT is off: passwords and tokens are recorded in clear")
        disabled = {name.strip() for name in self._settings.disabled.split(",")}
        if "wsgi" not in disabled:
            self._find_applications(self._settings)
            self._after_import("opentelemetry.instrumentation.wsgi", self._wrap_contrib_middleware)
            self._after_import("oslo_middleware.tracing", self._wrap_oslo_middleware)
        if "urllib" not in disabled:
            self._after_import("http.client", self._wrap_http_client)
            self._after_import("eventlet.green.http.client", self._wrap_http_client)
            self._after_import("swift.common.bufferedhttp", self._wrap_swift_client)
        self._after_import("eventlet.patcher", self._wrap_patcher)
        self._after_import("eventlet.greenthread", self._wrap_greenthread)
        self._after_import("eventlet.green.thread", self._wrap_green_threads)
        # What lies above http.client has to keep its hops from it
        pool, adapter = "HTTPConnectionPool._make_request", "HTTPAdapter.send"
        if "urllib3" in disabled:
            self._after_import("urllib3.connectionpool", partial(self._silence, pool))
        elif "urllib" not in disabled:
            self._after_import("urllib3.connectionpool", self._wrap_urllib3)
        if "requests" in disabled:
            self._after_import("requests.adapters", partial(self._silence, adapter))
        else:
            retried_apart = disabled.isdisjoint({"urllib", "urllib3"})
            self._after_import("requests.adapters", partial(self._wrap_requests, retried_apart))
        if "httpx" not in disabled:
            self._after_import("httpx._transports.default", self._wrap_httpx)
        self._after_import("cliff.command", self._wrap_cliff)
        self._wrap(propagate, "set_global_textmap", keep_propagator)
        runtime.be_set_up()

    def _uninstrument(self, **_kwargs: Any) -> None:
        self._settings = None  # hooks of modules that are not imported yet find nothing to do
        for owner, attribute in self._wrapped:
            setattr(owner, attribute, getattr(owner, attribute).__wrapped__)
        self._wrapped = []

    def _after_import(self, module: str, hook: Callable[[ModuleType, Settings], None]) -> None:
        @never_raises
        def run(imported: ModuleType) -> None:
            if self._settings is not None:
                hook(imported, self._settings)

        wrapt.register_post_import_hook(run, module)

    def _find_applications(self, settings: Settings) -> None:
        applications = [service.application for service in SERVICES]
        applications += named_applications(command_line(), os.environ)
        applications += (name.strip() for name in settings.wsgi_apps.split(",") if name)
        for application in dict.fromkeys(applications):
            module, _, attribute = application.partition(":")
            self._after_import(module, partial(self._wrap_application, attribute))
        factories = [tuple(service.factory.split(":")) for service in SERVICES if service.factory]
        for module, function in dict.fromkeys((*factories, *servers.LOADERS)):
            self._after_import(module, partial(self._wrap_loader, function))
        for server in servers.SERVERS:
            self._after_import(server.module, partial(self._wrap_server, server))

    def _wrap_application(self, attribute: str, module: ModuleType, settings: Settings) -> None:
        application = getattr(module, attribute, None)
        wrapped = servers.observed(application, settings)
        if wrapped is not application:
            setattr(module, attribute, wrapped)
            self._wrapped.append((module, attribute))

    def _wrap_loader(self, function: str, module: ModuleType, settings: Settings) -> None:
        self._wrap_named(module, function, servers.observing_result(settings))

    def _wrap_server(self, server: servers.Server, module: ModuleType, settings: Settings) -> None:
        self._wrap_named(module, server.function, servers.observing_argument(server, settings))

    def _wrap_contrib_middleware(self, module: ModuleType, settings: Settings) -> None:
        self._wrap_named(module, "OpenTelemetryMiddleware.__call__", servers.observing_call(settings))

    def _wrap_oslo_middleware(self, module: ModuleType, _settings: Settings) -> None:
        self._wrap_named(module, "TracingMiddleware.process_request", servers.step_aside)

    def _wrap_http_client(self, module: ModuleType, settings: Settings) -> None:
        from otel_openstack.instrument.stdlib_client import ConnectionTracer

        tracer = ConnectionTracer(settings)
        for method in ("endheaders", "send", "getresponse", "close"):
            self._wrap(module.HTTPConnection, method, getattr(tracer, method))

    def _silence(self, name: str, module: ModuleType, _settings: Settings) -> None:
        from otel_openstack.instrument.stdlib_client import recorded_above

        def send(wrapped: Callable[..., Any], _instance: object, args: Any, kwargs: Any) -> Any:
            return recorded_above(wrapped)(*args, **kwargs)

        self._wrap_named(module, name, send)

    def _wrap_swift_client(self, module: ModuleType, settings: Settings) -> None:
        from otel_openstack.instrument.stdlib_client import ConnectionTracer

        self._wrap_named(module, "BufferedHTTPConnection.getexpect", ConnectionTracer(settings).getresponse)

    def _wrap_patcher(self, module: ModuleType, _settings: Settings) -> None:
        from otel_openstack.instrument import green

        self._wrap_named(module, "monkey_patch", green.patched)

    def _wrap_greenthread(self, module: ModuleType, _settings: Settings) -> None:
        from otel_openstack.instrument import green

        self._wrap_named(module, "GreenThread.__init__", green.made)
        self._wrap_named(module, "_spawn_n", green.spawned)

    def _wrap_green_threads(self, module: ModuleType, _settings: Settings) -> None:
        from otel_openstack.instrument import green

        for name in ("start_new_thread", "start_joinable_thread"):
            self._wrap_named(module, name, green.apart)

    def _wrap_urllib3(self, module: ModuleType, settings: Settings) -> None:
        from otel_openstack.instrument.stdlib_client import ConnectionTracer

        self._wrap_named(module, "HTTPConnectionPool._make_request", ConnectionTracer(settings).attempt)

    def _wrap_requests(self, retried_apart: bool, module: ModuleType, settings: Settings) -> None:
        from otel_openstack.instrument.http_client import AdapterTracer, retries
        from otel_openstack.instrument.stdlib_client import recorded_above

        tracer = AdapterTracer(settings)

        def send(wrapped: Callable[..., Any], instance: Any, args: Any, kwargs: Any) -> Any:
            if retried_apart and retries(instance) is True:  # each attempt is a hop, and urllib3's
                return wrapped(*args, **kwargs)
            return tracer.send(recorded_above(wrapped), instance, args, kwargs)

        self._wrap(module.HTTPAdapter, "send", send)

    def _wrap_httpx(self, module: ModuleType, settings: Settings) -> None:
        from otel_openstack.instrument.httpx_client import TransportTracer

        tracer = TransportTracer(settings)
        self._wrap_named(module, "HTTPTransport.handle_request", tracer.send)
        self._wrap_named(module, "AsyncHTTPTransport.handle_async_request", tracer.send_async)

    def _wrap_cliff(self, module: ModuleType, _settings: Settings) -> None:
        def initialise(wrapped: Callable[..., Any], _instance: object, args: Any, kwargs: Any) -> Any:
            if words := kwargs.get("cmd_name"):
                runtime.name_command(words)
            return wrapped(*args, **kwargs)

        self._wrap(module.Command, "__init__", initialise)

    def _wrap_named(self, module: ModuleType, name: str, wrapper: Callable[..., Any]) -> None:
        owner, _, attribute = name.rpartition(".")
        target = getattr(module, owner, None) if owner else module
        if hasattr(target, attribute):  # releases differ
            self._wrap(target, attribute, wrapper)

    def _wrap(self, owner: Any, attribute: str, wrapper: Callable[..., Any]) -> None:
        if type(wrapper) in (FunctionType, MethodType):  # the host will call it, whatever it is
            wrapt.wrap_function_wrapper(owner, attribute, wrapper)
            self._wrapped.append((owner, attribute))
