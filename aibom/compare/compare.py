"""The comparison: for every observed component whether somebody declared it, and what if not."""

from collections.abc import Sequence
from datetime import date

from aibom.compare import kinds
from aibom.compare.causes import causes_of, with_causes
from aibom.compare.concerns import concerning
from aibom.compare.index import ClaimIndex
from aibom.compare.join import Joined, join
from aibom.compare.judge import Judgement, by_image_alone, declared, exempt, undeclared
from aibom.compare.missing import ONE_LOOK, Waited, missing
from aibom.compare.policy.accept import applied
from aibom.compare.policy.match import Allowing
from aibom.compare.services import undeclared_services
from aibom.compare.tools import changed_tools
from aibom.compare.waiting import Waiting
from aibom.types.declared import Claim, Document
from aibom.types.findings import Assessment, Finding
from aibom.types.inventory import Component, Inventory
from aibom.types.policy import Policy


def compare(
    inventory: Inventory,
    documents: Sequence[Document] | None,
    policy: Policy | None = None,
    today: date = date.min,
) -> Assessment:
    """Return the verdict for each component, in the inventory's order, and the findings.

    ``documents`` are all that say what should be there; None when none was given, which is not
    the same as one that claims nothing: then the image itself is what was promised. What
    ``policy`` allows is promised as well; ``today`` (UTC) decides what of it has expired.
    """
    return Comparison(documents, policy, today).of(inventory)


class Comparison:
    """Everything that was promised, indexed once for however many inventories."""

    def __init__(
        self,
        documents: Sequence[Document] | None,
        policy: Policy | None = None,
        today: date = date.min,
    ) -> None:
        """Index what was promised; see ``compare``."""
        self._index = None if documents is None else ClaimIndex(documents)
        self._allowing = Allowing(policy, today) if policy is not None else None
        self._policy, self._today = policy, today
        self._waiting = Waiting(self._index, policy)

    def of(self, inventory: Inventory, waited: Waited = ONE_LOOK) -> Assessment:
        """Return the verdict for each component, in the inventory's order, and the findings.

        ``waited`` says what may be said of declared things that were not seen.
        """
        assessment = self._judged(inventory, waited)
        waiting = self._waiting.refs(inventory)
        return self._waiting.held_back(assessment, waiting) if waiting else assessment

    def _judged(self, inventory: Inventory, waited: Waited) -> Assessment:
        if self._index is None:
            assessment = _by_image(inventory, self._allowing)
        else:
            assessment = _compared(inventory, self._index, self._allowing, waited)
        if self._policy is None:
            return assessment
        return applied(inventory, assessment, self._policy, self._today)


def _by_image(inventory: Inventory, allowing: Allowing | None) -> Assessment:
    index = ClaimIndex(())
    named = _named(inventory, index, allowing)
    by_ref = {c.ref: c for c in inventory.components}
    judged = []
    for component in inventory.components:
        joined = _joined(component, named, by_ref)
        allowed = declared(component, joined, index) if joined else None
        judged.append(exempt(component) or allowed or by_image_alone(component))
    found = _without_parts(inventory, judged)
    return Assessment(tuple(j.verdict for j in judged), (*found, *concerning(inventory)))


def _compared(
    inventory: Inventory, index: ClaimIndex, allowing: Allowing | None, waited: Waited
) -> Assessment:
    named = _named(inventory, index, allowing)
    causes = causes_of(inventory, named, index)
    named |= causes.explained()
    by_ref = {c.ref: c for c in inventory.components}
    judged = [
        exempt(component) or _judged(component, _joined(component, named, by_ref), index)
        for component in inventory.components
    ]
    found = causes.merged(_without_parts(inventory, judged))
    servers = {f.ref for f in found if f.kind == kinds.UNDECLARED["mcp-server"]}
    claims = [claim for document in index.documents for claim in document.claims]
    return Assessment(
        tuple(with_causes((j.verdict for j in judged), found)),
        (
            *found,
            *_not_allowed(inventory, undeclared_services(inventory, index), allowing),
            *changed_tools(inventory, claims),
            *missing(inventory, index.documents, waited),
            *concerning(inventory, servers),
        ),
    )


def _named(inventory: Inventory, index: ClaimIndex, allowing: Allowing | None) -> dict[str, Joined]:
    joins = ((c.ref, join(c, index) or _allowed(c, allowing)) for c in inventory.components)
    return {ref: joined for ref, joined in joins if joined is not None}


def _allowed(component: Component, allowing: Allowing | None) -> Joined | None:
    """Return what the policy says of a component as a claim; a document's own claim comes first."""
    allowed = allowing.find(component) if allowing is not None else None
    if allowed is None:
        return None
    claim = Claim(document=allowed.policy, name=component.name, line=allowed.line)
    return Joined(claim, allowed.reason, allowed.here)


def _not_allowed(
    inventory: Inventory, findings: Sequence[Finding], allowing: Allowing | None
) -> Sequence[Finding]:
    """Return the findings about destinations that the policy does not allow."""
    if allowing is None:
        return findings
    services = {s.ref: s for s in inventory.services}
    return [f for f in findings if allowing.find(services[f.ref]) is None]


def _judged(component: Component, joined: Joined | None, index: ClaimIndex) -> Judgement:
    return declared(component, joined, index) if joined else undeclared(component, index)


def _joined(
    component: Component, named: dict[str, Joined], by_ref: dict[str, Component]
) -> Joined | None:
    """Return the claim that names a component, or the package that it came with as a part."""
    if component.ref in named:
        return named[component.ref]
    package = by_ref.get(component.within)
    if package is None or package.origin.kind != component.origin.kind:
        return None
    return named.get(package.ref)


def _without_parts(inventory: Inventory, judged: Sequence[Judgement]) -> list[Finding]:
    """Return the findings; what a package brings along is part of the package's own finding."""
    found = {judgement.verdict.ref for judgement in judged if judgement.findings}
    pairs = zip(inventory.components, judged, strict=True)
    return [f for component, j in pairs if component.within not in found for f in j.findings]
