"""Names of images, as people write them: ``debian``, ``ghcr.io/org/app:1.2``, ``app@sha256:...``.

The grammar and its defaults are those of github.com/distribution/reference (regexp.go,
normalize.go): without a registry the name is Docker Hub's, and one part there is ``library/``'s.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from aibom.formats.containers.oci import is_digest
from aibom.formats.source import FormatError
from aibom.formats.text import printable

#: The registry that a name without one means, by the name that people and logins use.
DOCKER_HUB = "docker.io"
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")

# NameTotalLengthMax, without registry as in newer versions, with it in older ones
_MAX_NAME = 255
_MAX_LENGTH = 1024
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]{{1,5}})?")
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_PART}(?:/{_PART})*")
_IDENTIFIER = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Reference:
    """An image's name with the defaults filled in.

    ``registry`` is a host name with its port where one was given, ``repository`` the name there.
    ``tag`` is empty only where a digest stands alone; where both stand, the digest decides.
    """

    registry: str
    repository: str
    tag: str
    digest: str = ""

    @property
    def target(self) -> str:
        """What to ask the registry for: the digest where there is one, else the tag."""
        return self.digest or self.tag

    def __str__(self) -> str:
        """Return the whole name, defaults included."""
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}{tag}{digest}"


class Parts(NamedTuple):
    """An image's name as it is written, nothing checked: what follows a colon may be a port."""

    name: str
    tag: str
    digest: str


def split(text: str) -> Parts:
    """Return the parts of an image's name; those that are missing are empty."""
    name, _, digest = text.partition("@")
    if ":" in name.rpartition("/")[2]:
        name, _, tag = name.rpartition(":")
        return Parts(name, tag, digest)
    return Parts(name, "", digest)


def parse(text: str) -> Reference:
    """Return the image that ``text`` names. Raises FormatError saying what of it is no name."""
    if len(text) > _MAX_LENGTH:
        raise FormatError("the image's name is too long")
    name, tag, digest = split(text)
    if "@" in text and not is_digest(digest):
        raise FormatError(f"{printable(digest, 100)!r} is no sha256 or sha512 digest")
    if name != text.partition("@")[0] and not TAG.fullmatch(tag):
        raise FormatError(f"{printable(tag, 100)!r} is no tag")
    if _IDENTIFIER.fullmatch(name):
        raise FormatError("an image's id is no name; write the repository before it")
    registry, repository = _split(name)
    if not _DOMAIN.fullmatch(registry):
        raise FormatError(f"{printable(registry, 100)!r} is no name of a registry")
    if not _PATH.fullmatch(repository) or len(repository) > _MAX_NAME:
        raise FormatError(f"{printable(repository, 100)!r} is no name of a repository")
    return Reference(registry, repository, tag or ("" if digest else "latest"), digest)


def _split(name: str) -> tuple[str, str]:
    """Return registry and repository; the first part is a registry if it could be no repository."""
    first, slash, rest = name.partition("/")
    plain = not ({".", ":"} & set(first)) and first != "localhost" and first.lower() == first
    if not slash or plain:
        first, rest = DOCKER_HUB, name
    if first == "index.docker.io":
        first = DOCKER_HUB
    if first == DOCKER_HUB and "/" not in rest:
        rest = f"library/{rest}"
    return first, rest
