"""What a Keras configuration makes Keras run or read, besides its own layers.

A serialised object names a module and a class, which are imported
(keras/src/saving/serialization_lib.py, _retrieve_class_or_fn). CVE-2025-1550, CVE-2025-8747,
CVE-2025-9905 and CVE-2025-9906 are ways to name something else there; CVE-2025-12058 is a
vocabulary that is read from wherever the configuration says.
"""

import re
import sys
from collections.abc import Iterator
from typing import Any

from aibom.formats.models.header import joined, text
from aibom.types.concerns import Concern, ConcernLevel

LAMBDA_LAYER, PYTHON_LAMBDA = "Lambda", "__lambda__"
"""Layers that carry code: a Lambda's function, or a Python lambda anywhere else."""

_KERAS = frozenset(("keras", "keras_cv", "keras_hub", "keras_nlp", "tensorflow", "tf_keras"))
_BUILTIN = "builtins"  # of functions that are looked up by their registered name
# Functions below keras that fetch and unpack files, load other models, or switch safe mode off.
_GADGETS = frozenset(
    (
        "enable_unsafe_deserialization",
        "extract_archive",
        "func_load",
        "get_file",
        "load_model",
        "load_weights",
        "model_from_json",
    )
)
_MAX_NAMES = 50
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*://|[/\\~]|[A-Za-z]:|(?:.*[/\\])?\.\.(?:[/\\]|$)")


def objects(model: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every dictionary of a configuration."""
    nodes: list[object] = [model]
    while nodes:
        node = nodes.pop()
        if isinstance(node, list):
            nodes.extend(node)
        elif isinstance(node, dict):
            yield node
            nodes.extend(node.values())


def concerns(model: dict[str, Any], *, refuses_code: bool) -> tuple[Concern, ...]:
    """Return what loading a model with this configuration runs or reads.

    ``refuses_code``: the format's loader runs no code of Lambda layers unless it is told to.
    """
    imported: set[str] = set()
    custom: set[str] = set()
    read: set[str] = set()
    code = False
    for node in objects(model):
        code |= _has_code(node)
        name = _foreign(node)
        if name is not None and len(imported) + len(custom) < _MAX_NAMES:
            (imported if _is_gadget(name) else custom).add(name)
        read |= set(_elsewhere(node))
    found = []
    if imported:
        detail = f"its configuration imports {joined(imported)}"
        found.append(Concern("layer-code", "dangerous", detail))
    if code:
        level: ConcernLevel = "suspicious" if refuses_code else "dangerous"
        when = ", which runs with safe_mode off" if refuses_code else ""
        found.append(Concern("layer-code", level, f"a layer is Python bytecode{when}"))
    if custom:
        detail = f"its configuration needs code of its own: {joined(custom)}"
        found.append(Concern("layer-code", "note", detail))
    if read:
        detail = f"its configuration reads {joined(read)}"
        found.append(Concern("outside-reference", "dangerous", detail))
    return tuple(sorted(found))


def _has_code(node: dict[str, Any]) -> bool:
    """Say whether an object holds marshalled bytecode, as Keras 3 or as older ones write it."""
    config = node.get("config")
    if node.get("class_name") == PYTHON_LAMBDA:
        return True
    if node.get("class_name") != LAMBDA_LAYER or not isinstance(config, dict):
        return False
    return config.get("function_type") == "lambda" or isinstance(config.get("function"), list)


def _foreign(node: dict[str, Any]) -> str | None:
    """Return ``module.name`` of what an object imports, or None where that is Keras's own."""
    module, name = node.get("module"), node.get("class_name")
    if name == "function" and isinstance(node.get("config"), str):
        name = node["config"]
    if not isinstance(name, str) or not isinstance(module, str | None):
        return None
    registered = node.get("registered_name")
    if module is None or module == _BUILTIN:
        # a name that is registered by somebody: "package>name"
        return text(registered) if isinstance(registered, str) and ">" in registered else None
    if module.partition(".")[0] in _KERAS and name not in _GADGETS:
        return None
    return text(f"{module}.{name}")


def _is_gadget(name: str) -> bool:
    """Say whether an imported name is a function of Keras for mischief, or Python's own."""
    top, last = name.partition(".")[0], name.rpartition(".")[2]
    return top in sys.stdlib_module_names or (top in _KERAS and last in _GADGETS)


def _elsewhere(node: dict[str, Any]) -> Iterator[str]:
    """Yield files that a layer is to read from outside of the model's folder."""
    vocabulary = node.get("vocabulary")
    if isinstance(vocabulary, str) and _ELSEWHERE.match(vocabulary):
        shown = text(vocabulary, 200)
        if shown:
            yield shown
