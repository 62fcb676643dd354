"""The file system that the layers of an image make, in memory (image-spec, layer.md).

Links are followed inside of this tree and nowhere else, so nothing in a layer leads out of it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from aibom.formats.source import FormatError

#: Most files, folders and links that layers may hold in all.
MAX_ENTRIES = 1_000_000
#: Longest path and target of a link, in characters; Linux takes 4096 bytes (limits.h, PATH_MAX).
MAX_PATH = 4096
#: Most links on the way to one path (Linux: path_resolution(7)).
MAX_LINKS = 40
#: Most steps from folder to folder in all; an image of 300,000 files takes 5 million.
MAX_STEPS = 100_000_000

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
# a name that begins with a slash leads to the root of the image, as runtimes take it: kaniko and
# nix2container write such names
_OUTSIDE = re.compile(r"(?:^|/)\.\.(?:/|$)|\0")


@dataclass(slots=True)
class File:
    """A regular file. ``layer`` counts from 0, the base; ``content`` is kept where it is read.

    ``sha256`` is empty where the archive does not hold the content as a whole. ``model`` is the
    format of what is plainly a model.
    """

    sha256: str
    size: int
    layer: int
    content: bytes | None = None
    model: str = ""


@dataclass(slots=True)
class Link:
    """A symbolic link."""

    target: str
    layer: int


@dataclass(slots=True)
class Folder:
    """A folder, its entries by name."""

    layer: int
    entries: "dict[str, Node]" = field(default_factory=dict)


Node: TypeAlias = File | Link | Folder


class Tree:
    """What is in the layers that were applied so far."""

    def __init__(self) -> None:
        """Begin with an empty root."""
        self._root = Folder(0)
        self._entries = 0
        self._steps = 0
        # folders by the paths that lead to them, until something is put
        self._real: dict[str, tuple[str, Folder | None]] = {}

    def put(self, path: str, node: Node | None, layer: int) -> bool:
        """Put a node of ``layer`` at ``path``, relative to the root; None is no file, a device.

        Whiteouts take away what lower layers had. Returns False where nothing could be put: a
        path that leads out of the root, is too long, or lies below a file or links in a circle.
        Raises FormatError beyond the limits.
        """
        self._entries += 1
        self._real.clear()
        if self._entries > MAX_ENTRIES:
            raise FormatError(f"more than {MAX_ENTRIES:,} files")
        if len(path) > MAX_PATH or _OUTSIDE.search(path):
            return False
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if not parts:
            return True  # the root itself
        *above, name = parts
        parent = self._folder(above, layer)
        if parent is None:
            return False
        if name.startswith(_WHITEOUT):
            self._whiteout(parent, name, layer)
        else:
            self._place(parent, name, node, layer)
        return True

    def link(self, path: str, target: str, layer: int) -> bool:
        """Make a hard link of ``layer`` to the file at ``target``, both relative to the root."""
        node = None if _OUTSIDE.search(target) else self._find(target)
        if not isinstance(node, File | Link):
            return False
        return self.put(path, replace(node, layer=layer), layer)

    def real(self, path: str) -> str:
        """Return ``path``, absolute, with the links in its folders followed.

        An empty string where no file is; a link that stands at ``path`` itself is not followed.
        """
        above, _, name = path.rpartition("/")
        if above not in self._real:
            trail = self._walk(above.split("/"), None) or []
            self._real[above] = "/".join(part for part, _ in trail), trail[-1][1] if trail else None
        where, folder = self._real[above]
        found = isinstance(folder.entries.get(name), File) if folder else False
        return f"{where}/{name}" if found else ""

    def followed(self, path: str) -> File | None:
        """Return the file that ``path`` leads to, over links."""
        node: Node | None = self._find(path)
        for _ in range(MAX_LINKS):
            if not isinstance(node, Link):
                break
            base = "" if node.target.startswith("/") else path.rpartition("/")[0]
            path = f"{base}/{node.target}"
            node = self._find(path)
        return node if isinstance(node, File) else None

    def files(self) -> Iterator[tuple[str, File]]:
        """Yield every file with its absolute path, folder by folder, in the order of names."""
        waiting: list[tuple[str, Folder]] = [("", self._root)]
        while waiting:
            path, folder = waiting.pop()
            below = []
            for name, node in sorted(folder.entries.items()):
                if isinstance(node, File):
                    yield f"{path}/{name}", node
                elif isinstance(node, Folder):
                    below.append((f"{path}/{name}", node))
            waiting += reversed(below)

    def _find(self, path: str) -> Node | None:
        *above, name = [part for part in path.split("/") if part not in ("", ".")] or [""]
        folder = self._folder(above, None)
        return folder.entries.get(name) if folder else None

    def _place(self, parent: Folder, name: str, node: Node | None, layer: int) -> None:
        there = parent.entries.get(name)
        if isinstance(node, Folder) and isinstance(there, Folder):
            there.layer = layer
        elif node is None:
            parent.entries.pop(name, None)
        else:
            parent.entries[name] = node

    def _whiteout(self, parent: Folder, name: str, layer: int) -> None:
        if name == _OPAQUE:
            self._prune(parent, layer)
        elif not name.startswith(_WHITEOUT * 2):  # aufs' own files
            hidden = name.removeprefix(_WHITEOUT)
            there = parent.entries.get(hidden)
            if isinstance(there, Folder):
                self._prune(there, layer)
            # what the same layer brings stays
            if there and there.layer < layer and not (isinstance(there, Folder) and there.entries):
                del parent.entries[hidden]

    def _prune(self, folder: Folder, layer: int) -> None:
        """Take out of a folder all that lower layers brought."""
        order, waiting = [], [folder]
        while waiting:
            here = waiting.pop()
            order.append(here)
            self._step(len(here.entries))
            waiting += [node for node in here.entries.values() if isinstance(node, Folder)]
        for here in reversed(order):  # the inner ones first
            here.entries = {
                name: node
                for name, node in here.entries.items()
                if node.layer >= layer or (isinstance(node, Folder) and node.entries)
            }

    def _folder(self, parts: list[str], layer: int | None) -> Folder | None:
        trail = self._walk(parts, layer)
        return trail[-1][1] if trail else None

    def _walk(self, parts: list[str], layer: int | None) -> list[tuple[str, Folder]] | None:
        """Return names and folders from the root to the folder ``parts``, links followed.

        With a ``layer``, folders that are missing are made; None where something else stands.
        """
        trail, waiting, links = [("", self._root)], parts[::-1], 0
        while waiting:
            part = waiting.pop()
            self._step(1)
            if part in ("", "."):
                continue
            if part == "..":
                del trail[max(len(trail) - 1, 1) :]
                continue
            node = trail[-1][1].entries.get(part)
            if isinstance(node, Link):
                links += 1
                if links > MAX_LINKS:
                    return None
                if node.target.startswith("/"):
                    del trail[1:]
                waiting += reversed(node.target.split("/"))
                continue
            if node is None and layer is not None:
                node = trail[-1][1].entries[part] = Folder(layer)
            if not isinstance(node, Folder):
                return None
            trail.append((part, node))
        return trail

    def _step(self, count: int) -> None:
        self._steps += count
        if self._steps > MAX_STEPS:
            raise FormatError("paths that lead through too many links and folders")
