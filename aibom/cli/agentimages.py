"""The images of an agent's containers: how they are found and read in containerd's store."""

from collections.abc import Callable, Mapping

from aibom.agent.images.identities import Identities
from aibom.agent.images.own import OwnImages
from aibom.agent.images.reader import ImageReader
from aibom.agent.images.store import ImageStore
from aibom.agent.log import Log
from aibom.types.declared import Document


def images_of(root: str, folder: str, log: Log) -> OwnImages:
    """Return who knows the images of the containerd at ``root``, and keeps what they promise.

    Nothing is opened and no thread begins before an image is asked for.
    """

    def ask(wanted: Mapping[str, str]) -> Mapping[str, str]:
        from aibom.sources.containerd import Containerd  # noqa: PLC0415 - few agents need it

        return Containerd(root).running(wanted)

    def read(reference: str, pace: Callable[[int], None]) -> tuple[Document, ...]:
        from aibom.cli.imagereading import read_paced  # noqa: PLC0415

        return read_paced(reference, root, pace)

    return OwnImages(Identities(ask, log), ImageReader(read, ImageStore(folder, log), log))
