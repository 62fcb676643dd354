"""What lies beside a model's weights, read from real folders."""

import json
import os
from pathlib import Path

import pytest

from aibom.observe.host.live import LiveHost
from aibom.observe.models.documents import read_documents
from aibom.observe.models.folders import ModelFolders
from aibom.observe.models.reader import MAX_DOCUMENT, Patience
from aibom.types.files import FileFacts
from aibom.types.model import ModelHeader
from aibom.types.modelfiles import HubPlace, ModelFile, ModelPipeline
from tests import make

CONFIG = json.dumps({"model_type": "llama", "architectures": ["LlamaForCausalLM"]})
EXTENSIONS = (".safetensors", ".gguf", ".onnx", ".bin")


def describe(path: str) -> FileFacts | None:
    return make.file(path) if os.path.isfile(path) else None


def complete(
    path: Path, *, is_adapter: bool = False, hub: HubPlace | None = None, **header: object
) -> ModelFile:
    folders = ModelFolders(LiveHost(), os.getpid(), describe, EXTENSIONS)
    facts = ModelHeader(**({"format": "safetensors"} | header))  # type: ignore[arg-type]
    model = ModelFile(make.file(str(path)), facts, hub=hub, folder=str(path.parent))
    return folders.complete(model, is_adapter=is_adapter)


def fill(folder: Path, **files: str) -> None:
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_json", ".json").replace("_md", ".md")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def roles(model: ModelFile) -> dict[str, str]:
    return {c.file.path.rpartition("/")[2]: c.role for c in model.companions}


def test_configuration_tokenizer_and_card_belong_to_the_weights(tmp_path: Path) -> None:
    card = "---\nlicense: apache-2.0\nbase_model: org/base\n---\n"
    fill(tmp_path, config_json=CONFIG, tokenizer_json="{}", README_md=card, other_json="{}")
    model = complete(tmp_path / "model.safetensors")
    assert roles(model) == {
        "config.json": "config",
        "tokenizer.json": "tokenizer",
        "README.md": "card",
    }
    assert model.config is not None
    assert model.config.architecture == "LlamaForCausalLM"
    assert model.card is not None
    assert model.card.licence == "Apache-2.0"
    assert model.card.base_models[0].reference == "org/base"


def test_an_adapter_has_its_own_configuration(tmp_path: Path) -> None:
    said = json.dumps({"peft_type": "LORA", "base_model_name_or_path": "org/base"})
    fill(tmp_path, config_json=CONFIG, adapter_config_json=said)
    model = complete(tmp_path / "adapter_model.safetensors", is_adapter=True)
    assert model.config is not None
    assert (model.config.peft_type, model.config.base_model) == ("LORA", "org/base")


@pytest.mark.parametrize(
    ("name", "others", "belongs"),
    [
        ("llama.gguf", [], True),
        ("llama.gguf", ["mistral.gguf"], False),
        ("model.safetensors", ["llama.gguf"], True),
        ("llama-00001-of-00002.gguf", ["llama-00002-of-00002.gguf"], True),
    ],
)
def test_documents_beside_several_models_are_of_none_of_them(
    tmp_path: Path, name: str, others: list[str], *, belongs: bool
) -> None:
    fill(tmp_path, config_json=CONFIG)
    for other in (name, *others):
        (tmp_path / other).write_bytes(b"")
    model = complete(tmp_path / name)
    assert bool(model.config) is belongs
    assert bool(model.companions) is belongs


def test_what_lies_in_one_repository_is_of_all_its_models(tmp_path: Path) -> None:
    fill(tmp_path, README_md="---\nlicense: mit\n---\n")
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).write_bytes(b"")
    model = complete(tmp_path / "a.gguf", hub=HubPlace("huggingface"))
    assert model.card is not None
    assert model.card.licence == "MIT"


def test_an_index_names_the_shards(tmp_path: Path) -> None:
    index = json.dumps({"weight_map": {"x": "one.safetensors", "y": "two.safetensors"}})
    (tmp_path / "model.safetensors.index.json").write_text(index)
    for name in ("one.safetensors", "two.safetensors"):
        (tmp_path / name).write_bytes(b"")
    model = complete(tmp_path / "one.safetensors")
    assert model.shards == ("one.safetensors", "two.safetensors")
    assert roles(model) == {"model.safetensors.index.json": "index"}
    (tmp_path / "other.safetensors").write_bytes(b"")
    assert complete(tmp_path / "one.safetensors").shards == ()


