"""The text of our drop-in, and its inverse: whose a file is, and whether anybody changed it since."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from otel_openstack.deploy import syntax
from otel_openstack.deploy.syntax import Command
from otel_openstack.exceptions import DeploymentError

_MARK = re.compile(r"^# otel-openstack: sha256 ([0-9a-f]{64}), folders made (\d+)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class DropIn:
    """What a file of ours holds.

    :param commands: what it has systemd run.
    :param folders: how many folders were made to put it into.
    :param untouched: whether its text is still the one that was written.
    """

    commands: tuple[Command, ...]
    folders: int
    untouched: bool


def render(unit: str, commands: Iterable[Command], variables: Mapping[str, str], folders: int) -> str:
    """Return the text of the drop-in of a unit.

    :param commands: what systemd has to run from now on.
    :param variables: what is added to the service's environment.
    :param folders: how many folders have to be made to put it into.
    """
    lines = [
        f"# Starts {unit} under {syntax.LAUNCHER}.",
        f"# Not to be edited: otel-openstack disable --service {unit} takes it away.",
        "",
        "[Service]",
        *(f"Environment={_environment(name, value)}" for name, value in variables.items()),
        "ExecStart=",
        *(f"ExecStart={command}" for command in commands),
    ]
    body = "".join(f"{line}\n" for line in lines)
    return _mark(body, folders) + body


def parse(text: str) -> DropIn | None:
    """Return what a drop-in holds; ``None`` when it is not one of ours."""
    match = _MARK.match(text)
    if match is None:
        return None
    body = text[match.end() :]
    values = [value for key, value in syntax.assignments(body) if key == "ExecStart"]
    try:
        commands = tuple(command for value in values for command in syntax.commands(value))
    except DeploymentError:
        commands = ()  # by another hand: the digest tells
    return DropIn(commands, int(match[2]), _mark(body, int(match[2])) == match[0])


def _environment(name: str, value: str) -> str:
    return syntax.quote(f"{name}={value}".replace("%", "%%"))


def _mark(body: str, folders: int) -> str:
    digest = hashlib.sha256(f"{folders}\n{body}".encode("utf-8", "surrogateescape")).hexdigest()
    return f"# otel-openstack: sha256 {digest}, folders made {folders}\n"
