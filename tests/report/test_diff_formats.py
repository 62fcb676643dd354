"""Every format of ``aibom diff``: what it says, and that hostile text stays text in it."""

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from markdown_it import MarkdownIt

from aibom.compare import kinds
from aibom.compare.meanings import HELP
from aibom.formats.documents import baseline
from aibom.formats.source import FormatError
from aibom.report.formats import FORMATS
from aibom.report.markdown import MAX_BYTES
from aibom.report.markdowntext import prose
from aibom.report.sarif import MAX_RESULTS
from aibom.types.diff import Diff
from aibom.types.findings import FindingKind
from tests.report.cdxschemas import errors
from tests.report.diffs import KINDS, REFERENCE, bom, entry, finding, hostile, small

SCHEMA = Path(__file__).parents[2] / "schemas" / "aibom-diff.schema.json"
VALIDATOR = jsonschema_rs.Draft202012Validator(json.loads(SCHEMA.read_text()))
RELAXED = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)


def sarif(diff: Diff) -> dict[str, Any]:
    (run,) = json.loads(FORMATS["sarif"](diff))["runs"]
    assert isinstance(run, dict)
    return run


def test_every_kind_is_explained_once() -> None:
    named = [v for name, v in vars(kinds).items() if name.isupper()]
    every = [k for v in named for k in (v.values() if isinstance(v, dict) else (v,))]
    every = [k for k in every if isinstance(k, FindingKind)]
    assert [h.kind for h in HELP] == sorted(every, key=lambda k: k.id)
    assert len({h.kind.id for h in HELP}) == len({h.kind.name for h in HELP}) == len(HELP)


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_comparison_gives_the_same_bytes(name: str) -> None:
    assert FORMATS[name](small()) == FORMATS[name](small())


def test_states_of_findings() -> None:
    diff = small()
    states = {f.kind.name: diff.state(f) for f in diff.assessment.findings}
    assert states == {
        "outside-image": "below",
        "undeclared-model": "known",
        "forbidden": "accepted",
        "undeclared-adapter": "failing",
    }
    assert diff.gone == {"gone"}
    assert replace(diff, fail_on=None).failing == ()
    assert len(replace(diff, fail_on="info", baseline=None).failing) == 3


def test_json_is_what_the_schema_says() -> None:
    report = json.loads(FORMATS["json"](small()))
    VALIDATOR.validate(report)
    assert (report["fail_on"], report["failing"], report["baseline"]["gone"]) == (
        "medium",
        1,
        ["gone"],
    )
    assert [f["state"] for f in report["findings"]] == ["below", "known", "accepted", "failing"]
    assert _described(json.loads(SCHEMA.read_text())) >= _members(report)


def _described(schema: object) -> set[str]:
    if isinstance(schema, list):
        return {name for part in schema for name in _described(part)}
    if not isinstance(schema, dict):
        return set()
    own = set(schema.get("properties", {}))
    return own | {name for part in schema.values() for name in _described(part)}


def _members(value: object) -> set[str]:
    if isinstance(value, list):
        return {name for part in value for name in _members(part)}
    if not isinstance(value, dict):
        return set()
    return set(value) | {name for part in value.values() for name in _members(part)}


