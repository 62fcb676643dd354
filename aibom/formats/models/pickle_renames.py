"""What Python 3 takes a name of Python 2 for when it loads a pickle of protocol 0, 1 or 2.

A pickle may import ``cPickle.loads`` and gets ``pickle.loads`` (Lib/pickle.py, find_class with
fix_imports, which is on unless it is turned off). torch.save writes protocol 2.
"""

from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING

_PARTS = 4  # of a name in those tables


def renamed(name: str) -> str:
    """Return the name that is imported for ``name``, as ``module.name``: mostly itself."""
    parts = name.split(".")
    for end in range(min(len(parts) - 1, _PARTS), 0, -1):
        module, rest = ".".join(parts[:end]), ".".join(parts[end:])
        if (module, rest) in NAME_MAPPING:
            return ".".join(NAME_MAPPING[module, rest])
        if module in IMPORT_MAPPING:
            return f"{IMPORT_MAPPING[module]}.{rest}"
    return name
