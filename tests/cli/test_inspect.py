"""``aibom inspect``: files and folders, and what lies beside."""

import json
from pathlib import Path

from tests.cli.test_commands import aibom
from tests.formats.builders_a import safetensors_file


def folder(path: Path) -> Path:
    """A model with a card, an adapter on it, a file that is no model, and an evil index."""
    (path / "tiny").mkdir(parents=True)
    (path / "tiny" / "model.safetensors").write_bytes(safetensors_file({"a": ("F32", (2,))}))
    (path / "tiny" / "README.md").write_text("---\nlicense: mit\ndatasets: [org/words]\n---\n")
    index = {"weight_map": {"a": "model.safetensors", "b": "../../secret"}}
    (path / "tiny" / "model.safetensors.index.json").write_text(json.dumps(index))
    (path / "lora").mkdir()
    lora = {f"x.q.lora_{half}.weight": ("F32", (2, 2)) for half in "AB"}
    (path / "lora" / "adapter_model.safetensors").write_bytes(safetensors_file(lora))
    said = {"peft_type": "LORA", "base_model_name_or_path": "org/base"}
    (path / "lora" / "adapter_config.json").write_text(json.dumps(said))
    (path / "notes.bin").write_text("nothing")
    return path


def test_a_folder_is_searched_and_what_lies_beside_is_said(tmp_path: Path) -> None:
    found = aibom("inspect", "--format", "json", folder(tmp_path))
    assert (found.returncode, found.stderr) == (0, "")
    said = json.loads(found.stdout)
    assert [Path(p).name for p in said] == ["adapter_model.safetensors", "model.safetensors"]
    lora, model = said.values()
    assert lora["kind"] == "adapter"
    assert lora["beside"]["config"]["base_model"] == "org/base"
    assert model["beside"]["card"]["licence"] == "MIT"
    assert [c["kind"] for c in model["beside"]["concerns"]] == ["outside-reference"]


def test_the_table_says_who_says_it(tmp_path: Path) -> None:
    found = aibom("inspect", folder(tmp_path) / "tiny" / "model.safetensors")
    assert found.returncode == 0
    for text in ("licence, by its card", "MIT", "org/words", "dangerous", "outside-reference"):
        assert text in found.stdout


def test_a_folder_without_models_says_so(tmp_path: Path) -> None:
    found = aibom("inspect", tmp_path)
    assert (found.returncode, found.stdout) == (0, "")
    assert "no model files in it" in found.stderr


def test_any_number_of_folders_is_looked_beside(tmp_path: Path) -> None:
    for number in range(70):
        place = tmp_path / f"{number:02}"
        place.mkdir()
        (place / "model.safetensors").write_bytes(safetensors_file({"a": ("F32", (2,))}))
        (place / "README.md").write_text("---\nlicense: mit\n---\n")
    said = json.loads(aibom("inspect", "--format", "json", tmp_path).stdout)
    assert [one["beside"]["card"]["licence"] for one in said.values()] == ["MIT"] * 70
