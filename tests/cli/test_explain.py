"""``aibom explain``: what it prints, where that goes, and its exit codes."""

import json
from pathlib import Path

import pytest

from tests.cli.test_commands import MODEL, aibom, document

FOUND = [
    {"name": "aibom:finding", "value": "undeclared-model"},
    {"name": "aibom:finding:id", "value": "AIBOM-101"},
    {"name": "aibom:finding:severity", "value": "high"},
    {"name": "aibom:finding:fingerprint", "value": "0123456789abcdef"},
    {"name": "aibom:finding:remedy", "value": "declare it"},
]


@pytest.fixture
def bom(tmp_path: Path) -> Path:
    properties = [*MODEL["properties"], *FOUND]
    return document(tmp_path / "bom.cdx.json", MODEL | {"properties": properties})


def test_a_finding_as_text_markdown_and_json(bom: Path) -> None:
    text = aibom("explain", "012345", bom)
    assert text.returncode == 0
    assert text.stdout.startswith("undeclared-model: tiny\n\nFinding\n")
    assert "What to do: declare it." in text.stdout
    assert "\x1b" not in text.stdout
    markdown = aibom("explain", "AIBOM-101", bom, "--format", "markdown").stdout
    assert markdown.startswith("## undeclared\\-model\\: tiny\n\n### Finding\n\n- ")
    told = json.loads(aibom("explain", "tiny", bom, "--format", "json").stdout)
    assert told["schema"] == "aibom.explain/1"
    assert told["ref"] == "model:1"
    assert told["findings"][0]["fingerprint"] == "0123456789abcdef"


def test_a_file_is_written_whole(bom: Path, tmp_path: Path) -> None:
    done = aibom("explain", "tiny", bom, "-o", tmp_path / "story.txt")
    assert (done.returncode, done.stdout) == (0, "")
    assert "tiny is " in (tmp_path / "story.txt").read_text()


def test_with_documents_it_compares_first(bom: Path, tmp_path: Path) -> None:
    sbom = document(
        tmp_path / "sbom.json", {"type": "file", "name": "x", "hashes": MODEL["hashes"]}
    )
    told = aibom("explain", "tiny", bom, "--declared", sbom).stdout
    assert "It was declared: " in told
    other = document(tmp_path / "other.json", {"type": "file", "name": "x"})
    told = aibom("explain", "tiny", bom, "--declared", other).stdout
    assert "Nobody declared it: " in told
    assert "undeclared-model (AIBOM-101)" in told


def test_several_candidates_are_listed(tmp_path: Path) -> None:
    twice = document(tmp_path / "b.json", MODEL, MODEL | {"bom-ref": "model:2"})
    done = aibom("explain", "tiny", twice)
    assert (done.returncode, done.stdout) == (2, "")
    assert "model:1  machine-learning-model tiny" in done.stderr
    assert "model:2  machine-learning-model tiny" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("aibom: tiny may be any of these; ")


def test_near_names_are_told_of_what_is_not_there(bom: Path) -> None:
    done = aibom("explain", "tiniy", bom)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"aibom: {bom}: nothing in it is tiniy; near it are tiny\n"
    assert "nothing there is called like it" in aibom("explain", "?", bom).stderr


def test_what_is_no_bom_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{")
    done = aibom("explain", "tiny", tmp_path / "x.json")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "x.json" in done.stderr
