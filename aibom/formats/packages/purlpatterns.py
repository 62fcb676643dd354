"""Package URLs with ``*`` in them, compared field by field (github.com/package-url/purl-spec)."""

import re
from functools import lru_cache
from typing import NamedTuple

from packaging.utils import canonicalize_name

from aibom.formats.packages.purl import LOWER_CASE
from aibom.formats.patterns import matches, matches_fields
from aibom.formats.source import FormatError

# percent-encoding (RFC 3986, section 2.1), of any number of bytes of UTF-8
_ENCODED = re.compile(r"(?:%[0-9A-Fa-f]{2})+")


class PurlFields(NamedTuple):
    """A purl in the parts that are compared: ``path`` is namespace and name, ``a/b``.

    A part of a pattern may hold ``*``; an empty ``version`` of one stands for every version. An
    asterisk that belongs to a name stays ``%2A``, so that no name becomes a pattern.
    """

    type: str
    path: str
    version: str


@lru_cache(maxsize=10_000)
def fields(purl: str) -> PurlFields:
    """Return the normalised fields of a purl or of a pattern; qualifiers are left out.

    PyPI names by PEP 503; npm, Go and Hugging Face names in lower case. Raises FormatError for
    what has no type or no name.
    """
    text = purl.strip().partition("#")[0].partition("?")[0]
    scheme, _, rest = text.partition(":")
    kind, _, rest = rest.strip("/").partition("/")
    # the @ of an npm scope stands at the beginning of a segment, the version's behind the name
    at = rest.rfind("@")
    if at <= 0 or rest[at - 1] == "/":
        at = len(rest)
    path, version = _decoded(rest[:at]).strip("/"), _decoded(rest[at + 1 :])
    if scheme != "pkg" or not kind or not path:
        raise FormatError(f"{purl[:200]!r} is no package URL (pkg:TYPE/NAMESPACE/NAME@VERSION)")
    kind = kind.lower()
    if kind == "pypi":
        path = canonicalize_name(path)
    elif kind in LOWER_CASE:
        path = path.lower()
    return PurlFields(kind, path, version.lower() if kind == "huggingface" else version)


def _decoded(text: str) -> str:
    return _ENCODED.sub(lambda run: _bytes(run[0]), text)


def _bytes(encoded: str) -> str:
    text = bytes.fromhex(encoded.replace("%", "")).decode("utf-8", "replace")
    return text.replace("*", "%2A")


def names(pattern: PurlFields, found: PurlFields) -> bool:
    """Say whether ``pattern`` stands for the package ``found``."""
    return (
        matches(pattern.type, found.type)
        and matches_fields(pattern.path, found.path, "/")
        and (not pattern.version or matches(pattern.version, found.version))
    )
