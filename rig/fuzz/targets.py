"""Everything that is fuzzed, and what is not, with the reason."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

import aibom.formats
from rig.fuzz import documenttargets, modeltargets, nodetargets, wiretargets
from rig.fuzz.target import Target

TARGETS: tuple[Target, ...] = (
    *modeltargets.TARGETS,
    *wiretargets.TARGETS,
    *nodetargets.TARGETS,
    *documenttargets.TARGETS,
)

#: First parameters that hold what somebody else chose.
_HOSTILE = ("bytes", "str", "ByteSource", "BinaryIO", "Reader", "Memory", "Database")


def covered() -> set[str]:
    """Return the names of the functions that the targets call."""
    return {name_of(parser) for target in TARGETS for parser in target.parsers}


def name_of(parser: Callable[..., Any]) -> str:
    """Return ``module.function`` within aibom.formats, without a partial around it."""
    function = getattr(parser, "func", parser)
    module = str(function.__module__).removeprefix("aibom.formats.")
    return f"{module}.{function.__qualname__}"


def parsers() -> Iterator[str]:
    """Yield the names of all public functions of aibom.formats that take what may be hostile."""
    for found in pkgutil.walk_packages(aibom.formats.__path__, "aibom.formats."):
        module = importlib.import_module(found.name)
        for name, value in vars(module).items():
            function = inspect.unwrap(value) if callable(value) else None  # without its cache
            own = inspect.isfunction(function) and function.__module__ == found.name
            if own and not name.startswith("_") and _takes_hostile(value):
                yield name_of(value)


def _takes_hostile(function: Callable[..., Any]) -> bool:
    first = next(iter(inspect.signature(function).parameters.values()), None)
    if first is None:
        return False
    annotation = first.annotation
    spelled = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return spelled in _HOSTILE or "bytes" in str(annotation)
