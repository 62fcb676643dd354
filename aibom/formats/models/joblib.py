"""Models in joblib files and plain pickles, compressed or not.

joblib's format is a pickle in which each numpy array is a small wrapper object, followed by the
array's raw bytes in the middle of the stream (joblib/numpy_pickle.py, NumpyArrayWrapper).
"""

import math
import re
from dataclasses import replace

from aibom.formats.models.compressed import method_of, unpack
from aibom.formats.models.header import HEAD, properties, text
from aibom.formats.models.pickle_facts import Call, PickleFacts
from aibom.formats.models.pickle_walk import Walker
from aibom.formats.models.pickles import class_of, walk
from aibom.formats.models.pytorch_tensors import tensor_names
from aibom.formats.source import ByteSource, MemorySource
from aibom.types.model import ModelHeader

# The top modules whose objects are models.
ML_MODULES = frozenset(
    (
        "catboost",
        "flair",
        "gensim",
        "imblearn",
        "keras",
        "lightgbm",
        "sentence_transformers",
        "sklearn",
        "skops",
        "spacy",
        "statsmodels",
        "tensorflow",
        "torch",
        "transformers",
        "xgboost",
    )
)
# Modules below them whose objects are data: datasets, tensors, encoded text.
DATA_MODULES = frozenset(
    (
        "gensim.corpora.dictionary",
        "keras.src.callbacks.history",
        "sklearn.datasets.base",
        "sklearn.externals.joblib.numpy_pickle",
        "sklearn.utils",
        "sklearn.utils._bunch",
        "spacy.tokens.doc",
        "tensorflow.python.framework.ops",
        "torch",
        "torch._tensor",
        "torch._utils",
        "torch.storage",
        "transformers.feature_extraction_utils",
        "transformers.tokenization_utils_base",
    )
)

_PROTOCOLS = 5  # pickle.HIGHEST_PROTOCOL
# Protocols 0 and 1 have no magic; this is how an object of a class starts in both.
_OLD_STARTS = (b"ccopy_reg\n_reconstructor\n", b"ccopyreg\n_reconstructor\n")
_WRAPPER = ".numpy_pickle.NumpyArrayWrapper"  # sklearn.externals carried a copy of joblib once
_DTYPE = re.compile(r"([biufcSUVmM])(\d{1,9})")  # numpy's array interface, "typestr"
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_UNPACK_CAP = 8 << 20


def recognise(head: bytes, size: int) -> bool:
    """Return whether a file of ``size`` bytes that starts with ``head`` may hold such a pickle."""
    return size > 2 and (_is_pickle(head) or method_of(head) is not None)


def parse(source: ByteSource) -> ModelHeader | None:
    """Return the header of a pickled model, or None when it is none.

    A pickle is a model only if it imports from a machine-learning library something other than
    a container of data. One that breaks half-way still gives a header, with the property
    "damage": a loader runs what stands before the break.
    """
    if _is_pickle(source.read(0, HEAD)):
        return _header(_walk(source), {})
    peek = unpack(source, HEAD)
    if peek is None or not _is_pickle(peek.data):
        return None
    unpacked = unpack(source, _UNPACK_CAP)
    if unpacked is None:
        return None
    facts = _walk(MemorySource(unpacked.data))
    extra: dict[str, str | None] = {"compression": unpacked.method}
    if not facts.stopped and not unpacked.complete:
        extra["damage"] = "only its start was decompressed"
    return _header(facts, extra)


class JoblibWalker(Walker):
    """Steps over the raw arrays as joblib's NumpyUnpickler.load_build reads them."""

    def built(self, target: object, state: object) -> None:
        """Step over the array that follows the wrapper just built."""
        if not _is_array(target) or not isinstance(state, dict):
            return
        if self.cursor.position < self.cursor.frame_end:
            return  # joblib closes the frame before an array: opcodes follow, not its bytes
        dtype = _dtype(state)
        if dtype.startswith("O"):  # Python objects, in a pickle of their own
            Walker(self.cursor, self.record).run()
            return
        length = _array_length(dtype, state.get("shape"))
        if length is None:
            return
        if isinstance(state.get("numpy_array_alignment_bytes"), int):  # since joblib 1.2
            self.cursor.skip(self.cursor.take(1)[0])
        self.cursor.skip(length)


