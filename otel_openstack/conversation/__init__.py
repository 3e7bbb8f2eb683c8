"""What was said: spans become exchanges, exchanges become numbered messages. Pure: no I/O, no clock, no environment."""
