"""The comparison's sample is what its truth says, and the counters count. No peer runs here."""

import hashlib
import json
import pickletools
from pathlib import Path
from typing import Any

import pytest

from aibom.cli.main import main
from rig.compare import sample
from rig.compare.__main__ import table
from rig.compare.count import answers, invented, model_count
from rig.compare.document import Document
from rig.compare.truth import Truth
from rig.hub import commit_of

PORT = 4711


@pytest.fixture
def project(tmp_path: Path) -> Path:
    sample.make(tmp_path / "project", PORT)
    return tmp_path / "project"


@pytest.fixture
def truth(project: Path) -> Truth:
    return Truth.read(project.with_name("truth.json").read_text())


def test_the_truth_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = sample.make(tmp_path / "project", PORT)
    assert Truth.read((tmp_path / "truth.json").read_text()) == made


def test_two_samples_are_the_same_bytes(tmp_path: Path) -> None:
    contents = []
    for name in ("one", "two"):
        folder = tmp_path / name / "project"
        sample.make(folder, PORT)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        contents.append({str(path.relative_to(folder)): path.read_bytes() for path in files})
    assert contents[0] == contents[1]


def test_every_model_is_there_with_the_hash_that_the_truth_says(
    project: Path, truth: Truth
) -> None:
    held = {path.name: path.read_bytes() for path in project.rglob("models/**/*.*")}
    for files in sample.repositories().values():
        held |= files
    named = [file for model in truth.models for file in model.files]
    assert len(named) == len(set(named)) == 9
    for model in truth.models:
        for name, digest in model.files.items():
            assert hashlib.sha256(held[name]).hexdigest() == digest


def test_the_hub_holds_what_the_program_asks_for(project: Path, truth: Truth) -> None:
    from_hub = {m.repository: m for m in truth.models if m.purl}
    held = sample.repositories()
    assert {name: commit_of(files) for name, files in held.items()} == {
        name: model.commit for name, model in from_hub.items()
    }
    program = (project / "app.py").read_text()
    assert f'CHAT_COMMIT = "{from_hub[sample.CHAT].commit}"' in program
    assert all(f'"{name}"' in program for name in from_hub)
    assert (
        from_hub[sample.BASE].purl
        == f"pkg:huggingface/{sample.BASE}@{commit_of(held[sample.BASE])}"
    )


