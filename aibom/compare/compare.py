"""The comparison: for every observed component whether somebody declared it, and what if not."""

from collections.abc import Sequence

from aibom.compare.causes import causes_of, with_causes
from aibom.compare.concerns import concerning
from aibom.compare.index import ClaimIndex
from aibom.compare.join import Joined, join
from aibom.compare.judge import Judgement, by_image_alone, declared, exempt, undeclared
from aibom.compare.missing import missing
from aibom.compare.services import undeclared_services
from aibom.compare.tools import changed_tools
from aibom.types.declared import Document
from aibom.types.findings import Assessment, Finding
from aibom.types.inventory import Component, Inventory


def compare(inventory: Inventory, documents: Sequence[Document] | None) -> Assessment:
    """Return the verdict for each component, in the inventory's order, and the findings.

    ``documents`` are all that say what should be there; None when none was given, which is not
    the same as one that claims nothing: then the image itself is what was promised.
    """
    if documents is None:
        judged = [exempt(c) or by_image_alone(c) for c in inventory.components]
        found = _without_parts(inventory, judged)
        return Assessment(tuple(j.verdict for j in judged), (*found, *concerning(inventory)))
    return _compared(inventory, documents)


def _compared(inventory: Inventory, documents: Sequence[Document]) -> Assessment:
    index = ClaimIndex(documents)
    joins = ((c.ref, join(c, index)) for c in inventory.components)
    named = {ref: joined for ref, joined in joins if joined is not None}
    causes = causes_of(inventory, named, index)
    named |= causes.explained()
    by_ref = {c.ref: c for c in inventory.components}
    judged = [
        exempt(component) or _judged(component, _joined(component, named, by_ref), index)
        for component in inventory.components
    ]
    found = causes.merged(_without_parts(inventory, judged))
    claims = [claim for document in documents for claim in document.claims]
    return Assessment(
        tuple(with_causes((j.verdict for j in judged), found)),
        (
            *found,
            *undeclared_services(inventory, index),
            *changed_tools(inventory, claims),
            *missing(inventory, documents),
            *concerning(inventory),
        ),
    )


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
