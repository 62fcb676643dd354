"""skops files: scikit-learn's estimators as a zip of a JSON schema and arrays.

Source: skops/io/_persist.py (schema.json, protocol, _skops_version), _general.py and _sklearn.py
(the nodes) in the skops repository. A node has the class that it makes as ``__module__`` and
``__class__``, and how it is made as ``__loader__``.
"""

import re
from collections.abc import Iterator
from typing import Any

from aibom.formats.jsontext import load_object
from aibom.formats.models.header import TEXT_LIMIT, properties, text
from aibom.formats.models.zipdir import MAGIC, content, members, mentions
from aibom.formats.source import ByteSource, FormatError
from aibom.types.concerns import Concern
from aibom.types.model import ModelHeader

_SCHEMA = "schema.json"
_SCHEMA_CAP = 4 << 20  # a forest of 200 trees; a quarter of a second
_START = re.compile(
    r'\{\s*"__class__": "(\w{1,200})",\s*"__module__": "([\w.]{1,200})",'
    r'\s*"__loader__": "ObjectNode"'
)
_MAX_GLOBALS = 1_000
_NAME_LIMIT = 200
_OBJECT = "ObjectNode"  # an object with attributes: estimators are

# About what skops trusts without being told (skops/io/_trusted_types.py). Its list of
# scikit-learn's estimators is made when it runs; so their packages count here, but for functions
# and methods, which are what a loaded object calls.
_TRUSTED_PACKAGES = ("numpy.", "scipy.", "sklearn.")
_PLAIN = frozenset(
    f"{module}.{name}"
    for module, names in {
        "builtins": "bool bytearray bytes dict float frozenset int list map NoneType set slice str"
        " tuple",
        "collections": "OrderedDict defaultdict",
    }.items()
    for name in names.split()
)
_CODE_NODES = frozenset(("FunctionNode", "MethodNode", "OperatorFuncNode", "PartialNode"))


def recognise(head: bytes, size: int) -> bool:
    """Return whether a file of ``size`` bytes that starts with ``head`` may be a skops file."""
    return size >= 22 and head.startswith(MAGIC)


def parse(source: ByteSource) -> ModelHeader | None:
    """Return the header of a skops file that holds an object, or None when it is another zip.

    Containers of plain values and arrays are data. ``globals`` are the names of what is neither a
    plain value nor an object of scikit-learn, NumPy or SciPy: loading needs them named by the
    caller, and imports them. Of a schema beyond the cap only the root's class is read.
    """
    schema = _schema(source)
    if len(schema) > _SCHEMA_CAP:
        return _large(schema[:4096])
    document = load_object(schema)
    if document is None or not isinstance(document.get("_skops_version"), str):
        return None
    nodes = list(_nodes(document))
    model = next((node for node in nodes if node.get("__loader__") == _OBJECT), None)
    return None if model is None else _header(document, model, nodes)


def _schema(source: ByteSource) -> bytes:
    """Return the schema, one byte more than the cap at most, and nothing when there is none."""
    try:
        if mentions(source, _SCHEMA.encode()):
            for member in members(source):
                if member.name == _SCHEMA:
                    return content(source, member, _SCHEMA_CAP + 1)
    except FormatError:
        pass
    return b""


def _large(start: bytes) -> ModelHeader | None:
    """Return what the root of a large schema says, by its first members."""
    root = _START.match(start.decode("utf-8", "replace"))
    if root is None:
        return None
    damage = f"schema larger than {_SCHEMA_CAP >> 20} MiB, not read"
    shown = {"damage": damage, "library": root[2].partition(".")[0]}
    return ModelHeader(format="skops", architecture=root[1], properties=properties(shown))


def _header(
    document: dict[str, Any], model: dict[str, Any], nodes: list[dict[str, Any]]
) -> ModelHeader:
    untrusted = tuple(sorted({name for node in nodes if (name := _untrusted(node))}))
    named = untrusted[:_MAX_GLOBALS]
    listed = ", ".join(named)[:TEXT_LIMIT]
    concern = Concern("custom-code", "note", f"imports more than estimators: {listed}")
    return ModelHeader(
        format="skops",
        format_version=_number(document.get("protocol")),
        architecture=text(str(model.get("__class__")), _NAME_LIMIT),
        globals=named,
        properties=properties(
            {
                "library": text(str(model.get("__module__")).partition(".")[0], _NAME_LIMIT),
                "skops_version": text(document["_skops_version"]),
            }
        ),
        concerns=(concern,) if named else (),
    )


def _nodes(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the nodes in the order of the file, without recursion."""
    left: list[object] = [document]
    while left:
        node = left.pop()
        if isinstance(node, list):
            left.extend(reversed(node))
        elif isinstance(node, dict):
            if isinstance(node.get("__class__"), str):
                yield node
            left.extend(reversed(list(node.values())))


def _untrusted(node: dict[str, Any]) -> str | None:
    """Return the name of what a node imports when it is more than plain values and estimators."""
    name = text(f"{node.get('__module__')}.{node['__class__']}", _NAME_LIMIT)
    if name is None or name in _PLAIN:
        return None
    trusted = name.startswith(_TRUSTED_PACKAGES) and node.get("__loader__") not in _CODE_NODES
    return None if trusted else name


def _number(value: object) -> str | None:
    return str(value) if isinstance(value, int) and 0 <= value < 1000 else None