def test_every_format_is_known(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suffixes = ("gguf", "onnx", "safetensors", "tflite", "pkl")
    files = [str(path) for s in suffixes for path in sorted(project.rglob(f"*.{s}"))]
    assert main(["inspect", "--format", "json", *files]) == 0
    out = json.loads(capsys.readouterr().out)
    assert len(out) == len(files) == 6


def test_one_pickle_would_run_a_command_and_the_other_would_not(
    project: Path, truth: Truth
) -> None:
    def words(name: str) -> set[str]:
        data = (project / "models" / name).read_bytes()
        return {str(argument) for _, argument, _ in pickletools.genops(data)}

    assert {"posix system", "true"} <= words(truth.evil)
    assert not any("posix" in word for word in words(truth.harmless))


def test_the_program_imports_what_the_truth_says(project: Path, truth: Truth) -> None:
    program = (project / "app.py").read_text()
    assert all(f'    "{name}",\n' in program for name in truth.imported)
    assert not any(name in program for name in truth.listed)
    listed = (project / "requirements.txt").read_text().splitlines()
    assert {f"{n}=={v}" for n, v in (truth.imported | truth.listed).items()} <= set(listed)


def test_the_servers_are_configured(project: Path, truth: Truth) -> None:
    configured = json.loads((project / ".mcp.json").read_text())["mcpServers"]
    assert set(configured) == truth.servers.keys() | truth.configured.keys()
    assert configured["notes"]["url"] == f"http://127.0.0.1:{PORT}/mcp"


def document(tmp_path: Path, **parts: Any) -> Document:
    path = tmp_path / "bom.json"
    path.write_text(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.7"} | parts))
    return Document.read(path)


def model(name: str, digest: str = "", **more: Any) -> dict[str, Any]:
    hashes = [{"alg": "SHA-256", "content": digest}] if digest else []
    return {"type": "machine-learning-model", "name": name, "hashes": hashes} | more


def perfect(truth: Truth) -> dict[str, Any]:
    """Return the parts of a BOM that says all that is true."""
    components = [
        {"type": "library", "name": name, "version": v, "purl": f"pkg:pypi/{name}@{v}"}
        for name, v in truth.imported.items()
    ]
    for one in truth.models:
        digests = list(one.files.values())
        part = model(one.name, digests[0], **{"bom-ref": one.name})
        part["components"] = [model(name, digest) for name, digest in one.files.items()]
        components.append(part | ({"purl": one.purl} if one.purl else {}))
    refs = {file: c for c, m in zip(components[9:], truth.models, strict=True) for file in m.files}
    adapter = refs[truth.adapter.file]
    adapter["pedigree"] = {"ancestors": [model(truth.adapter.named_base)]}
    adapter["properties"] = [{"name": "x", "value": "base-mismatch"}]
    refs[truth.evil]["properties"] = [{"name": "x", "value": "runs posix.system"}]
    components.append(model(truth.hosted))
    servers = [*truth.servers, *truth.configured]
    return {
        "components": components,
        "services": [{"name": f"MCP server {name}"} for name in servers],
        "dependencies": [{"ref": adapter["bom-ref"], "dependsOn": [truth.adapter.real_base]}],
    }


def test_all_that_is_true_is_counted(tmp_path: Path, truth: Truth) -> None:
    said = answers(document(tmp_path, **perfect(truth)), truth)
    assert [cell for title, cell in said.items() if title != "schema errors"] == [
        *("9 (9)", "0", "8", "8", "2", "yes", "2", "1"),
        *("named in pedigree, real one linked", "yes", "yes", "0"),
    ]


def test_of_nothing_nothing_is_counted(tmp_path: Path, truth: Truth) -> None:
    said = answers(document(tmp_path), truth)
    assert list(said.values()) == [
        *("0", "0 (0)", "0", "0", "0", "0", "no", "0", "0"),
        *("no", "no", "no", "0"),
    ]


def test_a_warning_of_every_pickle_is_told_apart(tmp_path: Path, truth: Truth) -> None:
    warned = [
        model(name, properties=[{"name": "risk", "value": "critical"}])
        for name in (truth.evil, truth.harmless)
    ]
    said = answers(document(tmp_path, components=warned), truth)
    warned[0]["description"] = "runs os.system"
    more = answers(document(tmp_path, components=warned), truth)
    assert more["evil pickle flagged"] == "yes"
    assert said["evil pickle flagged"] == "as the harmless one"


def test_what_is_no_model_of_the_sample_is_invented(tmp_path: Path, truth: Truth) -> None:
    names = ["Breeze Chat", "ford-t", "models/clouds.onnx", "openai", truth.hosted]
    bom = document(tmp_path, components=[model(name) for name in names])
    assert invented(bom, truth) == ["ford-t", "openai"]
    assert model_count(bom) == 5


def test_a_remark_tells_of_a_server_too(tmp_path: Path, truth: Truth) -> None:
    remark = {"name": "x", "value": "MCP server issues is configured and does not run"}
    said = answers(document(tmp_path, properties=[remark]), truth)
    assert (said["MCP servers that run /2"], said["MCP servers only configured /1"]) == ("0", "1")


def test_a_half_of_a_model_is_no_model(tmp_path: Path, truth: Truth) -> None:
    (base,) = [m for m in truth.models if m.name == sample.BASE]
    first = model(next(iter(base.files)))
    said = answers(document(tmp_path, components=[first]), truth)
    whole = answers(document(tmp_path, components=[model("Drizzle_Base")]), truth)
    assert whole["models /8"] == "1"
    assert (said["models /8"], said["models that are none"]) == ("0", "0")


def test_schema_errors_are_counted(tmp_path: Path, truth: Truth) -> None:
    wrong = document(tmp_path, components=[{"type": "nonsense", "name": "x"}, {"name": "y"}])
    assert int(answers(wrong, truth)["schema errors"]) >= 2


def test_what_failed_is_said_in_the_table() -> None:
    lines = table({"a": {"version": "1", "x": "2"}, "b": {"version": "3"}}).splitlines()
    assert lines[0] == "|  | a | b |"
    assert lines[2:] == ["| version | 1 | 3 |", "| x | 2 | failed |"]
