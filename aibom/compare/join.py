"""Which claim names an observed component: by content, purl, or path. Names join nothing."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from aibom.compare.index import ClaimIndex, as_claim
from aibom.formats.packages import purl, versions
from aibom.types.declared import Claim
from aibom.types.inventory import Component

# what aibom calls by its content or package alone; of the others its own bom-ref is the identity
_BY_CONTENT = frozenset({"model", "adapter", "data", "package"})


@dataclass(frozen=True, slots=True)
class Joined:
    """A claim that names a component, and by what: words that follow "names it by".

    ``here`` is true where the claim also names the place that the component came from.
    """

    claim: Claim
    by: str
    here: bool = False


def digests_of(component: Component) -> frozenset[str]:
    """Return the SHA-256 of everything that is a component's content, as far as it was hashed."""
    return frozenset({f.sha256 for f in component.files} | {component.sha256}) - {""}


def paths_of(component: Component) -> tuple[str, ...]:
    """Return where a component's content was seen, in its container."""
    if component.files:
        return tuple(f.path for f in component.files)
    return tuple(dict.fromkeys(e.path for e in component.telling if e.path.startswith("/")))


def contradicts(claim: Claim, component: Component) -> bool:
    """Say whether a claim is about other content; a package has no digest of its own."""
    digests = digests_of(component)
    return bool(claim.sha256 and digests and not digests & claim.sha256)


def join(component: Component, index: ClaimIndex) -> Joined | None:
    """Return the claim that names a component, or None: by hash, then purl, then path."""
    return (
        _by_hash(component, index)
        or _by_purl(component, index)
        or _by_path(component, index)
        or _by_ref(component, index)
    )


def _by_hash(component: Component, index: ClaimIndex) -> Joined | None:
    digests = [f.sha256 for f in component.files] or [component.sha256]
    # of a model in several files, every file must be named
    found = [(index.by_hash.get(d) or index.image_content(d)) if d else None for d in digests]
    if found[0] is None or not all(found):
        return None
    return Joined(found[0], f"SHA-256 {digests[0]}" if len(found) == 1 else "SHA-256 of each file")


def _by_purl(component: Component, index: ClaimIndex) -> Joined | None:
    parts = purl.parts(component.purl)
    if parts is None or not parts.version:
        return None
    wide = None
    for claim in index.by_purl.get(parts.key, ()):
        if contradicts(claim, component):
            continue
        how = _named_by(claim, parts)
        if how and purl.parts(claim.purl) == parts:
            return Joined(claim, how)
        wide = wide or (Joined(claim, how) if how else None)
    return wide


def _named_by(claim: Claim, parts: purl.Purl) -> str:
    """Return how a claim of the same package or repository names this version of it."""
    promised = purl.parts(claim.purl)
    if promised is None:
        return ""
    if promised.version:
        is_same = versions.same(parts.type, promised.version, parts.version)
        return f"purl {claim.purl}" if is_same else ""
    if not claim.versions:
        return f"purl {claim.purl}, in any version"
    allowed = versions.allows(parts.type, claim.versions, parts.version)
    return f"purl {claim.purl}, versions {claim.versions}" if allowed else ""


def _by_path(component: Component, index: ClaimIndex) -> Joined | None:
    """Join what lies in the image at a path that a document names; only the image's own files."""
    if component.files:
        in_image = all(f.origin.kind == "image-layer" for f in component.files)
        contents = [(f.path, f.sha256) for f in component.files]
    else:
        # a package is a purl; at a path may be any version of it
        in_image = component.origin.kind == "image-layer" and not component.purl
        contents = [(path, component.sha256) for path in paths_of(component)[:1]]
    if not in_image or not contents:
        return None
    found = [_at(path, sha256, component.containers, index) for path, sha256 in contents]
    return found[-1] if all(found) else None


def _at(path: str, sha256: str, containers: Collection[str], index: ClaimIndex) -> Joined | None:
    claims: Iterable[Claim] = index.by_path.get(path, ())
    layer = ""
    if found := index.image_file(path, containers):
        claims = (*claims, as_claim(found[0], path, found[1]))
        layer = f" in layer {found[1].layer}"
    # a claim with another hash is about other content
    agreeing = [c for c in claims if not c.sha256 or sha256 in c.sha256]
    others = [c for c in claims if c.sha256 and c not in agreeing]
    # what was too large to hash cannot contradict anybody
    if not agreeing or (sha256 and others):
        return None
    return Joined(agreeing[0], f"path {path}{layer}")


def _by_ref(component: Component, index: ClaimIndex) -> Joined | None:
    """Join with an earlier observation what aibom itself gave the same identity."""
    claim = index.by_ref.get(component.ref)
    if claim is None or component.kind in _BY_CONTENT or contradicts(claim, component):
        return None
    return Joined(claim, f"bom-ref {component.ref}")
