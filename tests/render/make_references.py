r"""Make the tables of references from what the services' and the client's own source distributions carry.

``python -m tests.render.make_references FOLDER``, where the folder holds what this fetched::

    for name in keystone glance swift nova openstack-placement cinder neutron-lib openstack-heat octavia designate \
            ironic manila magnum barbican python-openstackclient; do
        pip download --no-deps --no-binary $name -d FOLDER $name
    done

An operation is a section with ``.. rest_method::`` lines (barbican's has it as its title), and its anchor is the id
that docutils derives from the section's title (docutils.nodes.make_id); test_routers.py asks the services' routers
whether they know it. A command is an entry point, and its page the folder of its group.
"""

from __future__ import annotations

import json
import re
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TABLES = Path(__file__).parents[2] / "otel_openstack" / "render" / "references"

_BARBICAN = ("secrets", "secret_metadata", "secret_consumers", "containers", "container_consumers", "orders", "acls",
             "quotas", "store_backends")  # fmt: skip
# Service type -> source distribution, and which of its files is which page below /api-ref/
PAGES = {
    "identity": ("keystone", {"v3/index.rst": "identity/v3/", "v3-ext/index.rst": "identity/v3-ext/"}),
    "image": (
        "glance",
        {
            "v2/index.rst": "image/v2/",
            "v2/metadefs-index.rst": "image/v2/metadefs-index.html",
            "versions/index.rst": "image/versions/",
        },
    ),
    "object-store": ("swift", {"index.rst": "object-store/"}),
    "compute": ("nova", {"index.rst": "compute/"}),
    "placement": ("openstack_placement", {"index.rst": "placement/"}),
    "block-storage": ("cinder", {"v3/index.rst": "block-storage/v3/"}),
    "network": ("neutron_lib", {"v2/index.rst": "network/v2/"}),
    "orchestration": ("openstack_heat", {"v1/index.rst": "orchestration/v1/"}),
    "load-balancer": ("octavia", {"index.rst": "load-balancer/", "v2/index.rst": "load-balancer/v2/"}),
    "dns": ("designate", {"index.rst": "dns/", "dns-api-v2-index.rst": "dns/dns-api-v2-index.html"}),
    "baremetal": ("ironic", {"index.rst": "baremetal/"}),
    "shared-file-system": ("manila", {"index.rst": "shared-file-system/"}),
    "container-infrastructure-management": ("magnum", {"index.rst": "container-infrastructure-management/"}),
    "key-manager": ("barbican", {f"{name}.rst": f"/barbican/latest/api/reference/{name}.html" for name in _BARBICAN}),
}
_SOURCES = {"barbican": "doc/source/api/reference/"}

_MOUNT = re.compile(r"^/[a-z-]+(?=/v\d)")
_INCLUDE = re.compile(r"\.\. include:: *(\S+)")
_METHOD = re.compile(r"\.\. rest_method:: +([A-Z]+) +(\S+)")
_TITLE = re.compile(r"(GET|POST|PUT|DELETE) ((?:/|\{\w+_ref\})\S+)")
_REFERENCE = re.compile(r"\{(\w+)_ref\}")  # what barbican calls the URL of a thing
_RULE = re.compile(r"([=~*#^\"'.`-])\1{2,} *$")
_ACTION = re.compile(r"\(([\w-]+) Action\)")
_GROUP = re.compile(r'\[project\.entry-points\."openstack\.(\w+)((?:\.\w+)*)"\]')
_COMMAND = re.compile(r'(\w+) = "[\w.]+:\w+"')


def main(folder: Path) -> None:
    """Write the tables."""
    table = {}
    for service, (distribution, pages) in PAGES.items():
        (archive,) = folder.glob(f"{distribution}-*.tar.gz")
        above = _SOURCES.get(distribution, "api-ref/source/")
        with tarfile.open(archive) as sources:
            rows = [row for file, page in pages.items() for row in _operations(sources, above + file, page)]
        table[service] = rows
        print(f"{service}: {len(rows)} operations of {archive.name}")
    _write("operations.json", table)
    (archive,) = folder.glob("python_openstackclient-*.tar.gz")
    with tarfile.open(archive) as sources:
        commands = _commands(sources)
    print(f"{sum(map(len, commands.values()))} commands of {archive.name}")
    _write("commands.json", commands)


