"""What was said: spans become exchanges, exchanges become numbered messages. Pure: no I/O, no clock, no environment.

::

    spans -> pairing.pair -> hops -> messages.exchange_of -> exchanges -> ordering.order -> Conversation
"""

from otel_openstack.conversation.build import conversation

__all__ = ["conversation"]
