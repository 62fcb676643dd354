"""Package URLs in the one form in which two of them may be compared."""

from functools import lru_cache

from packageurl import PackageURL
from packaging.utils import canonicalize_name

# types whose names the purl specification wants in lower case, or whose registry tells no case
_LOWER_CASE = frozenset({"golang", "huggingface", "npm"})


def comparable(purl: str) -> str:
    """Return a purl as ``normalised`` does; empty when it has no version to compare."""
    found = normalised(purl)
    return found if versioned(found)[1] else ""


def versioned(purl: str) -> tuple[str, str]:
    """Split a normalised purl into what names the package, and its version, still quoted."""
    # a name has its at signs escaped (purl specification, rules for each component)
    name, _, version = purl.partition("@")
    return name, version


@lru_cache(maxsize=100_000)
def normalised(purl: str) -> str:
    """Return a purl without qualifiers and subpath, names normalised; empty when it is none.

    PyPI names by PEP 503; npm, Go and Hugging Face names and hub commits in lower case; the
    others as the purl specification of their type says. One without a version names them all.
    """
    try:
        parsed = PackageURL.from_string(purl)
    except ValueError:
        return ""
    name, namespace, version = parsed.name, parsed.namespace, parsed.version
    if parsed.type == "pypi":
        name = canonicalize_name(name)
    elif parsed.type in _LOWER_CASE:
        name = name.lower()
        namespace = namespace.lower() if namespace else None
    if parsed.type == "huggingface":
        version = version.lower() if version else None
    return PackageURL(parsed.type, namespace, name, version).to_string()
