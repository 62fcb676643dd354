"""Writes a tiny llama model with random weights: ``tiny_model.py OUT.gguf``. It loads, and babbles.

Run with the packages ``gguf`` and ``numpy`` on the path.
"""

import sys
from pathlib import Path

import gguf  # type: ignore[import-not-found,unused-ignore]
import numpy as np  # type: ignore[import-not-found,unused-ignore]

CONTEXT, WIDTH, INNER, LAYERS, HEADS = 256, 64, 128, 2, 4
BYTES = [f"<0x{value:02X}>" for value in range(256)]
TOKENS = ["<unk>", "<s>", "</s>", *BYTES]
UNKNOWN, CONTROL, BYTE = (
    gguf.TokenType.UNKNOWN,
    gguf.TokenType.CONTROL,
    gguf.TokenType.BYTE,
)


def describe(writer: "gguf.GGUFWriter") -> None:
    """Write what the model says of itself."""
    writer.add_name("tiny-random-llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(TOKENS))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(TOKENS)
    writer.add_token_scores([0.0] * len(TOKENS))
    writer.add_token_types([UNKNOWN, CONTROL, CONTROL, *[BYTE] * len(BYTES)])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)


def shapes() -> dict[str, tuple[int, ...]]:
    """Return every tensor's name and shape; those with one dimension are norms."""
    found: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (len(TOKENS), WIDTH),
        "output.weight": (len(TOKENS), WIDTH),
        "output_norm.weight": (WIDTH,),
    }
    for layer in range(LAYERS):
        prefix = f"blk.{layer}."
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            found[f"{prefix}{name}.weight"] = (WIDTH, WIDTH)
        for name in ("attn_norm", "ffn_norm"):
            found[f"{prefix}{name}.weight"] = (WIDTH,)
        found[f"{prefix}ffn_gate.weight"] = (INNER, WIDTH)
        found[f"{prefix}ffn_up.weight"] = (INNER, WIDTH)
        found[f"{prefix}ffn_down.weight"] = (WIDTH, INNER)
    return found


def main(target: Path) -> None:
    """Write the model to ``target``: the same bytes every time."""
    random = np.random.default_rng(0)
    writer = gguf.GGUFWriter(target, "llama")
    describe(writer)
    for name, shape in shapes().items():
        if len(shape) == 1:
            weights = np.ones(shape, np.float32)
        else:
            weights = (random.standard_normal(shape) * 0.05).astype(np.float32)
        writer.add_tensor(name, weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
