"""Whether services run under the launcher, as the host's tree tells it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from otel_openstack.deploy import dropin
from otel_openstack.deploy.root import Root
from otel_openstack.deploy.syntax import LAUNCHER
from otel_openstack.deploy.units import Unit, installed, units_of
from otel_openstack.exceptions import DeploymentError


class State(Enum):
    """What became of a service's drop-in."""

    OFF = "off"
    ON = "on"
    CHANGED = "on, but changed by hand"
    OUTDATED = "on, but the unit has another command now"
    BROKEN = "on, but what it runs is gone"
    FOREIGN = "off, and a file of somebody else is in the way"
    NOT_INSTALLED = "not installed"


@dataclass(frozen=True, slots=True)
class UnitState:
    """One line of ``status``.

    :param unit: the unit, or the service's name when it has none here.
    :param where: our drop-in when there is one, else the unit's own file, else ``""``.
    """

    unit: str
    state: State
    where: str


def states(root: Root, services: Iterable[str] = ()) -> list[UnitState]:
    """Return the states of services, or of every one that is installed when none is named.

    :raises DeploymentError: a name can be none, or the tree cannot be read.
    """
    named = list(services)
    if not named:
        return [_state(unit) for unit in installed(root)]
    found: list[UnitState] = []
    for service in named:
        units = units_of(root, service)
        found += map(_state, units) if units else [UnitState(service, State.NOT_INSTALLED, "")]
    return found


def _state(unit: Unit) -> UnitState:
    fragment = unit.fragment
    path = unit.root.inside(unit.dropin)
    if not path.exists():
        return UnitState(unit.name, State.OFF if fragment else State.NOT_INSTALLED, str(fragment or ""))
    return UnitState(unit.name, _state_of_file(unit), str(unit.dropin))


def _state_of_file(unit: Unit) -> State:
    ours = dropin.parse(unit.root.read(unit.dropin))
    if ours is None:
        return State.FOREIGN
    if unit.fragment is None:
        return State.NOT_INSTALLED
    if not ours.untouched:
        return State.CHANGED
    try:
        current = unit.commands()
    except DeploymentError:
        return State.OUTDATED
    if [command.alone() for command in ours.commands] != current:
        return State.OUTDATED
    launchers = [unit.expand(command.program) for command in ours.commands if command.program.endswith(LAUNCHER)]
    return State.ON if all(map(unit.root.is_file, launchers)) else State.BROKEN
