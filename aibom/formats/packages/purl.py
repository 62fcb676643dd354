"""Package URLs in the one form in which two of them may be compared."""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from packageurl import PackageURL
from packaging.utils import canonicalize_name

#: Types whose names the purl specification wants in lower case, or whose registry tells no case.
LOWER_CASE = frozenset({"golang", "huggingface", "npm"})


class Purl(NamedTuple):
    """A purl in parts: ``key`` is everything but the version, ``type`` the ecosystem.

    ``text`` is the whole, normalised; ``version`` is as people write it, not quoted.
    """

    text: str
    key: str
    type: str
    version: str


def comparable(purl: str) -> str:
    """Return a purl as ``normalised`` does; empty when it has no version to compare."""
    found = parts(purl)
    return found.text if found and found.version else ""


def normalised(purl: str) -> str:
    """Return a purl without qualifiers and subpath, names normalised; empty when it is none.

    One without a version names them all.
    """
    found = parts(purl)
    return found.text if found else ""


def named(kind: str, name: str, version: str = "") -> str:
    """Return the normalised purl of a package or repository; empty when ``name`` is none.

    ``kind`` is the purl's type; what stands in ``name`` before its last slash, as the scope of a
    package of npm, is the namespace. Without a version it names them all.
    """
    namespace, _, short = name.rpartition("/")
    return normalised(spelled(kind, namespace, short, version))


def spelled(
    kind: str, namespace: str, name: str, version: str, qualifiers: Mapping[str, str] | None = None
) -> str:
    """Return a purl of these parts; empty when ``name`` is none, or something is no Unicode."""
    try:
        made = PackageURL(kind, namespace or None, name, version or None, dict(qualifiers or {}))
        return made.to_string()
    except (ValueError, TypeError):  # a name of slashes alone is a TypeError
        return ""


def of_image(image: str) -> str:
    """Return the purl of an image that is named with its digest; without one nothing is named.

    Type ``oci``: the name is the last part of the repository, the version the manifest's digest
    (purl specification, types).
    """
    repository, at, digest = image.rpartition("@")
    name = repository.rpartition("/")[2].partition(":")[0].lower()
    return named("oci", name, digest) if at else ""


@lru_cache(maxsize=10_000)
def parts(purl: str) -> Purl | None:
    """Return a purl in its parts, names normalised; None when it is none.

    PyPI names by PEP 503; npm, Go and Hugging Face names and hub commits in lower case; the
    others as the purl specification of their type says. Qualifiers and subpath are left out.
    """
    try:
        parsed = PackageURL.from_string(purl)
        # what is no Unicode (halves of surrogates, in JSON) can be read, and not be written
        purl.encode()
    except ValueError:
        return None
    name, namespace, version = parsed.name, parsed.namespace, parsed.version
    if parsed.type == "pypi":
        name = canonicalize_name(name)
    elif parsed.type in LOWER_CASE:
        name = name.lower()
        namespace = namespace.lower() if namespace else None
    if parsed.type == "huggingface":
        version = version.lower() if version else None
    text = PackageURL(parsed.type, namespace, name, version).to_string()
    # a name has its at signs escaped (purl specification, rules for each component)
    return Purl(text, text.partition("@")[0], parsed.type, version or "")