def _dtype(state: dict[str, object]) -> str:
    """Return a wrapped array's dtype as numpy pickles it ("f8"), or "" when it is unclear."""
    dtype = state.get("dtype")
    if not isinstance(dtype, Call) or dtype.function != "numpy.dtype" or not dtype.args:
        return ""
    return dtype.args[0] if isinstance(dtype.args[0], str) else ""


def _array_length(dtype: str, shape: object) -> int | None:
    """Return the bytes of an array of plain values, or None when it is unclear."""
    match = _DTYPE.fullmatch(dtype)
    if match is None or not isinstance(shape, tuple):
        return None
    lengths = [length for length in shape[:64] if isinstance(length, int) and length >= 0]
    if len(lengths) != len(shape):
        return None
    width = int(match[2]) * (4 if match[1] == "U" else 1)  # U counts characters of four bytes
    return width * math.prod(lengths)


def _walk(source: ByteSource) -> PickleFacts:
    """Walk as joblib.load does, and add what pickle.load would import.

    pickle.load knows no arrays, and takes the bytes of one for opcodes. Those of an honest file
    give nothing, or names that are none.
    """
    facts = walk(source, walker=JoblibWalker)
    if not has_arrays(facts):
        return facts
    names = {name for name in walk(source).globals if _NAME.fullmatch(name)}
    return replace(facts, globals=tuple(sorted(names.union(facts.globals))))


def has_arrays(facts: PickleFacts) -> bool:
    """Return whether raw arrays stand between the opcodes, as joblib writes them."""
    return any(_is_array(call) for call in facts.calls)


def _is_array(value: object) -> bool:
    return (class_of(value) or "").endswith(_WRAPPER)


def _header(facts: PickleFacts, extra: dict[str, str | None]) -> ModelHeader | None:
    name = _outermost_model(facts)
    if name is None and not _has_weights(facts):
        return None
    estimator = (name or "").rpartition(".")[2]
    shown = {
        "library": (name or "torch").partition(".")[0],
        "sklearn_version": _sklearn_version(facts),
        "damage": None if facts.complete else f"pickle read in part: {facts.ending}",
    }
    return ModelHeader(
        format="joblib" if has_arrays(facts) else "pickle",
        format_version=None if facts.protocol is None else str(facts.protocol),
        architecture=text(estimator) if estimator[:1].isupper() else None,
        globals=facts.globals,
        properties=properties(shown | extra),
    )


def _outermost_model(facts: PickleFacts) -> str | None:
    """Return the class of the outermost model: an object is built before what it contains.

    Without one, the first name imported from such a library, which may be a function.
    """
    built = (class_of(call) or "" for call in facts.calls)
    return next((name for name in (*built, *facts.order) if _is_model(name)), None)


def _has_weights(facts: PickleFacts) -> bool:
    """Return whether there is a PyTorch state dict: tensors alone may be any data."""
    return any(name.rpartition(".")[2] == "weight" for name in tensor_names(facts))


def _is_model(name: str) -> bool:
    return name.partition(".")[0] in ML_MODULES and name.rpartition(".")[0] not in DATA_MODULES


def _sklearn_version(facts: PickleFacts) -> str | None:
    """Find what scikit-learn writes into every estimator (sklearn/base.py, __getstate__)."""
    values = (value for key, value in facts.items if key == "_sklearn_version")
    return next((text(value) for value in values if isinstance(value, str)), None)


def _is_pickle(head: bytes) -> bool:
    if head.startswith(_OLD_STARTS):
        return True
    return len(head) > 1 and head[0] == 0x80 and head[1] <= _PROTOCOLS  # 0x80 is PROTO
