"""containerd's metadata: which digest an image's name stands for (core/metadata/buckets.go).

Below ``v1``, NAMESPACE, ``images``, NAME and ``target`` stand ``digest``, ``mediatype`` and
``size``, the last one as a signed variable-length integer of Go's encoding/binary.
"""

from aibom.formats.bolt import Database
from aibom.formats.containers.oci import Descriptor, is_digest
from aibom.formats.source import FormatError

#: The namespace of what Kubernetes runs (containerd: internal/cri/constants).
KUBERNETES = b"k8s.io"
_VERSION = b"v1"


def spellings(reference: str) -> tuple[str, ...]:
    """Return the names under which containerd may know an image: with defaults filled in.

    An image without a registry is docker.io's, one without a user is of ``library``, one without
    tag or digest is ``latest`` (distribution/reference, normalize.go).
    """
    last = reference.rpartition("/")[2]
    tagged = reference if ":" in last or "@" in last else f"{reference}:latest"
    forms = (reference, tagged, f"docker.io/{tagged}", f"docker.io/library/{tagged}")
    return tuple(dict.fromkeys(forms))


def target(database: Database, reference: str) -> Descriptor | None:
    """Return what the image ``reference`` is, of Kubernetes' namespace if several have it.

    Raises FormatError for a damaged database.
    """
    namespaces = list(database.keys(_VERSION))
    for namespace in sorted(namespaces, key=lambda name: (name != KUBERNETES, name)):
        for name in spellings(reference):
            where = (_VERSION, namespace, b"images", name.encode(), b"target")
            digest = (database.value(*where, b"digest") or b"").decode("utf-8", "replace")
            if is_digest(digest):
                media_type = database.value(*where, b"mediatype") or b""
                size = _varint(database.value(*where, b"size") or b"")
                return Descriptor(media_type.decode("utf-8", "replace"), digest, size)
    return None


def names(database: Database, limit: int = 1_000) -> tuple[str, ...]:
    """Return the names of up to ``limit`` images of all namespaces, each once, sorted."""
    found: set[str] = set()
    for namespace in database.keys(_VERSION):
        for name in database.keys(_VERSION, namespace, b"images"):
            found.add(name.decode("utf-8", "replace"))
            if len(found) == limit:
                break
    return tuple(sorted(found))


def _varint(data: bytes) -> int:
    value = 0
    for index, byte in enumerate(data[:10]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            # zigzag: the sign stands in the lowest bit
            return -(value >> 1) - 1 if value & 1 else value >> 1
    raise FormatError("a size that is cut off")