def test_an_index_that_leads_elsewhere_is_a_concern(tmp_path: Path) -> None:
    index = json.dumps({"weight_map": {"x": "model.safetensors", "y": "../../etc/passwd"}})
    (tmp_path / "model.safetensors.index.json").write_text(index)
    ((concern,)) = complete(tmp_path / "model.safetensors").concerns
    assert (concern.kind, concern.level) == ("outside-reference", "dangerous")


def test_the_parts_of_a_pipeline_know_its_folder(tmp_path: Path) -> None:
    index = json.dumps(
        {
            "_class_name": "StableDiffusionPipeline",
            "_diffusers_version": "0.30",
            "unet": ["diffusers", "UNet2DConditionModel"],
        }
    )
    fill(tmp_path, model_index_json=index, unet__config_json='{"_class_name": "UNet2D"}')
    model = complete(tmp_path / "unet" / "diffusion_pytorch_model.safetensors")
    assert model.pipeline is not None
    assert model.pipeline.folder == str(tmp_path)
    assert model.pipeline.class_name == "StableDiffusionPipeline"
    assert roles(model)["model_index.json"] == "pipeline"


def test_chat_templates_are_listed_wherever_they_stand(tmp_path: Path) -> None:
    fill(tmp_path, tokenizer_config_json=json.dumps({"chat_template": "{{ messages }}"}))
    (tmp_path / "chat_template.jinja").write_text("{{ messages[0] }}")
    (tmp_path / "additional_chat_templates").mkdir()
    (tmp_path / "additional_chat_templates" / "tool_use.jinja").write_text("{{ tools }}")
    model = complete(tmp_path / "model.safetensors")
    found = {(t.name, t.path.rpartition("/")[2]) for t in model.templates}
    assert found == {
        ("default", "tokenizer_config.json"),
        ("default", "chat_template.jinja"),
        ("tool_use", "tool_use.jinja"),
    }


def test_code_that_the_configuration_names_is_listed_and_a_note(tmp_path: Path) -> None:
    said = {"model_type": "odd", "auto_map": {"AutoModel": "modeling_odd.Odd"}}
    fill(tmp_path, config_json=json.dumps(said))
    (tmp_path / "modeling_odd.py").write_text("")
    (tmp_path / "setup.py").write_text("")
    model = complete(tmp_path / "model.safetensors")
    assert roles(model) == {"config.json": "config", "modeling_odd.py": "code"}
    assert [(c.kind, c.level) for c in model.concerns] == [("custom-code", "note")]


def test_files_that_the_header_needs_are_parts_unless_they_lie_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "model.onnx_data").write_bytes(b"")
    (tmp_path.parent / "secret").write_bytes(b"")
    references = ("model.onnx_data", "../secret", "missing")
    model = complete(tmp_path / "model.onnx", format="onnx", references=references)
    assert roles(model) == {"model.onnx_data": "part"}


def test_a_large_document_is_not_read_whole_and_a_fifo_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(CONFIG[:-1] + "," + " " * MAX_DOCUMENT + '"x": 1}')
    os.mkfifo(tmp_path / "README.md")
    model = complete(tmp_path / "model.safetensors")
    assert model.config is None
    assert model.card is None


def test_memory_has_no_neighbours() -> None:
    model = complete(Path("/memfd:x"), hub=None)
    assert model.companions == ()


def test_a_network_has_the_weights_of_its_name_beside_others(tmp_path: Path) -> None:
    for name in ("a.xml", "a.bin", "b.bin", "c.onnx"):
        (tmp_path / name).write_bytes(b"")
    assert roles(complete(tmp_path / "a.xml", references=("{stem}.bin",))) == {"a.bin": "part"}


def test_a_document_that_a_header_names_too_is_one_file(tmp_path: Path) -> None:
    fill(tmp_path, config_json=CONFIG)
    model = complete(tmp_path / "model.bin", references=("config.json",))
    assert [companion.role for companion in model.companions] == ["config"]


