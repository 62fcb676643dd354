"""Whether a path or a repository is where a loaded model came from."""

from collections.abc import Collection

from aibom.formats.serving import is_path
from aibom.types.inventory import Component


def fits(component: Component, paths: Collection[str], source: str, places: set[str]) -> bool:
    """Say whether a model is what a command line's ``source`` names.

    ``paths`` are where the model was loaded from, ``places`` are where the source leads.
    """
    repositories = {r.casefold() for r in repositories_of(component)}
    for place in places:
        if _cached(place).casefold() in repositories:
            return True
        below = place.rstrip("/") + "/"
        if any(path == place or path.startswith(below) for path in paths):
            return True
    if is_path(source):
        return False
    plain = _repository(source).casefold()
    return plain in repositories or plain == component.name.casefold()


def repositories_of(component: Component) -> list[str]:
    """Return the repositories that a hub's cache names for a model."""
    return [v for name, v in component.properties if name == "aibom:hub:repository"]


def recorded(component: Component) -> bool:
    """Say whether records of the cache name a model's repositories, and not just its folders."""
    claims = {value for name, value in component.properties if name == "aibom:hub:claim"}
    return bool(repositories_of(component)) and claims == {"records"}


def _repository(source: str) -> str:
    """Return a repository without what may follow it: a quantisation or a revision.

    llama.cpp writes ``USER/MODEL:QUANT`` (common/arg.cpp, ``--hf-repo``).
    """
    return source.partition(":")[0].partition("@")[0]


def _cached(path: str) -> str:
    """Return the repository whose folder in a cache of huggingface_hub a path leads into."""
    for part in path.split("/"):
        if part.startswith("models--"):
            return part.removeprefix("models--").replace("--", "/")
    return ""
