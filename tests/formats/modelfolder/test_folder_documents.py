"""Pipelines, indexes, model cards, merges and YAML."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats import yamltext
from aibom.formats.modelfolder.card import parse_card, parse_merge
from aibom.formats.modelfolder.index import Index, parse_index
from aibom.formats.modelfolder.pipeline import Part, parse_modules, parse_pipeline
from aibom.types.model import BaseModel
from aibom.types.modelfiles import ModelCard


def dumped(document: object) -> bytes:
    return json.dumps(document).encode()


def test_pipeline() -> None:
    found = parse_pipeline(
        dumped(
            {
                "_class_name": "StableDiffusionPipeline",
                "_diffusers_version": "0.24.0",
                "_name_or_path": "org/model",
                "requires_safety_checker": True,
                "image_encoder": [None, None],
                "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
                "unet": ["diffusers", "UNet2DConditionModel"],
                "text_encoder": ["transformers", "CLIPTextModel"],
            }
        )
    )
    assert found is not None
    assert (found.library, found.class_name) == ("diffusers", "StableDiffusionPipeline")
    assert (found.version, found.name) == ("0.24.0", "org/model")
    assert found.parts == (
        Part("safety_checker", "stable_diffusion", "StableDiffusionSafetyChecker"),
        Part("text_encoder", "transformers", "CLIPTextModel"),
        Part("unet", "diffusers", "UNet2DConditionModel"),
    )
    assert found.custom_code == ()


def test_code_of_a_pipelines_repository() -> None:
    found = parse_pipeline(
        dumped(
            {
                "_class_name": ["pipeline", "KiwiPipeline"],
                "_diffusers_version": "0.32.0",
                "vae": ["wan_video_vae", "VAE"],
                "transformer": ["optimum.onnxruntime.modeling_diffusion", "ORTModel"],
                "text_encoder": ["transformers_modules.org.enc", "Encoder"],
            }
        )
    )
    assert found is not None
    assert found.class_name == "KiwiPipeline"
    assert found.custom_code == (
        "pipeline.KiwiPipeline",
        "transformers_modules.org.enc.Encoder",
        "wan_video_vae.VAE",
    )


def test_modules_of_sentence_transformers() -> None:
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {
            "idx": 1,
            "name": "1",
            "path": "1_Pooling",
            "type": "sentence_transformers.models.Pooling",
        },
        {"idx": 2, "name": "2", "path": "2_Own", "type": "custom_st.Own"},
    ]
    versions = {"__version__": {"sentence_transformers": "3.0.1"}, "model_type": "SparseEncoder"}
    found = parse_modules(dumped(modules), dumped(versions))
    assert found is not None
    assert (found.class_name, found.version) == ("SparseEncoder", "3.0.1")
    assert [(p.folder, p.class_name) for p in found.parts] == [
        ("", "Transformer"),
        ("1_Pooling", "Pooling"),
        ("2_Own", "Own"),
    ]
    assert found.custom_code == ("custom_st.Own",)
    assert parse_modules(dumped([{"name": "terraform", "path": "x"}])) is None


def test_index() -> None:
    shards = {f"layer{n}": f"model-0000{n % 2 + 1}-of-00002.safetensors" for n in range(9)}
    found = parse_index(dumped({"metadata": {"total_size": 99}, "weight_map": shards}))
    files = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
    assert found == Index(files, ())


@pytest.mark.parametrize(
    "name", ["../x.bin", "/etc/passwd", "a/../../b", "..", "a\\..\\b", "C:\\x", "a\x00b", "\u202ex"]
)
def test_index_that_leads_out(name: str) -> None:
    found = parse_index(dumped({"weight_map": {"a": name, "b": "sub/x.bin", "c": 7}}))
    assert found is not None
    assert found.files == ("sub/x.bin",)
    assert len(found.outside) == 1


CARD = """---
license: other
license_name: llama3.1
license_link: LICENSE
base_model:
- meta-llama/Llama-3.1-8B
- org/b
base_model_relation: merge
datasets: [a/b]
language:
- no
- en
tags: [text, 1.10]
library_name: transformers
pipeline_tag: text-generation
model-index:
- name: Tiny
  results: []
---
# Tiny

