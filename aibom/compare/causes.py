"""One finding for one cause: what a package requires is part of the package's own story."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from aibom.compare import kinds
from aibom.compare.index import ClaimIndex
from aibom.compare.join import Joined
from aibom.formats.packages import purl
from aibom.types.files import ARRIVED
from aibom.types.findings import Finding, FindingKind, Verdict
from aibom.types.inventory import Component, Inventory

_PACKAGES = ("package", "framework", "mcp-server")
#: What a requirement can explain; a declared version that differs is a finding of its own.
_EXPLAINED: frozenset[FindingKind] = frozenset({kinds.NOT_IN_SBOM, *kinds.UNDECLARED.values()})


@dataclass(frozen=True)
class Causes:
    """Who requires whom among the packages of an inventory, and which of them are declared."""

    components: Mapping[str, Component]
    required_by: Mapping[str, tuple[str, ...]]
    named: Mapping[str, Joined]
    index: ClaimIndex

    def explained(self) -> dict[str, Joined]:
        """Return what a declared package requires, where its document lists no dependencies.

        A requirements file names what somebody asked for; that brings its dependencies, in the
        image as well. What arrived by another way than its package is not explained by it, and
        neither is what a document names in another version.
        """
        found: dict[str, Joined] = {}
        requires: dict[str, list[str]] = defaultdict(list)
        for target, sources in self.required_by.items():
            for source in sources:
                requires[source].append(target)
        waiting = [
            (ref, joined) for ref, joined in sorted(self.named.items()) if self._open(joined)
        ]
        walked = set(self.named)
        while waiting:
            ref, joined = waiting.pop()
            for target in sorted(requires.get(ref, ())):
                if target in walked or not self._together(ref, target):
                    continue
                walked.add(target)
                if not self._promised(target):
                    name = self.components[ref].name
                    found[target] = Joined(joined.claim, f"{name}, which requires it")
                waiting.append((target, joined))
        return found

    def _promised(self, ref: str) -> bool:
        parts = purl.parts(self.components[ref].purl)
        return parts is not None and parts.key in self.index.by_purl

    def _open(self, joined: Joined) -> bool:
        document = self.index.document_of(joined.claim)
        return document is not None and not document.complete

    def _together(self, one: str, other: str) -> bool:
        return self.components[one].origin.kind == self.components[other].origin.kind

    def merged(self, findings: Iterable[Finding]) -> list[Finding]:
        """Return findings with those about requirements folded into that of what requires them."""
        found = list(findings)
        subjects = {f.ref: f for f in found if f.kind in _EXPLAINED and self._is_package(f.ref)}
        roots = self._roots(subjects)
        brought: dict[str, list[str]] = defaultdict(list)
        for ref, root in roots.items():
            if ref != root:
                brought[root].append(ref)
        kept = []
        for finding in found:
            if finding is not subjects.get(finding.ref):
                kept.append(finding)
            elif roots[finding.ref] == finding.ref:
                kept.append(self._told(finding, tuple(sorted(brought[finding.ref]))))
        return kept

    def _is_package(self, ref: str) -> bool:
        return ref in self.components and self.components[ref].kind in _PACKAGES

    def _roots(self, subjects: Mapping[str, Finding]) -> dict[str, str]:
        """Return for each subject the one that brought it, itself where none did."""
        parents = {
            ref: [
                p for p in self.required_by.get(ref, ()) if p in subjects and self._together(p, ref)
            ]
            for ref in subjects
        }
        children: dict[str, list[str]] = defaultdict(list)
        for ref, found in parents.items():
            for parent in found:
                children[parent].append(ref)
        roots: dict[str, str] = {}
        # of a ring in which each requires the next, the first by name stands for all
        for start in sorted(subjects, key=lambda ref: (bool(parents[ref]), ref)):
            waiting = [start]
            while waiting:
                ref = waiting.pop()
                if ref not in roots:
                    roots[ref] = start
                    waiting += children[ref]
        return roots

    def _told(self, finding: Finding, brings: tuple[str, ...]) -> Finding:
        owners = [
            ref
            for ref in self.required_by.get(finding.ref, ())
            if ref in self.named and self._together(ref, finding.ref)
        ]
        told = replace(finding, brings=brings)
        if not owners:
            return self._by_the_way(told)
        owner, joined = self.components[owners[0]], self.named[owners[0]]
        return replace(
            told,
            severity="low",
            because="a declared package requires it, so it came with that",
            reason=f"{finding.reason}; {owner.name}, which {joined.claim.document} declares,"
            " requires it",
        )

    def _by_the_way(self, finding: Finding) -> Finding:
        """Return a finding about what was installed for something else, as an extra brings it.

        Requirements name what was asked for, and neither extras nor what is not loaded show here.
        """
        component = self.components[finding.ref]
        asked_for = ("aibom:requested", "false") not in component.properties
        if asked_for or component.origin.kind in ARRIVED or self.index.lists(component):
            return finding
        return replace(
            finding,
            severity="low",
            because="its installer noted that nobody asked for it: something else brought it along,"
            " and no document that was given lists such",
        )


def causes_of(inventory: Inventory, named: Mapping[str, Joined], index: ClaimIndex) -> Causes:
    """Return who requires whom among the packages of ``inventory``."""
    components = {c.ref: c for c in inventory.components}
    required_by: dict[str, list[str]] = defaultdict(list)
    for link in inventory.links:
        source, target = components.get(link.source), components.get(link.target)
        if source and target and source.kind in _PACKAGES and target.kind in _PACKAGES:
            required_by[link.target].append(link.source)
    ordered = {ref: tuple(sorted(found)) for ref, found in required_by.items()}
    return Causes(components, ordered, named, index)


def with_causes(verdicts: Iterable[Verdict], findings: Iterable[Finding]) -> list[Verdict]:
    """Return verdicts that say of what was brought along what brought it."""
    brought = {ref: finding for finding in findings for ref in finding.brings}
    return [
        replace(v, reason=f"{v.reason}; it came with {brought[v.ref].component}")
        if v.ref in brought
        else v
        for v in verdicts
    ]
