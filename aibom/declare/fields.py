"""What the fields that all bills of materials share mean: licences, purls, digests, hosts."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

from packageurl import PackageURL

from aibom.declare.notes import Notes
from aibom.formats.modelfolder import licences
from aibom.formats.net.urls import host_of
from aibom.formats.packages import purl
from aibom.formats.text import printable
from aibom.types.inventory import ComponentKind

# SPDX 2.3, section 7.13: nothing is said, or there is none
_SAYS_NOTHING = frozenset({"", "none", "noassertion"})
# a purl escapes the colon
_DIGEST = re.compile(r"\bsha256(?::|%3A)([0-9a-f]{64})\b", re.IGNORECASE)
# purl types of models (purl specification)
_MODELS = ("pkg:huggingface/", "pkg:mlflow/")
_MAX_URL = 2_000


# texts of licences that are parsed: one takes up to a millisecond, and a document may hold 500,000
_MAX_PARSED = 20_000


@lru_cache(maxsize=_MAX_PARSED)
def _parsed(said: str) -> str:
    return licences.spdx(said)


def _spdx(said: str) -> str:
    full = _parsed.cache_info().currsize >= _MAX_PARSED
    return printable(said, 500) if full else _parsed(said)


def licence(said: Iterable[str]) -> str:
    """Return the one licence that is said, as an SPDX expression where it can be one.

    Several licences without a word between them may mean all of them or any: then "".
    """
    found = {_spdx(text) for text in said if text.strip().lower() not in _SAYS_NOTHING}
    return found.pop() if len(found) == 1 else ""


def purl_of(said: str, version: str, notes: Notes, place: str) -> str:
    """Return a normalised purl; with ``version`` when it has none; noted when it is none."""
    if not said:
        return ""
    found = purl.parts(said)
    if found is None:
        notes.add(place, f"its purl {said[:100]!r} is not valid")
        return ""
    return _with_version(found.text, version) if version and not found.version else found.text


def _with_version(found: str, version: str) -> str:
    parsed = PackageURL.from_string(found)
    full = PackageURL(parsed.type, parsed.namespace, parsed.name, version)
    return purl.normalised(full.to_string())


def repository(said: str) -> str:
    """Return the id of the repository that a purl of the Hugging Face Hub names, or ""."""
    try:
        parsed = PackageURL.from_string(said)
    except ValueError:
        return ""
    if parsed.type != "huggingface":
        return ""
    return "/".join(part for part in (parsed.namespace, parsed.name) if part)


def kind_of(found: str) -> ComponentKind | Literal[""]:
    """Return what kind of thing a purl names where its type says so, or ""."""
    return "model" if found.startswith(_MODELS) else ""


def digests(*texts: str) -> frozenset[str]:
    """Return the digests of images that stand in texts, as ``sha256:`` and lower-case hex."""
    found = (match.lower() for text in texts for match in _DIGEST.findall(text[:_MAX_URL]))
    return frozenset(f"sha256:{digest}" for digest in found)


def hosts(urls: Iterable[str]) -> frozenset[str]:
    """Return the host names and addresses in URLs, in lower case."""
    return frozenset(host_of(url[:_MAX_URL]) for url in urls) - {""}
