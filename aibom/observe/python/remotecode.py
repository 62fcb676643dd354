"""Code of models' own that a process imported through transformers (trust_remote_code)."""

from collections import defaultdict

from aibom.formats.cpython.modules import REMOTE, Module, ModuleTable
from aibom.formats.hubs.huggingface import RemoteModule, parse_module_name
from aibom.observe.models.folders import Describe
from aibom.types.files import FileFacts
from aibom.types.packages import RemoteCode

#: Most modules of this kind that are looked at in one process.
MAX_MODULES = 256


def of(table: ModuleTable, describe: Describe) -> tuple[RemoteCode, ...]:
    """Return the code that came with models, by repository and commit, sorted.

    ``describe`` gives what is said of a file by its path.
    """
    names: dict[RemoteModule, list[str]] = defaultdict(list)
    files: dict[RemoteModule, list[FileFacts]] = defaultdict(list)
    remote = [m for m in table.modules if m.name.startswith(f"{REMOTE}.") and _is_code(m)]
    for imported in remote[:MAX_MODULES]:
        code = parse_module_name(imported.name)
        file = describe(imported.file) if code is not None else None
        if code is not None and file is not None:
            names[code].append(imported.name)
            files[code].append(file)
    return tuple(
        RemoteCode(*key, modules=tuple(found), files=tuple(files[key]))
        for key, found in sorted(names.items())
    )


def _is_code(module: Module) -> bool:
    # the folders between are packages with an empty __init__.py each
    return module.file.startswith("/") and not module.file.endswith("/__init__.py")
