"""``aibom diff`` in a pipeline: several documents at once, a baseline, what fails, and silence."""

import hashlib
import json
from pathlib import Path

import pytest

from tests.cli.test_commands import MODEL, UNSEEN, aibom, document

ALL = {
    "json": "out.json",
    "sarif": "out.sarif",
    "markdown": "out.md",
    "junit": "out.xml",
    "cyclonedx": "out.cdx.json",
}


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Nothing declared, and a model observed."""
    sbom = document(tmp_path / "sbom.json")
    return sbom, document(tmp_path / "bom.json", MODEL, properties=UNSEEN)


def pairs_of(folder: Path) -> list[object]:
    return [a for name, file in ALL.items() for a in ("--format", name, "-o", folder / file)]


def test_every_format_at_once_and_the_same_bytes_each_time(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    seen = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        found = aibom("diff", *pair, *pairs_of(folder), "--format", "table")
        assert found.returncode == 1
        assert "undeclared-model" in found.stdout
        assert found.stderr.count("wrote ") == len(ALL)
        assert {p.name for p in folder.iterdir()} == set(ALL.values())
        seen.append({p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()})
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--format", "json", "--format", "sarif"], "would both go to stdout"),
        (["--format", "json", "--format", "sarif", "-o", "-"], "would both go to stdout"),
        (["--format", "json", "-o", "a", "--format", "sarif", "-o", "a"], "given for two formats"),
        (
            ["--format", "json", "-o", "a", "--format", "sarif", "-o", "./a"],
            "given for two formats",
        ),
        (["-o", "a", "--format", "json", "-o", "b"], "no --format before it"),
        (["-o", "a", "-o", "b"], "no --format before it"),
        (["--format", "json", "-o", "a", "-o", "b"], "no --format before it"),
        (["--format", "pdf"], "is none of"),
        (["--baseline", "/no/such/file"], "No such file"),
    ],
)
def test_unclear_outputs_are_bad_usage(
    pair: tuple[Path, Path], tmp_path: Path, options: list[str], said: str
) -> None:
    found = aibom("diff", *pair, *options, cwd=tmp_path)
    assert (found.returncode, found.stdout, found.stderr.count("\n")) == (2, "", 1)
    assert said in found.stderr
    assert {p.name for p in tmp_path.iterdir()} == {"sbom.json", "bom.json"}


def test_one_format_and_one_file_in_any_order(pair: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert aibom("diff", *pair, "-o", out, "--format", "json").returncode == 1
    assert json.loads(out.read_text())["schema"] == "aibom.diff/2"


def test_quiet_writes_documents_and_says_nothing(pair: tuple[Path, Path], tmp_path: Path) -> None:
    found = aibom("diff", *pair, "-q", *pairs_of(tmp_path))
    assert (found.returncode, found.stdout, found.stderr) == (1, "", "")
    assert (tmp_path / "out.sarif").exists()
    assert aibom("diff", *pair, "--quiet").stdout == ""
    assert aibom("diff", *pair, "-q", "--format", "json", "-o", "-").stdout.startswith("{")
    trouble = aibom("diff", "-q", tmp_path / "none.json", pair[1])
    assert (trouble.returncode, trouble.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize("name", ["json", "sarif"])
def test_only_what_the_baseline_has_not_fails(
    pair: tuple[Path, Path], tmp_path: Path, name: str
) -> None:
    before = tmp_path / "before"
    assert aibom("diff", *pair, "--format", name, "-o", before).returncode == 1
    found = aibom("diff", *pair, "--baseline", before)
    assert found.returncode == 0
    assert "known    undeclared-model" in found.stdout
    other = MODEL | {"bom-ref": "model:2", "name": "other", "hashes": []}
    more = document(tmp_path / "more.json", MODEL, other)
    assert aibom("diff", pair[0], more, "--baseline", before).returncode == 1
    assert aibom("diff", *pair, "--baseline", pair[0]).returncode == 2


def test_never_fails_unless_the_observation_must_be_complete(pair: tuple[Path, Path]) -> None:
    assert aibom("diff", *pair, "--fail-on", "never").returncode == 0
    assert aibom("diff", *pair, "--fail-on", "never", "--strict").returncode == 3


def test_nothing_is_written_when_one_document_cannot_be_made(tmp_path: Path) -> None:
    sbom = document(tmp_path / "sbom.json")
    old = document(tmp_path / "bom.json", MODEL, specVersion="1.2")
    found = aibom("diff", sbom, old, *pairs_of(tmp_path / "out"))
    assert (found.returncode, found.stdout) == (2, "")
    assert "bom.json: --format cyclonedx: CycloneDX before 1.3" in found.stderr
    assert not (tmp_path / "out").exists()
