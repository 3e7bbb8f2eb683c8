"""What stands around the host's own calls, and so cannot be guarded, does nothing that could fail."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

from tests.instrument.faults.left_out import WRAPPERS
from tests.instrument.faults.planting import Victim, guarded, victims

_HOSTS = {"wrapped", "function", "read", "write", "close", "start_response", "iter", "next", "self._wrap_file"}
_OF_THE_HOST = ("self.__wrapped__", "super()")
_PLAIN = {
    "type", "isinstance", "len", "getattr", "super", "partial", "AttributeError",
    "args.get", "kwargs.get", "instance.__dict__.get", "instance.__dict__.pop",
    "_recorded_above.get", "_recorded_above.set", "_recorded_above.reset", "_attempt.set", "_attempt.reset",
    "nullcontext", "Context", "attach", "detach", "get_value", "is_http_instrumentation_enabled",
}  # fmt: skip
"""Of the interpreter, and of OpenTelemetry's context, which is a context variable."""


@lru_cache
def _functions(file: str) -> dict[int, ast.AST]:
    """Return the functions of a file by the line that they begin in."""
    tree = ast.parse(Path(file).read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.lineno: node for node in ast.walk(tree) if isinstance(node, kinds)}


def _calls(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield ast.unparse(child.func)
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):  # those are victims of their own
            yield from _calls(child)


@pytest.mark.parametrize("wrapper", [victim for victim in victims() if str(victim) in WRAPPERS], ids=str)
def test_a_wrapper_calls_the_host_and_what_never_raises(wrapper: Victim) -> None:
    """Beside them only what has no reason to fail."""
    ours = {code.co_name for code in guarded()} | {name.rpartition(".")[2] for name in WRAPPERS}
    ours |= {"_self_feed", "application"}  # the streams' is Preview.feed, and the other an ObservedApplication
    others = {
        call
        for call in _calls(_functions(wrapper.code.co_filename)[wrapper.code.co_firstlineno])
        if call not in _HOSTS | _PLAIN and not call.startswith(_OF_THE_HOST) and call.rpartition(".")[2] not in ours
    }
    assert others == set()
