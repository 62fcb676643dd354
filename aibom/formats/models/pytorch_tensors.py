"""The tensors that a PyTorch pickle speaks of: how many, how large, of which type, called what."""

from collections import Counter
from dataclasses import dataclass

from aibom.formats.models.pickle_facts import Call, Global, PickleFacts
from aibom.formats.models.pickle_walk import PERSISTENT

# torch/storage.py, _dtype_to_storage_type_map: storage classes and the dtypes that they hold.
# QUInt4x2Storage and QUInt2x4Storage are left out: several elements share one byte.
_STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexDoubleStorage": "complex128",
    "ComplexFloatStorage": "complex64",
    "QInt8Storage": "qint8",
    "QInt32Storage": "qint32",
    "QUInt8Storage": "quint8",
}
_UNTYPED = "UntypedStorage"

# Bytes per element of the dtypes above, and of those that _rebuild_tensor_v3 adds to an untyped
# storage (torch/storage.py, _new_dtypes).
_WIDTHS = {
    "float64": 8,
    "float32": 4,
    "float16": 2,
    "bfloat16": 2,
    "int64": 8,
    "int32": 4,
    "int16": 2,
    "int8": 1,
    "uint8": 1,
    "bool": 1,
    "complex128": 16,
    "complex64": 8,
    "qint8": 1,
    "qint32": 4,
    "quint8": 1,
    "float8_e5m2": 1,
    "float8_e4m3fn": 1,
    "float8_e5m2fnuz": 1,
    "float8_e4m3fnuz": 1,
    "float8_e8m0fnu": 1,
    "complex32": 4,
    "uint16": 2,
    "uint32": 4,
    "uint64": 8,
}

_REBUILD_V3 = "torch._utils._rebuild_tensor_v3"
# Functions that make one tensor each (torch/_utils.py, torch/_tensor.py).
_BUILDERS = {
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    _REBUILD_V3,
    "torch._utils._rebuild_qtensor",
    "torch._utils._rebuild_meta_tensor_no_storage",
    "torch._utils._rebuild_device_tensor_from_numpy",
    "torch._utils._rebuild_device_tensor_from_cpu_tensor",
    "torch._utils._rebuild_wrapper_subclass",
    "torch._tensor._rebuild_from_type_v2",
}
# Functions that make a parameter of a tensor made before (torch/_utils.py).
_WRAPPERS = {
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
}

# Parts of tensor names in LoRA adapters: PEFT (peft/tuners/lora/layer.py), and the kohya and
# diffusers spelling.
_LORA_PARTS = (".lora_A.", ".lora_B.", "lora_embedding_", "lora_down", "lora_up")


@dataclass(frozen=True, slots=True)
class Storage:
    """One flat piece of memory behind tensors: its torch dtype, "" if unknown, and its bytes."""

    dtype: str
    length: int

    @property
    def elements(self) -> int | None:
        """Number of elements, or None when the dtype is unknown."""
        return self.length // _WIDTHS[self.dtype] if self.dtype in _WIDTHS else None


def tensor_count(facts: PickleFacts) -> int:
    """Return how many tensors the pickle builds."""
    return sum(call.function in _BUILDERS for call in facts.calls)


def tensor_names(facts: PickleFacts) -> list[str]:
    """Return the dictionary keys under which the pickle stores tensors, in its order."""
    return [
        key
        for key, value in facts.items
        if isinstance(value, Call) and (value.function in _BUILDERS or value.function in _WRAPPERS)
    ]


def is_adapter(names: list[str]) -> bool:
    """Return whether most of the tensor names are those of a LoRA adapter."""
    lora = sum(any(part in name for part in _LORA_PARTS) for name in names)
    return lora * 2 > len(names)


def storages(facts: PickleFacts) -> dict[str, Storage]:
    """Return the storages that the pickle refers to, by their key, as it claims them."""
    found: dict[str, Storage] = {}
    for call in facts.calls:
        if call.function == PERSISTENT:
            found.update(_storage(call))
        elif call.function == _REBUILD_V3:
            _retype(found, call)
    return found


def with_lengths(claimed: dict[str, Storage], lengths: dict[str, int]) -> list[Storage]:
    """Return the claimed storages with their real lengths in bytes, those not there left out."""
    return [
        Storage(storage.dtype, lengths[key]) for key, storage in claimed.items() if key in lengths
    ]


def elements_and_dtype(found: list[Storage]) -> tuple[int | None, str | None]:
    """Return the number of elements in all storages, and the dtype that most of them have.

    The number is None when there are no storages, or not all of their dtypes are known.
    """
    counts: Counter[str] = Counter()
    for storage in found:
        counts[storage.dtype] += storage.elements or 0
    known = bool(found) and all(storage.elements is not None for storage in found)
    dtype = min(counts, key=lambda name: (-counts[name], name), default="")
    return (counts.total() if known else None), (dtype if counts[dtype] else None)


def _storage(call: Call) -> dict[str, Storage]:
    """Read ("storage", class, key, location, elements, ...) (torch/serialization.py)."""
    identifier = call.args[0]
    if not isinstance(identifier, tuple) or len(identifier) < 5 or identifier[0] != "storage":
        return {}
    _, kind, key, _, elements = identifier[:5]
    if not isinstance(kind, Global) or not isinstance(key, str) or not isinstance(elements, int):
        return {}
    name = kind.name.rpartition(".")[2]
    dtype = "uint8" if name == _UNTYPED else _STORAGES.get(name, "")
    return {key: Storage(dtype, max(elements, 0) * _WIDTHS.get(dtype, 1))}


def _retype(found: dict[str, Storage], call: Call) -> None:
    """Give an untyped storage the dtype that _rebuild_tensor_v3 has as its 7th argument."""
    if len(call.args) < 7 or not isinstance(call.args[6], Global):
        return
    storage = call.args[0]
    if isinstance(storage, Call) and storage.function == PERSISTENT:
        dtype = call.args[6].name.rpartition(".")[2]
        for key, old in _storage(storage).items():
            found[key] = Storage(dtype if dtype in _WIDTHS else "", old.length)
