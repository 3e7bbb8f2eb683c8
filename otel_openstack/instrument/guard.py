"""The one place where the agent catches everything: a fault of ours is logged once and the host goes on untouched."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")

_logger = logging.getLogger("otel_openstack")
_reported: set[str] = set()


def never_raises(function: Callable[_P, _R]) -> Callable[_P, _R | None]:
    """Return the function so that it gives ``None`` where it would raise; the first fault of each is logged."""

    @functools.wraps(function)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> _R | None:
        try:
            return function(*args, **kwargs)
        except Exception:
            with suppress(Exception):  # a log that fails, or no stack left for it: nobody can be told
                name = f"{function.__module__}.{function.__qualname__}"
                if name not in _reported:
                    _reported.add(name)
                    _logger.exception("%s failed; requests go on, but are recorded in part or not at all", name)
            return None

    return guarded
