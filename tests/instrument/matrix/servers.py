"""The servers of the matrix: how each is started, and the manners that it has below the application."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.instrument.harness import BIN

_HEAD = "import sys\nfrom matrix_application import application\nport = int(sys.argv[1])\n"
_EVENTLET = """
import eventlet.wsgi
eventlet.wsgi.server(eventlet.listen(("127.0.0.1", port)), application, log_output=False)
"""
_PREFORK = """
from wsgiref.simple_server import make_server
server = make_server("127.0.0.1", port, application)
"""

PROGRAMS = {
    "wsgiref": f"{_HEAD}{_PREFORK}server.serve_forever()",
    "os.fork": f"{_HEAD}import os\n{_PREFORK}if os.fork(): os.fork()\nserver.serve_forever()",
    "multiprocessing": f"""{_HEAD}import multiprocessing\n{_PREFORK}
multiprocessing.set_start_method("fork")
workers = [multiprocessing.Process(target=server.serve_forever) for _ in range(2)]
for worker in workers: worker.start()
for worker in workers: worker.join()
""",
    "werkzeug": f"{_HEAD}from werkzeug.serving import run_simple\nrun_simple('127.0.0.1', port, application)",
    "werkzeug threads": (
        f"{_HEAD}from werkzeug.serving import run_simple\nrun_simple('127.0.0.1', port, application, threaded=True)"
    ),
    "cheroot": f"{_HEAD}from cheroot import wsgi\nwsgi.Server(('127.0.0.1', port), application).start()",
    "eventlet": f"{_HEAD}{_EVENTLET}",
    "eventlet patched after the agent": f"import eventlet\neventlet.monkey_patch()\n{_HEAD}{_EVENTLET}",
    "eventlet patched before the agent": (
        "import eventlet\neventlet.monkey_patch()\n"
        "from opentelemetry.instrumentation.auto_instrumentation import initialize\ninitialize()\n"
        f"{_HEAD}{_EVENTLET}"
    ),
    "oslo.service eventlet": f"""import eventlet\neventlet.monkey_patch()\n{_HEAD}
from oslo_config import cfg
from oslo_service import service, wsgi
conf = cfg.ConfigOpts()
conf([])
wsgi.register_opts(conf)
service.launch(conf, wsgi.Server(conf, "matrix", application, "127.0.0.1", port), workers=2).wait()
""",
    "oslo.service threads": f"""from oslo_service import backend
backend.init_backend(backend.BackendType.THREADING)
{_HEAD}
from cheroot import wsgi
from oslo_config import cfg
from oslo_service import service

class Served(service.ServiceBase):
    def __init__(self): self.server = wsgi.Server(("127.0.0.1", port), application, reuse_port=True)
    def start(self):
        self.server.prepare()
        self.server.serve()
    def stop(self): self.server.stop()
    def wait(self): pass
    def reset(self): pass

