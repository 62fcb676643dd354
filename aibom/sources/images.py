"""What the user named as an image on this machine, by what lies there."""

import os
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


def contents(
    name: str, wanted: Platform | None, keep: Keep, root: str = ""
) -> Iterator[Image | Artifact]:
    """Yield what ``name`` holds, which is an image by its name; a folder of Ollama's has several.

    ``wanted`` is the platform, see ``image.read``, and ``root`` containerd's folder. Raises
    SourceError.
    """
    if name.startswith(CONTAINERD):
        reference = name.removeprefix(CONTAINERD)
        yield read(Containerd(root), reference, wanted, "containerd's content store", keep)
        return
    path, reference = split(name)
    if os.path.isdir(path) and not os.path.exists(os.path.join(path, "index.json")):
        yield from ollama.models(path)
        return
    blobs, form = _open(path)
    yield read(blobs, reference, wanted, form, keep)


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
