"""What the readers of hub caches share: a path's parts, and digests in the names of files."""

import re
from typing import NamedTuple

from aibom.types.modelfiles import HubKind

#: Digits of a SHA-256 and of a SHA-1.
SHA256_DIGITS, SHA1_DIGITS = 64, 40
_HEX = re.compile(r"[0-9a-f]+")
_NAME = re.compile(r"[\w.-]{1,200}")


class RepositoryPath(NamedTuple):
    """A path below a repository's folder in a hub's cache; what it does not say is empty.

    ``folder`` is the repository's folder, ``filename`` the path in the repository, ``promised``
    the digest that the file's name promises (see HubPlace), ``revision`` a branch or a tag.
    ``partial`` is true while the file is being downloaded.
    """

    folder: str
    kind: HubKind
    repository: str
    commit: str = ""
    revision: str = ""
    filename: str = ""
    promised: str = ""
    partial: bool = False


def is_hex(text: str, digits: int) -> bool:
    """Say whether ``text`` is a number of exactly ``digits`` hexadecimal digits."""
    return len(text) == digits and _HEX.fullmatch(text) is not None


def is_name(text: str) -> bool:
    """Say whether a hub could have a user, organisation or repository of this name."""
    return text not in (".", "..") and _NAME.fullmatch(text) is not None


def promise(etag: str) -> str:
    """Return the digest that Hugging Face's ETag of a file stands for, or an empty string.

    64 digits are the SHA-256 of a file in LFS, 40 the SHA-1 that git gives a small one.
    """
    if is_hex(etag, SHA256_DIGITS):
        return f"sha256:{etag}"
    return f"git-sha1:{etag}" if is_hex(etag, SHA1_DIGITS) else ""


def last_index(parts: list[str], names: frozenset[str]) -> int:
    """Return the index of the last of ``parts`` that is one of ``names``, or -1."""
    return max((i for i, part in enumerate(parts) if part in names), default=-1)
