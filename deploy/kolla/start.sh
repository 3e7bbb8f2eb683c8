# shellcheck shell=bash
# Sourced by kolla_start when all but the service's own command is done: /etc/kolla/otel-openstack/start.sh on each host.
# Containers without the agent (databases, queues) start as ever.
if command -v opentelemetry-instrument > /dev/null; then
    # Kolla's containers share the host's network: a Collector on each host is reached so
    export OTEL_EXPORTER_OTLP_ENDPOINT=${OTEL_EXPORTER_OTLP_ENDPOINT:-http://127.0.0.1:4318}
    # shellcheck disable=SC2034  # kolla_start runs it
    CMD="opentelemetry-instrument ${CMD}"
fi
