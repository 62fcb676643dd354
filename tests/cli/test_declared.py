"""Documents named on the command line: files that include others, hubs that are asked."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aibom.cli.declared import MAX_INCLUDED, read_documents
from aibom.cli.terminal import CommandError
from rig.hub import commit_of, hub

FILES = {"model.safetensors": b"weights", "config.json": b"{}"}
OBSERVED = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}


def test_included_requirements_are_read_from_the_same_folder_only(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("stolen\n")
    folder = tmp_path / "project"
    (folder / "more").mkdir(parents=True)
    top = folder / "requirements.txt"
    top.write_text("torch\n-r more/a.txt\n-r ../secret.txt\n-r link.txt\n-r requirements.txt\n")
    (folder / "more" / "a.txt").write_text("numpy\n-r ../requirements.txt\n-r b.txt\n")
    (folder / "more" / "b.txt").write_text("idna\n")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    found = read_documents([str(top)]) or ()
    assert [Path(d.name).name for d in found] == ["requirements.txt", "a.txt", "b.txt"]
    assert [c.name for d in found for c in d.claims] == ["torch", "numpy", "idna"]
    assert found[0].notes == (
        "../secret.txt is not in its folder and was not read",
        "link.txt is not in its folder and was not read",
    )


@pytest.mark.parametrize("name", ["a\0b.txt", "loop.txt"])
def test_an_included_name_that_leads_nowhere(name: str, tmp_path: Path) -> None:
    (tmp_path / "loop.txt").symlink_to("loop.txt")
    top = tmp_path / "requirements.txt"
    top.write_text(f"torch\n-r {name}\n")
    found = read_documents([str(top)]) or ()
    assert "was not read" in found[0].notes[0]


def test_more_inclusions_than_are_followed_are_an_error(tmp_path: Path) -> None:
    top = tmp_path / "requirements.txt"
    top.write_text("-r ../elsewhere.txt\n" * (MAX_INCLUDED + 1))
    with pytest.raises(CommandError, match=rf"includes more than {MAX_INCLUDED} files"):
        read_documents([str(top)])


def test_a_missing_included_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("-r gone.txt\n")
    with pytest.raises(CommandError, match=r"gone\.txt"):
        read_documents([str(tmp_path / "requirements.txt")])


def test_a_broken_reference_is_an_error() -> None:
    with pytest.raises(CommandError, match="hf://a/b/c: no reference"):
        read_documents(["hf://a/b/c"])


def diff(tmp_path: Path, url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    observed = tmp_path / "observed.cdx.json"
    digest = "ab" * 32
    model = {
        "type": "machine-learning-model",
        "bom-ref": "model:1",
        "name": "tiny",
        "purl": f"pkg:huggingface/acme/tiny@{commit_of(FILES)}",
        "hashes": [{"alg": "SHA-256", "content": digest}],
        "properties": [{"name": "aibom:kind", "value": "model"}],
    }
    observed.write_text(json.dumps(OBSERVED | {"components": [model]}))
    return subprocess.run(
        [sys.executable, "-m", "aibom", "diff", *arguments, str(observed)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"HF_ENDPOINT": url, "HF_HUB_OFFLINE": "0"},
    )


def test_a_reference_declares_any_commit_and_the_hub_only_its_own_content(tmp_path: Path) -> None:
    with hub({"acme/tiny": FILES}) as url:
        offline = diff(tmp_path, "http://127.0.0.1:1", "hf://acme/tiny")
        assert (offline.returncode, offline.stderr) == (0, "")
        # at the same commit the hub has other content under these names
        online = diff(tmp_path, url, "--online", "hf://acme/tiny")
        assert online.returncode == 1, online.stderr
        manifest = tmp_path / "pod.yaml"
        manifest.write_text(
            "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n"
            "  - {name: a, image: vllm/vllm-openai, args: [--model, acme/tiny]}\n"
        )
        assert diff(tmp_path, url, str(manifest)).returncode == 0
        assert diff(tmp_path, url, "--online", str(manifest)).returncode == 1
        gone = diff(tmp_path, url, "--online", "hf://acme/gone")
        assert gone.returncode == 2
        assert gone.stderr == f"aibom: hf://acme/gone: acme/gone is not on {url}, or is private\n"


@pytest.mark.parametrize("variable", ["HF_ENDPOINT", "HF_HUB_ETAG_TIMEOUT"])
def test_a_variable_of_the_hub_that_is_none(variable: str, tmp_path: Path) -> None:
    observed = tmp_path / "observed.json"
    observed.write_text(json.dumps(OBSERVED))
    ran = subprocess.run(
        [sys.executable, "-m", "aibom", "diff", "hf://a/b", str(observed), "--online"],
        env=os.environ | {variable: "http://[::1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 1
    assert "HF_ENDPOINT" in ran.stderr
