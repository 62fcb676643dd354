"""What the user named as an image on this machine, by what lies there."""

import os
import platform
from collections.abc import Iterator

from aibom.formats.containers.contents import Artifact, Image
from aibom.formats.containers.oci import Platform
from aibom.sources import layers, ollama
from aibom.sources.archive import Archive, DockerSave, LayoutArchive
from aibom.sources.blobs import Blobs
from aibom.sources.containerd import Containerd
from aibom.sources.errors import SourceError
from aibom.sources.image import Keep, read
from aibom.sources.layout import Layout, open_file

#: How an image of containerd is named on the command line.
CONTAINERD = "containerd://"
# what Go calls this machine (go/src/internal/syslist), by what the kernel calls it
_ARCHITECTURES = {
    "x86_64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "armv7l": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
    "i686": ("386", ""),
}
_TAR_MAGIC_AT = 257


def this_platform() -> Platform:
    """Return the platform of this machine."""
    machine = platform.machine()
    return Platform("linux", *_ARCHITECTURES.get(machine, (machine, "")))


def is_image(name: str) -> bool:
    """Say whether ``name`` is an image: of containerd, a layout, an archive, a folder of models.

    ``PATH:REFERENCE`` chooses one of several images; what is at a path decides, not its name.
    """
    if name.startswith(CONTAINERD):
        return True
    path, _ = split(name)
    if os.path.isdir(path):
        return os.path.exists(os.path.join(path, "index.json")) or ollama.is_folder(path)
    return os.path.isfile(path) and _is_archive(path)


def split(name: str) -> tuple[str, str]:
    """Return path and reference of ``PATH:REFERENCE``; a path that exists as it stands is one."""
    at = 0
    while not os.path.exists(name) and (at := name.find(":", at + 1)) > 0:
        if os.path.exists(name[:at]):
            return name[:at], name[at + 1 :]
    return name, ""


def contents(
    name: str, wanted: Platform | None, keep: Keep, root: str = ""
) -> Iterator[Image | Artifact]:
    """Yield what ``name`` holds, for which ``is_image`` holds; a folder of Ollama's has several.

    ``wanted`` is the platform, by default this machine's, and ``root`` containerd's folder. Raises
    SourceError.
    """
    platform = wanted or this_platform()
    if name.startswith(CONTAINERD):
        reference = name.removeprefix(CONTAINERD)
        yield read(Containerd(root), reference, platform, "containerd's content store", keep)
        return
    path, reference = split(name)
    if os.path.isdir(path) and not os.path.exists(os.path.join(path, "index.json")):
        yield from ollama.models(path)
        return
    blobs, form = _open(path)
    yield read(blobs, reference, platform, form, keep)


def _open(path: str) -> tuple[Blobs, str]:
    if os.path.isdir(path):
        return Layout(path), "OCI image layout"
    archive = Archive(path)
    # docker writes both since version 25: the layout has the digests
    if "index.json" in archive:
        return LayoutArchive(archive), "OCI image archive"
    if "manifest.json" in archive:
        return DockerSave(archive), "docker archive"
    raise SourceError("an archive of no image: it has neither index.json nor manifest.json")


def _is_archive(path: str) -> bool:
    """Say whether a file is a tar, compressed or not."""
    try:
        with open_file(path) as file:
            compressed = layers.is_compressed(file)
        with open_file(path) as file:
            content = layers.Unpacked(file, path, layers.FREE_LAYER) if compressed else file
            head = content.read(512)
    except SourceError:
        return False
    return len(head or b"") == 512 and head[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == b"ustar"
