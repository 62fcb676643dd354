"""Keras models: HDF5 files of Keras 1 to 3, and the .keras zip of Keras 3.

Names of attributes and members are those of keras/src/legacy/saving/legacy_h5_format.py (HDF5)
and keras/src/saving/saving_lib.py (.keras and .weights.h5).
"""

from typing import Any

from aibom.formats.jsontext import load_object
from aibom.formats.models import keras_code
from aibom.formats.models.hdf5 import Root, read_root
from aibom.formats.models.hdf5_file import SIGNATURE
from aibom.formats.models.header import joined, properties, text
from aibom.formats.models.zipdir import MAGIC as ZIP_MAGIC
from aibom.formats.models.zipdir import Member, content, members
from aibom.formats.source import ByteSource, FormatError
from aibom.types.model import ModelHeader

_CONFIG, _METADATA = "config.json", "metadata.json"
_WEIGHTS = {"model.weights.h5", "model.weights.npz"}
_JSON_CAP = 2 << 20

# Root groups of a .weights.h5 file: the first of all, and one of the second (of Keras 3 and of
# Keras 2), and perhaps the third. Models with attributes of their own have others: not known.
_VARIABLES = "vars"
_LAYERS = {"layers", "_layer_checkpoint_dependencies"}
_OPTIMIZER = "optimizer"

_TOO_LARGE: dict[str, str | None] = {
    "damage": f"configuration larger than {_JSON_CAP >> 20} MiB, not read"
}


def recognise(head: bytes, size: int) -> bool:
    """Return whether a file of ``size`` bytes that starts with ``head`` may be a Keras model."""
    starts = (0, 512, 1024, 2048)  # HDF5 allows a user block before the signature
    hdf5 = any(head[start : start + 8] == SIGNATURE for start in starts)
    return size >= 22 and (head.startswith(ZIP_MAGIC) or hdf5)


def parse(source: ByteSource) -> ModelHeader | None:
    """Return the header of a Keras model, or None when it is another zip or HDF5 file.

    Raises FormatError when the file has a Keras model's parts and one of them is broken.
    """
    if source.read(0, 4) == ZIP_MAGIC:
        return _zip(source)
    return _hdf5(source)


def _zip(source: ByteSource) -> ModelHeader | None:
    try:
        entries = {member.name: member for member in members(source)}
    except FormatError:
        return None
    if not {_CONFIG, _METADATA} <= entries.keys() or not _WEIGHTS & entries.keys():
        return None
    metadata = _json(source, entries[_METADATA])
    shown = {name: _text(metadata.get(name)) for name in ("date_saved", "keras_version")}
    if shown["keras_version"] is None:
        return None
    if entries[_CONFIG].size > _JSON_CAP:
        return _header("keras", {}, shown | _TOO_LARGE)
    return _header("keras", _json(source, entries[_CONFIG]), shown)


def _json(source: ByteSource, member: Member) -> dict[str, Any]:
    document = load_object(content(source, member, _JSON_CAP))
    if document is None:
        raise FormatError(f"{member.name} of a keras file is no json object")
    return document


def _hdf5(source: ByteSource) -> ModelHeader | None:
    try:
        root = read_root(source, _JSON_CAP + 1)
    except FormatError:
        return None
    attributes = root.attributes
    if "keras_version" in attributes:
        if not attributes.keys() & {"model_config", "layer_names", "backend"}:
            return None
    elif not _is_weights(root):
        return None
    if root.end > source.size:
        raise FormatError("truncated keras file")
    shown = {name: _text(attributes.get(name)) for name in ("backend", "keras_version")}
    config = (attributes.get("model_config") or "").encode()
    if len(config) > _JSON_CAP:
        return _header("keras-hdf5", {}, shown | _TOO_LARGE)
    document = load_object(config or b"{}")
    if document is None:
        raise FormatError("model_config of a keras file is no json object")
    return _header("keras-hdf5", document, shown)


def _is_weights(root: Root) -> bool:
    """Return whether the root has the groups of a .weights.h5 file and nothing else."""
    known = root.links <= {_VARIABLES, _OPTIMIZER} | _LAYERS
    complete = _VARIABLES in root.links and bool(root.links & _LAYERS)
    return known and complete and not (root.attributes or root.partial)


def _header(format_: str, model: dict[str, Any], shown: dict[str, str | None]) -> ModelHeader:
    return ModelHeader(
        format=format_,
        name=_config_name(model),
        architecture=_text(model.get("class_name")),
        properties=properties(shown | {"lambda_layers": joined(_lambda_layers(model))}),
        # the loader of HDF5 files has no safe mode (CVE-2025-9905)
        concerns=keras_code.concerns(model, refuses_code=format_ == "keras"),
    )


def _lambda_layers(model: dict[str, Any]) -> set[str]:
    """Return the names of the layers that carry code, "?" for those without one."""
    found: set[str] = set()
    nodes: list[object] = [model]
    while nodes:
        node = nodes.pop()
        if isinstance(node, list):
            nodes.extend(node)
        elif isinstance(node, dict):
            if node.get("class_name") in (keras_code.LAMBDA_LAYER, keras_code.PYTHON_LAMBDA):
                found.add(_config_name(node) or "?")
            else:
                nodes.extend(node.values())
    return found


def _config_name(node: dict[str, Any]) -> str | None:
    """Return config.name of a serialised model or layer."""
    config = node.get("config")
    return _text(config.get("name")) if isinstance(config, dict) else None


def _text(value: object) -> str | None:
    return text(value) if isinstance(value, str) else None