---
"""


def test_card() -> None:
    assert parse_card(CARD.encode()) == ModelCard(
        name="Tiny",
        licence="llama3.1",
        licence_link="LICENSE",
        base_models=(
            BaseModel("meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.1-8B", "merge"),
            BaseModel("org/b", "org/b", "merge"),
        ),
        datasets=("a/b",),
        languages=("no", "en"),
        tags=("text", "1.10"),
        library="transformers",
        task="text-generation",
    )


def test_card_in_windows_lines_with_a_mark() -> None:
    found = parse_card(b"\xef\xbb\xbf---\r\nlicense: apache-2.0\r\nbase_model: a/b\r\n---\r\n")
    assert found is not None
    assert (found.licence, found.base_models) == ("Apache-2.0", (BaseModel("a/b", "a/b"),))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# A readme\n---\nlicense: mit\n---\n",
        "---\nlicense: mit\n",  # no end
        "---\n- a\n---\n",
        "---\na: &x [1]\nb: *x\n---\n",
        "---\nlicense: mit\nlicense: gpl\n---\n",
        "---\na: " + "[" * 60 + "]" * 60 + "\n---\n",
        "---\n? [a]\n: b\n---\n",
        "---\nlicense: 'mit\n---\n",
        "---\nlicense: mit\n" + "# long\n" * 80_000 + "---\n",
        "---\na: !!python/object/apply:os.system [id]\n? {}\n: 1\n---\n",
    ],
)
def test_card_that_is_none(text: str) -> None:
    assert parse_card(text.encode()) is None


def test_what_a_card_says_is_fit_to_be_shown() -> None:
    found = parse_card(
        b'---\nmodel_name: "a\\e[2Jb"\nlicense: null\nbase_model: [~, {a: 1}]\n---\n'
    )
    assert found == ModelCard(name="a\\x1b[2Jb")


@pytest.mark.parametrize(
    "text",
    [
        "merge_method: slerp\nslices:\n- sources:\n  - {model: a/x}\n  - model: b/y",
        "merge_method: slerp\nmodels:\n- model: a/x\n  parameters: {weight: 1}\n- model: b/y",
        "merge_method: slerp\nmodels:\n- model: {path: a/x}\n- model: {model: {path: b/y}}",
    ],
)
def test_merge(text: str) -> None:
    found = parse_merge(text.encode())
    assert found is not None
    assert found.method == "slerp"
    assert found.models == (BaseModel("a/x", "a/x", "merge"), BaseModel("b/y", "b/y", "merge"))


def test_merge_that_is_none() -> None:
    assert parse_merge(b"models: [a]") is None
    assert parse_merge(b"\xff") is None


def test_values_of_yaml() -> None:
    assert yamltext.load("a: 1\nb: no") == {"a": 1, "b": False}
    assert yamltext.load_texts("a: 1\nb: no") == {"a": "1", "b": "no"}
    for bad in ("a: *x", "a: 1\na: 2", "[" * 60, "? {a: b}\n: c", "a: 2020-99-99"):
        with pytest.raises(yamltext.YAMLError):
            yamltext.load(bad)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=9,
)


@given(st.dictionaries(st.sampled_from(["_class_name", "_diffusers_version", "unet", "_x"]), _JSON))
def test_any_pipeline(document: dict[str, Any]) -> None:
    parse_pipeline(dumped(document))
    parse_modules(dumped([document, {"path": document, "type": "a.b"}]), dumped(document))
    parse_index(dumped({"weight_map": document, "metadata": document}))


@given(st.text(max_size=200), st.integers(0, len(CARD)))
def test_any_card(text: str, at: int) -> None:
    mutated = (CARD[:at] + text + CARD[at:]).encode("utf-8", "surrogatepass")
    parse_card(mutated)
    parse_merge(mutated)
    parse_card(CARD.encode()[:at])
    parse_merge(text.encode("utf-8", "surrogatepass"))


@given(st.dictionaries(st.sampled_from(["base_model", "models", "slices", "license"]), _JSON))
def test_any_members_of_a_card(document: dict[str, Any]) -> None:
    text = json.dumps({"merge_method": "m", **document})
    parse_card(f"---\n{text}\n---\n".encode())
    parse_merge(text.encode())
