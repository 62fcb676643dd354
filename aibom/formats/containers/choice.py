"""Which image of an index is meant."""

from collections.abc import Sequence

from aibom.formats.containers.oci import (
    INDEXES,
    MANIFESTS,
    Descriptor,
    Platform,
    is_attestation,
    name_of,
)
from aibom.formats.source import FormatError


def choose(entries: Sequence[Descriptor], wanted: Platform, only: bool = False) -> Descriptor:
    """Return the entry of an index that is for the platform ``wanted``.

    One that says nothing of its platform will do, and with ``only`` so does the only image,
    whatever it is for. Raises FormatError naming what there is when none or several would do.
    """
    listed = [e for e in entries if e.media_type in INDEXES | MANIFESTS and not is_attestation(e)]
    images = [e for e in listed if e.platform.known] or listed
    if only and len({e.digest for e in images}) == 1:
        return images[0]
    fitting = [e for e in images if not e.platform.said or e.platform[:2] == wanted[:2]]
    exact = [e for e in fitting if e.platform.said and e.platform.variant == wanted.variant]
    found = exact or fitting
    if len({e.digest for e in found}) == 1:
        return found[0]
    names = ", ".join(
        sorted({name_of(e) or str(e.platform) or e.digest for e in found or images})[:10]
    )
    if not found:
        raise FormatError(f"has no image for {wanted}; it has {names or 'none at all'}")
    raise FormatError(f"has several images for {wanted}: {names}")
