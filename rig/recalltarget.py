"""A program that imports what it is told to, and says by its own word what it has loaded.

Run by the interpreter of an environment that has nothing of this project, 3.8 or later:
``python recalltarget.py ANSWER CODE`` runs CODE, writes ANSWER (JSON, see ``answer``) and stays.
"""

import importlib.metadata
import json
import os
import re
import sys
import time
from types import ModuleType
from typing import Any, Dict, Iterable, List, Set  # noqa: UP035 - this runs on 3.8 as well


def files_of(module: Any) -> Iterable[str]:
    """Yield the files that a module says it came from, without running code of its own."""
    if not issubclass(type(module), ModuleType):  # an object can lie about its __class__
        return
    space = ModuleType.__getattribute__(module, "__dict__")
    for found in (space.get("__file__"), getattr(space.get("__spec__"), "origin", None)):
        if isinstance(found, str) and found.startswith("/"):
            yield from (os.path.normpath(found), os.path.realpath(found))


def mapped() -> Iterable[str]:
    """Yield the paths that this process has mapped."""
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            fields = line.rstrip("\n").split(maxsplit=5)
            if len(fields) == 6:
                yield fields[5]


def owners() -> Dict[str, Set[str]]:  # noqa: UP006
    """Return the distributions that list each file, by its path."""
    found: Dict[str, Set[str]] = {}  # noqa: UP006
    for distribution in importlib.metadata.distributions():
        name = normalised(distribution)
        for file in distribution.files or []:
            path = os.path.normpath(str(distribution.locate_file(file)))
            found.setdefault(path, set()).add(name)
    return found


def normalised(distribution: "importlib.metadata.Distribution") -> str:
    """Return a distribution's name in the form of PEP 503."""
    return re.sub(r"[-_.]+", "-", distribution.metadata["Name"] or "").lower()


def answer() -> Dict[str, List[str]]:  # noqa: UP006
    """Return distributions installed, imported and mapped, and the names in sys.modules."""
    of = owners()

    def owning(paths: Iterable[str]) -> List[str]:  # noqa: UP006
        return sorted({name for path in paths for name in of.get(path, ())})

    files = [file for module in list(sys.modules.values()) for file in files_of(module)]
    return {
        "installed": sorted({normalised(d) for d in importlib.metadata.distributions()}),
        "imported": owning(files),
        "mapped": owning(mapped()),
        # a name whose import is blocked has None for a module
        "modules": sorted(name for name, module in sys.modules.items() if module is not None),
    }


if __name__ == "__main__":
    exec(sys.argv[2], {"__name__": "program"})  # noqa: S102 - the rig's own list of programs
    text = json.dumps(answer())
    with open(sys.argv[1] + ".part", "w", encoding="utf-8") as out:
        out.write(text)
    os.rename(sys.argv[1] + ".part", sys.argv[1])
    time.sleep(3600)
