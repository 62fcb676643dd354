"""Configurations of models and adapters, as the programs that write them write them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.modelfolder.adapter import parse_adapter
from aibom.formats.modelfolder.config import parse_config
from aibom.types.modelfiles import ModelConfig


def config(**members: Any) -> ModelConfig:
    found = parse_config(json.dumps(members).encode())
    assert found is not None
    return found


def adapter(**members: Any) -> ModelConfig:
    found = parse_adapter(json.dumps({"peft_type": "LORA"} | members).encode())
    assert found is not None
    return found


def test_transformers() -> None:
    found = config(
        architectures=["LlamaForCausalLM"],
        model_type="llama",
        max_position_embeddings=8192,
        torch_dtype="bfloat16",
        vocab_size=128256,
        transformers_version="4.51.0",
        rope_scaling={"factor": 8.0},
    )
    assert found == ModelConfig(
        architecture="LlamaForCausalLM",
        model_type="llama",
        context_length=8192,
        task="text-generation",
        properties=(
            ("torch_dtype", "bfloat16"),
            ("transformers_version", "4.51.0"),
            ("vocab_size", "128256"),
        ),
    )


def test_a_model_of_several_parts_has_the_sizes_of_its_text() -> None:
    found = config(
        architectures=["Qwen3VLForConditionalGeneration"],
        model_type="qwen3_vl",
        text_config={"model_type": "qwen3_vl_text", "num_experts": 64, "n_positions": 99},
        vision_config={"model_type": "qwen3_vl", "hidden_size": 1152},
    )
    assert found.context_length == 99
    assert found.task == ""  # several tasks have this ending
    assert found.properties == (
        ("num_experts", "64"),
        ("text_config.model_type", "qwen3_vl_text"),
        ("vision_config.model_type", "qwen3_vl"),
    )


def test_code_of_the_repository() -> None:
    found = config(
        model_type="mpt",
        auto_map={
            "AutoModel": "org/other--modeling_mpt.MPTModel",
            "AutoTokenizer": ["tok.SlowTokenizer", None],
        },
        custom_pipelines={"answer": {"impl": "pipe.AnswerPipeline", "pt": ["AutoModel"]}},
    )
    assert found.custom_code == (
        "org/other--modeling_mpt.MPTModel",
        "pipe.AnswerPipeline",
        "tok.SlowTokenizer",
    )


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({"quant_method": "gptq", "bits": 4, "group_size": 128}, "gptq 4-bit"),
        ({"quant_method": "awq", "bits": 4, "version": "gemm"}, "awq 4-bit"),
        ({"quant_method": "awq", "w_bit": 4}, "awq 4-bit"),
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, "fp8"),
        ({"quant_method": "mxfp4"}, "mxfp4"),
        ({"quant_method": "aqlm", "nbits_per_codebook": 16}, "aqlm"),
        ({"quant_method": "quanto", "weights": "int4"}, "quanto int4"),
        ({"quant_method": "torchao", "quant_type": "int4_weight_only"}, "torchao int4_weight_only"),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, "modelopt nvfp4"),
        (
            {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
            "bitsandbytes nf4 4-bit",
        ),
        ({"load_in_8bit": True, "load_in_4bit": False}, "bitsandbytes 8-bit"),
        (
            {"quant_method": "hqq", "quant_config": {"weight_quant_params": {"nbits": 3}}},
            "hqq 3-bit",
        ),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {"group_0": {"weights": {"num_bits": 4, "type": "int"}}},
            },
            "compressed-tensors w4a16",
        ),
        (
            {
                "quant_method": "compressed-tensors",
                "config_groups": {
                    "group_0": {
                        "weights": {"num_bits": 8, "type": "float"},
                        "input_activations": {"num_bits": 8},
                    }
                },
            },
            "compressed-tensors w8a8 float",
        ),
        ({"quant_method": "of tomorrow", "bits": "four"}, "of tomorrow"),
        ({"group_size": 64, "bits": 8, "mode": "affine"}, "mlx 8-bit"),
        ({"bits": 4}, ""),
        ({"quant_method": 7}, ""),
        ([], ""),
    ],
)
def test_quantization(said: object, shown: str) -> None:
    assert config(model_type="llama", quantization_config=said).quantization == shown


def test_quantization_of_mlx() -> None:
    assert config(model_type="m", quantization={"group_size": 32, "bits": 4}).quantization == (
        "mlx 4-bit"
    )
    modern = {"group_size": 32, "bits": 4, "mode": "mxfp4"}
    assert config(model_type="m", quantization=modern).quantization == "mlx mxfp4"


def test_component_of_diffusers() -> None:
    found = config(_class_name="UNet2DConditionModel", _diffusers_version="0.35.0", sample_size=64)
    assert (found.architecture, found.model_type) == ("UNet2DConditionModel", "")
    assert found.properties == (("_diffusers_version", "0.35.0"),)


def test_onnxruntime_genai() -> None:
    found = config(
        model={"type": "phi3", "context_length": 4096, "decoder": {"num_hidden_layers": 32}},
        search={"max_length": 4096},
    )
    assert (found.model_type, found.context_length) == ("phi3", 4096)
    assert found.properties == (("num_hidden_layers", "32"),)


def test_mistral_parameters() -> None:
    found = config(
        dim=4096,
        n_layers=32,
        n_heads=32,
        vocab_size=32768,
        max_seq_len=32768,
        moe={"num_experts": 8, "num_experts_per_tok": 2},
        quantization={"qformat_weight": "fp8_e4m3"},
    )
    assert (found.context_length, found.quantization) == (32768, "fp8_e4m3")
    assert dict(found.properties)["num_experts"] == "8"


def test_keras_hub() -> None:
    found = config(
        module="keras_hub.src.models.gemma.gemma_backbone",
        class_name="GemmaBackbone",
        config={"name": "gemma_backbone", "vocabulary_size": 256000},
        registered_name="keras_hub>GemmaBackbone",
    )
    assert (found.architecture, found.name) == ("GemmaBackbone", "gemma_backbone")


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"version": 1},
        # CTranslate2
        {
            "bos_token": "<s>",
            "eos_token": "</s>",
            "layer_norm_epsilon": 1e-05,
            "unk_token": "<unk>",
        },
        {"alignment_heads": [[3, 1]], "lang_ids": [50259], "suppress_ids": [1]},
        {"model": "app", "search": True},
        {"dim": "x", "n_layers": 1, "n_heads": 1},
    ],
)
def test_documents_of_others_are_none(document: dict[str, Any]) -> None:
    assert parse_config(json.dumps(document).encode()) is None


def test_adapter() -> None:
    found = adapter(
        base_model_name_or_path="google/gemma-2-9b-it",
        revision="abc",
        task_type="CAUSAL_LM",
        r=16,
        lora_alpha=32,
        target_modules=["v_proj", "q_proj"],
        modules_to_save=None,
        use_dora=True,
        use_rslora=False,
        peft_version="0.18.1",
        auto_mapping=None,
    )
    assert found == ModelConfig(
        peft_type="LORA",
        base_model="google/gemma-2-9b-it",
        base_revision="abc",
        task="CAUSAL_LM",
        properties=(
            ("peft.lora_alpha", "32"),
            ("peft.peft_version", "0.18.1"),
            ("peft.r", "16"),
            ("peft.target_modules", "q_proj, v_proj"),
            ("peft.use_dora", "true"),
        ),
    )


def test_modules_of_an_adapter_as_a_pattern() -> None:
    found = dict(adapter(target_modules=r".*\.(q|v)_proj$").properties)
    assert found["peft.target_modules"] == r".*\.(q|v)_proj$"


@pytest.mark.parametrize("kind", ["IA3", "PROMPT_TUNING", "P_TUNING", "LOHA", "XLORA", "NEW_ONE"])
def test_every_kind_of_adapter(kind: str) -> None:
    assert adapter(peft_type=kind).peft_type == kind


@pytest.mark.parametrize(
    ("library", "custom"),
    [
        ("transformers.models.whisper.modeling_whisper", ()),
        ("torch.nn", ()),
        ("transformers_modules.org.model.modeling", ("transformers_modules.org.model.modeling.M",)),
        ("__main__", ("__main__.M",)),
        ("transformersevil", ("transformersevil.M",)),
    ],
)
def test_class_of_a_base_that_peft_would_import(library: str, custom: tuple[str, ...]) -> None:
    found = adapter(auto_mapping={"base_model_class": "M", "parent_library": library})
    assert found.custom_code == custom


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=12,
)
_KEYS = st.sampled_from(
    [
        *("model_type", "architectures", "auto_map", "custom_pipelines", "text_config", "model"),
        *("quantization_config", "quantization", "_class_name", "_diffusers_version", "search"),
        *("peft_type", "target_modules", "auto_mapping", "r", "module", "class_name", "config"),
        *("registered_name", "dim", "n_layers", "n_heads", "moe", "vision_config"),
    ]
)


@given(st.dictionaries(_KEYS, _ANY))
def test_any_members(document: dict[str, Any]) -> None:
    data = json.dumps(document).encode()
    parse_config(data)
    parse_adapter(data)
    parse_config(data[: len(data) // 2])


@given(st.text(max_size=10), _ANY)
def test_any_quantization(method: str, value: object) -> None:
    names = (
        "bits",
        "config_groups",
        "quant_config",
        "weights",
        "quant_type",
        "bnb_4bit_quant_type",
    )
    for said in (method, "compressed-tensors", "hqq", "torchao", "bitsandbytes"):
        settings = {"quant_method": said, **dict.fromkeys(names, value)}
        config(model_type="x", quantization_config=settings)
