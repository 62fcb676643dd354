"""The lint, by one planted defect for each check, and by documents that are any junk."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rule_samples import (
    CLIENT_RULE,
    FORMAT_RULE,
    HOST_RULE,
    IMPORT_RULE,
    MATCH_RULE,
    TEXT_RULE,
    changed,
    lay,
    packed,
)

from aibom.rulebook.lint import CHECKS_OF_ALL, CHECKS_OF_ONE, lint, schema_valid

Document = dict[str, Any]

CHECKS: tuple[Callable[..., Iterator[Any]], ...] = (schema_valid, *CHECKS_OF_ONE, *CHECKS_OF_ALL)


def test_sound_rules_are_clean(tmp_path: Path) -> None:
    sound = (MATCH_RULE, FORMAT_RULE, HOST_RULE, IMPORT_RULE, CLIENT_RULE, TEXT_RULE)
    assert lint(lay(tmp_path, *sound)) == []


DEFECTS: list[tuple[str, Document, str]] = [
    ("schema_valid", changed(MATCH_RULE, "status", to="fine"), 'status: "fine" is not one of'),
    ("schema_valid", changed(MATCH_RULE, "surprise", to=1), "top level: Additional properties"),
    (
        "schema_valid",
        changed(MATCH_RULE, "references", 0, to="http://acme.example"),
        "references/0",
    ),
    ("schema_valid", changed(MATCH_RULE, "references", to=[]), "references: [] has less than 1"),
    ("schema_valid", changed(MATCH_RULE, "tests", "positive", to=[]), "tests/positive: [] has"),
    ("schema_valid", changed(MATCH_RULE, "tests", "benign", to=[]), "tests/benign: [] has"),
    ("schema_valid", changed(MATCH_RULE, "tests", to={}), 'tests: "positive" is a required'),
    (
        "schema_valid",
        changed(MATCH_RULE, "match", 0, "loads", "pypi", to=3.1),
        "match/0/loads/pypi",
    ),
    ("schema_valid", changed(MATCH_RULE, "match", 0, "loads", "pypi", to=False), "match/0/loads"),
    ("schema_valid", changed(MATCH_RULE, "match", 0, to={"installed": {"pypi": "a"}}), "match/0"),
    ("schema_valid", changed(MATCH_RULE, "format", to={"parser": "gguf"}), "top level: has none"),
    ("schema_valid", changed(FORMAT_RULE, "format", "magic", 0, "hex", to="41A"), "format/magic/0"),
    ("schema_valid", changed(HOST_RULE, "type", to="library"), "top level: has none"),
    ("schema_valid", changed(HOST_RULE, "kind", to="framework"), "top level: has none"),
    ("schema_valid", changed(HOST_RULE, "match", 0, "talks", to={"address": "a"}), "match/0/talks"),
    ("schema_valid", changed(HOST_RULE, "match", 1, "talks", "port", to=443), "match/1/talks/port"),
    ("id_is_place", changed(MATCH_RULE, "id", to="framework/other"), "is not 'framework/acme'"),
    ("folder_is_kind", changed(MATCH_RULE, "kind", to="mcp-sdk"), "folder 'mcp-sdk'"),
    ("folder_is_kind", changed(FORMAT_RULE, "kind", to="framework"), "does not go with"),
    (
        "samples_fit",
        changed(MATCH_RULE, "tests", "benign", 0, "content", to=packed(b"x")),
        "benign sample 1: no content wanted",
    ),
    (
        "samples_fit",
        changed(FORMAT_RULE, "tests", "positive", 0, to={"loads": {"pypi": "acme-ml"}}),
        "positive sample 1: nothing but content wanted",
    ),
    (
        "samples_are_plain",
        changed(MATCH_RULE, "tests", "positive", 2, "maps", "soname", to="libacme.so.*"),
        "positive sample 3: 'libacme.so.*' is a pattern",
    ),
    (
        "clauses_covered",
        changed(MATCH_RULE, "tests", "positive", 3, "maps", "symbol", to="acme_open"),
        "clause 4 is met by no positive sample",
    ),
    (
        "installed_is_benign",
        changed(MATCH_RULE, "tests", "benign", 0, to={"loads": {"pypi": "acme"}}),
        "no benign sample with 'installed'",
    ),
    (
        "pypi_names_normalised",
        changed(MATCH_RULE, "match", 0, "loads", "pypi", to="Acme_ML"),
        "pypi name 'Acme_ML' is not normalised",
    ),
    (
        "pypi_names_normalised",
        changed(MATCH_RULE, "match", 0, "loads", "pypi", to="acme ml!"),
        "pypi name 'acme ml!' is not normalised",
    ),
    (
        "npm_names_valid",
        changed(MATCH_RULE, "match", 1, "runs", "npm", to="acme/server"),
        "npm name 'acme/server' is not valid",
    ),
    (
        "names_narrow",
        changed(MATCH_RULE, "match", 2, "maps", "soname", to="lib*.so.*"),
        "soname 'lib*.so.*' is too wide",
    ),
    (
        "names_narrow",
        changed(MATCH_RULE, "match", 4, "runs", "program", to="server.py"),
        "program 'server.py' is too wide",
    ),
    (
        "names_narrow",
        changed(MATCH_RULE, "match", 4, "runs", "program", to="a[bcdefg]*"),
        "program 'a[bcdefg]*' is too wide",
    ),
    (
        "symbols_exact",
        changed(MATCH_RULE, "match", 3, "maps", "symbol", to="acme_*"),
        "symbol 'acme_*' is a pattern",
    ),
    (
        "devices_narrow",
        changed(MATCH_RULE, "type", to="device"),
        "clause 1: 'holds' is what type 'device' is known by",
    ),
    (
        "devices_narrow",
        changed(MATCH_RULE, "match", 0, to={"holds": {"device": "/dev/acme[0-9]"}}),
        "clause 1: 'holds' is what type 'device' is known by",
    ),
    (
        "devices_narrow",
        changed(MATCH_RULE, "match", 0, to={"holds": {"device": "/tmp/acme0"}}),
        "clause 1: device files lie below /dev/",
    ),
    (
        "devices_narrow",
        changed(MATCH_RULE, "match", 0, to={"holds": {"device": "/dev/*"}}),
        "clause 1: device '/dev/*' is too wide",
    ),
    (
        "devices_narrow",
        changed(MATCH_RULE, "match", 0, to={"holds": {"device": "/dev/dri/renderD*"}}),
        "clause 1: a render node alone",
    ),
    ("schema_valid", changed(MATCH_RULE, "serves", to={"model": ["model"]}), "serves/model/0"),
    ("schema_valid", changed(MATCH_RULE, "serves", to={"weights": ["-m"]}), "serves: Additional"),
    (
        "serves_is_run",
        changed(MATCH_RULE, "serves", to={"model": ["-m"], "name": ["-m"]}),
        "option '-m' stands for two things",
    ),
    (
        "serves_is_run",
        changed(
            changed(MATCH_RULE, "serves", to={"model": ["-m"]}),
            "match",
            to=[{"loads": {"pypi": "acme-ml"}}],
        ),
        "'serves' is for rules with a clause that 'runs'",
    ),
    (
        "versions_of_libraries",
        changed(
            changed(MATCH_RULE, "names_version", to=True), "match", 2, to=MATCH_RULE["match"][3]
        ),
        "'names_version' is for rules with a soname",
    ),
    (
        "verbs_fit_kind",
        changed(HOST_RULE, "match", 0, to={"runs": {"program": "acme-server"}}),
        "clause 1: 'talks' alone for kind 'model-api'",
    ),
    (
        "verbs_fit_kind",
        changed(HOST_RULE, "match", 0, "loads", to={"pypi": "acme"}),
        "clause 1: 'talks' alone",
    ),
    (
        "verbs_fit_kind",
        changed(MATCH_RULE, "match", 0, to={"talks": {"host": "api.acme.example"}}),
        "clause 1: no 'talks' for kind 'framework'",
    ),
    (
        "samples_fit",
        changed(CLIENT_RULE, "tests", "benign", 0, to={"loads": {"pypi": "acme"}}),
        "benign sample 1: nothing but content, file, servers wanted",
    ),
    (
        "files_covered",
        changed(CLIENT_RULE, "tests", "positive", 1, "file", to=1),
        "no positive sample of toml with mcp_servers",
    ),
    (
        "patterns_bounded",
        changed(TEXT_RULE, "text", 0, to="do not .* tell"),
        "repeats without an end",
    ),
    *(
        ("hosts_narrow", changed(HOST_RULE, "match", 0, "talks", to={"host": host}), message)
        for host, message in (
            ("API.acme.example", "host 'API.acme.example' is no name"),
            ("*.example", "host '*.example' is no name"),
            ("api.*.example", "host 'api.*.example' is no name"),
            ("api", "host 'api' is no name"),
            ("192.0.2.1", "host '192.0.2.1' is no name"),
            ("[a-z.].acme.example", "is no name in lower case"),
            (["a.acme.example", "b.acme.example"], "clause 1 wants one host"),
        )
    ),
    (
        "hosts_narrow",
        changed(HOST_RULE, "match", 0, "talks", to={"port": "11434"}),
        "clause 1 wants one host: a port proves nothing",
    ),
    (
        "hosts_narrow",
        changed(HOST_RULE, "match", 1, "talks", "port", to="https"),
        "port 'https' is no number",
    ),
    (
        "magic_long",
        changed(FORMAT_RULE, "format", "magic", 1, to={"offset": 2, "hex": "4d452e2e2e"}),
        "7 bytes of magic and no parser",
    ),
    (
        "magic_long",
        changed(FORMAT_RULE, "format", to={"extensions": [".acme"]}),
        "0 bytes of magic",
    ),
    ("parser_known", changed(FORMAT_RULE, "format", "parser", to="acme"), "no parser 'acme'"),
    (
        "contents_decode",
        changed(FORMAT_RULE, "tests", "benign", 0, "content", to="%%%"),
        "benign sample 1: content sample is no deflated base64",
    ),
    (
        "contents_decode",
        changed(FORMAT_RULE, "tests", "benign", 0, "content", to=packed(bytes(2 << 20))),
        "benign sample 1: content sample is cut off, too large",
    ),
    ("imports_sorted", changed(IMPORT_RULE, "imports", "names", to=["b.x", "a.x"]), "not sorted"),
    (
        "imports_sampled",
        changed(IMPORT_RULE, "tests", "benign", 0, to={"loads": {"pypi": "acme"}}),
        "benign sample 1: does not go with",
    ),
]


@pytest.mark.parametrize(("_name", "document", "message"), DEFECTS, ids=[d[0] for d in DEFECTS])
def test_planted_defect_is_found(
    tmp_path: Path, _name: str, document: Document, message: str
) -> None:
    folder = document["id"].partition("/")[0]
    kept = folder in ("format", "model-api", "pickle-import")
    place = f"{folder}/acme" if kept else "framework/acme"
    problems = lint(lay(tmp_path, document, place=place))
    assert [p for p in problems if message in p.message and p.path.stem == "acme"], problems
    assert all("\n" not in problem.message for problem in problems)


def test_every_check_has_a_planted_defect() -> None:
    planted = {name for name, _, _ in DEFECTS} | {"ids_and_names_unique", "clauses_unique"}
    assert {check.__name__ for check in CHECKS} == planted


def test_names_and_clauses_of_two_rules(tmp_path: Path) -> None:
    other = changed(MATCH_RULE, "id", to="framework/other")
    messages = [p.message for p in lint(lay(tmp_path, MATCH_RULE, other))]
    assert messages.count("name 'Acme' is another rule's too") == 2
    assert messages.count("clause 1 stands elsewhere too") == 2


def test_one_id_in_two_files(tmp_path: Path) -> None:
    lay(tmp_path, MATCH_RULE)
    lay(tmp_path, changed(MATCH_RULE, "name", to="Other"), place="framework/other")
    messages = [p.message for p in lint(tmp_path)]
    assert messages.count("id 'framework/acme' is another rule's too") == 2


def test_clause_twice_in_one_rule_whatever_its_order(tmp_path: Path) -> None:
    twice = changed(MATCH_RULE, "match", 4, to={"maps": {"symbol": ["acme_run", "acme_open"]}})
    messages = [p.message for p in lint(lay(tmp_path, twice))]
    assert "clause 4 stands elsewhere too" in messages
    assert "clause 5 stands elsewhere too" in messages


def test_patterns_in_package_names_are_fine(tmp_path: Path) -> None:
    pattern = changed(MATCH_RULE, "match", 0, "loads", "pypi", to="acme-*")
    pattern = changed(pattern, "match", 1, "runs", "npm", to="@acme/*")
    assert lint(lay(tmp_path, pattern)) == []


def test_file_that_is_no_yaml(tmp_path: Path) -> None:
    lay(tmp_path, MATCH_RULE)
    (tmp_path / "framework" / "broken.yaml").write_text("match: [\n")
    [problem] = lint(tmp_path)
    assert "broken.yaml" in problem.message


@pytest.mark.parametrize("value", ["2024-01-01", "{1: 2}", "{~: 2}", "!!set {a}", "!!binary eA=="])
def test_values_that_json_does_not_know(tmp_path: Path, value: str) -> None:
    (tmp_path / "framework").mkdir()
    (tmp_path / "framework" / "acme.yaml").write_text(f"id: {value}\n")
    [problem] = lint(tmp_path)
    assert problem.message.startswith("not JSON: ")


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.data())
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_junk_is_reported_and_never_raised(tmp_path: Path, data: st.DataObject) -> None:
    document = data.draw(st.sampled_from([MATCH_RULE, FORMAT_RULE, HOST_RULE]))
    place = document["id"]
    path: list[str | int] = []
    node: Any = document
    while isinstance(node, dict | list) and (not path or data.draw(st.booleans())):
        keys: list[str | int] = list(node) if isinstance(node, dict) else list(range(len(node)))
        path.append(data.draw(st.sampled_from(keys)))
        inner: Any = node
        node = inner[path[-1]]
    spoiled = changed(document, *path, to=data.draw(JUNK))
    for old in tmp_path.glob("*/*.yaml"):
        old.unlink()
    lint(lay(tmp_path, spoiled, place=place))
