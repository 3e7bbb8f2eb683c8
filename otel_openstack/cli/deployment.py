"""The verbs that change how a host's services are started: ``enable``, ``disable``, ``status``.

They need nothing of the reader's: the agent's own environment has them too.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from otel_openstack.deploy import Change, Root

EXIT_NOT_ON = 1

EXAMPLES = """\
The unit keeps its command, its user and its files: one drop-in more stands in /etc/systemd/system/UNIT.d, with the
launcher of the service's own environment before the command. Nothing is restarted: the last line is what to type.

examples:
  otel-openstack enable --service glance-api --dry-run       show what would be written
  otel-openstack enable --service glance-api --service devstack@n-cpu --endpoint http://127.0.0.1:4318
  otel-openstack enable --service keystone --attribute deployment.environment.name=lab --set OTEL_OPENSTACK_BODY_LIMIT=0
  otel-openstack enable --service my-api.service --python /opt/my/bin/python

exit codes: 0 enabled, or was already; 2 error, and nothing was written
"""

DISABLE_EXAMPLES = """\
The tree is afterwards what it was before enable, to the byte. A file that otel-openstack did not write, or that was
changed since, is left alone.

examples:
  otel-openstack disable --service glance-api
  otel-openstack disable --service glance-api --dry-run

exit codes: 0 disabled, or was already; 2 error, and nothing was written
"""

STATUS_EXAMPLES = """\
examples:
  otel-openstack status                                      every service that is installed here
  otel-openstack status --service glance-api --service keystone
  otel-openstack status --root /var/lib/machines/controller

exit codes: 0 every service that was named is on (or none was named); 1 one is not; 2 error
"""


def enable_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``enable``."""
    _change_arguments(parser)
    parser.add_argument("--endpoint", metavar="URL", help="OTEL_EXPORTER_OTLP_ENDPOINT (http://127.0.0.1:4318)")
    parser.add_argument(
        "--attribute", action="append", default=[], metavar="KEY=VALUE", help="for OTEL_RESOURCE_ATTRIBUTES; repeatable"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="OTEL_NAME=VALUE", help="another variable; repeatable"
    )
    parser.add_argument("--python", metavar="FILE", help="the service's interpreter where its unit does not tell it")


def disable_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``disable``."""
    _change_arguments(parser)


def status_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``status``."""
    _service_argument(parser, required=False)


def enable(options: argparse.Namespace) -> int:
    """Write the drop-ins that start services under the launcher."""
    from otel_openstack.deploy import enable, variables

    wanted = variables(options.endpoint, options.attribute, options.set)
    return _carry_out(enable(_root(options), options.service, wanted, python=options.python), options)


def disable(options: argparse.Namespace) -> int:
    """Take the drop-ins away again."""
    from otel_openstack.deploy import disable

    return _carry_out(disable(_root(options), options.service), options)


def status(options: argparse.Namespace) -> int:
    """Show which services run under the launcher; 1 when one that was named does not."""
    from otel_openstack.deploy import State, states

    found = states(_root(options), options.service)
    rows = [(state.unit, state.state.value, state.where) for state in found]
    if sys.stdout.isatty():
        headings = [("unit", "state", "where")]
        widths = [max(map(len, column)) for column in zip(*headings, *rows, strict=True)]
        for row in headings + rows:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    else:
        for row in rows:
            print("\t".join(row))
    if not rows:
        print(f"No service of OpenStack is installed in {options.root}.", file=sys.stderr)
    return EXIT_NOT_ON if options.service and any(state.state is not State.ON for state in found) else 0


def _carry_out(changes: Sequence[Change], options: argparse.Namespace) -> int:
    from otel_openstack.deploy import apply

    wanted = [change for change in changes if not change.is_none]
    for change in changes:
        if change.is_none:
            state = "on" if change.after else "off"
            print(f"{change.unit.name} is {state} already", file=sys.stderr)
    if options.dry_run:
        for change in wanted:
            sys.stdout.write(change.diff())
        print("dry run: nothing was written", file=sys.stderr)
        return 0
    apply(wanted)
    for change in wanted:
        print(f"{change.unit.dropin} {'written' if change.after else 'removed'}", file=sys.stderr)
    if wanted:
        print(f"systemctl daemon-reload && systemctl restart {' '.join(change.unit.name for change in wanted)}")
    return 0


def _root(options: argparse.Namespace) -> Root:
    from pathlib import Path

    from otel_openstack.deploy import Root

    return Root(Path(options.root).resolve())


def _change_arguments(parser: argparse.ArgumentParser) -> None:
    _service_argument(parser, required=True)
    parser.add_argument("--dry-run", action="store_true", help="show the change as a unified diff and write nothing")


def _service_argument(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument(
        "--service",
        action="append",
        default=None if required else [],
        required=required,
        metavar="NAME",
        help="as glance-api, or a unit as devstack@g-api; repeatable",
    )
    parser.add_argument("--root", default="/", metavar="DIR", help="the host's file tree (/)")
