"""The content store of the containerd of this node, read from its files; nothing is asked.

The socket would say the same, but whoever holds it owns the node.
"""

import os
from collections.abc import Callable, Mapping
from typing import TypeVar

from aibom.formats.bolt import Database
from aibom.formats.containers import containerd, containerdrun, oci
from aibom.formats.containers.oci import Descriptor
from aibom.formats.source import FormatError
from aibom.sources.errors import MissingError, SourceError
from aibom.sources.files import open_file, whole_file
from aibom.sources.layout import BlobFolder

#: Where containerd keeps what it has: its default (docs/ops.md), then k3s, RKE2 and MicroK8s.
ROOTS = (
    "/var/lib/containerd",
    "/var/lib/rancher/k3s/agent/containerd",
    "/var/lib/rancher/rke2/agent/containerd",
    "/var/snap/microk8s/common/var/lib/containerd",
)
#: The largest database that is read.
MAX_DATABASE = 4 << 30
# a running containerd may change a page while it is read
_ATTEMPTS = 5

_Found = TypeVar("_Found")


class Containerd(BlobFolder):
    """Images in a containerd's content store."""

    def __init__(self, root: str = "") -> None:
        """Use the store below ``root``, containerd's own "root"; by default the first of ROOTS."""
        self._root = root or next(filter(os.path.isdir, ROOTS), ROOTS[0])
        super().__init__(os.path.join(self._root, "io.containerd.content.v1.content", "blobs"))

    def resolve(self, reference: str) -> Descriptor:
        """Return what an image's name or digest stands for; see Blobs.resolve."""
        found = self._ask(lambda database: containerd.target(database, reference))
        if found:
            return found
        digest = reference.rpartition("@")[2]
        if oci.is_digest(digest) and os.path.isfile(self.path(digest)):
            return self._by_digest(digest)
        known = ", ".join(self._ask(containerd.names)[:10]) or "none"
        raise MissingError(f"{self._root} has no image {reference}; it has {known}")

    def running(self, wanted: Mapping[str, str]) -> dict[str, str]:
        """Return the digests of the images that containers run; see containerdrun.images_of."""
        return self._ask(lambda database: containerdrun.images_of(database, wanted))

    def _by_digest(self, digest: str) -> Descriptor:
        data = whole_file(self.path(digest), oci.MAX_DOCUMENT)
        try:
            return Descriptor(oci.media_type(data), digest, len(data))
        except FormatError as error:
            raise SourceError(f"{digest}: {error}") from None

    def _ask(self, question: Callable[[Database], _Found]) -> _Found:
        path = os.path.join(self._root, "io.containerd.metadata.v1.bolt", "meta.db")
        trouble = FormatError("changes while it is read")
        for _ in range(_ATTEMPTS):
            with open_file(path) as file:
                try:
                    return question(Database(_FileSource(file.fileno())))
                except FormatError as error:
                    trouble = error
        raise SourceError(f"{path}: {trouble}") from None


class _FileSource:
    """An open file as a ByteSource."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.size = min(os.fstat(descriptor).st_size, MAX_DATABASE)

    def read(self, offset: int, length: int) -> bytes:
        return os.pread(self._descriptor, length, offset)
