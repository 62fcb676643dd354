"""Whether two versions are one, and whether a requirement allows a version."""

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version


def same(ecosystem: str, promised: str, found: str) -> bool:
    """Say whether ``found`` is the version that was promised; ``ecosystem`` is a purl type.

    Of PyPI by PEP 440: ``1.0`` is ``1.0.0``, and a local version label (``2.1+cpu``) that nobody
    promised makes no difference, as with the operator ``==``.
    """
    if promised == found:
        return True
    if ecosystem != "pypi":
        return False
    try:
        wanted, seen = Version(promised), Version(found)
    except InvalidVersion:
        return False
    return wanted == seen or (not wanted.local and wanted.public == Version(seen.public).public)


def allows(ecosystem: str, versions: str, found: str) -> bool:
    """Say whether a requirement allows a version: a PEP 440 specifier set for ``pypi``.

    An empty requirement allows everything; one that cannot be read allows nothing.
    """
    if not versions:
        return True
    if ecosystem != "pypi":
        return False
    try:
        # what was installed was allowed to be a pre-release by whoever installed it
        return SpecifierSet(versions).contains(found, prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return False
