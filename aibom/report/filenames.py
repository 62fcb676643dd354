"""What the files of a workload are called."""

import hashlib
import re
from collections.abc import Collection
from itertools import chain, count

from aibom.types.inventory import Workload

#: How the file name of a BOM in JSON ends (CycloneDX specification, "Recognized file patterns").
BOM_SUFFIX = ".cdx.json"

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
# most file systems take 255 bytes; what follows the name needs some of them
_LONGEST = 200
# the beginning of a UUID, and of the 64 digits that a container has
_IDENTIFIER = re.compile(r"[0-9a-f]{8}(?=-|[0-9a-f]{24}$|[0-9a-f]{56}$)", re.ASCII)


def stem_of(workload: Workload) -> str:
    """Return a workload's name as the beginning of a file name: ``default_chat-demo``."""
    parts = [p for p in (workload.namespace, workload.name) if p]
    return (_UNSAFE.sub("-", "_".join(parts)).strip(".-") or workload.kind)[:_LONGEST]


def file_name(workload: Workload, taken: Collection[str] = ()) -> str:
    """Return the name of a workload's BOM, ``default_chat-demo.cdx.json``; never one ``taken``."""
    stem = stem_of(workload)
    names = (f"{stem}{tail}{BOM_SUFFIX}" for tail in chain([""], (f"-{n}" for n in count(2))))
    return next(name for name in names if name not in taken)


def own_stem(workload: Workload, key: str) -> str:
    """Return a stem that no other workload has: ``default_chat-demo@1b4e28ba``.

    It ends in the beginning of the workload's identifier, or of the digest of ``key``, which
    tells the workload from every other one; ``@`` is in no name that ``stem_of`` gives.
    """
    named = _IDENTIFIER.match(workload.uid)
    tail = named[0] if named else hashlib.sha256(key.encode()).hexdigest()[:16]
    return f"{stem_of(workload)}@{tail}"
