"""A file's place in a hub's cache, with the folder in which its neighbours stand."""

from typing import NamedTuple

from aibom.formats.hubs.paths import RepositoryPath
from aibom.types.modelfiles import HubPlace, HubSource


class Found(NamedTuple):
    """A place, and the folder of the files that belong to it where that is not the file's own."""

    place: HubPlace
    folder: str = ""


def place_of(hub: str, path: RepositoryPath) -> HubPlace:
    """Return what a path in a hub's cache says as a place of one source, not verified."""
    source = HubSource(
        path.repository,
        (path.commit,) if path.commit else (),
        path.filename,
        (path.revision,) if path.revision else (),
    )
    return HubPlace(hub, (source,), path.kind, path.promised, partial=path.partial)
