"""One BOM on disk: what its file is called, and whose it is."""

import hashlib
import json
from dataclasses import dataclass
from typing import NamedTuple

from aibom.agent.events import BomStatus, key_of
from aibom.agent.folder import Folder
from aibom.report.content import content_of, workload_of
from aibom.report.filenames import BOM_SUFFIX, own_stem, stem_of
from aibom.types.inventory import Workload

#: A BOM that is larger was not written by us.
_LARGEST = 2**28


@dataclass(frozen=True, slots=True)
class BomFile:
    """The newest BOM of a workload: its file in ``boms/``, the file's digest, and its content's.

    ``former`` is the digest of the file that it replaced; empty where that is not known.
    """

    name: str
    sha256: str
    content: str
    former: str = ""


class Stored(NamedTuple):
    """A BOM that was read back: whose it is, as documents name it, its digest and content."""

    key: str
    workload: Workload
    sha256: str
    content: str


def names_of(workload: Workload) -> tuple[str, str]:
    """Return the names that a workload's BOM may have, the one that is tried first in front."""
    return stem_of(workload) + BOM_SUFFIX, own_stem(workload, key_of(workload)) + BOM_SUFFIX


def bom_id(node: str, workload: Workload, file: BomFile, status: BomStatus) -> str:
    """Return what names a version of a BOM wherever it is told of.

    One that says again what an older one said is another version: whoever knows ids that were
    told before must not take it for that one.
    """
    told = "\0".join((node, key_of(workload), file.content, file.former, status))
    return hashlib.sha256(told.encode("utf-8", "backslashreplace")).hexdigest()[:32]


def read_bom(folder: Folder, name: str) -> Stored | None:
    """Return whose BOM a file is and what it says; None where it is none of ours."""
    data = folder.read(name, _LARGEST)
    try:
        document = json.loads(data or b"")
        workload = workload_of(document)
        if data is None or workload is None:
            return None
        return Stored(
            key_of(workload), workload, hashlib.sha256(data).hexdigest(), content_of(document)
        )
    except (ValueError, RecursionError):
        return None
