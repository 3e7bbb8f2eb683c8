"""OpenTelemetry for OpenStack: every HTTP exchange recorded whole, and back again as a numbered document.

Two programs and one contract. The **agent** (:mod:`otel_openstack.instrument`) lives inside somebody's service or
client under the stock ``opentelemetry-instrument`` launcher: small, quick, silent, unable to break its host. The
**reader** (everything else) lives on somebody's laptop: it receives spans, keeps them, finds them again and writes
documents. They meet in the span and its attribute names alone (:mod:`otel_openstack.attributes`)::

    service -> instrument -> span -> OTLP -> traces -> otlp.Span -> conversation -> render -> document
                                                 ^                                              |
                                                 +------------------- importer <----------------+

Five words, in code, command line and documents alike: a **message** is one request or one response, an **exchange**
a request and its response over one hop, a **conversation** the numbered messages of a trace; of each exchange, one
side is the **caller**, the other the **callee**.
"""

__version__ = "0.1.0"
