"""Which claim names an observed component: by content, by purl, or by its path in the image."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from aibom.formats.packages import purl
from aibom.types.declared import Claim
from aibom.types.inventory import Component


@dataclass(frozen=True, slots=True)
class Joined:
    """A claim that names a component, and by what."""

    claim: Claim
    by: str


def _contradicts(claim: Claim, component: Component) -> bool:
    """Say whether a claim is about other content; a package has no digest of its own."""
    digests = {f.sha256 for f in component.files if f.sha256} | ({component.sha256} - {""})
    return bool(claim.sha256 and digests and not digests & claim.sha256)


class ClaimIndex:
    """Claims by hash, purl and path, so that joining takes no search. Names join nothing."""

    def __init__(self, claims: Iterable[Claim]) -> None:
        """Index ``claims``; of two that say the same the first one is kept."""
        self._by_hash: dict[str, Claim] = {}
        self._by_purl: dict[str, Claim] = {}
        self._by_path: dict[str, list[Claim]] = defaultdict(list)
        for claim in claims:
            for digest in claim.sha256:
                self._by_hash.setdefault(digest, claim)
            if claim.purl:
                self._by_purl.setdefault(claim.purl, claim)
            for path in claim.paths:
                self._by_path[path].append(claim)

    def find(self, component: Component) -> Joined | None:
        """Return the claim that names a component, or None."""
        return self._hash(component) or self._purl(component) or self._path(component)

    def _hash(self, component: Component) -> Joined | None:
        digests = [f.sha256 for f in component.files] or [component.sha256]
        # of a model in several files, every file must be named
        found = [self._by_hash.get(d) for d in digests if d]
        if len(found) == len(digests) and all(found) and found[0] is not None:
            return Joined(found[0], "SHA-256")
        return None

    def _purl(self, component: Component) -> Joined | None:
        wanted = purl.comparable(component.purl) if component.purl else ""
        claim = self._by_purl.get(wanted) if wanted else None
        if claim is None or _contradicts(claim, component):
            return None
        return Joined(claim, f"purl {wanted}")

    def _path(self, component: Component) -> Joined | None:
        # only a file of the image can be what the image's SBOM found at a path
        if not component.files or any(f.origin.kind != "image-layer" for f in component.files):
            return None
        joined = None
        for file in component.files:
            claims = self._by_path.get(file.path, ())
            # a claim with another hash is about other content
            agreeing = [c for c in claims if not c.sha256 or file.sha256 in c.sha256]
            if not agreeing or (file.sha256 and any(c.sha256 for c in claims if c not in agreeing)):
                return None
            joined = Joined(agreeing[0], f"path {file.path}")
        return joined
