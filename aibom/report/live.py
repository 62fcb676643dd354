"""Loads as lines, each told once, as they are seen."""

from collections.abc import Iterable, Iterator

from aibom.formats.text import printable
from aibom.types.inventory import Component, Evidence, Inventory
from aibom.types.words import came_from, shown_by


class Announcer:
    """Remembers what was told already."""

    def __init__(self) -> None:
        """Start with nothing told."""
        self._told: set[tuple[str, str, str, str]] = set()

    def news(self, inventories: Iterable[Inventory]) -> list[str]:
        """Return a line for each component, and each new way in which it was seen."""
        return [line for inventory in inventories for line in self._of(inventory)]

    def _of(self, inventory: Inventory) -> Iterator[str]:
        workload = inventory.workload
        where = "/".join(part for part in (workload.namespace, workload.name) if part)
        for component in inventory.components:
            if component.kind in ("package", "device", "image"):
                continue
            for evidence in component.evidence:
                known = (where, component.ref, evidence.how, evidence.process)
                if known not in self._told:
                    self._told.add(known)
                    yield _line(where, component, evidence)


def _line(where: str, component: Component, evidence: Evidence) -> str:
    name = " ".join(part for part in (component.name, component.version) if part)
    said = f"{where}  {component.kind} {name}  {shown_by(evidence)}, {came_from(evidence)}"
    return printable(said, 500)
