"""What cannot be judged yet: components whose digest is computed, and may decide the verdict."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import cached_property

from aibom.compare import kinds
from aibom.compare.index import ClaimIndex
from aibom.formats.packages import purl
from aibom.types.declared import Claim
from aibom.types.findings import Assessment, Finding, Verdict
from aibom.types.inventory import Component, Inventory
from aibom.types.policy import Entry, Policy

#: Why there is no verdict yet.
REASON = "its digest is still being computed, and may be one that was declared"
# hashes of these claims are of archives that packages come in
_PACKAGES = frozenset({"pypi", "npm", "golang", "deb", "rpm", "apk", "maven", "gem", "cargo"})
# what holds whatever the content is
_CERTAIN = frozenset({kinds.FORBIDDEN, *kinds.CONCERNS.values()})


def may_be(claim: Claim, component: Component) -> bool:
    """Say whether a claim may turn out to name a component once its files are hashed."""
    if claim.kind != "component" or (claim.component and claim.component != component.kind):
        return False
    parts = purl.parts(claim.purl)
    if claim.sha256:
        return parts is None or parts.type not in _PACKAGES
    # a commit is known by the digest that a hub's cache promises
    return parts is not None and parts.type == "huggingface" and _in_hub(component)


def _in_hub(component: Component) -> bool:
    return any(name == "aibom:hub" for name, _ in component.properties)


class Waiting:
    """Knows what may become of a component when its digest is known."""

    def __init__(self, index: ClaimIndex | None, policy: Policy | None) -> None:
        """Ask ``index`` and ``policy``, each None where there is none."""
        self._documents = index.documents if index is not None else ()
        self._policy = policy

    @cached_property
    def _sizes(self) -> frozenset[int]:
        files = (file for document in self._documents for file in document.files.values())
        return frozenset(file.size for file in files if file.sha256)

    def refs(self, inventory: Inventory) -> frozenset[str]:
        """Return the refs of components on which there can be no verdict yet.

        Of the others the digest changes nothing: no document and no entry of the policy names
        things of their kind by content, and no file of an image is as large.
        """
        return frozenset(c.ref for c in inventory.components if c.pending and self._waits(c))

    def _waits(self, component: Component) -> bool:
        claims = (claim for document in self._documents for claim in document.claims)
        return (
            any(may_be(claim, component) for claim in claims)
            or self._in_image(component)
            or (self._policy is not None and _asks(self._policy, component))
        )

    def _in_image(self, component: Component) -> bool:
        """Say whether an image has a file that may be one of the component's."""
        sizes = {file.size for file in component.files if file.pending}
        paths = {file.path for file in component.files}
        paths |= {e.path for e in component.evidence}
        if not self._sizes.isdisjoint(sizes):
            return True
        return any(path in document.files for document in self._documents for path in paths)

    def held_back(self, assessment: Assessment, waiting: Collection[str]) -> Assessment:
        """Return an assessment that says nothing of ``waiting`` but what is certain.

        That an exception covers nothing is not certain, either, before it is known what there is.
        """
        verdicts = (
            Verdict(v.ref, "unknown", REASON) if v.ref in waiting else v
            for v in assessment.verdicts
        )
        kept = tuple(f for f in assessment.findings if self._stays(f, waiting))
        return replace(assessment, verdicts=tuple(verdicts), findings=kept)

    def _stays(self, finding: Finding, waiting: Collection[str]) -> bool:
        if finding.kind == kinds.EXCEPTION_UNUSED:
            return False
        if finding.ref not in waiting:
            return True
        return finding.kind in _CERTAIN and not (self._policy and _accepts(self._policy))


def _asks(policy: Policy, component: Component) -> bool:
    """Say whether a policy asks for the content of such a component."""
    asked = any(_by_content(entry, component) for entry in (*policy.allow, *policy.forbid))
    return asked or _accepts(policy)


def _by_content(entry: Entry, component: Component) -> bool:
    proven: Iterable[str] = (*entry.purl, *entry.repo, *entry.commit, *entry.hub)
    return bool(entry.sha256 or (proven and _in_hub(component)))


def _accepts(policy: Policy) -> bool:
    """Say whether a policy accepts findings by what only a digest tells."""
    return any(waiver.sha256 or waiver.fingerprint for waiver in policy.exceptions)
