"""The formats of GGML before GGUF: LLaMA's ggmf and ggjt files, and ggla, their LoRA adapters.

Source: llama.cpp of summer 2023, llama.cpp (llama_file_loader) and convert-lora-to-ggml.py. Other
GGML files of that time (ggml's examples, whisper.cpp) have the magic "ggml" without a version and
differ by program; a rule knows those of whisper.cpp.
"""

import struct
from typing import NamedTuple

from aibom.formats.models.header import properties
from aibom.formats.source import ByteSource
from aibom.types.model import ModelHeader

# The magics are numbers, which stand in the file little-endian: backwards.
_MODELS = {b"fmgg": ("ggmf", (1,)), b"tjgg": ("ggjt", (1, 2, 3))}
_ADAPTER = b"algg"
_HYPERPARAMETERS = struct.Struct("<4s8I")
_LORA = struct.Struct("<4sIii")  # magic, version, r, alpha
_TENSOR = struct.Struct("<3I")  # dimensions, length of the name, type

# enum llama_ftype of that time, from 0.
_NAMES = (
    "F32, F16, Q4_0, Q4_1, Q4_1_SOME_F16, Q4_2, Q4_3, Q8_0, Q5_0, Q5_1, Q2_K, Q3_K_S, Q3_K_M"
    ", Q3_K_L, Q4_K_S, Q4_K_M, Q5_K_S, Q5_K_M, Q6_K"
)
_FILE_TYPES = dict(enumerate(_NAMES.split(", ")))


class _Sizes(NamedTuple):
    """The hyperparameters, with llama.cpp's names."""

    vocab: int
    embd: int
    mult: int
    head: int
    layer: int
    rot: int
    ftype: int


def recognise(head: bytes, size: int) -> bool:
    """Return whether a file of ``size`` bytes that starts with ``head`` is one of them."""
    return size > _HYPERPARAMETERS.size and (_model(head) or _adapter(head)) is not None


def parse(source: ByteSource) -> ModelHeader | None:
    """Return the header of such a file, or None when it is none: nothing in it is ever broken."""
    head = source.read(0, 1024)
    return _model(head) or _adapter(head)


def _model(head: bytes) -> ModelHeader | None:
    if len(head) < _HYPERPARAMETERS.size:
        return None
    magic, version, *numbers = _HYPERPARAMETERS.unpack_from(head)
    name, versions = _MODELS.get(magic, ("", ()))
    sizes = _Sizes(*numbers)
    # what holds for every LLaMA: a head's width is what is rotated
    fits = sizes.head and sizes.embd == sizes.head * sizes.rot and 0 < sizes.layer < 1000
    if version not in versions or not fits or sizes.ftype not in _FILE_TYPES:
        return None
    shown = {"n_embd": sizes.embd, "n_head": sizes.head, "n_layer": sizes.layer}
    return ModelHeader(
        format="llama-ggml",
        format_version=f"{name} v{version}",
        architecture="llama",
        quantization=_FILE_TYPES[sizes.ftype],
        properties=properties(shown | {"n_vocab": sizes.vocab}),
    )


def _adapter(head: bytes) -> ModelHeader | None:
    """Read an adapter's start, to the name of its first tensor, which ends in loraA or loraB."""
    if len(head) < _LORA.size + _TENSOR.size:
        return None
    magic, version, rank, alpha = _LORA.unpack_from(head)
    if magic != _ADAPTER or version != 1 or not 0 < rank < 1 << 16:
        return None
    dimensions, length, _ = _TENSOR.unpack_from(head, _LORA.size)
    start = _LORA.size + _TENSOR.size + 4 * dimensions
    if not 1 <= dimensions <= 2 or head[start : start + length][-6:] not in (b".loraA", b".loraB"):
        return None
    return ModelHeader(
        format="llama-ggml",
        kind="adapter",
        format_version=f"ggla v{version}",
        architecture="llama",
        properties=properties({"adapter.type": "lora", "lora_alpha": alpha, "lora_r": rank}),
    )
