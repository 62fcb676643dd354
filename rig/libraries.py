"""Shared libraries that wheels expect of a machine and a bare Debian has not."""

import ctypes
from pathlib import Path

from rig.debs import unpacked

# library -> Debian's package of it; numeric wheels are linked with GNU's OpenMP
_WANTED = {"libgomp.so.1": "libgomp1"}


def library_path(cache: Path) -> str:
    """Return a value of LD_LIBRARY_PATH with what is missing here, from Debian's packages.

    Empty where nothing is missing. Raises RigError when a package cannot be fetched.
    """
    missing = [package for library, package in _WANTED.items() if not _there(library)]
    folders = [deb.root / "usr" / "lib" for deb in unpacked(missing, cache)] if missing else []
    return ":".join(str(path.parent) for folder in folders for path in folder.rglob("*.so.*"))


def _there(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
