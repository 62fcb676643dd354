"""The real catalogue: clean, and every sample of every rule behaves."""

from pathlib import Path

import pytest

from aibom.rulebook.check import check
from aibom.rulebook.lint import lint
from aibom.rulebook.load import load, read_documents, rules_folder
from aibom.types.rules import Feature

RULES = rules_folder()
DOCUMENTS = read_documents(RULES)
CATALOGUE = load(RULES)


def test_lints_clean() -> None:
    assert lint(RULES) == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_samples_behave(path: Path) -> None:
    assert check(CATALOGUE, [DOCUMENTS[path]]) == ()


def test_has_every_kind_and_enough_rules() -> None:
    folders = {path.parent.name for path in DOCUMENTS}
    assert folders == {
        "accelerator",
        "agent-framework",
        "format",
        "framework",
        "inference-server",
        "mcp-sdk",
        "mcp-server",
        "model-runtime",
        "vector-store",
    }
    assert len(CATALOGUE.rules) + len(CATALOGUE.formats) == len(DOCUMENTS) >= 70
    assert sum(rule.kind == "mcp-server" for rule in CATALOGUE.rules) >= 20


def test_no_rule_matches_on_what_is_merely_installed() -> None:
    installed = [f for rule in CATALOGUE.rules for c in rule.clauses for f in c.features]
    assert all(feature.verb != "installed" for feature in installed)


def test_every_parser_has_a_rule() -> None:
    parsers = {rule.parser for rule in CATALOGUE.formats} - {""}
    assert parsers == {"gguf", "joblib", "keras", "onnx", "pytorch", "safetensors", "tflite"}


def test_symbols_that_binaries_are_searched_for() -> None:
    assert {"llama_decode", "OrtGetApiBase", "TfLiteModelCreate"} <= CATALOGUE.symbols


def test_plain_web_applications_match_nothing() -> None:
    names = ("django", "fastapi", "flask", "numpy", "pandas", "psycopg", "pydantic-core", "uvicorn")
    npm = ("express", "next", "sharp", "@prisma/client")
    features = [Feature("loads", "pypi", name) for name in names]
    features += [Feature(verb, "npm", name) for name in npm for verb in ("loads", "runs")]
    features += [Feature("runs", "program", name) for name in ("node", "python3", "java", "nginx")]
    features += [
        Feature("maps", "soname", name)
        for name in ("libc.so.6", "libstdc++.so.6", "libssl.so.3", "libpython3.11.so.1.0")
    ]
    features.append(Feature("loads", "golang", "github.com/spf13/cobra"))
    assert [feature for feature in features if CATALOGUE.asking_for(feature)] == []
