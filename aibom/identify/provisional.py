"""What things are called whose content is still being hashed."""

import hashlib
from collections.abc import Iterable
from dataclasses import astuple

from aibom.types.files import FileFacts

#: Said of a component whose digest is still being computed.
PENDING = ("aibom:digest", "pending")


def name_of(files: Iterable[FileFacts]) -> str:
    """Return what tells the content of some files from any other on this node, unhashed.

    It is made of their identities (see FileKey), never of their paths: another content at the
    same path has another name, as it must not be taken for what was there before.
    """
    keys = sorted({astuple(file.key) for file in files})
    return f"file:{hashlib.sha256(repr(keys).encode()).hexdigest()[:16]}"
