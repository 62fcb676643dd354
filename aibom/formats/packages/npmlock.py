"""npm's lock files: package-lock.json, and the hidden node_modules/.package-lock.json.

Format: docs.npmjs.com, package-lock.json ("Hidden Lockfiles").
"""

import re
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from aibom.formats.jsontext import load_object, text_of

#: Most packages that are taken from one lock file.
MAX_PACKAGES = 2_000
# the strongest one is enough; npm writes sha512, and sha1 for the oldest packages
_INTEGRITY = re.compile(r"sha(?:512|384|256|1)-[A-Za-z0-9+/]{20,90}={0,2}")
_NAME = re.compile(r"(?:@[\w.~-]+/)?[\w.~-]{1,214}")


class Locked(NamedTuple):
    """One installed package: its folder relative to the project's, name and version.

    ``integrity`` is the digest that its archive had, as W3C's Subresource Integrity writes it.
    """

    folder: str
    name: str
    version: str
    integrity: str = ""


def _integrity(entry: dict[str, Any]) -> str:
    said = text_of(entry, "integrity")
    return said if _INTEGRITY.fullmatch(said) else ""


def parse(data: bytes) -> tuple[Locked, ...]:
    """Return the packages that a lock file lists, sorted; none for a broken one."""
    return tuple(sorted(_locked(data))[:MAX_PACKAGES])


def _locked(data: bytes) -> Iterator[Locked]:
    document = load_object(data) or {}
    packages = document.get("packages")
    for folder, entry in packages.items() if isinstance(packages, dict) else ():
        name = folder.rpartition("node_modules/")[2]
        if isinstance(entry, dict) and _NAME.fullmatch(name) and not entry.get("link"):
            version = text_of(entry, "version")
            if version:
                yield Locked(folder, name, version, _integrity(entry))


def integrities(data: bytes, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return the digests that a lock file promises of ``wanted``, by folder and version.

    A folder is relative to the project's, as in ``node_modules/@scope/name``.
    """
    named = ((one.folder, one.version, one.integrity) for one in _locked(data))
    return {(at, version): said for at, version, said in named if said and (at, version) in wanted}
