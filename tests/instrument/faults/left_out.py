"""Which functions of the capture path a fault is not planted in, and why."""

from __future__ import annotations

WRAPPERS = frozenset(
    {
        "instrument.green.apart",
        "instrument.green.made",
        "instrument.green.patched",
        "instrument.green.spawned",
        "instrument.instrumentor.OpenStackInstrumentor._wrap_requests.send",
        "instrument.servers.observed",
        "instrument.servers.observing_argument.wrapper",
        "instrument.servers.observing_call.wrapper",
        "instrument.servers.observing_result.wrapper",
        "instrument.servers.step_aside",
        "instrument.hop.ClientExchange.__enter__",
        "instrument.hop.ClientExchange.__exit__",
        "instrument.hop.Hop.__enter__",
        "instrument.hop.Hop.__exit__",
        "instrument.hop.SendTracer.send",
        "instrument.hop.SendTracer.send_async",
        "instrument.http_client.ObservedResponse.__iter__",
        "instrument.http_client.ObservedResponse._read",
        "instrument.http_client.ObservedResponse.close",
        "instrument.http_client.ObservedResponse.read",
        "instrument.http_client.ObservedResponse.read1",
        "instrument.http_client.ObservedResponse.readinto",
        "instrument.http_client.ObservedResponse.release_conn",
        "instrument.http_client.ObservedResponse.stream",
        "instrument.httpx_client.ObservedStream.__aiter__",
        "instrument.httpx_client.ObservedStream.__iter__",
        "instrument.httpx_client.ObservedStream.aclose",
        "instrument.httpx_client.ObservedStream.close",
        "instrument.observation.Observation._file_wrapper",
        "instrument.observation.Observation._write",
        "instrument.observation.Observation.start_response",
        "instrument.observation.ObservedBody.__iter__",
        "instrument.observation.ObservedBody.__next__",
        "instrument.observation.ObservedBody.close",
        "instrument.observation.ObservedSizedBody.__iter__",
        "instrument.observation.ObservedSizedBody.__len__",
        "instrument.propagator.RequestshookPropagator.extract",
        "instrument.propagator.keep_propagator",
        "instrument.stdlib_client.ConnectionTracer.attempt",
        "instrument.stdlib_client.ConnectionTracer.close",
        "instrument.stdlib_client.ConnectionTracer.endheaders",
        "instrument.stdlib_client.ConnectionTracer.getresponse",
        "instrument.stdlib_client.ConnectionTracer.send",
        "instrument.stdlib_client._ObservedResponse._close_conn",
        "instrument.stdlib_client._ObservedResponse._otel_openstack_read",
        "instrument.stdlib_client._ObservedResponse._safe_read",
        "instrument.stdlib_client._ObservedResponse.close",
        "instrument.stdlib_client._ObservedResponse.read",
        "instrument.stdlib_client._ObservedResponse.read1",
        "instrument.stdlib_client._ObservedResponse.readinto",
        "instrument.stdlib_client._ObservedResponse.readline",
        "instrument.stdlib_client.recorded_above",
        "instrument.stdlib_client.recorded_above.beneath",
        "instrument.streams.ObservedBufferedFile.read1",
        "instrument.streams.ObservedBufferedFile.readinto",
        "instrument.streams.ObservedFile.__iter__",
        "instrument.streams.ObservedFile.__next__",
        "instrument.streams.ObservedFile.read",
        "instrument.streams.ObservedFile.readline",
        "instrument.streams.ObservedFile.readlines",
        "instrument.streams.ObservedIterator.__iter__",
        "instrument.streams.ObservedIterator.__next__",
        "instrument.streams.observe_chunks_of_uwsgi.read",
        "instrument.wsgi.ObservedApplication.__call__",
        "instrument.wsgi.ObservedApplication.__getattr__",
    }
)
"""Their body is, or makes, the host's own call. What they call of ours is planted with faults, one by one;
whatever else they do is so little that it can be named, see :mod:`.test_wrappers`."""

_INSTRUMENTOR = "instrument.instrumentor.OpenStackInstrumentor."
UNREACHED = {
    "redaction.rules._unknown": "is compared with, not called",
    **dict.fromkeys((f"redaction.Masking.{name}" for name in ("body", "header", "query", "text")), "a protocol's"),
    **dict.fromkeys((f"instrument.hop.SendTracer.{name}" for name in ("_answer", "_observe")), "its libraries' own"),
    "instrument.metrics.observe_processor": "at the SDK's set-up",
    "instrument.metrics.observe_processor.<lambda>": "read by the metrics' own thread",
    f"{_INSTRUMENTOR}instrumentation_dependencies": "asked by the launcher, which takes what it raises",
    f"{_INSTRUMENTOR}_uninstrument": "by tests alone",
    **dict.fromkeys(
        (_INSTRUMENTOR + name for name in ("_silence", "_silence.send")), "where the user switches a library off"
    ),
    **dict.fromkeys(
        (
            f"{_INSTRUMENTOR}_wrap_{name}"
            for name in (
                *("cliff", "cliff.initialise", "greenthread", "green_threads", "oslo_middleware", "patcher"),
                "swift_client",
            )
        ),
        "where the library is, in a process of its own",
    ),
    **dict.fromkeys(
        (f"instrument.runtime.{name}" for name in ("begin", "name_command", "_Company.on_start", "_end_command")),
        "at the start and the end of a command",
    ),
    **dict.fromkeys(
        (
            f"instrument.runtime.{name}"
            for name in ("_after_fork_of_uwsgi", "_renew_identity", "watch_forks_of_uwsgi.post_fork_hook")
        ),
        "in a fork",
    ),
}
"""No exchange can pass there."""
