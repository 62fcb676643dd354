"""What lock files have in common: packages in one version each, and what they depend on."""

from typing import NamedTuple


class LockedPackage(NamedTuple):
    """One package of a lock file.

    ``type`` is a purl's type, ``name`` as the file writes it, ``ref`` names it in this file and
    ``requires`` are the refs of what it depends on. ``line`` is where the file names it, from 1,
    0 where that is not known. ``host`` is where it is fetched from if that is no registry (a git
    server, an archive). ``marker`` is the condition under which it is installed (see
    formats.packages.markers).
    """

    type: str
    name: str
    version: str
    ref: str
    requires: tuple[str, ...] = ()
    line: int = 0
    host: str = ""
    marker: str = ""


class Lock(NamedTuple):
    """A lock file: its format with its version, its packages, and what is locked, if it says."""

    form: str
    packages: tuple[LockedPackage, ...]
    subject: str = ""
    notes: tuple[str, ...] = ()
