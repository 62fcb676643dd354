"""What the user named as an image on this machine, by what lies there."""

import os
import platform
from collections.abc import Iterator

from aibom.formats.containers.contents import Artifact, Image
from aibom.formats.containers.oci import Platform
from aibom.sources import ollama
from aibom.sources.archive import Archive, DockerSave, LayoutArchive
from aibom.sources.blobs import Blobs
from aibom.sources.containerd import Containerd
from aibom.sources.errors import SourceError
from aibom.sources.image import Keep, read
from aibom.sources.imagenames import CONTAINERD, split
from aibom.sources.layout import Layout

# what Go calls this machine (go/src/internal/syslist), by what the kernel calls it
_ARCHITECTURES = {
    "x86_64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "armv7l": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
    "i686": ("386", ""),
}


def this_platform() -> Platform:
    """Return the platform of this machine."""
    machine = platform.machine()
    return Platform("linux", *_ARCHITECTURES.get(machine, (machine, "")))


def contents(
    name: str, wanted: Platform | None, keep: Keep, root: str = ""
) -> Iterator[Image | Artifact]:
    """Yield what ``name`` holds, which is an image by its name; a folder of Ollama's has several.

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
