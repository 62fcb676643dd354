"""Whether two versions are one, and whether a requirement allows a version."""

from functools import lru_cache

import nodesemver
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

#: Longest requirement or version that is looked at, in characters: node-semver's patterns take
#: time by the square of it.
MAX_RANGE = 200
# what node-semver raises of broken text
_ODD = (ValueError, TypeError, LookupError, AttributeError)


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


def is_range(ecosystem: str, versions: str) -> bool:
    """Say whether a requirement can be matched: of ``pypi`` or ``npm``, and well-formed."""
    if len(versions) > MAX_RANGE:
        return False
    try:
        if ecosystem == "npm":
            return nodesemver.valid_range(versions, loose=False) is not None
        SpecifierSet(versions)
    except (InvalidSpecifier, *_ODD):
        return False
    return ecosystem == "pypi"


@lru_cache(maxsize=10_000)
def allows(ecosystem: str, versions: str, found: str) -> bool:
    """Say whether a requirement allows a version.

    A PEP 440 specifier set for ``pypi``, a range of node-semver for ``npm``. An empty requirement
    allows everything; one that cannot be read allows nothing.
    """
    if not versions:
        return True
    if not is_range(ecosystem, versions) or len(found) > MAX_RANGE:
        return False
    try:
        if ecosystem == "npm":
            return bool(nodesemver.satisfies(found, versions, loose=False))
        # what was installed was allowed to be a pre-release by whoever installed it
        return SpecifierSet(versions).contains(found, prereleases=True)
    except (InvalidSpecifier, InvalidVersion, *_ODD):
        return False
