"""The loader: what YAML would let through silently, and what a hostile file could do."""

from pathlib import Path

import pytest
from rule_samples import FORMAT_RULE, HOST_RULE, MATCH_RULE, changed, lay

from aibom.rulebook.lint import lint
from aibom.rulebook.load import features, load, read_documents
from aibom.types.rules import Clause, Feature, FormatRule, Magic, RuleError


def plant(folder: Path, text: str | bytes) -> Path:
    """Write a rule file with this text; return the catalogue's folder."""
    path = folder / "framework" / "acme.yaml"
    path.parent.mkdir()
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def test_rules_are_compiled(tmp_path: Path) -> None:
    rules = load(lay(tmp_path, MATCH_RULE, changed(FORMAT_RULE, "format", "parser", to="gguf")))
    [rule] = rules.rules
    assert (rule.id, rule.name, rule.kind, rule.type) == (
        "framework/acme",
        "Acme",
        "framework",
        "library",
    )
    assert rule.clauses[0] == Clause((Feature("loads", "pypi", "acme-ml"),))
    assert rule.clauses[3] == Clause(
        (Feature("maps", "symbol", "acme_open"), Feature("maps", "symbol", "acme_run"))
    )
    assert rules.formats == (
        FormatRule(
            id="format/acme",
            name="Acme model",
            parser="gguf",
            magics=(Magic(0, b"ACME"), Magic(8, b"mode")),
            extensions=(".acme",),
        ),
    )
    assert rules.extensions == (".acme",)
    assert rules.symbols == {"acme_open", "acme_run"}


def test_rules_by_what_they_name(tmp_path: Path) -> None:
    sandbox = changed(MATCH_RULE, "kind", to="sandbox")
    sandbox = changed(sandbox, "id", to="sandbox/acme")
    del sandbox["type"]
    rules = load(lay(tmp_path, MATCH_RULE, FORMAT_RULE, HOST_RULE, sandbox))
    assert [r.type for r in rules.rules] == ["library", "", ""]
    assert [r.id for r in rules.software.rules] == ["framework/acme"]
    assert rules.software.formats == rules.formats
    assert [r.id for r in rules.destinations.rules] == ["model-api/acme"]
    assert [r.id for r in rules.sandboxes.rules] == ["sandbox/acme"]


def test_folded_descriptions_become_one_line(tmp_path: Path) -> None:
    rules = load(lay(tmp_path, changed(MATCH_RULE, "description", to="Two\n  lines.\n")))
    assert rules.rules[0].description == "Two lines."


def test_features_of_a_sample() -> None:
    sample = {"loads": {"pypi": ["a", "b"]}, "runs": {"program": "c"}, "content": "eJw="}
    assert features(sample) == (
        Feature("loads", "pypi", "a"),
        Feature("loads", "pypi", "b"),
        Feature("runs", "program", "c"),
    )


@pytest.mark.parametrize(
    "text",
    [
        "id: a\nid: b\n",
        "tests:\n  positive: []\n  positive: []\n",
        "match:\n  - loads: {pypi: a, pypi: b}\n",
        '"id": a\nid: b\n',
    ],
)
def test_duplicate_keys_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(RuleError, match=r"acme\.yaml: .*duplicate key"):
        read_documents(plant(tmp_path, text))


@pytest.mark.parametrize("value", ["3.10", "no", "on", "1_0", "~", "2024-01-01"])
def test_what_yaml_takes_for_something_else_is_refused(tmp_path: Path, value: str) -> None:
    lay(tmp_path, changed(MATCH_RULE, "name", to="NAME"))
    path = tmp_path / "framework" / "acme.yaml"
    for old, place in (("NAME", "name"), ("acme-server", "match/4/runs/program")):
        text = path.read_text()
        path.write_text(text.replace(old, value, 1))
        messages = [problem.message for problem in lint(tmp_path)]
        assert any(m.startswith((place, "not JSON")) for m in messages), messages
        path.write_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a\n- b\n",
        "just text\n",
        "a: [\n",
        "a: b: c\n",
        "a\tb:\n\t- c\n",
        b"\xff\xfe\xfd",
        b"id: \x00\n",
        "a: 1\n---\nb: 2\n",
        "a: !!python/object/apply:os.system [id]\n",
        "a: !!python/name:os.system\n",
        "a: !unknown b\n",
        "? [a]\n: b\n",
        "? {a: b}\n: c\n",
        "base: &b {x: 1}\nmore: {<<: *b}\n",
        "[" * 5000 + "]" * 5000,
    ],
)
def test_broken_and_hostile_files_are_refused(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(RuleError, match=r"acme\.yaml: ") as caught:
        read_documents(plant(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_deep_nesting_is_reported(tmp_path: Path) -> None:
    [problem] = lint(plant(tmp_path, "a: " + "{b: " * 5000 + "c" + "}" * 5000))
    assert problem.message


def bomb(levels: int) -> str:
    """Each line holds the one before it nine times."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize("text", [bomb(9), "a: &a [*a]\n", "a: &a {b: *a}\n", "a: &x b\nc: *x\n"])
def test_aliases_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(RuleError, match=r"acme\.yaml: .*alias"):
        read_documents(plant(tmp_path, text))


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "framework" / "acme.yaml").mkdir(parents=True)
    with pytest.raises(RuleError, match=r"acme\.yaml"):
        read_documents(tmp_path)


def test_folder_without_rules_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuleError, match="no rule files"):
        load(tmp_path)


@pytest.mark.parametrize("missing", ["id", "name", "kind", "type", "match", "references"])
def test_incomplete_rule_is_refused_by_name(tmp_path: Path, missing: str) -> None:
    document = {key: value for key, value in MATCH_RULE.items() if key != missing}
    with pytest.raises(RuleError, match=r"acme\.yaml: .*rules lint"):
        load(lay(tmp_path, document, place="framework/acme"))


def test_files_are_read_in_order(tmp_path: Path) -> None:
    others = [changed(MATCH_RULE, "id", to=f"framework/{name}") for name in "cab"]
    assert [d["id"][-1] for d in read_documents(lay(tmp_path, *others)).values()] == ["a", "b", "c"]
