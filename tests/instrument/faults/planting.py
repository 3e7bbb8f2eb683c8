"""Faults planted in the functions of the capture path, one at a time, wherever each function is used.

A function keeps its identity and gets other code, so every reference to it is the faulty one: names that modules have
imported, methods, properties, what a decorator or a cache has wrapped, and the functions that it makes when it runs.
"""

from __future__ import annotations

import functools
import gc
import importlib
import pkgutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FrameType, FunctionType
from typing import Any

import otel_openstack.instrument
import otel_openstack.redaction
import otel_openstack.route
from otel_openstack.instrument import capture
from otel_openstack.instrument.guard import never_raises

# No part of an exchange: what sets the agent up, and how telemetry leaves
_ELSEWHERE = frozenset(
    {
        *("distro", "doctor", "exits", "export", "forks", "guard", "log_export", "metric_export", "receiver"),
        *("services", "threads"),
    }
)
_COMPREHENSIONS = frozenset({"<genexpr>", "<listcomp>", "<setcomp>", "<dictcomp>"})
_KEY = "_planted_by_the_tests"
_OPTIMIZED = 0x1  # of functions, not of class bodies (inspect.CO_OPTIMIZED)


class PlantedError(Exception):
    """What a planted fault raises."""


class Interruption(BaseException):
    """What the host's machinery raises in the middle of anything, as ``eventlet.Timeout`` and ``SystemExit`` are."""


class Awkward:
    """An object with which nothing can be done: whoever does not leave it alone fails."""

    def __getattribute__(self, _name: str) -> Any:
        raise PlantedError

    def _fail(self, *_arguments: object) -> Any:
        raise PlantedError

    __bool__ = __len__ = __iter__ = __next__ = __call__ = __eq__ = __hash__ = __getitem__ = __contains__ = _fail  # type: ignore[assignment]  # that they do not fit is what it is for
    __int__ = __index__ = __str__ = __bytes__ = __enter__ = __add__ = __radd__ = __lt__ = __gt__ = _fail

    def __repr__(self) -> str:
        return "something awkward"


def _raising(kind: type[BaseException]) -> Callable[..., Any]:
    def fault(_original: Callable[..., Any], *_args: Any, **_kwargs: Any) -> Any:
        raise kind("planted")

    return fault


def _giving(value: object) -> Callable[..., Any]:
    return lambda _original, *_args, **_kwargs: value


def _give_awkward(_original: Callable[..., Any], *_args: Any, **_kwargs: Any) -> Any:
    return Awkward()  # made when it is given: whoever goes through all objects comes upon none


