"""npm's hidden lock file, node_modules/.package-lock.json: what npm has put there.

Format: docs.npmjs.com, package-lock.json ("Hidden Lockfiles").
"""

import re
from typing import NamedTuple

from aibom.formats.jsontext import load_object, text_of

#: Most packages that are taken from one lock file.
MAX_PACKAGES = 2_000
_NAME = re.compile(r"(?:@[\w.~-]+/)?[\w.~-]{1,214}")


class Locked(NamedTuple):
    """One installed package: its folder relative to the project's, name and version."""

    folder: str
    name: str
    version: str


def parse(data: bytes) -> tuple[Locked, ...]:
    """Return the packages that a lock file lists, sorted; none for a broken one."""
    document = load_object(data) or {}
    packages = document.get("packages")
    found = []
    for folder, entry in packages.items() if isinstance(packages, dict) else ():
        name = folder.rpartition("node_modules/")[2]
        if isinstance(entry, dict) and _NAME.fullmatch(name) and not entry.get("link"):
            version = text_of(entry, "version")
            if version:
                found.append(Locked(folder, name, version))
    return tuple(sorted(found)[:MAX_PACKAGES])
