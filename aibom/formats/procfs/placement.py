"""From a file of a file system to the path under which a mount namespace shows it.

Events name files as the kernel stores them: an image's file by its layer, a volume's by the file
system below. What people know is the path in the container.
"""

from collections.abc import Iterator
from typing import NamedTuple

from aibom.formats.procfs.mountinfo import Mount, MountTable


class Placed(NamedTuple):
    """Where a file is seen: its path, the mount that shows it, and the layer that holds it.

    ``layer`` is the layer's path on the host, empty for a file that lies on no overlay.
    """

    path: str
    mount: Mount
    layer: str = ""

    @property
    def writable(self) -> bool:
        """Whether the file lies in an overlay's writable layer."""
        return bool(self.layer) and self.layer == self.mount.upper()


class _Root(NamedTuple):
    """A folder of a file system, and where it is shown."""

    folder: str
    point: str
    mount: Mount
    layer: str = ""


class Placement:
    """What one mount namespace shows of the file systems below it."""

    def __init__(self, mounts: MountTable, outside: MountTable) -> None:
        """Take the namespace's ``mounts``; its layers' paths are those of ``outside``."""
        self._mounts = mounts
        self._roots: dict[tuple[str, str], list[_Root]] = {}
        for mount in mounts.mounts:
            found = _layers(mount, outside) if mount.overlay else [_plain(mount)]
            for device, root in found:
                self._roots.setdefault((device, root.folder.rstrip("/")), []).append(root)

    def find(self, device: str, path: str) -> Placed | None:
        """Return where the file ``path`` of the file system on ``device`` is seen, or None.

        ``device`` is ``major:minor``, ``path`` begins at the file system's own root.
        """
        # the most specific folder is the one whose mount was made for the file
        for folder in _above(path):
            for root in self._roots.get((device, folder), ()):
                shown = root.point.rstrip("/") + path[len(folder) :].rstrip("/")
                if self._mounts.at(shown) is root.mount:
                    return Placed(shown or "/", root.mount, root.layer)
        return None


def _plain(mount: Mount) -> tuple[str, _Root]:
    return mount.device, _Root(mount.root, mount.point, mount)


def _layers(overlay: Mount, outside: MountTable) -> Iterator[tuple[str, _Root]]:
    for layer in (overlay.upper(), *overlay.lower()):
        below = outside.at(layer) if layer else None
        if below is not None:
            rest = layer[len(below.point.rstrip("/")) :]
            folder = (below.root.rstrip("/") + rest) or "/"
            yield below.device, _Root(folder, overlay.point, overlay, layer)


def _above(path: str) -> Iterator[str]:
    """Yield a path and each folder above it; the root is the empty one."""
    folder = path
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
    yield ""
