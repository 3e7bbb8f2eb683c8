"""Whether spans arrive: the agents' queues, and the Collector's receivers, queues and exporters."""

from __future__ import annotations

from dashboards.grafana import Board, Panel, Row, promql
from dashboards.metrics import CAPACITY, INTERVAL, PROCESSED, QUEUED, rate

_COLLECTOR = 'job="otelcol"'

BOARD = Board(
    "openstack-pipeline",
    "Pipeline health",
    "Whether what is observed arrives: agents (with OTEL_METRICS_EXPORTER=otlp) and Collectors.",
    (),
    (
        Row(
            "At a glance",
            (
                Panel(
                    "Processes that report",
                    "Do all services have their agent?",
                    (promql(f"count(count by (job, instance) ({CAPACITY}))", "processes"),),
                    kind="stat",
                ),
                Panel(
                    "Fullest queue of an agent",
                    "Is an agent about to drop spans?",
                    (promql(f"max({QUEUED} / {CAPACITY})", "full"),),
                    kind="stat",
                    unit="percentunit",
                    red=0.8,
                ),
                Panel(
                    "Spans dropped by agents",
                    "Were spans lost in services, in the time shown?",
                    (promql(f'sum(increase({PROCESSED}{{error_type="queue_full"}}[$__range]))', "spans"),),
                    kind="stat",
                    red=1,
                ),
                Panel(
                    "Fullest queue of a Collector",
                    "Is a back end too slow, or away?",
                    (promql("max(otelcol_exporter_queue_size / otelcol_exporter_queue_capacity)", "full"),),
                    kind="stat",
                    unit="percentunit",
                    red=0.8,
                ),
            ),
            height=4,
        ),
        Row(
            "Agents",
            (
                Panel(
                    "Spans sent, by service",
                    "Who makes how many spans?",
                    (promql(rate(PROCESSED, 'error_type=""', "job"), "{{job}}"),),
                    unit="ops",
                ),
                Panel(
                    "Spans dropped, by service",
                    "Whose queue was full?",
                    (promql(rate(PROCESSED, 'error_type="queue_full"', "job"), "{{job}}"),),
                    unit="ops",
                ),
                Panel(
                    "Queues, by service",
                    "How full is the fullest queue of each service?",
                    (promql(f"max by (job) ({QUEUED} / {CAPACITY})", "{{job}}"),),
                    unit="percentunit",
                ),
            ),
        ),
        Row(
            "Collectors",
            (
                Panel(
                    "Spans received",
                    "How many are taken, refused and lost on the way in?",
                    (
                        promql(
                            rate("otelcol_receiver_accepted_spans", _COLLECTOR, "transport"), "{{transport}}: taken"
                        ),
                        promql(
                            rate("otelcol_receiver_refused_spans", _COLLECTOR, "transport"), "{{transport}}: refused"
                        ),
                    ),
                    unit="ops",
                ),
                Panel(
                    "Spans sent",
                    "How many leave, and where to?",
                    (promql(rate("otelcol_exporter_sent_spans", _COLLECTOR, "exporter"), "{{exporter}}"),),
                    unit="ops",
                ),
                Panel(
                    "Queues",
                    "How full is the queue of each exporter?",
                    (
                        promql(
                            f"""max by (exporter, data_type) (otelcol_exporter_queue_size{{{_COLLECTOR}}}
                            / otelcol_exporter_queue_capacity{{{_COLLECTOR}}})""",
                            "{{exporter}} {{data_type}}",
                        ),
                    ),
                    unit="percentunit",
                ),
            ),
        ),
        Row(
            "What Collectors need",
            (
                Panel(
                    "Memory",
                    "Is the memory limiter about to refuse?",
                    (promql(f"otelcol_process_memory_rss{{{_COLLECTOR}}}", "{{instance}}"),),
                    unit="bytes",
                ),
                Panel(
                    "Processor",
                    "How many cores are busy?",
                    (promql(f"rate(otelcol_process_cpu_seconds{{{_COLLECTOR}}}{INTERVAL})", "{{instance}}"),),
                ),
                Panel(
                    "Series of metrics made",
                    "Does a label have too many values?",
                    (promql('scrape_samples_scraped{job="otel-openstack"}', "{{instance}}"),),
                ),
            ),
        ),
    ),
)