def test_sarif_says_where_and_what() -> None:
    run = sarif(small())
    driver = run["tool"]["driver"]
    results = {r["properties"]["kind"]: r for r in run["results"]}
    adapter = results["undeclared-adapter"]
    assert driver["rules"][adapter["ruleIndex"]]["id"] == adapter["ruleId"] == "AIBOM-102"
    (place,) = adapter["locations"]
    assert place["physicalLocation"] == {
        "artifactLocation": {"uri": "sbom.json", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 12, "startColumn": 1, "endLine": 12, "endColumn": 1},
    }
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "chat-7d/sql-lora"
    related = [r["message"]["text"] for r in adapter["relatedLocations"]]
    assert related == [
        "closest declared: sql-lora 1.0 in sbom.json, line 12 (another SHA-256)",
        "the observed BOM",
    ]
    (taxon,) = adapter["taxa"]
    taxonomy = run["taxonomies"][taxon["toolComponent"]["index"]]
    assert taxonomy["name"] == driver["supportedTaxonomies"][0]["name"] == REFERENCE.catalogue
    assert taxonomy["taxa"][taxon["index"]]["id"] == taxon["id"] == "LLM03:2025"
    states = {name: (r["level"], r["baselineState"]) for name, r in results.items()}
    assert states == {
        "undeclared-adapter": ("error", "new"),
        "undeclared-model": ("error", "unchanged"),
        "forbidden": ("error", "new"),
        "outside-image": ("note", "new"),
    }
    assert results["forbidden"]["suppressions"][0]["justification"] == "until the move, by ops"
    assert "suppressions" not in adapter
    notes = run["invocations"][0]["toolExecutionNotifications"]
    assert [n["message"]["text"] for n in notes] == [
        "denied: process 1: no; be root",
        "img:1: a layer is foreign",
    ]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a/b.json", {"uri": "a/b.json", "uriBaseId": "%SRCROOT%"}),
        ("./a//b c.json", {"uri": "a/b%20c.json", "uriBaseId": "%SRCROOT%"}),
        ("x/../a.json", {"uri": "a.json", "uriBaseId": "%SRCROOT%"}),
        ("../a.json", {"uri": "../a.json"}),
        ("/tmp/ä.json", {"uri": "file:///tmp/%C3%A4.json"}),
        ("a\udce4.json", {"uri": "a%E4.json", "uriBaseId": "%SRCROOT%"}),
    ],
)
def test_names_of_files_as_uris(name: str, found: dict[str, str]) -> None:
    held = finding("undeclared-model", "x", document=name)
    diff = replace(small(), assessment=replace(small().assessment, findings=(held,)))
    (place,) = sarif(diff)["results"][0]["locations"]
    assert place["physicalLocation"]["artifactLocation"] == found


@pytest.mark.parametrize(
    ("document", "uri", "line"),
    [
        ("aibom.yaml", "aibom.yaml", 7),
        ("bom.json", "bom.json", 7),
        ("img:1", "sbom.json", 1),
        ("containerd://img", "sbom.json", 1),
        ("", "sbom.json", 1),
    ],
)
def test_a_finding_is_where_its_document_is_a_text(document: str, uri: str, line: int) -> None:
    found = finding("exception-expired", "x", document=document, line=7)
    diff = replace(small(), assessment=replace(small().assessment, findings=(found,)))
    (place,) = sarif(diff)["results"][0]["locations"]
    physical = place["physicalLocation"]
    assert physical["artifactLocation"]["uri"] == uri
    assert physical["region"]["startLine"] == line


def test_the_severity_of_a_rule_is_that_of_its_findings() -> None:
    rules = {r["name"]: r for r in sarif(small())["tool"]["driver"]["rules"]}
    assert set(rules) == set(KINDS)
    assert rules["undeclared-adapter"]["properties"]["security-severity"] == "8.0"
    assert rules["outside-image"]["defaultConfiguration"]["level"] == "note"
    assert "security-severity" not in rules["mcp-not-running"]["properties"]
    for rule in rules.values():  # GitHub: at most 255 and 1,024 characters, 20 tags
        assert 0 < len(rule["name"]) <= 255
        assert 0 < len(rule["shortDescription"]["text"]) <= 1024
        assert 0 < len(rule["fullDescription"]["text"]) <= 1024
        assert rule["help"]["text"]
        assert rule["help"]["markdown"]
        assert len(rule["properties"]["tags"]) <= 10


def test_references_that_look_the_same_are_one_taxon() -> None:
    twins = (replace(REFERENCE, url="about:one"), replace(REFERENCE, url="about:two"))
    diff = small()
    (first, *_) = diff.assessment.findings
    assessment = replace(diff.assessment, findings=(replace(first, references=twins),))
    run = sarif(replace(diff, assessment=assessment))
    (taxonomy,) = run["taxonomies"]
    assert [taxon["id"] for taxon in taxonomy["taxa"]] == [REFERENCE.id]
    assert len(run["results"][0]["taxa"]) == 1


def test_of_too_many_findings_the_worst_ones_are_in_the_sarif() -> None:
    diff = small()
    many = [finding("undeclared-package", f"p{i}", severity="info") for i in range(MAX_RESULTS)]
    diff = replace(diff, assessment=replace(diff.assessment, findings=(*many, *diff.failing)))
    run = sarif(diff)
    assert len(run["results"]) == MAX_RESULTS
    assert run["results"][0]["ruleId"] == "AIBOM-102"
    notes = run["invocations"][0]["toolExecutionNotifications"]
    assert notes[-1]["message"]["text"].startswith("1 findings are not in this file")


def _parsed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314 - our own


