"""What goes into one layer of an image, and the tar of it: the same input, the same bytes.

Entries are sorted, owners are root, times are the epoch, and of a mode only what matters is kept:
executable or not, sticky or not.
"""

import io
import os
import stat
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link in an image; ``target`` is written as it stands."""

    target: str


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder in an image that is empty or needs another mode than 0755."""

    mode: int = 0o755


@dataclass(frozen=True, slots=True)
class Program:
    """A file in an image that can be run: a script with its first line, or a binary."""

    content: bytes


Source: TypeAlias = bytes | Path | Link | Folder | Program
Layer: TypeAlias = Mapping[str, Source]
"""Path in the image -> a file's bytes, or a program, a file or folder from here, a link, a folder.

A folder of this machine goes in with everything in it; the path ``/`` puts it at the root.
"""


def write(layer: Layer, target: Path) -> None:
    """Write the tar of ``layer`` to the file ``target``.

    Raises ValueError when the layer puts something below a link or a file, or holds a device, a
    socket or a pipe.
    """
    entries = _flat(layer)
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(entries):
            add(tar, path, entries[path])


def add(tar: tarfile.TarFile, path: str, source: Source) -> None:
    """Add one entry (no folder's content) under ``path`` to ``tar``."""
    info = tarfile.TarInfo(path)
    info.mode = 0o644
    if isinstance(source, Program):
        info.mode, source = 0o755, source.content
    if isinstance(source, bytes):
        info.size = len(source)
        tar.addfile(info, io.BytesIO(source))
    elif isinstance(source, Path):
        status = source.stat()
        info.size = status.st_size
        info.mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
        with source.open("rb") as file:
            tar.addfile(info, file)
    elif isinstance(source, Link):
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, source.target, 0o777
        tar.addfile(info)
    else:
        info.type, info.mode = tarfile.DIRTYPE, source.mode
        tar.addfile(info)


def _flat(layer: Layer) -> dict[str, Source]:
    """Return path -> entry for everything in ``layer``, the folders above each entry included."""
    entries: dict[str, Source] = {}
    for path, source in layer.items():
        entries.update(_entries(path.strip("/"), source))
    entries.pop("", None)
    for path in list(entries):
        for parent in PurePosixPath(path).parents:
            if str(parent) != "." and not isinstance(
                entries.setdefault(str(parent), Folder()), Folder
            ):
                raise ValueError(f"layer: {path} lies below {parent}, which is no folder")
    return entries


def _entries(path: str, source: Source) -> Iterator[tuple[str, Source]]:
    if not isinstance(source, Path):
        yield path, source
        return
    mode = source.lstat().st_mode
    if stat.S_ISLNK(mode):
        yield path, Link(str(source.readlink()))
    elif stat.S_ISREG(mode):
        yield path, source
    elif stat.S_ISDIR(mode):
        yield path, Folder(0o1777 if mode & stat.S_ISVTX else 0o755)
        for child in os.scandir(source):
            yield from _entries(f"{path}/{child.name}".lstrip("/"), Path(child.path))
    else:
        raise ValueError(f"layer: {source} is neither file, folder nor link")
