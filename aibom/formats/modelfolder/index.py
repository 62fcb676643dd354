"""The index of weights in several files: ``model.safetensors.index.json`` and its kin.

transformers, diffusers and accelerate write the same document for safetensors, PyTorch, Flax and
TensorFlow weights: ``metadata.total_size`` in bytes and ``weight_map``, from tensors to files.
"""

from dataclasses import dataclass

from aibom.formats.jsontext import load_object
from aibom.formats.text import printable

_MAX_FILES = 10_000  # real ones have up to a few hundred


@dataclass(frozen=True, slots=True)
class Index:
    """The files that make one model together, sorted, as paths relative to the index's folder.

    ``outside`` are those that would lead out of the folder; they are in no way followed.
    """

    files: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()


def parse_index(data: bytes) -> Index | None:
    """Return the files that an index names, or None when it is not one."""
    document = load_object(data)
    if document is None or not isinstance(document.get("weight_map"), dict):
        return None
    # a set first: an index has a hundred thousand tensors and a hundred files
    names = {n for n in document["weight_map"].values() if isinstance(n, str) and n}
    files = sorted(names)[:_MAX_FILES]
    return Index(
        files=tuple(name for name in files if not _leads_out(name)),
        outside=tuple(printable(name, 500) for name in files if _leads_out(name)),
    )


def _leads_out(name: str) -> bool:
    """Tell whether a name is no plain path below a folder, on any system that may read it."""
    parts = name.replace("\\", "/").split("/")
    odd = printable(name, len(name)) != name or ":" in parts[0]
    return odd or parts[0] == "" or ".." in parts