conf = cfg.ConfigOpts()
conf([])
service.launch(conf, Served(), workers=2).wait()
""",
}

APACHE = Path("/usr/sbin/apache2")
_MODULES = Path("/usr/lib/apache2/modules")
_CHECKOUT = Path(__file__).parents[3]
_HTTPD = """
ServerName localhost
PidFile {folder}/pid
ErrorLog {folder}/error.log
Mutex pthread
Listen 127.0.0.1:{port}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule wsgi_module {modules}/mod_wsgi.so
User www-data
Group www-data
WSGISocketPrefix {folder}/socket
WSGIDaemonProcess matrix processes=2 threads=2
WSGIProcessGroup matrix
WSGIApplicationGroup %{{GLOBAL}}
WSGIChunkedRequest On
WSGIScriptAlias / {folder}/application.wsgi
<Directory {folder}>
Require all granted
</Directory>
"""


def lacking() -> str:
    """Return why mod_wsgi cannot be had here, ``""`` where it can."""
    module = _MODULES / "mod_wsgi.so"
    library = f"libpython{sysconfig.get_python_version()}".encode()
    if not (APACHE.exists() and module.exists() and library in module.read_bytes()):
        return "Apache with mod_wsgi for this Python is not installed (Debian: libapache2-mod-wsgi-py3)"
    if os.geteuid() == 0 and not all(folder.stat().st_mode & 1 for folder in _CHECKOUT.parents):
        return f"Apache does not serve as root, and its user cannot read {_CHECKOUT}"
    return ""


_CGI = frozenset({"date", "server", "connection", "content-length", "transfer-encoding"})


_STARTED_TWICE = frozenset({"started-twice"})
"""What goes wrong without us, too: uWSGI raises SystemError, gunicorn and cheroot send the headers of both calls."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server as one way of starting it.

    :param name: its name here, and that of its program where it is started by one.
    :param options: the command line of those that are programs themselves, with ``{port}`` in it.
    :param adds: headers of the response, in lower case, that it adds below the application.
    :param joins: what stands between the values of a header that came twice; ``""`` where the last value is all that
        is kept; ``None`` where the application sees every line as it was sent.
    :param first: headers that the application finds before all others, :param last: or behind them, in this order.
    :param invents: a header that the application finds where none was sent.
    :param capitalises: whether it spells the names of the response's headers in a way of its own.
    :param unnamed: the reason that it makes up for a status without one.
    :param orders: whether it sends the response's headers in the order of the application, and spelled so.
    :param variables: what its environment must have, with ``{folder}`` in it.
    :param lacks: paths that it cannot serve.
    :param chunks: whether it takes a request in chunks.
    :param closes: whether it is asked by clients that close each connection.
    :param persists: whether it answers several requests on a connection.
    :param workers: processes that serve.
    """

    name: str
    options: tuple[str, ...] = ()
    adds: frozenset[str] = _CGI
    joins: str | None = ","
    capitalises: bool = False
    orders: bool = True
    variables: Mapping[str, str] = field(default_factory=dict)
    unnamed: str = ""
    lacks: frozenset[str] = frozenset()
    first: tuple[str, ...] = ()
    last: tuple[str, ...] = ()
    invents: tuple[str, str] = ("", "")
    chunks: bool = True
    closes: bool = True
    persists: bool = True
    workers: int = 1

    def command(self, port: int, folder: Path) -> list[str]:
        """Return what starts it."""
        if self.name == "mod_wsgi":
            return _apache(port, folder)
        if self.options:
            program, *options = self.options
            return [str(BIN / program), *(option.format(port=port) for option in options)]
        program = folder / f"matrix-{self.name.replace(' ', '-')}"
        program.write_text(PROGRAMS[self.name])
        return [sys.executable, "-W", "ignore", str(program), str(port)]


def _apache(port: int, folder: Path) -> list[str]:
    for each in (folder, *folder.parents[:2]):  # pytest's, closed to Apache's user
        each.chmod(0o755)
    (folder / "application.wsgi").write_text("from matrix_application import application\n")
    configuration = folder / "httpd.conf"
    configuration.write_text(_HTTPD.format(folder=folder, port=port, modules=_MODULES))
    return [str(APACHE), "-f", str(configuration), "-DFOREGROUND"]


def _uwsgi(name: str, *options: str, workers: int = 1, persists: bool = False) -> Server:
    command = ("uwsgi", "--module", "matrix_application", "--enable-threads", "--need-app", "--die-on-term", *options,
               "--http11-socket" if persists else "--http-socket", "127.0.0.1:{port}")  # fmt: skip
    return Server(
        f"uwsgi {name}", command, frozenset(), joins=", ", unnamed="Unknown", workers=workers,
        lacks=_STARTED_TWICE,
        # Where it keeps connections it does not tell where a response without a length ends
        persists=persists, closes=not persists,
    )  # fmt: skip


def _gunicorn(name: str, *options: str, workers: int = 1, persists: bool = True) -> Server:
    command = ("gunicorn", "--bind", "127.0.0.1:{port}", "matrix_application:application", *options)
    return Server(f"gunicorn {name}", command, workers=workers, persists=persists, lacks=_STARTED_TWICE)


def _eventlet(name: str, workers: int = 1) -> Server:
    return Server(name, joins=None, capitalises=True, workers=workers)


def _cheroot(name: str, workers: int = 1) -> Server:
    last = ("Content-Type", "Content-Length")
    return Server(name, joins="", last=last, lacks=_STARTED_TWICE, workers=workers)


def _wsgiref(name: str, workers: int = 1) -> Server:
    first = ("Content-Length", "Content-Type")
    invents = ("Content-Type", "text/plain")
    return Server(name, first=first, invents=invents, chunks=False, persists=False, workers=workers)


SERVERS = (
    _uwsgi("single"),
    _uwsgi("keep-alive", persists=True),
    _uwsgi("workers", "--master", "--processes", "2", workers=2),
    _uwsgi("lazy-apps", "--master", "--processes", "2", "--lazy-apps", workers=2),
    _uwsgi("threads", "--master", "--threads", "4"),
    _eventlet("eventlet"),
    _eventlet("eventlet patched after the agent"),
    _eventlet("eventlet patched before the agent"),
    _gunicorn("sync", "--workers", "2", workers=2, persists=False),
    _gunicorn("preload", "--workers", "2", "--preload", workers=2, persists=False),
    _gunicorn("gthread", "--worker-class", "gthread", "--threads", "4"),
    _cheroot("cheroot"),
    Server("werkzeug", persists=False),
    Server("werkzeug threads", persists=False),
    _wsgiref("wsgiref"),
    _wsgiref("os.fork", workers=3),
    _wsgiref("multiprocessing", workers=2),
    _eventlet("oslo.service eventlet", workers=2),
    _cheroot("oslo.service threads", workers=2),
    # It runs the system's interpreter, and a script that is no module: a setting names the application
    Server(
        "mod_wsgi",
        adds=_CGI | {"keep-alive"},
        joins=", ",
        orders=False,
        workers=2,
        variables={
            "PYTHONPATH": f"{{folder}}:{_CHECKOUT}:{sysconfig.get_path('purelib')}",
            "OTEL_OPENSTACK_WSGI_APPS": "matrix_application:application",
        },
    ),
)
