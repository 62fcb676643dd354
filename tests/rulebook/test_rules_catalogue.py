"""The real catalogue: clean, and every sample of every rule behaves."""

from collections import Counter
from pathlib import Path

import pytest

from aibom.formats.models.detect import PARSERS
from aibom.identify.match import match
from aibom.rulebook.check import check
from aibom.rulebook.lint import lint
from aibom.rulebook.load import load, read_documents, rules_folder
from aibom.types.rules import DESTINATIONS, Feature, Verb

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
        "data-loader",
        "evaluation",
        "format",
        "framework",
        "guardrail",
        "inference-server",
        "mcp-client",
        "mcp-endpoint",
        "mcp-sdk",
        "mcp-server",
        "mcp-text",
        "model-api",
        "model-client",
        "model-hub",
        "model-runtime",
        "object-store",
        "package-registry",
        "pickle-import",
        "sandbox",
        "tracing",
        "training",
        "vector-database",
        "vector-store",
    }
    compiled = (
        *CATALOGUE.rules,
        *CATALOGUE.formats,
        *CATALOGUE.imports,
        *CATALOGUE.clients,
        *CATALOGUE.texts,
    )
    assert len(compiled) == len(DOCUMENTS) >= 70
    kinds = Counter(rule.kind for rule in CATALOGUE.software.rules)
    assert kinds.total() >= 650
    assert kinds["mcp-server"] >= 80
    assert min(kinds.values()) >= 7


def test_has_enough_rules_for_destinations() -> None:
    kinds = Counter(rule.kind for rule in CATALOGUE.destinations.rules)
    assert kinds.total() >= 130
    assert kinds["model-api"] >= 60
    assert all(kinds[kind] >= 8 for kind in DESTINATIONS)


def named(host: str) -> list[str]:
    return [m.rule.id for m in match(CATALOGUE.destinations, [Feature("talks", "host", host)])]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("api.openai.com", ["model-api/openai"]),
        ("huggingface.co", ["model-hub/hugging-face"]),
        ("router.huggingface.co", ["model-api/hugging-face-inference"]),
        ("models.s3.eu-west-1.amazonaws.com", ["object-store/amazon-s3"]),
        ("bedrock-runtime.eu-west-1.amazonaws.com", ["model-api/amazon-bedrock"]),
        # a bucket may bear any name
        ("bedrock-runtime.s3.amazonaws.com", ["object-store/amazon-s3"]),
        ("api.openai.com.s3.amazonaws.com", []),
        ("api.openai.com.evil.example", []),
        ("notopenai.com", []),
        ("api.notopenai.com", []),
        ("openai.com", []),
        ("example.com", []),
        ("github.com", []),
        ("localhost", []),
        ("", []),
    ],
)
def test_hosts_by_the_real_rules(host: str, expected: list[str]) -> None:
    assert named(host) == expected


def test_no_sample_of_a_destination_is_two_things_of_one_kind() -> None:
    for path, document in DOCUMENTS.items():
        for sample in document["tests"]["positive"]:
            if "talks" in sample:
                rules = named(sample["talks"]["host"])
                kinds = [rule.partition("/")[0] for rule in rules]
                assert len(set(kinds)) == len(kinds), path


def test_no_rule_matches_on_what_is_merely_installed() -> None:
    installed = [f for rule in CATALOGUE.rules for c in rule.clauses for f in c.features]
    assert all(feature.verb != "installed" for feature in installed)


def test_every_parser_has_a_rule() -> None:
    parsers = {rule.parser for rule in CATALOGUE.formats} - {""}
    assert parsers == set(PARSERS)


def test_symbols_that_binaries_are_searched_for() -> None:
    assert {"llama_decode", "OrtGetApiBase", "TfLiteModelCreate"} <= CATALOGUE.symbols


@pytest.mark.parametrize(
    ("feature", "expected"),
    [
        # what is imported is not what is installed: these are other projects' names
        (("loads", "pypi", "sklearn"), []),
        (("loads", "pypi", "phoenix"), []),
        (("loads", "pypi", "helm"), []),
        (("loads", "pypi", "art"), []),
        (("loads", "pypi", "whisper"), []),
        (("loads", "npm", "agno"), []),
        (("runs", "program", "goose"), []),
        (("loads", "npm", "openai"), ["model-client/openai-sdk"]),
        (("loads", "npm", "@ai-sdk/anthropic"), ["model-client/vercel-ai-sdk"]),
        (("loads", "pypi", "trl"), ["training/trl"]),
        (("loads", "pypi", "lm-eval"), ["evaluation/lm-eval"]),
        (("loads", "pypi", "arize-phoenix"), ["tracing/phoenix"]),
        (("holds", "device", "/dev/nvidia3"), ["accelerator/nvidia-gpu"]),
        (("holds", "device", "/dev/dri/renderD128"), []),
        (("holds", "device", "/dev/nvidiactl"), []),
    ],
)
def test_software_by_the_real_rules(feature: tuple[Verb, str, str], expected: list[str]) -> None:
    assert [m.rule.id for m in match(CATALOGUE.software, [Feature(*feature)])] == expected


def test_plain_web_applications_match_nothing() -> None:
    names = ("django", "fastapi", "flask", "numpy", "pandas", "psycopg", "pydantic-core", "uvicorn")
    names += ("boto3", "pypdf", "beautifulsoup4", "scrapy", "playwright", "optuna", "swift")
    npm = ("express", "next", "sharp", "@prisma/client", "zod", "redis", "@aws-sdk/client-s3")
    features = [Feature("loads", "pypi", name) for name in names]
    features += [Feature(verb, "npm", name) for name in npm for verb in ("loads", "runs")]
    features += [Feature("runs", "program", name) for name in ("node", "python3", "java", "nginx")]
    features += [
        Feature("maps", "soname", name)
        for name in ("libc.so.6", "libstdc++.so.6", "libssl.so.3", "libpython3.11.so.1.0")
    ]
    features.append(Feature("loads", "golang", "github.com/spf13/cobra"))
    assert [feature for feature in features if CATALOGUE.asking_for(feature)] == []
