"""A folder of Ollama's models: ``manifests/REGISTRY/NAMESPACE/MODEL/TAG`` and ``blobs/sha256-HEX``.

What is where says ollama's envconfig/config.go (OLLAMA_MODELS) and manifest/paths.go.
"""

import os
from collections.abc import Iterator
from typing import BinaryIO

from aibom.formats.containers import oci
from aibom.formats.containers.contents import Artifact
from aibom.formats.hubs import ollama
from aibom.formats.source import FormatError
from aibom.sources import blobs
from aibom.sources.errors import SourceError
from aibom.sources.files import open_file, whole_file

FORM = "Ollama models folder"
#: Most models that are read of one folder.
MAX_MODELS = 10_000
_DEPTH = 4


class OllamaFolder:
    """The blobs of such a folder."""

    def __init__(self, folder: str) -> None:
        """Serve the blobs below ``folder``."""
        self._folder = folder

    def open(self, descriptor: oci.Descriptor) -> BinaryIO:
        """Return a stream of a blob; see Blobs.open."""
        name = descriptor.digest.replace(":", "-")
        return blobs.checked(open_file(os.path.join(self._folder, "blobs", name)), descriptor)


def models(folder: str) -> Iterator[Artifact]:
    """Yield the models of a folder in the order of their names. Raises SourceError."""
    store = OllamaFolder(folder)
    for parts in _manifests(os.path.join(folder, "manifests")):
        path = os.path.join(folder, "manifests", *parts)
        data = whole_file(path, oci.MAX_DOCUMENT)
        try:
            manifest = oci.parse_manifest(data, oci.media_type(data))
        except FormatError as error:
            raise SourceError(f"{path}: {error}") from None
        notes: tuple[str, ...] = ()
        config = b""
        try:
            with store.open(manifest.config) as stream:
                config = stream.read(oci.MAX_DOCUMENT)
        except SourceError as error:
            notes = (f"{'/'.join(parts)}: {error}",)
        *where, tag = parts
        name = f"{ollama.repository(where[0], where[1], where[2])}:{tag}"
        digests = frozenset({manifest.config.digest})
        yield Artifact(FORM, name, digests, manifest, config, notes=notes)


def _manifests(folder: str) -> Iterator[tuple[str, ...]]:
    """Yield where manifests lie; links are not followed."""
    waiting: list[tuple[str, ...]] = [()]
    count = 0
    while waiting:
        parts = waiting.pop()
        try:
            with os.scandir(os.path.join(folder, *parts)) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            raise SourceError(f"{os.path.join(folder, *parts)}: {error.strerror}") from None
        for entry in found:
            here = (*parts, entry.name)
            if len(here) == _DEPTH and entry.is_file(follow_symlinks=False):
                count += 1
                if count > MAX_MODELS:
                    raise SourceError(f"{folder}: more than {MAX_MODELS:,} models")
                yield here
        below = [e for e in found if len(parts) < _DEPTH - 1 and e.is_dir(follow_symlinks=False)]
        waiting += [(*parts, entry.name) for entry in reversed(below)]
