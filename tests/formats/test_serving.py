"""Command lines of model servers, as their documentation spells them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.serving import MAX_VALUES, ServingClaim, claim_of, is_path, path_of_adapter
from aibom.rulebook.load import load

RULES = load()


def said(rule: str, line: str) -> ServingClaim:
    return claim_of(line.split(), RULES.serving[rule])


@pytest.mark.parametrize(
    ("rule", "line", "expected"),
    [
        (
            "inference-server/vllm",
            "vllm serve org/m --port 1 --served-model-name a b --lora-modules x=/x y=/y",
            ServingClaim(models=("org/m",), names=("a", "b"), adapters=("x=/x", "y=/y")),
        ),
        (
            "inference-server/vllm",
            "python -m vllm.entrypoints.openai.api_server --model=/m --served_model_name=a",
            ServingClaim(models=("/m",), names=("a",)),
        ),
        # options before the model: which argument is the model cannot be told
        ("inference-server/vllm", "vllm serve --port 1 org/m", ServingClaim()),
        (
            "inference-server/llama-server",
            "llama-server -hf org/m:Q4_K_M -hff m.gguf -a name --lora /l.gguf -c 128",
            ServingClaim(
                models=("org/m:Q4_K_M",), files=("m.gguf",), names=("name",), adapters=("/l.gguf",)
            ),
        ),
        (
            "inference-server/sglang",
            "python -m sglang.launch_server --model-path org/m --tp 2",
            ServingClaim(models=("org/m",)),
        ),
        (
            "inference-server/lmdeploy",
            "lmdeploy serve api_server org/m --model-name n --backend pytorch",
            ServingClaim(models=("org/m",), names=("n",)),
        ),
        (
            "inference-server/tgi",
            "text-generation-server serve org/m --json-output",
            ServingClaim(models=("org/m",)),
        ),
        (
            "inference-server/triton",
            "tritonserver --model-repository=/a --model-repository=/b",
            ServingClaim(folders=("/a", "/b")),
        ),
        (
            "inference-server/tensorflow-serving",
            "tensorflow_model_server --model_base_path=/m --model_name=n",
            ServingClaim(models=("/m",), names=("n",)),
        ),
        (
            "inference-server/ollama",
            "ollama runner --model /blobs/sha256-a --port 4000",
            ServingClaim(models=("/blobs/sha256-a",)),
        ),
        # hidden as a secret, cut, or not there
        ("inference-server/vllm", "vllm serve --model *** --tokenizer", ServingClaim()),
        ("inference-server/vllm", "vllm serve --model abc…", ServingClaim()),
        ("inference-server/vllm", "vllm", ServingClaim()),
    ],
)
def test_what_a_command_line_says(rule: str, line: str, expected: ServingClaim) -> None:
    assert said(rule, line) == expected


@given(st.lists(st.sampled_from(["serve", "--model", "-m", "--alias=x", "a", "-", "--", ""])))
def test_any_command_line_gives_bounded_values(argv: list[str]) -> None:
    claim = claim_of(argv, RULES.spellings)
    assert all(len(values) <= MAX_VALUES and all(values) for values in claim)


@pytest.mark.parametrize(("value", "path"), [("a=/b", "/b"), ("/b", "/b"), ("a=b=c", "c")])
def test_paths_of_adapters(value: str, path: str) -> None:
    assert path_of_adapter(value) == path


@pytest.mark.parametrize(("value", "sure"), [("/m", True), ("./m", True), ("org/m", False)])
def test_what_can_only_be_a_path(value: str, sure: bool) -> None:
    assert is_path(value) == sure
