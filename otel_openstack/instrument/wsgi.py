"""The server half: one span for each request that reaches the outermost WSGI application (PEP 3333).

The application and its server keep their manners towards each other. What the application does not read is not read;
a list stays that list, a ``wsgi.file_wrapper`` result that very object (sendfile is decided by it), a sized body keeps
its length; ``close()`` reaches the body exactly once, also before its first item; an exception passes through. The span
ends when the body does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import Link, SpanKind

from otel_openstack import __version__
from otel_openstack import attributes as names
from otel_openstack.instrument.capture import METHODS, Exchange
from otel_openstack.instrument.environ import (
    REQUEST_FROM,
    REQUEST_ID,
    Environ,
    EnvironGetter,
    header_lines,
    request_target,
    server,
    url,
)
from otel_openstack.instrument.guard import never_raises
from otel_openstack.instrument.handover import start_span
from otel_openstack.instrument.metrics import metrics_of
from otel_openstack.instrument.observation import OBSERVED_BODIES, Observation, StartResponse
from otel_openstack.instrument.preview import masking_of
from otel_openstack.instrument.propagator import parse_request_id, plain_context
from otel_openstack.instrument.streams import ObservedFile, feeding_from_uwsgi, observed_file
from otel_openstack.instrument.trust import trust
from otel_openstack.route import is_excluded, route
from otel_openstack.settings import Settings

Application = Callable[[Environ, StartResponse], Iterable[bytes]]

SEEN = "otel_openstack.exchange"
"""Where the environ of a request says that it is observed already."""

_GETTER = EnvironGetter()


class ObservedApplication:
    """A WSGI application whose requests become spans; in every other respect the application itself.

    :param application: the outermost application; one within another that is observed too is left alone.
    """

    def __init__(self, application: Application, settings: Settings) -> None:
        self.__wrapped__ = application
        self._settings = settings
        self._masking = masking_of(settings)
        self._tracer = trace.get_tracer("otel_openstack.instrument.wsgi", __version__)
        self._is_believed = trust(settings.trust_incoming)
        self._metrics = metrics_of("server")

    def __getattr__(self, name: str) -> Any:
        if name == "__wrapped__":  # not there yet: somebody makes a copy of us
            raise AttributeError(name)
        return getattr(self.__wrapped__, name)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request."""
        observation = None if SEEN in environ else self._observe(environ)
        # What the capture path gives is looked at before the server or the application does: it may be nonsense
        if type(observation) is not Observation:
            return self.__wrapped__(environ, start_response)
        token = attach(observation.context)
        try:
            body = self.__wrapped__(environ, partial(observation.start_response, start_response))
        except BaseException as error:
            observation.fail(error)
            raise
        finally:
            detach(token)
        observed: Any = observation.body(body)
        return observed if type(observed) in OBSERVED_BODIES else body

    @never_raises
    def _observe(self, environ: Environ) -> Observation | None:
        environ[SEEN] = True
        if self._settings.excluded_urls and is_excluded(url(environ), self._settings.excluded_urls):
            return None
        parent, links = self._parent(environ)
        method = environ["REQUEST_METHOD"]
        path, query = request_target(environ)
        template = route(path)
        known = method in METHODS
        # What a sampler may decide by (semantic conventions, HTTP server spans); the rest follows at the end
        begun = {
            names.HTTP_REQUEST_METHOD: method if known else "_OTHER",
            names.URL_PATH: self._masking.text(path),
            names.URL_SCHEME: environ.get("wsgi.url_scheme", "http"),
        }
        name = f"{method if known else 'HTTP'} {template}"
        span = start_span(self._tracer, name, parent, SpanKind.SERVER, begun, links)
        context: Any = trace.set_span_in_context(span, parent)
        exchange = None
        if span.is_recording():
            exchange = Exchange(self._settings, span, is_server=True, path=path)
            attributes = exchange.attributes
            attributes[names.HTTP_ROUTE] = template
            if not known:
                attributes[names.HTTP_REQUEST_METHOD_ORIGINAL] = method
            if query:
                attributes[names.URL_QUERY] = self._masking.query(query)
            self._describe(exchange, environ)
            if exchange.request_body is not None and "HTTP_TRANSFER_ENCODING" in environ:
                context = feeding_from_uwsgi(exchange.request_body, context)
        measurement = None if self._metrics is None else self._metrics.begin(begun)
        if not isinstance(context, Context):  # it becomes the application's
            return None
        return Observation(context, environ, path, exchange, measurement)

    def _parent(self, environ: Environ) -> tuple[Context, list[Link]]:
        """Return the context that the request is served in, and a link to the one that it came with but is not."""
        context = plain_context(environ) or propagate.extract(environ, Context(), _GETTER)
        if self._is_believed is None or self._is_believed(environ.get("REMOTE_ADDR", "")):
            return context, []
        claimed = trace.get_current_span(context).get_span_context()
        return Context(), [Link(claimed)] if claimed.is_valid else []

    @never_raises
    def _describe(self, exchange: Exchange, environ: Environ) -> None:
        attributes = exchange.attributes
        attributes[names.SERVER_ADDRESS], attributes[names.SERVER_PORT] = server(environ)
        if peer := environ.get("REMOTE_ADDR"):
            attributes[names.CLIENT_ADDRESS] = peer
        protocol, _, version = environ.get("SERVER_PROTOCOL", "").partition("/")
        if protocol == "HTTP" and version:
            attributes[names.NETWORK_PROTOCOL_VERSION] = version
        exchange.request(header_lines(environ))
        claimed = environ.get(REQUEST_ID)
        if claimed and (identifier := parse_request_id(claimed)):
            attributes[names.OPENSTACK_REQUESTSHOOK_REQUEST_ID] = identifier
            attributes[names.OPENSTACK_REQUESTSHOOK_REQUEST_FROM] = environ.get(REQUEST_FROM, "")
        length = environ.get("CONTENT_LENGTH") or ""
        if exchange.request_body and (length not in ("", "0") or "HTTP_TRANSFER_ENCODING" in environ):
            if length.isdigit():
                attributes[names.HTTP_REQUEST_BODY_SIZE] = int(length)
            stream = observed_file(environ["wsgi.input"], exchange.request_body)
            if isinstance(stream, ObservedFile):
                environ["wsgi.input"] = stream
