"""How a configuration says that its weights were quantized, in a few words."""

from collections.abc import Callable
from typing import Any

from aibom.formats.jsontext import number_of, object_of, text_of

# QuantizationMethod and the classes of transformers' utils/quantization_config.py
_BITS = ("bits", "nbits", "w_bit", "num_bits")


def quantization(document: dict[str, Any]) -> str:
    """Return the method and its sizes, as ``gptq 4-bit``; empty when the file names none.

    Reads ``quantization_config`` as transformers writes it and ``quantization`` as MLX and
    Mistral do. A method that is unknown here is given in the file's own word.
    """
    config = object_of(document, "quantization_config")
    if not config and isinstance(document.get("text_config"), dict):
        config = object_of(document["text_config"], "quantization_config")
    method = text_of(config, "quant_method").lower()
    if not method and ("load_in_4bit" in config or "load_in_8bit" in config):
        method = "bitsandbytes"  # written without its name until transformers 4.31
    if method:
        return " ".join((method, *_sizes(method, config)))
    return _unnamed(object_of(document, "quantization") or config)


def _unnamed(config: dict[str, Any]) -> str:
    # mlx_lm.utils.quantize_model writes these two, and a mode in newer versions
    if number_of(config, "group_size") and number_of(config, "bits"):
        mode = text_of(config, "mode")
        return "mlx " + (mode if mode and mode != "affine" else _bits(config)[0])
    return text_of(config, "qformat_weight")  # Mistral's params.json


def _sizes(method: str, config: dict[str, Any]) -> tuple[str, ...]:
    special = _SPECIAL.get(method)
    return special(config) if special is not None else _bits(config)


def _bits(config: dict[str, Any]) -> tuple[str, ...]:
    found = next((n for key in _BITS if (n := number_of(config, key))), None)
    return () if found is None else (f"{found}-bit",)


def _bitsandbytes(config: dict[str, Any]) -> tuple[str, ...]:
    if config.get("load_in_4bit") is True:
        kind = text_of(config, "bnb_4bit_quant_type")
        return (kind, "4-bit") if kind else ("4-bit",)
    return ("8-bit",) if config.get("load_in_8bit") is True else ()


def _hqq(config: dict[str, Any]) -> tuple[str, ...]:
    inner = object_of(config, "quant_config")
    return _bits(object_of(inner, "weight_quant_params") or inner)


def _compressed(config: dict[str, Any]) -> tuple[str, ...]:
    """Return the schemes of compressed-tensors' groups: ``w4a16``, ``w8a8 float``."""
    schemes = set()
    for group in list(object_of(config, "config_groups").values())[:100]:
        weights = object_of(group, "weights") if isinstance(group, dict) else {}
        if not (bits := number_of(weights, "num_bits")):
            continue
        inputs = number_of(object_of(group, "input_activations"), "num_bits") or 16
        kind = " float" if text_of(weights, "type") == "float" else ""
        schemes.add(f"w{bits}a{inputs}{kind}")
    return (", ".join(sorted(schemes)),) if schemes else ()


def _word(key: str) -> Callable[[dict[str, Any]], tuple[str, ...]]:
    """Return a reader of one member: its text, in lower case."""

    def read(config: dict[str, Any]) -> tuple[str, ...]:
        value = text_of(config, key).lower()
        return (value,) if value else ()

    return read


_SPECIAL: dict[str, Callable[[dict[str, Any]], tuple[str, ...]]] = {
    "aqlm": lambda _: (),  # its bits are those of a codebook
    "bitsandbytes": _bitsandbytes,
    "compressed-tensors": _compressed,
    "eetq": _word("weights"),
    "fp_quant": _word("forward_dtype"),
    "fouroversix": _word("dtype"),
    "hqq": _hqq,
    "modelopt": _word("quant_algo"),  # NVIDIA TensorRT Model Optimizer
    "quanto": _word("weights"),
    "torchao": _word("quant_type"),
}
