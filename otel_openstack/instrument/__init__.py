"""The agent: what lives inside a service or a client under ``opentelemetry-instrument``.

=======================  ===============================================================================
:mod:`.distro`           defaults and the SDK's set-up (entry points)
:mod:`.instrumentor`     puts the hooks in (entry point)
:mod:`.services`         the table of services, and which one this process is
:mod:`.servers`          the ways in for applications that no table names
:mod:`.runtime`          the trace a process belongs to, and who it is after a fork; :mod:`.green` the
                         trace a green thread belongs to
:mod:`.wsgi`             the server half of an exchange: :mod:`.environ` reads a request,
                         :mod:`.observation` sees its response on its way
:mod:`.http_client`      the client half, of ``requests``; :mod:`.stdlib_client` and
                         :mod:`.httpx_client` of everything else, by way of :mod:`.hop`
:mod:`.capture`          an exchange as attributes; :mod:`.streams` looks at bodies as they pass,
                         :mod:`.preview` keeps how they begin, :mod:`.coding` reads coded ones,
                         :mod:`.handover` gives all to the span
:mod:`.metrics`          durations, sizes and requests in flight, where metrics are exported
:mod:`.trust`            whose context is believed
:mod:`.propagator`       ``X-Requestshook-Request-Id`` and the context it stands for
:mod:`.export`           how spans leave, :mod:`.metric_export` metrics, :mod:`.log_export` log records;
                         :mod:`.exits` sends them before an abrupt end, :mod:`.threads` says who may have one
:mod:`.guard`            a fault of ours never reaches the host
=======================  ===============================================================================

Nothing is imported that the process does not use. Nothing at all is imported here: where ``OTEL_PROPAGATORS`` names
``requestshook``, the propagator is loaded before the launcher has what an instrumentor is made of.
"""
