"""How the files of models came to be here, said on the models."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from aibom.types.files import Arrival, FileFacts, Written
from aibom.types.inventory import Component
from aibom.types.words import arrived


class ArrivalIndex:
    """Finds the writers of files."""

    def __init__(self, arrivals: Mapping[Written, tuple[Arrival, ...]]) -> None:
        """Index ``arrivals``, which are by the files as their writers left them."""
        self._arrivals = arrivals
        self._on_overlays: dict[tuple[int, int], list[Arrival]] = {}
        for (_, inode, mtime_ns), found in arrivals.items():
            self._on_overlays.setdefault((inode, mtime_ns), []).extend(found)

    def of(self, file: FileFacts) -> tuple[Arrival, ...]:
        """Return how a file arrived, if it still is what it was then.

        On an overlay the device is not that of the layer (see FileKey): the rest has to tell.
        """
        key = file.key
        if key.device:
            return self._arrivals.get(Written(key.device, key.inode, key.mtime_ns), ())
        return tuple(self._on_overlays.get((key.inode, key.mtime_ns), ()))


def with_arrivals(
    components: Iterable[Component],
    index: ArrivalIndex,
    places: Mapping[str, Iterable[FileFacts]] = MappingProxyType({}),
) -> list[Component]:
    """Return components, each with what is known of the arrival of its files.

    ``places`` has by ref every file with a component's content, copies included.
    """
    return [_with(c, places.get(c.ref, c.files), index) for c in components]


def _with(component: Component, files: Iterable[FileFacts], index: ArrivalIndex) -> Component:
    found = sorted({arrival for file in files for arrival in index.of(file)})
    if not found:
        return component
    properties = tuple(("aibom:arrival", arrived(arrival)) for arrival in found)
    return replace(component, properties=component.properties + properties)
