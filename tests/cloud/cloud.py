"""One running cloud: keystone and glance under uWSGI, swift under eventlet, all on loopback, gone when it is left."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from tests.cloud import configuration, databases, identity, ports
from tests.cloud.environment import Environment
from tests.cloud.processes import (
    CloudError,
    Process,
    base_environment,
    end_all,
    log_tail,
    termination_as_interrupt,
)
from tests.cloud.progress import Progress

_RINGS = Path(__file__).with_name("rings.py")
_UWSGI = (
    *("--master", "--enable-threads", "--die-on-term", "--need-app"),
    # What DevStack sets: room for long tokens, chunked uploads, one request a connection.
    *("--buffer-size", "65535", "--http-chunked-input", "--add-header", "Connection: close"),
)


class Cloud:
    """A cloud from the moment when it is entered until it is left, by whatever way.

    :param environment: the installed OpenStack.
    :param directory: where its ``etc``, ``state`` and ``log`` go; those of an earlier cloud are replaced. The first two
        hold secrets and are removed at the end, the logs stay.
    :param otlp_endpoint: where the agent sends its spans; None starts every service without the launcher.
    :param variables: further environment variables of keystone, glance and swift, the traced services.
    :param progress: where to show the steps; by default nowhere.
    :ivar layout: where its files are.
    :ivar passwords: the secrets of this cloud's users.
    :ivar ports: where its services listen.
    """

    def __init__(
        self,
        environment: Environment,
        directory: Path,
        *,
        otlp_endpoint: str | None = None,
        variables: Mapping[str, str] | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.environment = environment
        self.layout = configuration.Layout(directory.resolve())
        self.passwords = configuration.Passwords()
        self.ports = ports.choose()
        self.otlp_endpoint = otlp_endpoint
        self._variables = dict(variables or {})
        self._progress = progress or Progress(quiet=True)
        self._processes: dict[str, Process] = {}
        self._is_up = False
        self._exit = ExitStack()

    def __enter__(self) -> Cloud:
        with ExitStack() as stack:
            stack.enter_context(termination_as_interrupt())
            stack.callback(self._tear_down)
            self._bring_up()
            self._is_up = True
            self._exit = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.__exit__(kind, error, trace)

    @property
    def pids(self) -> dict[str, int]:
        """The process id of each service, which leads the session that its workers are in."""
        return {name: process.pid for name, process in self._processes.items()}

    def log_tail(self, service: str) -> str:
        """Return the lines of one service's log that matter most."""
        return log_tail(self.layout.log / f"{service}.log")

    def client_environment(self) -> dict[str, str]:
        """Return the whole environment of a client: who it is, where keystone is, which programs it finds.

        The user's domain is left to its default, so that ``--os-auth-type v3token``, which refuses one, works too.
        """
        return {
            **self._base_environment(),
            "OS_AUTH_URL": self.ports.identity_url,
            "OS_IDENTITY_API_VERSION": "3",
            "OS_USERNAME": "admin",
            "OS_PASSWORD": self.passwords.admin,
            "OS_PROJECT_NAME": "admin",
            "OS_PROJECT_DOMAIN_ID": configuration.DOMAIN,
            "OS_REGION_NAME": configuration.REGION,
        }

    def openstack(self, *arguments: str | Path) -> str:
        """Run the ``openstack`` client as the administrator, traced as the services are.

        :returns: its standard output.
        :raises CloudError: it failed; with what it wrote to standard error.
        """
        command = [*self._launcher(), self.environment.program("openstack"), *arguments]
        variables = {**self.client_environment(), **self._tracing()}
        client = subprocess.run(command, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if client.returncode:
            raise CloudError(f"openstack {' '.join(map(str, arguments))} failed.", client.stderr)
        return client.stdout

    def start_wsgi(
        self,
        name: str,
        port: int,
        application: str,
        *options: str,
        variables: Mapping[str, str] | None = None,
    ) -> Process:
        """Start a traced service under uWSGI; it is ended with the cloud.

        :param application: its entry point, ``module:attribute``.
        :param options: further options of uWSGI.
        """
        # One worker: each keeps the tokens that it has seen valid to itself, so that with several it would be chance
        # whether the second request of a command is followed by another question to keystone.
        return self._start(
            name,
            *self._uwsgi(port, processes=1),
            # Loaded in the worker, as DevStack has it: at exit glance waits for a thread that it starts when loaded.
            *("--lazy-apps", "--module", application, *options),
            variables={**(variables or {}), **self._variables},
            traced=True,
        )

    def _bring_up(self) -> None:
        layout, step = self.layout, self._progress.step
        for directory in (layout.etc, layout.state, layout.log):
            shutil.rmtree(directory, ignore_errors=True)
        layout.directory.mkdir(parents=True, exist_ok=True)
        layout.directory.chmod(0o700)
        paste = self.environment.path / "etc" / "glance" / "glance-api-paste.ini"
        configuration.write(layout, self.ports, self.passwords, paste)
        _require_extended_attributes(layout.state)
        databases.copy(self.environment, layout.state, self._progress, "keystone", "glance")
        # All at once, as each of them spends seconds with importing; then wait for each in the order of need.
        bootstrap = self._start_bootstrap()
        rings = self._start_rings()
        keystone, glance = self._start_keystone(), self._start_glance()
        with step("making swift's rings"):
            rings.wait()
        swift = [self._start_swift(name) for name in (*self.ports.storage, "proxy")]
        with step("bootstrapping keystone, while all services start"):
            bootstrap.wait()
        with step("waiting for keystone (uWSGI, 2 workers)"):
            keystone.wait_for_answer(self.ports.keystone, "/identity/v3")
        with step("creating users, roles and endpoints"):
            identity.fill(self.ports, self.passwords)
        with step("waiting for glance (uWSGI, 1 worker) and swift (eventlet)"):
            glance.wait_for_answer(self.ports.glance, "/healthcheck")
            for process, port in zip(swift, (*self.ports.storage.values(), self.ports.proxy), strict=True):
                process.wait_for_answer(port, "/healthcheck")

    def _tear_down(self) -> None:
        if not self._processes:
            return
        with self._progress.step("ending the services"):
            # What is still loading hears no signal, and has nothing to bring to an end.
            killed = end_all(list(self._processes.values()), patience=10 if self._is_up else 1)
            for directory in (self.layout.etc, self.layout.state):
                _remove(directory)
        if killed and self._is_up:
            self._progress.note(f"did not end by themselves and were killed: {', '.join(killed)}")

    def _start_bootstrap(self) -> Process:
        url = f"{self.ports.identity_url}/v3"
        urls = [part for kind in ("public", "internal", "admin") for part in (f"--bootstrap-{kind}-url", url)]
        return self._start(
            "keystone-bootstrap",
            *("keystone-manage", "--config-file", self.layout.etc / "keystone" / "keystone.conf", "bootstrap"),
            *("--bootstrap-region-id", configuration.REGION, *urls),
            # Not on the command line, where every user of the machine could read it.
            variables={"OS_BOOTSTRAP_PASSWORD": self.passwords.admin},
        )

    def _start_rings(self) -> Process:
        devices = [f"{name}={port}" for name, port in self.ports.storage.items()]
        return self._start("swift-rings", "python", _RINGS, self.layout.etc / "swift", *devices)

    def _start_keystone(self) -> Process:
        # Below /identity, where DevStack has it.
        return self._start(
            "keystone",
            *self._uwsgi(self.ports.keystone, processes=2),
            *("--manage-script-name", "--mount", "/identity=keystone.wsgi.api:application"),
            variables={"OS_KEYSTONE_CONFIG_DIR": str(self.layout.etc / "keystone"), **self._variables},
            traced=True,
        )

    def _start_glance(self) -> Process:
        variables = {"OS_GLANCE_CONFIG_DIR": str(self.layout.etc / "glance")}
        return self.start_wsgi("glance-api", self.ports.glance, "glance.wsgi.api:application", variables=variables)

    def _uwsgi(self, port: int, processes: int) -> tuple[str, ...]:
        return (
            *("uwsgi", "--http-socket", f"127.0.0.1:{port}", "--virtualenv", str(self.environment.path)),
            *("--processes", str(processes), "--threads", "2", *_UWSGI),
        )

    def _start_swift(self, server: str) -> Process:
        return self._start(
            f"swift-{server}-server",
            *(f"swift-{server}-server", self.layout.etc / "swift" / f"{server}-server.conf", "--verbose"),
            variables=self._variables,
            traced=True,
        )

    def _start(
        self,
        name: str,
        program: str,
        *arguments: str | Path,
        variables: Mapping[str, str] | None = None,
        traced: bool = False,
    ) -> Process:
        launcher, tracing = (self._launcher(), self._tracing()) if traced else ([], {})
        command = [*launcher, self.environment.program(program), *arguments]
        environment = {**self._base_environment(), **tracing, **(variables or {})}
        process = Process(name, command, environment, self.layout.log / f"{name}.log")
        self._processes[name] = process
        return process

    def _launcher(self) -> list[Path]:
        return [] if self.otlp_endpoint is None else [self.environment.program("opentelemetry-instrument")]

    def _tracing(self) -> dict[str, str]:
        return {} if self.otlp_endpoint is None else {"OTEL_EXPORTER_OTLP_ENDPOINT": self.otlp_endpoint}

    def _base_environment(self) -> dict[str, str]:
        base = base_environment()
        return {**base, "PATH": f"{self.environment.path / 'bin'}{os.pathsep}{base.get('PATH', os.defpath)}"}


def _remove(directory: Path) -> None:
    """Remove what holds secrets, though processes that were just killed may still be writing there."""
    for _ in range(50):
        shutil.rmtree(directory, ignore_errors=True)
        if not directory.exists():
            return
        time.sleep(0.1)
    raise CloudError(f"{directory} holds secrets and cannot be removed.")


def _require_extended_attributes(directory: Path) -> None:
    """Swift keeps an object's metadata in extended attributes of its file."""
    try:
        os.setxattr(directory, "user.swift", b"")
        os.removexattr(directory, "user.swift")
    except OSError as error:
        raise CloudError(
            f"The file system of {directory} has no extended attributes, which swift needs: {error}."
        ) from None
