"""Start the agent in a mod_wsgi process: what the launcher does where none can be put before Apache."""

import os

# The services of one Apache share its environment: this belongs to the process group that imports the file
os.environ.setdefault("OTEL_SERVICE_NAME", "keystone")
os.environ.setdefault("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")

from opentelemetry.instrumentation.auto_instrumentation import initialize  # reads what was just set

initialize()