def test_the_components_of_a_spacy_pipeline_are_one_with_the_name_it_gives_itself(
    tmp_path: Path,
) -> None:
    meta = {
        "lang": "en",
        "name": "tiny",
        "version": "3.8.0",
        "spacy_version": ">=3.8.0",
        "license": "MIT",
        "pipeline": ["ner"],
    }
    fill(tmp_path, meta_json=json.dumps(meta))
    (tmp_path / "config.cfg").write_text("[nlp]")
    (tmp_path / "ner").mkdir()
    model = complete(tmp_path / "ner" / "model", format="spacy")
    assert model.pipeline == ModelPipeline(str(tmp_path), "spacy", "", "en_tiny", "3.8.0")
    assert model.card is not None
    assert model.card.licence == "MIT"
    assert roles(model) == {"config.cfg": "config", "meta.json": "pipeline"}


def levels(model: ModelFile) -> set[tuple[str, str, str]]:
    return {(c.kind, c.level, c.path.rpartition("/")[2]) for c in model.concerns}


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("config.json", '{"auto_map": {"A": "b.C"}, "a": 1, "a": 2}', "custom-code"),
        ("config.json", '{"auto_map": {"A": "b.C"}}' + " " * MAX_DOCUMENT, "custom-code"),
        ("tokenizer_config.json", '{"chat_template": "x", "a": 1, "a": 2}', "chat-template"),
        ("chat_template.jinja", " " * (MAX_DOCUMENT + 1), "chat-template"),
    ],
)
def test_what_is_hidden_from_us_alone_deserves_a_look(
    tmp_path: Path, name: str, content: str, kind: str
) -> None:
    (tmp_path / name).write_text(content)
    model = complete(tmp_path / "model.safetensors")
    assert levels(model) == {(kind, "suspicious", name)}


@pytest.mark.parametrize("content", ["", "[1]", "// settings\n{}", '{"a": ', "[" * 100_000])
def test_what_nobody_reads_as_a_configuration_is_left_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    assert complete(tmp_path / "model.safetensors").concerns == ()


def test_one_index_accuses_of_a_few_shards_only(tmp_path: Path) -> None:
    said = {"weight_map": {str(n): f"../{n}" for n in range(5000)}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(said))
    assert len(complete(tmp_path / "model.safetensors").concerns) == 10


def test_one_look_reads_so_many_bytes_of_documents(tmp_path: Path) -> None:
    index = json.dumps({"weight_map": {"a": "../b"}, "pad": "x" * 600})
    for name in ("a.index.json", "b.index.json"):
        (tmp_path / name).write_text(index)
    (tmp_path / "config.json").write_text(CONFIG)
    patience = Patience(documents=1000, indexes=1000)
    found = read_documents(LiveHost(), os.getpid(), str(tmp_path), patience)
    assert [c.path.rpartition("/")[2] for c in found.concerns] == ["a.index.json"]
    assert found.config is not None
    assert patience.indexes >= 0


def test_the_tokenizer_is_named_with_the_size_of_its_vocabulary(tmp_path: Path) -> None:
    tokenizer = {
        "version": "1.0",
        "added_tokens": [],
        "model": {"type": "BPE", "vocab": {"a": 0, "b": 1}},
    }
    fill(tmp_path, tokenizer_json=json.dumps(tokenizer))
    model = complete(tmp_path / "model.safetensors")
    assert model.tokenizer == "BPE of 2 tokens (huggingface)"


def test_large_tokenizers_leave_room_for_indexes(tmp_path: Path) -> None:
    tokenizer = '{"version": "1", "model": {"type": "BPE", "vocab": {"a": 0}}' + " " * (17 << 20)
    index = json.dumps({"weight_map": {"a": "a.safetensors"}})
    patience = Patience(indexes=len(index))
    fill(tmp_path, tokenizer_json=tokenizer, **{"model.safetensors.index_json": index})
    found = read_documents(LiveHost(), os.getpid(), str(tmp_path), patience)
    assert found.tokenizer == "BPE of 1 tokens (huggingface)"
    assert found.indexes == (("a.safetensors",),)
    assert patience.indexes == 0
