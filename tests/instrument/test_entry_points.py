"""Applications that no table names, behind real servers under the stock launcher: found, and observed once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from wsgiref.util import setup_testing_defaults

import pytest
from opentelemetry import trace

from otel_openstack import attributes as names
from otel_openstack.instrument.instrumentor import OpenStackInstrumentor
from otel_openstack.instrument.servers import observed
from otel_openstack.instrument.wsgi import ObservedApplication
from otel_openstack.settings import Settings
from tests.instrument.harness import BIN, Launcher, OtlpServer, Spans, free_port, talk, wait_for_port

_APPLICATION = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]

def make(global_conf, **local_conf):
    return app

def passing(application, global_conf):
    return lambda environ, start_response: application(environ, start_response)
"""
_SCRIPTS = {
    "werkzeug": "from werkzeug.serving import run_simple\nrun_simple('127.0.0.1', port, app)",
    "werkzeug threads": "from werkzeug.serving import run_simple\nrun_simple('127.0.0.1', port, app, threaded=True)",
    "cheroot": "from cheroot import wsgi\nwsgi.Server(('127.0.0.1', port), app).start()",
    "waitress": "import waitress\nwaitress.serve(app, host='127.0.0.1', port=port)",
    "wsgiref": "from wsgiref.simple_server import make_server\nmake_server('127.0.0.1', port, app).serve_forever()",
    "eventlet": "import eventlet, eventlet.wsgi\neventlet.wsgi.server(eventlet.listen(('127.0.0.1', port)), app)",
    "a loader and a server": (
        "from wsgiref.simple_server import make_server\nfrom paste.deploy import loadapp\n"
        "make_server('127.0.0.1', port, loadapp('config:paste.ini', relative_to='.')).serve_forever()"
    ),
}
_PASTE = """
[pipeline:main]
pipeline = filter app
[filter:filter]
paste.filter_factory = mine.api:filter_factory
[app:app]
paste.app_factory = mine.api:make
"""


