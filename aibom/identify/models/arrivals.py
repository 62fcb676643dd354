"""How the files of models came to be here, said on the models."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from aibom.types.files import Arrival, FileFacts
from aibom.types.inventory import Component
from aibom.types.words import arrived

_File = tuple[int, int]


class ArrivalIndex:
    """Finds the writers of files by device and inode."""

    def __init__(self, arrivals: Mapping[_File, tuple[Arrival, ...]]) -> None:
        """Index ``arrivals``, which are by device and inode."""
        self._arrivals = arrivals
        self._by_inode: dict[int, list[Arrival]] = {}
        for (_, inode), found in arrivals.items():
            self._by_inode.setdefault(inode, []).extend(found)

    def of(self, file: FileFacts) -> tuple[Arrival, ...]:
        """Return how a file arrived.

        On an overlay the device is not that of the layer (see FileKey), so the inode tells: two
        file systems may have one of a number, and then both writers are named.
        """
        key = file.key
        if key.device:
            return self._arrivals.get((key.device, key.inode), ())
        return tuple(self._by_inode.get(key.inode, ()))


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
