"""A host's file tree: ``/``, or an image or a scratch folder that is looked at as if it were."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from otel_openstack.exceptions import DeploymentError

_MAX_LINKS = 40
"""As many symbolic links as Linux follows in one path (path_resolution(7))."""


@dataclass(frozen=True, slots=True)
class Root:
    """A file tree whose absolute paths and links stay inside it.

    :param path: where the tree's ``/`` is on this machine.
    """

    path: Path

    def inside(self, name: str | PurePosixPath) -> Path:
        """Return where a path of the tree is on this machine, its links followed as a process inside would.

        :param name: an absolute path as the host has it; what does not exist stays as it is named.
        :raises DeploymentError: its links lead in a circle.
        """
        todo, done, links = list(reversed(PurePosixPath(name).parts)), list[str](), 0
        while todo:
            part = todo.pop()
            if part == "/":
                done = []
                continue
            if part == "..":
                done = done[:-1]
                continue
            here = self.path.joinpath(*done, part)
            if not here.is_symlink():
                done.append(part)
                continue
            links += 1
            if links > _MAX_LINKS:
                raise DeploymentError(f"{name} is a circle of symbolic links.")
            todo.extend(reversed(here.readlink().parts))
        return self.path.joinpath(*done)

    def is_file(self, name: str | PurePosixPath) -> bool:
        """Tell whether a path of the tree leads to a file."""
        return self.inside(name).is_file()

    def glob(self, folder: str | PurePosixPath, pattern: str) -> list[str]:
        """Return the sorted names in a folder of the tree that match a pattern; none when there is no such folder."""
        return sorted(path.name for path in self.inside(folder).glob(pattern))

    def read(self, name: str | PurePosixPath) -> str:
        """Return the text of a file of the tree, ``""`` when there is none; bytes that are not UTF-8 survive.

        :raises DeploymentError: it is there and cannot be read.
        """
        try:
            return self.inside(name).read_bytes().decode("utf-8", "surrogateescape")
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise DeploymentError(f"{name} cannot be read: {error.strerror}.", hint="Run it as root.") from error
