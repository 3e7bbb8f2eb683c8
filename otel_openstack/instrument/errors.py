"""What an error is called, alike in spans and in metrics. Imports nothing: not all who measure also record."""

from __future__ import annotations


def error_type(error: BaseException) -> str:
    """Return ``error.type``: the name of the error's class, qualified unless it is one of Python's own."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
