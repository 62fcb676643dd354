"""What a document says that comes nearest to a component which it does not name."""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from aibom.compare import kinds
from aibom.compare.index import ClaimIndex, as_claim, named_files
from aibom.compare.join import contradicts, digests_of, paths_of
from aibom.formats.packages import purl
from aibom.types.declared import Claim
from aibom.types.files import ARRIVED
from aibom.types.findings import Closest, FindingKind
from aibom.types.inventory import Component


class Near(NamedTuple):
    """A claim that comes near, in what it differs, and the kind of finding that this makes.

    Without a kind it is only worth a look: the same file name, with another content.
    """

    claim: Claim
    differs: str
    kind: FindingKind | None = None

    @property
    def closest(self) -> Closest:
        """Return it as findings show it."""
        claim = self.claim
        return Closest(
            claim.document, claim.name, claim.version, claim.purl, claim.line, self.differs
        )


def nearest(component: Component, index: ClaimIndex) -> Near | None:
    """Return what comes nearest to a component that no claim names, or None."""
    near = _candidates(component, index)
    return next(near, None)


def _candidates(component: Component, index: ClaimIndex) -> Iterator[Near]:
    yield from _same_purl(component, index)
    yield from _same_path(component, index)
    yield from _same_file_name(component, index)


def _same_purl(component: Component, index: ClaimIndex) -> Iterator[Near]:
    parts = purl.parts(component.purl)
    if parts is None:
        return
    for claim in index.by_purl.get(parts.key, ()):
        promised = purl.parts(claim.purl)
        if promised is None:
            continue
        if promised == parts and contradicts(claim, component):
            yield Near(claim, _other_content(claim, component), kinds.DIFFERENT_CONTENT)
        elif parts.version:
            yield _other_version(claim, promised, parts)


def _other_version(claim: Claim, promised: purl.Purl, parts: purl.Purl) -> Near:
    wanted = promised.version or claim.versions
    if parts.type == "huggingface":
        differs = f"commit {wanted} is declared, {parts.version} was loaded"
        return Near(claim, differs, kinds.DIFFERENT_REVISION)
    differs = f"version {wanted} is declared, {parts.version} was loaded"
    return Near(claim, differs, kinds.DIFFERENT_VERSION)


def _same_path(component: Component, index: ClaimIndex) -> Iterator[Near]:
    arrived = component.origin.kind in ARRIVED
    kind = kinds.MODIFIED if arrived else kinds.DIFFERENT_CONTENT
    for path in paths_of(component):
        for claim in _claims_at(path, component.containers, index):
            if contradicts(claim, component):
                yield Near(claim, _other_content(claim, component), kind)


def _claims_at(path: str, containers: Collection[str], index: ClaimIndex) -> Iterable[Claim]:
    yield from index.by_path.get(path, ())
    if found := index.image_file(path, containers):
        yield as_claim(found[0], path, found[1])


def _same_file_name(component: Component, index: ClaimIndex) -> Iterator[Near]:
    for claim in named_files(index, (f.path for f in component.files)):
        if contradicts(claim, component):
            differs = f"has the same file name; {_other_content(claim, component)}"
            yield Near(claim, differs)


def _other_content(claim: Claim, component: Component) -> str:
    promised = ", ".join(sorted(claim.sha256)[:2])
    return f"SHA-256 {promised} is declared, {', '.join(sorted(digests_of(component))[:2])} is here"


def cannot_tell(component: Component, index: ClaimIndex) -> Near | None:
    """Return a claim that may well name a component whose content or commit was not seen."""
    parts = purl.parts(component.purl)
    if parts is not None and not parts.version:
        for claim in index.by_purl.get(parts.key, ()):
            return Near(claim, "which version or commit was loaded could not be seen")
    if not component.files or all(f.sha256 for f in component.files):
        return None
    files = (f.path for f in component.files if not f.sha256)
    for path in files:
        for claim in (*_claims_at(path, component.containers, index), *named_files(index, (path,))):
            return Near(claim, f"the content of {path} was not hashed")
    return None
