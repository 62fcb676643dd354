"""What was read of an image: a file system in layers, or the files of a model artifact."""

from dataclasses import dataclass, field
from typing import NamedTuple

from aibom.formats.containers.imageconfig import ImageConfig
from aibom.formats.containers.oci import Descriptor, Manifest
from aibom.formats.containers.tree import Tree


@dataclass(frozen=True, slots=True)
class Image:
    """A container image. ``form`` says where it was (``OCI image layout``).

    ``name`` is what it is called there, ``digests`` are those of its configuration, its manifest
    and the indexes that led to it. ``notes`` say what of it was not read.
    """

    form: str
    name: str
    digests: frozenset[str]
    config: ImageConfig
    tree: Tree
    notes: tuple[str, ...] = ()


class Packed(NamedTuple):
    """A file in a layer of a model artifact: its name there, and its content's SHA-256."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Artifact:
    """An artifact that is no file system, such as a model; ``config`` is its configuration's bytes.

    ``files`` are those in layers that are archives, by the digest of the layer. Layers that are
    the file itself were not read: their digest is the file's.
    """

    form: str
    name: str
    digests: frozenset[str]
    manifest: Manifest
    config: bytes
    files: dict[str, tuple[Packed, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def parts(self, layer: Descriptor) -> tuple[Packed, ...]:
        """Return the files of a layer that is an archive."""
        return self.files.get(layer.digest, ())