def test_junit_counts_what_fails_and_what_is_skipped() -> None:
    root = _parsed(FORMATS["junit"](small()))
    (suite,) = root
    assert suite.attrib == {
        "name": "pod prod/chat-7d",
        "tests": "5",
        "failures": "1",
        "errors": "0",
        "skipped": "2",
    }
    (failure,) = root.iter("failure")
    assert failure.get("message") == "high: Adapter that nobody declared: sql-lora"
    assert "closest declared: sql-lora 1.0 in sbom.json" in (failure.text or "")
    skipped = {s.get("message") for s in root.iter("skipped")}
    assert skipped == {"accepted: until the move, by ops", "known: the baseline has it"}
    names = [(c.get("classname"), c.get("name")) for c in root.iter("testcase")]
    assert len(names) == len(set(names))


def test_the_annotated_bom_keeps_what_is_there() -> None:
    diff = small()
    before = json.loads(diff.content)
    after = json.loads(FORMATS["cyclonedx"](diff))
    assert list(after)[: len(before)] == list(before)
    assert after["version"] == before["version"] + 1
    said = {p["name"]: p["value"] for p in after["components"][1]["properties"]}
    assert said["aibom:finding"] == "undeclared-adapter"
    assert said["aibom:finding:state"] == "failing"
    subjects = [(n["subjects"], n["timestamp"]) for n in after["annotations"]]
    assert (["sql-lora"], "2026-01-02T03:04:05Z") in subjects
    # a second comparison takes the place of the first
    again = json.loads(FORMATS["cyclonedx"](replace(diff, content=json.dumps(after).encode())))
    assert again | {"version": 0} == after | {"version": 0}
    for component in after["components"]:
        component.pop("properties", None)
    assert after["components"] == before["components"]


def test_notes_of_others_are_kept_and_ours_replaced() -> None:
    ours = {"annotator": {"component": {"name": "aibom"}}, "text": "forbidden (AIBOM-701, high): x"}
    kept = [{"annotator": {"component": {"name": "x"}}, "text": ours["text"]}, 7]
    properties = [{"name": "aibom:declared", "value": "true"}, {"name": "aibom:origin"}, 7]
    content = bom(entry("base", properties=properties), annotations=[*kept, ours])
    after = json.loads(FORMATS["cyclonedx"](replace(small(), content=content)))
    assert after["annotations"][:2] == kept
    assert ours not in after["annotations"]
    names = [p["name"] for p in after["components"][0]["properties"] if isinstance(p, dict)]
    assert names == ["aibom:origin", "aibom:declared", "aibom:declared:reason"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (bom(version="1.2"), "before 1.3"),
        (bom(version="1.x"), "before 1.3"),
        (bom(metadata=[]), "metadata is not an object"),
        (bom(x=float("inf")), "NaN or Infinity"),
        (b"<bom/>", "only an observed BOM in CycloneDX JSON"),
        (bom(properties={}), "properties is not a list"),
    ],
)
def test_a_bom_that_cannot_hold_findings(content: bytes, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        FORMATS["cyclonedx"](replace(small(), content=content))


@pytest.mark.parametrize("name", ["json", "sarif"])
def test_what_was_found_is_a_baseline_without_what_was_accepted(name: str) -> None:
    diff = small()
    found = baseline.fingerprints(FORMATS[name](diff).encode())
    assert found == {f.fingerprint for f in diff.assessment.findings if not f.accepted}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"{}", "no baseline"),
        (b'{"schema": "aibom.diff/2"}', "findings is not a list"),
        (b'{"runs": [7]}', "runs is not a list"),
        (b'{"schema": "aibom.scan/1"}', "no baseline"),
    ],
)
def test_what_is_no_baseline(content: bytes, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        baseline.fingerprints(content)


def test_markdown_tells_what_to_do() -> None:
    text = FORMATS["markdown"](small())
    assert text.startswith("## ❌ aibom: 1 finding fails this run\n")
    assert "| 🟥 high | undeclared-adapter AIBOM-102 | `sql-lora` | **fails** |" in text
    assert "- **What to do:** declare it, or stop the load" in text
    assert "1. python3 &#40;pid" not in text
    assert "[OWASP LLM Top 10 LLM03:2025 Supply Chain](https://genai.owasp.org/" in text
    assert "### 🟥 high: kept" not in text  # an accepted one is a line of the table
    nothing = replace(small(), assessment=replace(small().assessment, findings=()))
    assert "## ✅ aibom: nothing found" in FORMATS["markdown"](nothing)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("declare pkg:pypi/a_b@1.0, or not.", "declare `pkg:pypi/a_b@1.0`, or not."),
        (f"SHA-256 {'a' * 64}.", f"SHA-256 `{'a' * 64}`."),
        ("# no heading", "&#35; no heading"),
        ("12. no list", "12&#46; no list"),
        ("a @you a@b.example", "a @\u200byou a@\u200bb.example"),
        ("https://evil.example #1", "https:\u200b//evil.example #\u200b1"),
        ("a|b`c`<d>\n", "a&#124;b&#96;c&#96;&#60;d&#62;&#92;x0a"),
    ],
)
def test_text_of_others_in_markdown(text: str, shown: str) -> None:
    assert prose(text) == shown


