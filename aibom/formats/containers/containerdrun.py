"""Which image a container of containerd was made of, whatever its image's name means by now.

A container names its snapshot, and the snapshot has as its parent the chain id of the layers that
lie below it (containerd: core/metadata/buckets.go). What an image's layers were unpacked to stands
as a label at its configuration, and labels lead there from its index and manifest (containerd:
docs/garbage-collection.md).
"""

import re
from collections.abc import Iterator, Mapping

from aibom.formats.bolt import Database, Tree
from aibom.formats.containers.containerd import KUBERNETES, target
from aibom.formats.containers.oci import is_digest

_VERSION = b"v1"
_SNAPSHOT = b"containerd.io/gc.ref.snapshot."
_CONTENT = b"containerd.io/gc.ref.content"
# an index leads to manifests, each of these to a configuration; indexes may be in one another
_MAX_STEPS = 4
# user namespaces have copies of the layers, whose names go on behind the digest
_CHAIN = re.compile(rb"sha256:[0-9a-f]{64}")

_Labels = Mapping[bytes, Mapping[bytes, bytes]]


def images_of(database: Database, wanted: Mapping[str, str]) -> dict[str, str]:
    """Return the digest of the image of each container, by the container's id.

    ``wanted`` has the names of their images by the ids of containers. What such a name stands for
    is preferred, an index with it, where the container runs that. A container that containerd does
    not know has what the name stands for; one whose image is no longer kept is left out. Raises
    FormatError for a damaged database.
    """
    found: dict[str, str] = {}
    left = dict(wanted)
    namespaces = sorted(database.keys(_VERSION), key=lambda name: (name != KUBERNETES, name))
    for namespace in namespaces:
        known = {
            key.decode("utf-8", "replace")
            for key in database.keys(_VERSION, namespace, b"containers")
        }
        here = {container: left.pop(container) for container in known & left.keys()}
        if here:
            labels = _labels(database.tree(_VERSION, namespace, b"content", b"blob"))
            for container, name in here.items():
                if digest := _image(database, namespace, container, _named(database, name), labels):
                    found[container] = digest
    return found | {
        container: named for container, name in left.items() if (named := _named(database, name))
    }


def _named(database: Database, name: str) -> str:
    described = target(database, name)
    return described.digest if described is not None else ""


def _image(
    database: Database, namespace: bytes, container: str, named: str, labels: _Labels
) -> str:
    where = (_VERSION, namespace, b"containers", container.encode())
    snapshotter = database.value(*where, b"snapshotter") or b""
    key = database.value(*where, b"snapshotKey") or b""
    parent = database.value(_VERSION, namespace, b"snapshots", snapshotter, key, b"parent") or b""
    chain = _CHAIN.match(parent)
    if chain is None:
        return named
    label = _SNAPSHOT + snapshotter
    if named and _unpacked(named.encode(), label, labels) in (chain[0], None):
        return named
    # the name has moved on: a manifest that leads to the same layers is what it meant
    same = sorted(
        digest
        for digest, own in labels.items()
        if label not in own and _unpacked(digest, label, labels, 1) == chain[0]
    )
    digest = same[0].decode("ascii", "replace") if same else ""
    return digest if is_digest(digest) else ""


def _unpacked(
    digest: bytes, label: bytes, labels: _Labels, steps: int = _MAX_STEPS
) -> bytes | None:
    """Return what an index, manifest or configuration was unpacked to; None where nobody says."""
    own = labels.get(digest, {})
    if label in own:
        return own[label]
    if not steps:
        return None
    below = (_unpacked(child, label, labels, steps - 1) for child in _children(own))
    return next((found for found in below if found is not None), None)


def _children(labels: Mapping[bytes, bytes]) -> Iterator[bytes]:
    return (value for name, value in labels.items() if name.startswith(_CONTENT))


def _labels(blobs: Tree) -> _Labels:
    found = {}
    for digest, blob in blobs.items():
        named = blob.get(b"labels") if isinstance(blob, dict) else None
        if isinstance(named, dict):
            found[digest] = {k: v for k, v in named.items() if isinstance(v, bytes)}
    return found
