"""Which names on the command line mean images, and which of several images in one place."""

import os

from aibom.sources import layers
from aibom.sources.errors import SourceError
from aibom.sources.files import open_file

#: How an image of containerd is named on the command line.
CONTAINERD = "containerd://"
#: How an image in a registry is, as in containers-transports(5).
REGISTRY = "docker://"
_TAR_MAGIC_AT = 257


def is_image(name: str) -> bool:
    """Say whether ``name`` is an image: of containerd, a layout, an archive, a folder of models.

    ``PATH:REFERENCE`` chooses one of several images; what is at a path decides, not its name.
    """
    if name.startswith(CONTAINERD):
        return True
    path, _ = split(name)
    if os.path.isdir(path):
        return os.path.exists(os.path.join(path, "index.json")) or is_ollama(path)
    return os.path.isfile(path) and _is_archive(path)


def split(name: str) -> tuple[str, str]:
    """Return path and reference of ``PATH:REFERENCE``; a path that exists as it stands is one."""
    at = 0
    while not os.path.exists(name) and (at := name.find(":", at + 1)) > 0:
        if os.path.exists(name[:at]):
            return name[:at], name[at + 1 :]
    return name, ""


def is_ollama(path: str) -> bool:
    """Say whether ``path`` is a folder of Ollama's models."""
    return all(os.path.isdir(os.path.join(path, name)) for name in ("manifests", "blobs"))


def _is_archive(path: str) -> bool:
    """Say whether a file is a tar, compressed or not."""
    try:
        with open_file(path) as file:
            compressed = layers.is_compressed(file)
        with open_file(path) as file:
            content = layers.Unpacked(file, path, layers.FREE_LAYER) if compressed else file
            head = content.read(512)
    except (SourceError, OSError):
        return False
    return len(head or b"") == 512 and head[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == b"ustar"
