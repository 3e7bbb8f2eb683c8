"""The errors that a caller of the library can meet.

::

    OtelOpenStackError
    ├── SettingsError      an option or an OTEL_OPENSTACK_* variable has a value that means nothing
    ├── SourceError        a store, a file or a back end cannot be opened, read or written
    ├── DecodeError        bytes that should be OTLP are not
    ├── DocumentError      a document of messages breaks its own grammar
    ├── DeploymentError    a service of a host cannot be started under the agent, or not be set back
    └── EmptyTraceError    a trace was found, but there is nothing in it to show

Every message is one sentence that names the offending value; ``hint`` is a second one that names the remedy. The
command line prints both and exits 2. The agent raises none of them into its host.
"""

from __future__ import annotations


class OtelOpenStackError(Exception):
    """The root of the tree: catch it to catch everything that this package raises on purpose.

    :param message: one sentence that names the offending value.
    :param hint: one sentence that names the remedy, or ``""`` when there is none to name.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class SettingsError(OtelOpenStackError):
    """A setting or a command-line option has a value that means nothing."""


class SourceError(OtelOpenStackError):
    """A store, a file or a back end cannot be opened, read or written, or does not know the id asked for."""


class DecodeError(OtelOpenStackError):
    """Bytes that should be OTLP (protobuf or JSON) are not."""


class DocumentError(OtelOpenStackError):
    """A document of messages breaks its own grammar (``docs/document-format.md``)."""


class EmptyTraceError(OtelOpenStackError):
    """A trace was found, but it holds no HTTP message."""


class DeploymentError(OtelOpenStackError):
    """A host's unit, its environment or our own file in it is not as starting under the agent needs it."""
