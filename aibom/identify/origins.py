"""Which of several origins says most about a thing."""

from collections.abc import Iterable

from aibom.types.files import Origin

_MOST_TELLING = ("memory", "deleted", "writable-layer", "volume", "unknown", "host", "image-layer")


def worst_origin(origins: Iterable[Origin]) -> Origin:
    """Return the origin that deserves most attention: what arrived late before what was built."""
    return min(origins, key=lambda o: (_MOST_TELLING.index(o.kind), not o.replaces, o))