def _hang(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    if not _hung:  # not each time: what is called for every header would hang for minutes
        _hung.append(True)
        time.sleep(0.05)
    return original(*args, **kwargs)


def hang_again() -> None:
    """Have a function that hangs do so at its next call too."""
    _hung.clear()


def interrupt(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Raise, once, what is nobody's but the host's to catch."""
    if not _hung:
        _hung.append(True)
        raise Interruption
    return original(*args, **kwargs)


_hung: list[bool] = []

# The interpreter's own two may come at any call: no memory, no stack
_RAISED = {f"raises {kind.__name__}": _raising(kind) for kind in (PlantedError, MemoryError, RecursionError)}
_NUMBER = {"gives 42": _giving(42)}
_NONSENSE = {f"gives {value!r}": _giving(value) for value in (None, "nonsense", b"nonsense", {})} | _NUMBER

HANGS = {"hangs": _hang}
FAULTS: dict[str, Callable[..., Any]] = {**HANGS, **_RAISED, **_NONSENSE, "gives something awkward": _give_awkward}
# No constructor may give what each does that works: None would be no nonsense
OF_CONSTRUCTORS = {**HANGS, **_RAISED, **_NUMBER}


@dataclass(frozen=True)
class Victim:
    """A function of the capture path.

    :ivar holder: the function that has the code: itself, or the outermost of those that make it when they run.
    """

    name: str
    holder: FunctionType
    code: CodeType

    def __str__(self) -> str:
        return self.name


def _modules() -> Iterator[Any]:
    yield otel_openstack.route
    for package in (otel_openstack.instrument, otel_openstack.redaction):
        if package is otel_openstack.redaction:
            yield package
        for found in pkgutil.iter_modules(package.__path__):
            if found.name not in _ELSEWHERE:
                yield importlib.import_module(f"{package.__name__}.{found.name}")


def _nested(code: CodeType, name: str) -> Iterator[tuple[CodeType, str]]:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            inner_name = f"{name}.{inner.co_name}"
            if inner.co_flags & _OPTIMIZED and inner.co_name not in _COMPREHENSIONS:
                yield inner, inner_name
            yield from _nested(inner, inner_name)


def victims() -> list[Victim]:
    """Return every function that is defined in the modules of the capture path, in the order of their lines."""
    files = {module.__file__: module.__name__.removeprefix("otel_openstack.") for module in _modules()}
    found = {}
    for function in gc.get_objects():
        if isinstance(function, FunctionType) and "<locals>" not in function.__qualname__:
            code = function.__code__
            if code.co_filename in files:
                name = f"{files[code.co_filename]}.{function.__qualname__}"
                found[code] = Victim(name, function, code)
                for inner, inner_name in _nested(code, name):
                    found[inner] = Victim(inner_name, function, inner)
    return sorted(found.values(), key=lambda victim: (victim.code.co_filename, victim.code.co_firstlineno))


def guarded() -> set[CodeType]:
    """Return the code of all functions of the agent that never raise."""
    guard = never_raises(lambda: None).__code__
    functions = (found for found in gc.get_objects() if type(found) is FunctionType and found.__code__ is guard)
    return {function.__dict__["__wrapped__"].__code__ for function in functions}


def _faulty(code: CodeType) -> CodeType:
    """Return code that hands its arguments and free variables over, and has the same free variables."""
    names = ", ".join(code.co_freevars)
    source = f"""
def outer():
    {" = ".join((*code.co_freevars, "_"))} = None
    def planted(*args, **kwargs):
        return {_KEY}(args, kwargs, lambda: ({names}))
    return planted
"""
    space: dict[str, Any] = {}
    exec(compile(source, "<planted>", "exec"), space)
    planted: CodeType = space["outer"]().__code__
    assert planted.co_freevars == code.co_freevars
    return planted


def _replaced(code: CodeType, old: CodeType, new: CodeType) -> CodeType:
    if code is old:
        return new
    return code.replace(
        co_consts=tuple(_replaced(part, old, new) if isinstance(part, CodeType) else part for part in code.co_consts)
    )


def _acting(victim: Victim, act: Callable[..., Any]) -> Callable[..., Any]:
    holder, own = victim.holder, victim.holder.__code__

    def call(args: tuple[Any, ...], kwargs: dict[str, Any], free: FunctionType) -> Any:
        original = FunctionType(victim.code, holder.__globals__, victim.code.co_name, None, free.__closure__)
        if victim.code is own:
            original.__defaults__, original.__kwdefaults__ = holder.__defaults__, holder.__kwdefaults__
        return act(original, *args, **kwargs)

    return call


@contextmanager
def planted(victim: Victim, fault: Callable[..., Any]) -> Iterator[list[str]]:
    """Have a function fail; the list grows with every call of it."""
    calls: list[str] = []
    holder = victim.holder
    own = holder.__code__

    def act(*args: Any, **kwargs: Any) -> Any:
        calls.append(victim.name)
        return fault(*args, **kwargs)

    holder.__globals__[_KEY] = _acting(victim, act)
    holder.__code__ = _replaced(own, victim.code, _faulty(victim.code))
    forget()
    hang_again()
    try:
        yield calls
    finally:
        holder.__code__ = own
        forget()


@contextmanager
def watched() -> Iterator[set[Victim]]:
    """Gather the functions that are called."""
    by_code = {victim.code: victim for victim in victims()}
    called: set[Victim] = set()

    def watch(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and (victim := by_code.get(frame.f_code)):
            called.add(victim)

    threading.setprofile(watch)
    sys.setprofile(watch)
    try:
        yield called
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def forget() -> None:
    """Empty the caches of the capture path: neither what a fault gave nor what was known before it is remembered."""
    for module in _modules():
        for value in vars(module).values():
            if isinstance(value, functools._lru_cache_wrapper):
                value.cache_clear()
    for known in capture._KEYS_OF.values():
        known.clear()
