"""The agent: what lives inside a service or a client under ``opentelemetry-instrument``.

=======================  ===============================================================================
:mod:`.distro`           defaults and the SDK's set-up (entry points)
:mod:`.services`         the table of services, and which one this process is
:mod:`.runtime`          the trace a process belongs to, and who it is after a fork
:mod:`.wsgi`             the server half of an exchange
:mod:`.http_client`      the client half
:mod:`.capture`          an exchange as attributes; :mod:`.streams` looks at bodies as they pass
:mod:`.propagator`       ``X-Requestshook-Request-Id`` and the context it stands for
:mod:`.export`           how spans leave
:mod:`.guard`            a fault of ours never reaches the host
=======================  ===============================================================================

Nothing is imported that the process does not use: each hook waits for the module it is about.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection
from functools import partial
from types import ModuleType
from typing import Any

import wrapt
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # untyped

from otel_openstack.instrument import runtime
from otel_openstack.instrument.guard import never_raises
from otel_openstack.instrument.services import SERVICES
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
        for service in SERVICES:
            module, _, attribute = service.application.partition(":")
            self._after_import(module, partial(self._wrap_application, attribute))
        self._after_import("eventlet.wsgi", self._wrap_eventlet)
        self._after_import("requests.adapters", self._wrap_requests)
        self._after_import("cliff.command", self._wrap_cliff)

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

    def _wrap_application(self, attribute: str, module: ModuleType, settings: Settings) -> None:
        from otel_openstack.instrument.wsgi import ObservedApplication

        setattr(module, attribute, ObservedApplication(getattr(module, attribute), settings))
        self._wrapped.append((module, attribute))
        runtime.watch_forks_of_uwsgi()

    def _wrap_eventlet(self, module: ModuleType, settings: Settings) -> None:
        from otel_openstack.instrument.wsgi import ObservedApplication

        def server(wrapped: Callable[..., Any], _instance: object, args: Any, kwargs: Any) -> Any:
            if "site" in kwargs:
                kwargs = {**kwargs, "site": ObservedApplication(kwargs["site"], settings)}
            elif len(args) > 1:
                args = (args[0], ObservedApplication(args[1], settings), *args[2:])
            return wrapped(*args, **kwargs)

        self._wrap(module, "server", server)

    def _wrap_requests(self, module: ModuleType, settings: Settings) -> None:
        from otel_openstack.instrument.http_client import HopTracer

        self._wrap(module.HTTPAdapter, "send", HopTracer(settings).send)

    def _wrap_cliff(self, module: ModuleType, _settings: Settings) -> None:
        def initialise(wrapped: Callable[..., Any], _instance: object, args: Any, kwargs: Any) -> Any:
            if words := kwargs.get("cmd_name"):
                runtime.name_command(words)
            return wrapped(*args, **kwargs)

        self._wrap(module.Command, "__init__", initialise)

    def _wrap(self, owner: Any, attribute: str, wrapper: Callable[..., Any]) -> None:
        wrapt.wrap_function_wrapper(owner, attribute, wrapper)
        self._wrapped.append((owner, attribute))
