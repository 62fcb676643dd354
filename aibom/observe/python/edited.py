"""Imported modules whose file the container has written: the package is not the image's any more.

An interpreter tells the file of a top-level module alone; those of the modules below it are looked
for where the import system finds them (Python reference, "The import system": path based finder).
"""

import posixpath
from collections.abc import Callable, Iterable

from aibom.formats.cpython.modules import ModuleTable
from aibom.formats.procfs.mountinfo import MountTable
from aibom.observe.host.protocol import Host
from aibom.observe.python.imports import MAX_SHARED, Imported

#: Says whether the writable layer of a container has a file or folder of its own at a path.
Written = Callable[[str], bool]


def edited(table: ModuleTable, imported: Iterable[Imported], written: Written) -> list[Imported]:
    """Return each package by the first of its modules' files that was written in the container.

    ``imported`` are the packages by their top-level file. Files that are no modules, and compiled
    ones beside an unchanged source, are not looked at.
    """
    folders = {
        posixpath.basename(folder): (one, folder)
        for one in imported
        for folder, file in (posixpath.split(one.path),)
        if file == "__init__.py" and written(folder)
    }
    found: dict[str, Imported] = {}
    for module in table.modules[:MAX_SHARED] if folders else ():
        top, _, below = module.name.partition(".")
        if not below or top not in folders:
            continue
        one, folder = folders[top]
        base = f"{folder}/{below.replace('.', '/')}"
        path = next(filter(written, (f"{base}.py", f"{base}/__init__.py")), "")
        if path:
            found.setdefault(one.package.location, one._replace(path=path))
    return list(found.values())


def written_in(host: Host, mounts: MountTable, runtime: int | None) -> Written | None:
    """Return what knows the files that a container wrote, None where it has no writable layer.

    ``mounts`` are of a process in it, ``runtime`` is the process that mounted it.
    """
    root = mounts.root
    upper = root.upper() if root is not None and root.overlay else ""
    if not upper or runtime is None:
        return None
    folders: dict[str, bool] = {"/": True}

    def has(path: str) -> bool:
        try:
            return host.stat_in_layer(upper, path, runtime) is not None
        except OSError:
            return False  # what cannot be looked at is noted for the file that was imported

    def written(path: str) -> bool:
        folder = posixpath.dirname(path)
        if folder not in folders:
            # of a folder that was not written, nothing below it was
            folders[folder] = written(folder)
        return folders[folder] and mounts.at(path) is root and has(path)

    return written