def _write(name: str, table: dict[str, list[Any]]) -> None:
    lines = [f'"{key}": [\n' + ",\n".join(json.dumps(row) for row in rows) + "\n]" for key, rows in table.items()]
    (TABLES / name).write_text("{\n" + ",\n".join(lines) + "\n}\n")


def _commands(sources: tarfile.TarFile) -> dict[str, list[Any]]:
    """Return the commands of each page; of two versions of an API the later one's, which stands further down."""
    names = set(sources.getnames())
    root = sources.getnames()[0].partition("/")[0]
    project = sources.extractfile(f"{root}/pyproject.toml")
    assert project is not None
    pages: dict[str, str] = {}
    page = ""
    for line in project.read().decode().splitlines():
        if line.startswith("["):
            group = _GROUP.fullmatch(line)
            page = group[1].replace("_", "-") + group[2].replace(".", "/").replace("_", "-") if group else ""
            if f"{root}/doc/source/cli/command-objects/{page}/index.rst" not in names:
                page = ""
        elif page and (command := _COMMAND.match(line)):
            pages[command[1].replace("_", " ")] = page
    result: dict[str, list[Any]] = {}
    for command, page in pages.items():
        result.setdefault(page, []).append(command)
    return result


def _operations(sources: tarfile.TarFile, file: str, page: str) -> list[tuple[str, str, str, str]]:
    """Return method, route, page with anchor, and the key of the body that tells this operation from others.

    What several sections describe (each way to get a token is one) links to the section around the first of them.
    """
    found: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    lines = list(_lines(sources, file))
    taken: set[str] = set()
    rules: list[str] = []
    anchors = [""]
    title = ""
    for over, above, line in zip(["", "", *lines], ["", *lines], lines, strict=False):
        if _RULE.match(line) and above.strip() and not _RULE.match(above) and len(line) >= len(above.rstrip()):
            title, anchor = above, f"#{_identifier(above)}"
            rule = line[0] * (2 if _RULE.match(over) else 1)
            rules += [rule] * (rule not in rules)
            level = rules.index(rule)
            # The second section of a name has an id that depends on all the others
            anchors[level + 1 :] = [""] * (level - len(anchors) + 1) + ["" if anchor in taken else anchor]
            taken.add(anchor)
        if operation := _METHOD.match(line) or (_TITLE.fullmatch(above) if title == above else None):
            route = _route(operation[2])
            action = _ACTION.search(title) if route.endswith("/action") else None
            key = operation[1], route, action[1] if action else ""
            around = next((anchor for anchor in reversed(anchors[:-1]) if anchor), "")
            found.setdefault(key, []).append((anchors[-1], around))
    return [
        (method, route, page + (around if len(sections) > 1 else anchor), action)
        for (method, route, action), sections in found.items()
        for anchor, around in sections[:1]
    ]


def _route(documented: str) -> str:
    """Return the route below the mount, without a query."""
    path = "/" + re.split(r"\?|\{\?", documented)[0].strip("/")
    return _MOUNT.sub("", _REFERENCE.sub(r"v1/\1s/{\1_id}", path))


def _lines(sources: tarfile.TarFile, file: str) -> Iterator[str]:
    """Yield the lines of a file and of those that it includes."""
    root = sources.getnames()[0].partition("/")[0] + "/"
    content = sources.extractfile(root + file)
    assert content is not None
    for line in content.read().decode().splitlines():
        included = _INCLUDE.match(line)
        path = included and str(Path(file).parent / included[1])
        if path and (root + path) in sources.getnames():
            yield from _lines(sources, path)
        else:
            yield line


def _identifier(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).lstrip("-0123456789").rstrip("-")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
