"""What the user named as an image on this machine, by what lies there."""

import os
from collections.abc import Iterator
from typing import NamedTuple

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


class Place(NamedTuple):
    """Where an image's blobs are, what it is called there, and what kind of place it is."""

    blobs: Blobs
    reference: str
    form: str


def place(name: str, root: str = "") -> Place | None:
    """Return where the image ``name`` is; None for a folder of Ollama's, which has several.

    ``root`` is containerd's folder. Raises SourceError.
    """
    if name.startswith(CONTAINERD):
        reference = name.removeprefix(CONTAINERD)
        return Place(Containerd(root), reference, "containerd's content store")
    path, reference = split(name)
    if os.path.isdir(path) and not os.path.exists(os.path.join(path, "index.json")):
        return None
    blobs, form = _open(path)
    return Place(blobs, reference, form)


def contents(
    name: str, wanted: Platform | None, keep: Keep, root: str = ""
) -> Iterator[Image | Artifact]:
    """Yield what ``name`` holds, which is an image by its name; a folder of Ollama's has several.

    ``wanted`` is the platform, see ``image.read``, and ``root`` containerd's folder. Raises
    SourceError.
    """
    found = place(name, root)
    if found is None:
        yield from ollama.models(split(name)[0])
    else:
        yield read(found.blobs, found.reference, wanted, found.form, keep)


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