def _serves_one_span(launcher: Launcher, receiver: OtlpServer, command: list[str | Path], port: int, **env: str) -> str:
    """Start a server, ask it twice, and return what the spans say of the service."""
    process = launcher.start(command, env)
    wait_for_port(port, process)
    for _ in range(2):
        answer = talk(port, b"GET /things/7 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        assert b"hello" in answer
    spans = receiver.wait(2)
    launcher.kill(process)
    assert [span.name for span in spans] == ["GET /things/{thing_id}"] * 2
    assert {span.attributes[names.HTTP_RESPONSE_BODY_CONTENT] for span in spans} == {"hello"}
    return str(spans[0].resource.attributes[names.SERVICE_NAME])


@pytest.mark.parametrize("script", _SCRIPTS.values(), ids=_SCRIPTS.keys())
def test_an_application_is_found_where_it_is_served(script: str, launcher: Launcher, receiver: OtlpServer) -> None:
    """Each server is given its application in a way of its own."""
    launcher.write(
        "mine/api.py",
        f"{_APPLICATION}\ndef filter_factory(global_conf):\n    return lambda app: passing(app, global_conf)\n",
    )
    launcher.write("paste.ini", _PASTE)
    port = free_port()
    path = launcher.write("mine-api", f"import sys\nfrom mine.api import app\nport = int(sys.argv[1])\n{script}\n")
    name = _serves_one_span(launcher, receiver, [sys.executable, path, str(port)], port)
    assert name == "mine-api"


def test_asynchronous_applications_are_left_alone() -> None:
    """They are called in another way."""

    class Asgi:
        async def __call__(self, scope: object, receive: object, send: object) -> None:
            """Do nothing."""

    application = Asgi()
    assert observed(application, Settings()) is application
    assert observed(application.__call__, Settings()).__func__ is Asgi.__call__
    assert observed(None, Settings()) is None


@pytest.mark.parametrize("options", [("--module", "mine.api:app"), ("-w", "mine.api", "--callable", "app")])
def test_any_module_that_uwsgi_serves(options: tuple[str, str], launcher: Launcher, receiver: OtlpServer) -> None:
    """Its command line names it."""
    launcher.write("mine/api.py", _APPLICATION)
    port = free_port()
    command = [BIN / "uwsgi", "--http-socket", f"127.0.0.1:{port}", "--master", "--enable-threads", *options]
    assert _serves_one_span(launcher, receiver, command, port) == "uwsgi"


def test_an_older_script_that_uwsgi_runs(launcher: Launcher, receiver: OtlpServer) -> None:
    """A file is run without being imported: the application is found where the service makes it."""
    launcher.write("glance/common/wsgi_app.py", f"{_APPLICATION}\ndef init_app():\n    return app\n")
    path = launcher.write("glance-wsgi-api", "from glance.common.wsgi_app import init_app\napplication = init_app()\n")
    port = free_port()
    command = [BIN / "uwsgi", "--http-socket", f"127.0.0.1:{port}", "--enable-threads", "--wsgi-file", path]
    assert _serves_one_span(launcher, receiver, command, port) == "glance-api"


def test_an_application_that_a_setting_names(launcher: Launcher, receiver: OtlpServer) -> None:
    """For what is found in no other way: a server of one's own."""
    launcher.write("mine/api.py", _APPLICATION)
    script = """
        import sys
        from http.server import BaseHTTPRequestHandler, HTTPServer
        from wsgiref.handlers import SimpleHandler
        from mine.api import app

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                environ = {"REQUEST_METHOD": "GET", "PATH_INFO": self.path, "SERVER_PROTOCOL": "HTTP/1.0",
                           "SERVER_NAME": "h", "SERVER_PORT": "80"}
                SimpleHandler(self.rfile, self.wfile, sys.stderr, environ).run(app)

        HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
    """
    path = launcher.write("own-server", "\n".join(line[8:] for line in script.splitlines()))
    port = free_port()
    command = [sys.executable, path, str(port)]
    name = _serves_one_span(launcher, receiver, command, port, OTEL_OPENSTACK_WSGI_APPS="other:app, mine.api:app")
    assert name == "own-server"


def test_an_application_is_wrapped_once_and_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A factory and the module that keeps what it makes are both known: one wrapping is enough."""
    for package in ("aodh", "aodh/wsgi", "aodh/api"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "aodh/api/app.py").write_text(f"{_APPLICATION}\ndef build_wsgi_app(argv=None):\n    return app\n")
    (tmp_path / "aodh/wsgi/api.py").write_text("from aodh.api import app\napplication = app.build_wsgi_app()\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    instrumentor = OpenStackInstrumentor()
    instrumentor.instrument(skip_dep_check=True)
    try:
        module = import_module("aodh.wsgi.api")
        assert isinstance(module.application, ObservedApplication)
        assert module.application.__wrapped__ is import_module("aodh.api.app").app
    finally:
        instrumentor.uninstrument()
        factory = sys.modules["aodh.api.app"].build_wsgi_app
        for name in [name for name in sys.modules if name.partition(".")[0] == "aodh"]:
            del sys.modules[name]
    assert not isinstance(factory(), ObservedApplication)


@pytest.mark.parametrize("order", ["the middleware outside", "the middleware inside"])
def test_a_users_own_middleware_makes_no_second_server_span(
    order: str, spans: Spans, serve: Callable[[object], int]
) -> None:
    """Whichever of the two is the outer one, the server span is ours and theirs lies within it."""
    from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware

    instrumentor = OpenStackInstrumentor()
    instrumentor.instrument(skip_dep_check=True)
    try:

        def application(_environ: object, start_response: Callable[..., object]) -> list[bytes]:
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [b"hello"]

        if order == "the middleware outside":
            outermost: object = OpenTelemetryMiddleware(observed(application, Settings()))
        else:
            outermost = observed(OpenTelemetryMiddleware(application), Settings())
        answer = talk(serve(outermost), b"GET /x HTTP/1.0\r\n\r\n")
        assert answer.endswith(b"hello")
        finished = spans.all(2)
    finally:
        instrumentor.uninstrument()
    assert sorted(span.kind.name for span in finished) == ["INTERNAL", "SERVER"]
    (server,) = (span for span in finished if span.kind is trace.SpanKind.SERVER)
    assert (server.attributes or {})[names.HTTP_RESPONSE_BODY_CONTENT] == "hello"


_OSLO_TRACING = """
from opentelemetry import trace

class TracingMiddleware:
    def process_request(self, req):
        req.environ["otel.span"] = trace.get_tracer("oslo").start_span("HTTP", kind=trace.SpanKind.SERVER)
"""


def test_the_tracing_filter_of_oslo_steps_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spans: Spans) -> None:
    """Within an observed application it makes no span; without one it does its work."""
    (tmp_path / "oslo_middleware").mkdir()
    (tmp_path / "oslo_middleware/__init__.py").touch()
    (tmp_path / "oslo_middleware/tracing.py").write_text(_OSLO_TRACING)
    monkeypatch.syspath_prepend(str(tmp_path))
    instrumentor = OpenStackInstrumentor()
    instrumentor.instrument(skip_dep_check=True)
    try:
        tracing = import_module("oslo_middleware.tracing")

        class Request:
            def __init__(self, environ: dict[str, object]) -> None:
                self.environ = environ

        alone = Request({})
        tracing.TracingMiddleware().process_request(alone)
        assert "otel.span" in alone.environ

        def application(environ: dict[str, object], start_response: Callable[..., object]) -> list[bytes]:
            tracing.TracingMiddleware().process_request(Request(environ))
            assert "otel.span" not in environ
            start_response("200 OK", [])
            return []

        environ: dict[str, object] = {}
        setup_testing_defaults(environ)
        observed(application, Settings())(environ, lambda *_: None)
        assert [span.kind for span in spans.all(1)] == [trace.SpanKind.SERVER]
    finally:
        instrumentor.uninstrument()
        for name in ("oslo_middleware", "oslo_middleware.tracing"):
            sys.modules.pop(name, None)
