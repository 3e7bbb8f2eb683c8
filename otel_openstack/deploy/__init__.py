"""How a service of a real host is started under the agent, and how that is taken back to the byte.

One file a unit is all that is ever written: a systemd drop-in with the environment and the launcher before the unit's
own command. Nothing is restarted here, and a file that is not ours is never touched.
"""

from otel_openstack.deploy.changes import Change, apply, disable, enable
from otel_openstack.deploy.root import Root
from otel_openstack.deploy.state import State, UnitState, states
from otel_openstack.deploy.variables import variables

__all__ = ["Change", "Root", "State", "UnitState", "apply", "disable", "enable", "states", "variables"]
