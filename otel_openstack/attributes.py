"""The contract between agent and reader: the names of span attributes and of the headers they come from.

The agent writes these names and the reader reads them; neither knows anything else about the other. Names without
the ``openstack.`` prefix are OpenTelemetry's semantic conventions (HTTP spans, 1.45), spelled out here so that
importing the contract loads nothing.
"""

from __future__ import annotations

# -- resource ------------------------------------------------------------------------------------------------------
SERVICE_NAME = "service.name"
SERVICE_NAMESPACE = "service.namespace"
SERVICE_INSTANCE_ID = "service.instance.id"
SERVICE_VERSION = "service.version"
SERVICE_PEER_NAME = "service.peer.name"
HOST_NAME = "host.name"
PROCESS_PID = "process.pid"
PROCESS_COMMAND_ARGS = "process.command_args"
PROCESS_EXIT_CODE = "process.exit.code"
TELEMETRY_DISTRO_NAME = "telemetry.distro.name"
TELEMETRY_DISTRO_VERSION = "telemetry.distro.version"

# -- HTTP semantic conventions -------------------------------------------------------------------------------------
HTTP_REQUEST_METHOD = "http.request.method"
HTTP_REQUEST_METHOD_ORIGINAL = "http.request.method_original"
HTTP_REQUEST_RESEND_COUNT = "http.request.resend_count"
HTTP_RESPONSE_STATUS_CODE = "http.response.status_code"
HTTP_ROUTE = "http.route"
PEER_SERVICE = "peer.service"  # what service.peer.name was called before
URL_FULL = "url.full"
URL_SCHEME = "url.scheme"
URL_PATH = "url.path"
URL_QUERY = "url.query"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
CLIENT_ADDRESS = "client.address"
NETWORK_PROTOCOL_VERSION = "network.protocol.version"
USER_AGENT_ORIGINAL = "user_agent.original"
ERROR_TYPE = "error.type"

# http.request.header.<name>: lower case, dashes kept; string[], one element per occurrence
HTTP_REQUEST_HEADER_PREFIX = "http.request.header."
HTTP_RESPONSE_HEADER_PREFIX = "http.response.header."

# The preview: str when textual, else bytes. semantic-conventions #3521
HTTP_REQUEST_BODY_CONTENT = "http.request.body.content"
HTTP_RESPONSE_BODY_CONTENT = "http.response.body.content"
# Bytes on the wire; larger than the preview means that the preview was cut
HTTP_REQUEST_BODY_SIZE = "http.request.body.size"
HTTP_RESPONSE_BODY_SIZE = "http.response.body.size"
# How many of those bytes the preview shows, where its own length does not tell: it was masked, or decoded
OPENSTACK_HTTP_REQUEST_BODY_PREVIEWED = "openstack.http.request.body.previewed"
OPENSTACK_HTTP_RESPONSE_BODY_PREVIEWED = "openstack.http.response.body.previewed"

# -- ours: the message as it was -----------------------------------------------------------------------------------
# Header names as seen on that side, in order, repeated when repeated: with the values above they rebuild the block
OPENSTACK_HTTP_REQUEST_HEADER_NAMES = "openstack.http.request.header_names"
OPENSTACK_HTTP_RESPONSE_HEADER_NAMES = "openstack.http.response.header_names"
# The reason phrase as sent: MULTIPLE CHOICES, No Content
OPENSTACK_HTTP_RESPONSE_REASON = "openstack.http.response.reason"

# -- ours: who and which -------------------------------------------------------------------------------------------
OPENSTACK_REQUESTSHOOK_REQUEST_ID = "openstack.requestshook.request_id"
OPENSTACK_REQUESTSHOOK_REQUEST_FROM = "openstack.requestshook.request_from"
OPENSTACK_REQUEST_ID = "openstack.request_id"
OPENSTACK_GLOBAL_REQUEST_ID = "openstack.global_request_id"
OPENSTACK_PROJECT_ID = "openstack.project_id"
OPENSTACK_USER_ID = "openstack.user_id"
OPENSTACK_DOMAIN_ID = "openstack.domain_id"

# Every attribute whose value leads to a span when somebody looks for it (``otel-openstack find``)
IDENTIFIERS = (OPENSTACK_REQUESTSHOOK_REQUEST_ID, OPENSTACK_REQUEST_ID, OPENSTACK_GLOBAL_REQUEST_ID)

# On the root span of a recorded command: what the terminal showed, as plain text
OPENSTACK_CONSOLE_OUTPUT = "openstack.console.output"

# -- ours: what only an imported document knows --------------------------------------------------------------------
# What the document gives to the response where it differs from the request's; the older tool wrote "None" for some
OPENSTACK_DOCUMENT_RESPONSE_METHOD = "openstack.document.response.method"
OPENSTACK_DOCUMENT_RESPONSE_URL = "openstack.document.response.url"
OPENSTACK_DOCUMENT_RESPONSE_PATH = "openstack.document.response.path"
# What the document says to be missing of a message, where the spans say something else; "" when it says nothing
OPENSTACK_DOCUMENT_REQUEST_GAP = "openstack.document.request.gap"
OPENSTACK_DOCUMENT_RESPONSE_GAP = "openstack.document.response.gap"
# How the text of a body stands in the document, where it is not as this package lays it out (model.BodyLayout)
OPENSTACK_DOCUMENT_REQUEST_BODY_LAYOUT = "openstack.document.request.body.layout"
OPENSTACK_DOCUMENT_RESPONSE_BODY_LAYOUT = "openstack.document.response.body.layout"

# -- headers -------------------------------------------------------------------------------------------------------
HEADER_REQUESTSHOOK_REQUEST_ID = "X-Requestshook-Request-Id"
HEADER_REQUESTSHOOK_REQUEST_FROM = "X-Requestshook-Request-From"
HEADER_OPENSTACK_REQUEST_ID = "X-Openstack-Request-Id"
HEADER_COMPUTE_REQUEST_ID = "X-Compute-Request-Id"
HEADER_TRANS_ID = "X-Trans-Id"
