"""safetensors, the tensor container of Hugging Face.

Source: the format description in the README of huggingface/safetensors, and its reference reader
safetensors/src/tensor.rs: 8 bytes little-endian length, a JSON header, the tensors' data.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from aibom.formats.models import widths
from aibom.formats.models.header import HEAD, Tally, elements, properties
from aibom.formats.models.safetensors_json import TensorInfo, read_header
from aibom.formats.source import ByteSource, FormatError, exactly
from aibom.types.model import BaseModel, ModelHeader, Width

_REFERENCE_MAX_HEADER = 100_000_000  # tensor.rs, MAX_HEADER_SIZE

# Lower than the reference's: header and tensor names are held in the agent's memory. 16 MiB are
# about 150,000 tensors; the largest models have fewer than 1,000 in one of their shards.
_MAX_HEADER = 16 << 20

# enum Dtype of tensor.rs: bits of one element.
_DTYPE_BITS = {
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "BOOL": 8,
    "U8": 8,
    "I8": 8,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "C64": 64,
    "F64": 64,
    "I64": 64,
    "U64": 64,
}

# How a header begins: with the metadata, or with a tensor's name and its description.
_START = re.compile(
    rb'\{\s*+"(?:__metadata__"\s*+:\s*+\{'
    rb'|(?:[^"\\]|\\.)*+"\s*+:\s*+\{[^{}]*?"(?:dtype|shape|data_offsets)")',
    re.DOTALL,
)

# The same, cut off: what comes before "dtype" may be longer than what is seen of the file.
_CUT_OFF = re.compile(
    rb'\{\s*+(?:"(?:[^"\\]|\\.)*+\\?(?:"\s*+(?::\s*+(?:\{[^{}]*+)?)?)?)?', re.DOTALL
)

# The names that PEFT (lora_A, lora_B, lora_embedding_*, lora_magnitude_vector, ia3_l,
# prompt_embeddings), kohya-ss and LyCORIS (lora_down, lora_up, hada_*, lokr_*) and diffusers
# (lora.down, lora.up) give to an adapter's tensors. PEFT leaves them in a merged-in checkpoint
# beside "base_layer" tensors, which are the weights of the base model.
_ADAPTER_TENSOR = re.compile(
    r"(?:^|[._])(?:lora_(?:[AB]|embedding_[AB]|magnitude_vector|down|up|mid)|lora\.(?:down|up)"
    r"|ia3_l|prompt_embeddings|hada_[tw][12](?:_[ab])?|lokr_(?:w[12](?:_[ab])?|t2))(?:\.|$)"
)
_BASE_TENSOR = ".base_layer."


def recognise(head: bytes, size: int) -> bool:
    """Tell whether a file that begins with ``head`` and is ``size`` bytes long is safetensors.

    There is no magic: the header's length must fit the file, and the header must begin as JSON
    that describes a tensor.
    """
    length = int.from_bytes(head[:8], "little")
    if length > min(size - 8, _REFERENCE_MAX_HEADER):
        return False
    cut_off = len(head) < size and _CUT_OFF.fullmatch(head, 8)
    return bool(_START.match(head, 8) or cut_off)


def parse(source: ByteSource) -> ModelHeader | None:
    """Read the header of a safetensors file, no tensor data.

    Returns None when the file is not safetensors or has no tensor. Raises FormatError when the
    header is larger than our cap, is no JSON of the described shape, has a key twice or a dtype
    that is unknown here, or when the tensors do not fill the rest of the file exactly.
    """
    if not recognise(source.read(0, HEAD), source.size):
        return None
    length = int.from_bytes(exactly(source, 0, 8, "the header length"), "little")
    if length > _MAX_HEADER:
        raise FormatError("header larger than 16 MiB")
    header = read_header(exactly(source, 8, length, "the header"))
    if not header.tensors:
        return None
    tally = _tally(header.tensors, source.size - 8 - length)
    adapter = _is_adapter(header.tensors)
    found = _model_header(header.metadata, tally, adapter)
    return replace(found, widths=_widths(header.tensors, adapter=adapter))


def _widths(tensors: Mapping[str, TensorInfo], *, adapter: bool) -> tuple[Width, ...]:
    # of packed integers (GPTQ, bitsandbytes) the shape is not that of the weights
    shapes = {n: t.shape for n, t in tensors.items() if t.dtype.startswith(("F", "BF"))}
    return widths.of_adapter(shapes) if adapter else widths.of_model(shapes.items())


def _tally(tensors: Mapping[str, TensorInfo], data_length: int) -> Tally:
    """Count tensors and check, as the reference does, that their data is all that follows."""
    tally = Tally()
    total = 0
    for info in tensors.values():
        count = elements(info.shape)
        bits = _DTYPE_BITS.get(info.dtype)
        if bits is None:
            raise FormatError("unknown dtype")
        if not 0 <= info.begin <= info.end <= data_length:
            raise FormatError("tensor data beyond the file")
        if count * bits != (info.end - info.begin) * 8:
            raise FormatError("tensor shape does not match its data")
        tally.add(info.dtype, count)
        total += info.end - info.begin
    if total != data_length:
        raise FormatError("tensors do not fill the file")
    return tally


def _is_adapter(names: Mapping[str, TensorInfo]) -> bool:
    if any(_BASE_TENSOR in name for name in names):
        return False
    return 2 * sum(_ADAPTER_TENSOR.search(name) is not None for name in names) > len(names)


def _model_header(metadata: Mapping[str, str], tally: Tally, adapter: bool) -> ModelHeader:
    return ModelHeader(
        format="safetensors",
        kind="adapter" if adapter else "model",
        name=metadata.get("modelspec.title"),
        producer=metadata.get("modelspec.author"),
        description=metadata.get("modelspec.description"),
        architecture=metadata.get("modelspec.architecture"),
        parameters=tally.parameters,
        quantization=tally.dominating,
        tensors=tally.tensors,
        licence=metadata.get("modelspec.license"),
        base_models=_base_models(metadata),
        properties=properties({f"metadata.{key}": value for key, value in metadata.items()}),
    )


def _base_models(metadata: Mapping[str, str]) -> tuple[BaseModel, ...]:
    version, name = metadata.get("ss_base_model_version"), metadata.get("ss_sd_model_name")
    return (BaseModel(version or name or "", name),) if version or name else ()
