"""Package URLs in the one form in which two of them may be compared."""

from functools import lru_cache

from packageurl import PackageURL
from packaging.utils import canonicalize_name

# types whose names the purl specification wants in lower case, or whose registry tells no case
_LOWER_CASE = frozenset({"golang", "huggingface", "npm"})


@lru_cache(maxsize=100_000)
def comparable(purl: str) -> str:
    """Return a purl without qualifiers and subpath, names normalised; empty when it is none.

    PyPI names by PEP 503; npm, Go and Hugging Face names and hub commits in lower case; the
    others as the purl specification of their type says. A purl without a version is not
    comparable: it would name every version.
    """
    try:
        parsed = PackageURL.from_string(purl)
    except ValueError:
        return ""
    if not parsed.version:
        return ""
    name, namespace, version = parsed.name, parsed.namespace, parsed.version
    if parsed.type == "pypi":
        name = canonicalize_name(name)
    elif parsed.type in _LOWER_CASE:
        name = name.lower()
        namespace = namespace.lower() if namespace else None
    if parsed.type == "huggingface":
        version = version.lower()
    return PackageURL(parsed.type, namespace, name, version).to_string()