def test_notes_are_folded_away_in_markdown() -> None:
    diff = small()
    notes = tuple(finding("declared-not-loaded", f"n{i}", severity="info") for i in range(70))
    diff = replace(diff, assessment=replace(diff.assessment, findings=notes))
    text = FORMATS["markdown"](diff)
    assert "<summary>Notes (70)</summary>" in text
    assert "- and 20 more" in text
    assert "###" not in text
    assert "###" in FORMATS["markdown"](replace(diff, fail_on="info"))


def test_markdown_is_cut_with_a_count() -> None:
    diff = small()
    many = tuple(finding("undeclared-model", f"m{i}", evidence="<" * 900) for i in range(900))
    text = FORMATS["markdown"](replace(diff, assessment=replace(diff.assessment, findings=many)))
    assert len(text.encode()) <= MAX_BYTES
    rows = len(re.findall(r"^\| 🟥", text, re.MULTILINE))
    sections = text.count("\n### ")
    assert f"**{900 - rows} more findings would not fit in this table.**" in text
    assert f"**{900 - sections} more findings would not fit with details.**" in text
    assert sections > 5


@given(hostile())
@RELAXED
def test_hostile_text_stays_text_in_json_and_sarif(diff: Diff) -> None:
    VALIDATOR.validate(json.loads(FORMATS["json"](diff)))
    run = sarif(diff)
    for result in run["results"]:
        assert "](" not in result["message"]["text"]
        assert result["message"]["text"]
        (place,) = result["locations"]
        uri = place["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"(file://)?[A-Za-z0-9._~/%-]+", uri)
        for taxon in result.get("taxa", ()):
            taxonomy = run["taxonomies"][taxon["toolComponent"]["index"]]
            assert taxonomy["taxa"][taxon["index"]]["id"] == taxon["id"]


@given(hostile())
@RELAXED
def test_hostile_text_stays_text_in_xml(diff: Diff) -> None:
    root = _parsed(FORMATS["junit"](diff))
    assert {e.tag for e in root.iter()} <= {
        "testsuites",
        "testsuite",
        "testcase",
        "failure",
        "skipped",
        "system-out",
    }
    assert int(root.get("failures", "")) == len(list(root.iter("failure"))) == len(diff.failing)
    assert int(root.get("skipped", "")) == len(list(root.iter("skipped")))


# what stands in the text of our own
_FOLD = re.compile(r"</?(?:details|summary)>")


@given(hostile())
@RELAXED
def test_hostile_text_stays_text_in_markdown(diff: Diff) -> None:
    text = FORMATS["markdown"](diff)
    assert "<" not in _FOLD.sub("", text)
    for line in text.splitlines():
        if line.startswith("| "):
            assert line.count("|") == 6
    parser = MarkdownIt("commonmark").enable("table")
    for token in _flat(parser.parse(text)):
        assert token.type not in ("image", "fence", "code_block", "html_inline", "s_open")
        if token.type == "heading_open":
            assert token.tag in ("h2", "h3")
        if token.type == "link_open":
            assert token.attrs["href"].startswith("https://")
        if token.type == "text":
            assert not re.search(r"@(?!\u200b)|://|www\.|#\d", token.content)


def _flat(tokens: list[Any]) -> list[Any]:
    return [t for token in tokens for t in (token, *_flat(token.children or []))]


@given(hostile())
@RELAXED
def test_hostile_text_stays_text_in_the_bom(diff: Diff) -> None:
    report = json.loads(FORMATS["cyclonedx"](diff))
    assert errors(report["specVersion"], report) == []
