"""From what an image's name leads to, down to the manifest for one platform."""

import platform
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from aibom.formats.containers import choice, oci
from aibom.formats.containers.oci import Descriptor, Manifest, Platform
from aibom.formats.source import FormatError
from aibom.sources.blobs import Blobs, read
from aibom.sources.errors import SourceError

#: Most indexes that lead to one another before there is a manifest.
MAX_NESTED = 4

_Parsed = TypeVar("_Parsed")
# what Go calls this machine (go/src/internal/syslist), by what the kernel calls it
_ARCHITECTURES = {
    "x86_64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "armv7l": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
    "i686": ("386", ""),
}


@dataclass(frozen=True, slots=True)
class Lineage:
    """An image's manifest, and what led to it.

    ``chain`` are its indexes, from the outermost on, and then its manifest. ``entries`` are what
    the indexes list, and ``wanted`` is the platform that was asked for.
    """

    manifest: Manifest
    chain: tuple[Descriptor, ...]
    entries: tuple[Descriptor, ...]
    wanted: Platform | None = None

    @property
    def digests(self) -> tuple[str, ...]:
        """All digests by which the image may be called; a layout's own index has none."""
        return tuple(descriptor.digest for descriptor in self.chain if descriptor.digest)


def this_platform() -> Platform:
    """Return the platform of this machine."""
    machine = platform.machine()
    return Platform("linux", *_ARCHITECTURES.get(machine, (machine, "")))


def trace(blobs: Blobs, root: Descriptor, wanted: Platform | None = None) -> Lineage:
    """Return the image for a platform that ``root`` is, or lists.

    ``wanted`` is the platform; None is that of the only image, or this machine's. Raises
    SourceError.
    """
    chain, entries = [root], list[Descriptor]()
    while chain[-1].media_type in oci.INDEXES:
        if len(chain) == MAX_NESTED:
            raise SourceError(f"{root.digest}: more than {MAX_NESTED} indexes in one another")
        listed = _parsed(blobs, chain[-1], oci.parse_index)
        entries += listed
        try:
            chain.append(choice.choose(listed, wanted or this_platform(), only=wanted is None))
        except FormatError as error:
            raise SourceError(f"{chain[-1].digest or 'the index'} {error}") from None
    if chain[-1].media_type not in oci.MANIFESTS:
        raise SourceError(f"{chain[-1].digest}: {chain[-1].media_type} is no image")
    return Lineage(manifest(blobs, chain[-1]), tuple(chain), tuple(entries), wanted)


def manifest(blobs: Blobs, descriptor: Descriptor) -> Manifest:
    """Return a manifest, read. Raises SourceError."""
    return _parsed(blobs, descriptor, oci.parse_manifest)


def _parsed(
    blobs: Blobs, descriptor: Descriptor, parse: Callable[[bytes, str], _Parsed]
) -> _Parsed:
    data = read(blobs, descriptor, oci.MAX_DOCUMENT)
    try:
        return parse(data, descriptor.media_type)
    except FormatError as error:
        raise SourceError(f"{descriptor.digest}: {error}") from None
