"""How the files of models came to be here, said on the models."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from aibom.types.files import Arrival, FileFacts, Written
from aibom.types.inventory import Component
from aibom.types.words import arrived


def with_arrivals(
    components: Iterable[Component],
    arrivals: Mapping[Written, tuple[Arrival, ...]],
    places: Mapping[str, Iterable[FileFacts]] = MappingProxyType({}),
) -> list[Component]:
    """Return components, each with what is known of the arrival of its files.

    That is told of files which still are what they were after it (see NodeFacts.arrivals).
    ``places`` has by ref every file with a component's content, copies included.
    """
    return [_with(c, places.get(c.ref, c.files), arrivals) for c in components]


def written(places: Mapping[str, Iterable[FileFacts]]) -> set[Written]:
    """Return the files of ``places`` as arrivals name them."""
    return {_written(file) for files in places.values() for file in files}


def _written(file: FileFacts) -> Written:
    return Written(file.key.device, file.key.inode, file.key.mtime_ns)


def _with(
    component: Component,
    files: Iterable[FileFacts],
    arrivals: Mapping[Written, tuple[Arrival, ...]],
) -> Component:
    found = sorted({arrival for file in files for arrival in arrivals.get(_written(file), ())})
    if not found:
        return component
    properties = tuple(("aibom:arrival", arrived(arrival)) for arrival in found)
    return replace(component, properties=component.properties + properties)
