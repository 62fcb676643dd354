"""The shapes of a model's weights by module name: what an adapter must fit on.

An adapter changes the weights of some modules of every layer, and those have one shape in all
layers of one model. So a few shapes tell whether an adapter can be of a base model at all.
"""

import re
from collections.abc import Iterable, Mapping

from aibom.types.model import Width

# More different shapes than any model family has: such a file is not worth comparing.
_MAX_WIDTHS = 128
_MAX_NAME = 64

# PEFT (peft/tuners/lora/layer.py) and kohya-ss call the two factors of a module's change so, and
# llama.cpp (convert_lora_to_gguf.py) so; the product of B and A has the shape of the weights.
_FACTOR = re.compile(
    r"^(?P<module>.{1,400}?)(?:\.weight)?[._]"
    r"(?:(?P<a>lora_[Aa]|lora[_.]down)|(?P<b>lora_[Bb]|lora[_.]up))(?:\.[\w-]+?)?(?:\.weight)?$"
)
_WEIGHT = ".weight"

Shape = tuple[int, ...]


def of_model(shapes: Iterable[tuple[str, Shape]]) -> tuple[Width, ...]:
    """Return the shapes of the matrices called ``MODULE.weight``; rows come first in ``shapes``."""
    found: set[Width] = set()
    for name, shape in shapes:
        if name.endswith(_WEIGHT) and len(shape) == 2:
            found.add(Width(_leaf(name.removesuffix(_WEIGHT)), *shape))
            if len(found) > _MAX_WIDTHS:
                return ()
    return tuple(sorted(found))


def of_adapter(shapes: Mapping[str, Shape]) -> tuple[Width, ...]:
    """Return the shapes of the weights that a LoRA adapter's pairs of factors change."""
    inner: dict[str, int] = {}
    outer: dict[str, int] = {}
    for name, shape in shapes.items():
        match = _FACTOR.match(name) if len(shape) == 2 else None
        if match is None:
            continue
        if match["a"]:
            inner[match["module"]] = shape[1]
        else:
            outer[match["module"]] = shape[0]
    found = {Width(_leaf(m), outer[m], inner[m]) for m in inner.keys() & outer.keys()}
    return tuple(sorted(found)) if len(found) <= _MAX_WIDTHS else ()


def conflicts(adapter: Iterable[Width], base: Iterable[Width]) -> tuple[str, ...]:
    """Return the modules that the base has in other shapes than the adapter, sorted.

    What the base calls otherwise is not compared.
    """
    known: dict[str, set[tuple[int, int]]] = {}
    for width in base:
        known.setdefault(width.module, set()).add((width.rows, width.columns))
    wrong = {
        w.module
        for w in adapter
        if w.module in known and (w.rows, w.columns) not in known[w.module]
    }
    return tuple(sorted(wrong))


def _leaf(module: str) -> str:
    return module.rpartition(".")[2][:_MAX_NAME]
