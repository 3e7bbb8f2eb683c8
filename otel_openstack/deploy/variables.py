"""The environment that a service is given beside the launcher."""

from __future__ import annotations

import re
from collections.abc import Iterable

from otel_openstack.exceptions import DeploymentError


def variables(endpoint: str | None, attributes: Iterable[str], others: Iterable[str]) -> dict[str, str]:
    """Return the environment of a service.

    :param endpoint: ``OTEL_EXPORTER_OTLP_ENDPOINT``; ``None`` leaves it to the agent's default.
    :param attributes: ``key=value`` each, for ``OTEL_RESOURCE_ATTRIBUTES``.
    :param others: ``OTEL_NAME=value`` each.
    :raises DeploymentError: one of them means nothing, or is a secret, which a unit's file would show to everybody.
    """
    found: dict[str, str] = {}
    if endpoint is not None:
        _match(r"https?://[^\s/]+\S*", endpoint, "is no endpoint", "--endpoint http://127.0.0.1:4318")
        found["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint
    pairs = list(attributes)
    for pair in pairs:
        _match(r"[^\s,=]+=[^,]+", pair, "is no attribute", "--attribute deployment.environment.name=lab")
    if pairs:
        found["OTEL_RESOURCE_ATTRIBUTES"] = ",".join(pairs)
    for pair in others:
        _match(r"OTEL_[A-Z0-9_]+=.*", pair, "sets no OTEL_ variable", "--set OTEL_OPENSTACK_BODY_LIMIT=0")
        name, _, value = pair.partition("=")
        if name.endswith("_HEADERS"):
            raise DeploymentError(
                f"{name} carries secrets, and everybody may read a unit.",
                hint="Put it into a file of root's alone, and name that in a drop-in of your own: EnvironmentFile=.",
            )
        found[name] = value
    return found


def _match(pattern: str, text: str, trouble: str, example: str) -> None:
    if not re.fullmatch(pattern, text) or not text.isprintable():
        raise DeploymentError(f"{text!r} {trouble}.", hint=f"Such as {example}.")
