"""What was said: spans become exchanges, exchanges become numbered messages. Pure: no I/O, no clock, no environment.

::

    spans -> pairing.pair -> hops -> messages.exchange_of -> exchanges -> ordering.order -> Conversation
    Conversation -> selection.select, redacted.redacted -> Conversation
    two of them -> diff.diff -> findings
"""

from otel_openstack.conversation.build import conversation

__all__ = ["conversation"]
