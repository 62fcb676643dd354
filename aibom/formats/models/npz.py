"""NumPy archives (.npz) that hold the weights of a neural network.

Arrays alone are data: an archive is called a model only when the names of its arrays are those of
layers' weights, as Flax, T5X, Haiku's AlphaFold, MLX and PyTorch write them
(``encoder/layers_0/mlp/wi/kernel``, ``layers.0.attention.weight``), or those of Keras's
``model.weights.npz`` (keras/src/saving/saving_lib.py, NpzIOStore). The layout of an array is in
numpy/lib/format.py.
"""

import re
from dataclasses import dataclass

from aibom.formats.models.header import TEXT_LIMIT, Tally, elements, properties
from aibom.formats.models.pickles import scan_globals
from aibom.formats.models.zipdir import MAGIC, Member, content, members, mentions
from aibom.formats.source import ByteSource, FormatError
from aibom.types.concerns import Concern
from aibom.types.model import ModelHeader

_MAX_ARRAYS = 10_000
_ARRAY_HEAD = 512  # bytes: a header with the shape of an array; longer ones are of records
_PICKLE_CAP = 256 << 10
_MAX_PICKLES = 32
_MAX_OPCODES = 2_000  # of each; a dictionary of arrays takes about a hundred
_SUFFIX = ".npy"
_HEADER = re.compile(
    rb"\x93NUMPY[\x01-\x03]\x00.{2,4}?\{'descr': '([<>|=]?[a-zA-Z]\d{0,9})', "
    rb"'fortran_order': (?:True|False), 'shape': \(((?:\d{1,19}, ?)*\d{0,19})\), ?\}",
    re.DOTALL,
)
_FLOATS = ("f2", "f4", "f8", "V2")  # V2: bfloat16, which NumPy does not know
_QUANTISED = ("u1", "i1", "u4")

# Last parts of a weight's name. A matrix of the first kind must be there; three of four arrays
# must have a name of either kind.
_MATRICES = frozenset(("kernel", "weight", "weights", "embedding", "embeddings"))
_OTHERS = frozenset(
    {"bias", "biases", "scale", "scales", "offset", "gamma", "beta", "mean", "var"}
    | {"moving_mean", "moving_variance", "running_mean", "running_var", "num_batches_tracked"}
    | {"pos_embedding", "position_embeddings"}
)
_KERAS = "vars"


@dataclass(frozen=True, slots=True)
class _Array:
    """One array: the parts of its name, numpy's type without byte order, and its shape."""

    parts: tuple[str, ...]
    dtype: str
    shape: tuple[int, ...]
    member: Member

    @property
    def is_matrix(self) -> bool:
        named = len(self.parts) > 1 and self.parts[-1] in _MATRICES
        return named and len(self.shape) > 1 and self.dtype in (*_FLOATS, *_QUANTISED)

    @property
    def is_named(self) -> bool:
        return len(self.parts) > 1 and self.parts[-1] in _MATRICES | _OTHERS


def recognise(head: bytes, size: int) -> bool:
    """Return whether a file of ``size`` bytes that starts with ``head`` may be such an archive."""
    return size >= 22 and head.startswith(MAGIC)


def parse(source: ByteSource) -> ModelHeader | None:
    """Return the sizes of a network's weights, or None when the archive holds other arrays.

    An array of Python objects is a pickle; what those would import is in ``globals``.
    """
    try:
        if not mentions(source, _SUFFIX.encode()):
            return None
        found = members(source)
        if not 2 <= len(found) <= _MAX_ARRAYS or not _promising(found):
            return None
        arrays = [_array(source, member) for member in found]
    except FormatError:
        return None
    known = [array for array in arrays if array is not None]
    if len(known) < len(arrays) or not (_is_keras(known) or _is_network(known)):
        return None
    return _header(source, known)


def _promising(found: tuple[Member, ...]) -> bool:
    """Tell by the names alone whether a look at the arrays is worth it."""
    names = [_parts(member.name)[-1:] for member in found]
    leaves = {name[0] for name in names if name}
    return all(m.name.endswith(_SUFFIX) for m in found) and bool(leaves & (_MATRICES | {_KERAS}))


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[./]", name.removesuffix(_SUFFIX)) if part)


def _array(source: ByteSource, member: Member) -> _Array | None:
    header = _HEADER.match(content(source, member, _ARRAY_HEAD))
    if header is None:
        return None
    shape = tuple(int(size) for size in header[2].replace(b",", b" ").split())
    dtype = header[1].decode().lstrip("<>|=")
    elements(shape)
    return _Array(_parts(member.name), dtype, shape, member)


def _is_network(arrays: list[_Array]) -> bool:
    named = sum(array.is_named for array in arrays)
    return 4 * named >= 3 * len(arrays) and any(array.is_matrix for array in arrays)


def _is_keras(arrays: list[_Array]) -> bool:
    """Tell whether each array is the variables of one layer: a dictionary, in a pickle."""
    every = all(array.parts[-1:] == (_KERAS,) and array.dtype == "O" for array in arrays)
    return every and any(array.parts[0] == "layers" for array in arrays if array.parts)


def _header(source: ByteSource, arrays: list[_Array]) -> ModelHeader:
    objects = [array for array in arrays if array.dtype == "O"]
    tally = Tally()
    for array in arrays:
        if array.dtype != "O":
            tally.add(array.dtype, elements(array.shape))
    names: set[str] = set()
    whole = len(objects) <= _MAX_PICKLES
    for array in objects[:_MAX_PICKLES]:
        data = content(source, array.member, _PICKLE_CAP)
        facts = scan_globals(data[_start(data) :], max_opcodes=_MAX_OPCODES)
        names.update(facts.globals)
        whole = whole and facts.complete
    detail = f"{len(objects)} arrays of Python objects, which are pickles"[:TEXT_LIMIT]
    return ModelHeader(
        format="npz",
        parameters=tally.parameters if tally.tensors else None,
        quantization=tally.dominating,
        tensors=len(arrays) if not objects else None,
        globals=tuple(sorted(names)),
        properties=properties(
            {"arrays": len(arrays), "damage": None if whole else "pickles read in part"}
        ),
        concerns=(Concern("pickle-code", "note", detail),) if objects else (),
    )


def _start(data: bytes) -> int:
    """Return where an array's values begin, behind a header of a length of 2 or 4 bytes."""
    width = 2 if data[6] == 1 else 4
    return 8 + width + int.from_bytes(data[8 : 8 + width], "little")
