"""Where the paths lead that a command line gives for models."""

import posixpath

from aibom.formats.serving import claim_of, path_of_adapter
from aibom.observe.host.protocol import Host
from aibom.types.processes import Process
from aibom.types.rules import Serves

#: Most paths of one command line that are followed.
MAX_PATHS = 8
#: Most names in one folder that are followed.
MAX_NAMES = 64


def leads_of(host: Host, process: Process, spelled: Serves) -> tuple[tuple[str, str], ...]:
    """Return the paths that a command line gives for models, with where they lead in its root.

    The second is empty where nothing is there. Of a folder each name that is a link gives a pair
    too, as mounted secrets, data sets under git-annex and caches of hubs have them.
    """
    claim = claim_of(process.argv, spelled)
    values = [*claim.sources, *map(path_of_adapter, claim.adapters)]
    found: dict[tuple[str, str], None] = {}
    for value in dict.fromkeys(values[:MAX_PATHS]):
        if "://" not in value and not value.startswith("~"):
            found |= dict.fromkeys((value, real) for real in _followed(host, process, value))
    return tuple(found)


def _followed(host: Host, process: Process, value: str) -> list[str]:
    path = posixpath.normpath(posixpath.join(process.cwd, value))
    try:
        real = host.real_path(process.pid, path)
    except FileNotFoundError:
        return [""]
    except OSError:
        return []  # out of reach: where it leads is not known
    return [real, *_links_in(host, process.pid, real)]


def _links_in(host: Host, pid: int, folder: str) -> list[str]:
    """Return where the names of a folder lead that are links; nothing of what is no folder."""
    try:
        paths = [f"{folder}/{name}" for name in host.list_in_root(pid, folder)[:MAX_NAMES]]
    except OSError:
        return []
    found = []
    for path in paths:
        try:
            real = host.real_path(pid, path)
        except OSError:
            continue  # a link to nowhere, or gone meanwhile
        if real != path:
            found.append(real)
    return found
