"""Stories of findings and components: everything that a BOM knows, and nothing that is markup."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.compare.compare import compare
from aibom.formats.source import FormatError
from aibom.report import findingparts
from aibom.report.cyclonedx import document_of
from aibom.report.jsontext import serialise
from aibom.report.story import ask, views
from aibom.report.story.story import Story, story
from aibom.report.story.told import Told, told
from aibom.types.facts import Span
from aibom.types.findings import Assessment, Closest, Finding, FindingKind, Reference, Verdict
from aibom.types.inventory import Evidence, Inventory, Link, ModelDetails, Service
from aibom.types.model import BaseModel
from aibom.types.unseen import Unseen
from tests import make

NOON = 1_767_355_200.0
WHEN = datetime(2026, 1, 2, tzinfo=UTC)
BARE = {"bomFormat": "CycloneDX", "specVersion": "1.6"}


def inventory() -> Inventory:
    seen = Evidence(
        "mapped", "/m/lora.safetensors", "python3", 7, "binary-analysis", 90, "app",
        first_seen=NOON, last_seen=NOON,
    )  # fmt: skip
    details = ModelDetails(format="safetensors", base_models=(BaseModel("org/base", "org/base"),))
    adapter = make.component(
        "adapter",
        "writable-layer",
        ref="adapter:lora",
        name="lora",
        model=details,
        evidence=(seen,),
        files=(make.file("/m/lora.safetensors", "cd" * 32),),
        sha256="cd" * 32,
        properties=(("aibom:arrival", "written by curl (pid 5) in container app: curl -O x"),),
    )
    base = make.component("model", ref="model:base", name="base", sha256="ab" * 32)
    server = make.component("framework", ref="pkg:pypi/vllm@1.0", purl="pkg:pypi/vllm@1.0")
    return make.inventory(
        adapter,
        base,
        server,
        services=(Service("service:vllm", "vllm", server.ref, "http", ("http://127.0.0.1:8000",)),),
        links=(Link(adapter.ref, base.ref), Link("service:vllm", base.ref)),
        unseen=(
            Unseen("denied", "process 7", "Permission denied", "be root", 7),
            Unseen("vanished", "process 99", "ended"),
        ),
        watched=60,
        period=Span(NOON, NOON + 60),
    )


def bom(found: Inventory | None = None) -> dict[str, Any]:
    found = found or inventory()
    document: dict[str, Any] = json.loads(serialise(document_of(found, compare(found, None), WHEN)))
    return document


def of(document: dict[str, Any], question: str) -> Story:
    known = told(document)
    (subject,) = ask.subjects(known, question)
    return story(known, subject)


def lines(found: Story, title: str) -> str:
    return "\n".join(line for s in found.sections if s.title == title for line in s.lines)


def test_a_finding_tells_its_whole_chain() -> None:
    found = of(bom(), "AIBOM-102")
    assert found.about == "undeclared-adapter: lora"
    assert "severity high" in lines(found, "Finding")
    assert "What to do: declare SHA-256" in lines(found, "Finding")
    assert "made from org/base" in lines(found, "What it is made of")
    seen = lines(found, "How it was seen")
    assert "/m/lora.safetensors: mapped by python3 (pid 7) in container app" in seen
    assert "first seen 2026-01-02T12:00:00Z" in seen
    assert "watched from 2026-01-02T12:00:00Z to 2026-01-02T12:01:00Z (60 seconds)" in seen
    came = lines(found, "Where it came from")
    assert "the container's writable layer" in came
    assert "written by curl (pid 5) in container app: curl -O x" in came
    assert "It uses base." in lines(found, "Who uses it")
    assert lines(found, "Whether it was declared").startswith("Nobody declared it: ")
    blind = lines(found, "What could not be seen")
    assert "process 7: Permission denied; be root." in blind
    assert "1 more thing could not be seen" in blind


def test_a_component_tells_who_uses_it_and_its_findings() -> None:
    assert "It is used by lora, vllm (service)." in lines(of(bom(), "base"), "Who uses it")
    assert "undeclared-adapter" in lines(of(bom(), "lora"), "Findings on it")


@pytest.mark.parametrize(
    ("question", "ref"),
    [
        ("adapter:lora", "adapter:lora"),
        ("lora", "adapter:lora"),
        ("LORA", "adapter:lora"),
        ("cd" * 32, "adapter:lora"),
        ("sha256:cdcdcd", "adapter:lora"),
        ("/m/lora.safetensors", "adapter:lora"),
        ("lora.safetensors", "adapter:lora"),
        ("pkg:pypi/vllm@1.0", "pkg:pypi/vllm@1.0"),
        ("service:vllm", "service:vllm"),
        ("undeclared-adapter", "adapter:lora"),
        ("aibom-102", "adapter:lora"),
        ("chat", "workload:pod/default/chat"),
    ],
)
def test_ways_of_naming(question: str, ref: str) -> None:
    assert of(bom(), question).ref == ref


def test_a_fingerprint_or_its_start_names_one_finding() -> None:
    known = told(bom())
    (finding,) = known.findings
    for question in (finding.fingerprint, finding.fingerprint[:6].upper()):
        assert ask.subjects(known, question) == (finding,)


def test_what_means_several_things_gives_all_of_them() -> None:
    twice = make.inventory(
        make.component("model", ref="model:1", name="tiny"),
        make.component("model", ref="model:2", name="tiny"),
    )
    known = told(bom(twice))
    found = ask.subjects(known, "tiny")
    assert [ask.label(one) for one in found] == ["model:1  model tiny", "model:2  model tiny"]


def test_what_is_not_there_has_near_names() -> None:
    known = told(bom())
    assert ask.subjects(known, "lorra") == ()
    assert ask.nearest(known, "lorra") == ["lora"]
    assert "undeclared-adapter" in ask.nearest(known, "undeclared-adaptor")
    assert ask.nearest(known, "") == []


def test_a_finding_survives_the_document() -> None:
    finding = Finding(
        kind=FindingKind("different-version", "AIBOM-202", ""),
        severity="medium",
        ref="r",
        component="c",
        evidence="seen",
        reason="why",
        remedy="do",
        fingerprint="ff" * 16,
        because="so",
        chain=("one", "two"),
        closest=Closest("sbom.json", "c", "1", "pkg:pypi/c@1", 3, "version"),
        references=(Reference("OWASP LLM Top 10", "LLM03:2025", "Supply Chain", "https://x"),),
        brings=("other",),
        document="sbom.json",
        line=7,
        accepted="known",
    )
    pairs = findingparts.written(finding)
    assert tuple(findingparts.read([("a", "b"), *pairs, *pairs], "r", "c")) == (finding, finding)
    known = told({**BARE}, Assessment((), (finding,)))
    said = lines(story(known, finding), "Finding")
    for part in ("Step 2: two", "line 3", "it differs in version", "OWASP LLM Top 10 LLM03:2025"):
        assert part in said
    assert "Accepted by the policy: known." in said


def test_what_an_annotation_says_stands_in_for_older_boms() -> None:
    document = bom()
    kept = ("aibom:finding", "aibom:finding:id", "aibom:finding:severity")
    for entry in document["components"]:
        entry["properties"] = [
            p
            for p in entry["properties"]
            if p["name"] in kept or not p["name"].startswith("aibom:finding:")
        ]
    said = lines(of(document, "AIBOM-102"), "Finding")
    assert "Seen: /m/lora.safetensors mapped by python3" in said
    assert "What to do: declare SHA-256" in said


def test_a_comparison_made_now_replaces_what_the_document_says() -> None:
    document = bom()
    verdict = Verdict("adapter:lora", "true", "sbom.json names it by SHA-256")
    known = told(document, Assessment((verdict,), ()))
    (subject,) = ask.subjects(known, "lora")
    told_now = story(known, subject)
    assert lines(told_now, "Whether it was declared").startswith("It was declared: sbom.json")
    assert not lines(told_now, "Findings on it")


def test_a_bom_of_another_tool_tells_what_it_has() -> None:
    document = BARE | {
        "metadata": {"timestamp": "2026-01-01T00:00:00Z"},
        "components": [
            {
                "type": "library",
                "name": "requests",
                "version": "2.0",
                "purl": "pkg:pypi/requests@2.0?x=y",
                "licenses": [{"license": {"id": "Apache-2.0"}}, {"expression": "MIT OR ISC"}],
                "evidence": {"occurrences": [{"location": "/usr/lib/requests"}]},
                "components": [{"type": "library", "name": "urllib3"}],
            }
        ],
        "dependencies": [{"ref": "a", "dependsOn": ["b", 7]}, "x"],
    }
    found = of(document, "pkg:pypi/requests@2.0")
    assert "requests 2.0 is a library." in lines(found, "What it is")
    assert "Apache-2.0, MIT OR ISC" in lines(found, "What it is")
    assert lines(found, "How it was seen").startswith("It lies at /usr/lib/requests.")
    assert "Whether it was declared" not in [s.title for s in found.sections]
    assert of(document, "urllib3").about == "urllib3"


def test_nothing_of_a_bom_is_markup_or_moves_a_cursor() -> None:
    evil = make.component(
        "model",
        ref="model:evil",
        name="<img src=x> [a](http://b) `c`\n# d\x1b[31m | @all",
        description="![x](y)",
    )
    found = of(bom(make.inventory(evil)), "model:evil")
    text = views.markdown(found)
    assert "\x1b" not in text
    assert not re.search(r"(?<!\\)[<`@|]|(?<!\\)\]\(", text)
    assert json.dumps(views.document(found))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)


@given(st.data())
def test_a_mutated_document_is_told_or_refused(data: st.DataObject) -> None:
    document = bom()
    for _ in range(data.draw(st.integers(1, 4))):
        holder: Any = document
        for _ in range(data.draw(st.integers(0, 6))):
            inner = [v for v in (holder.values() if isinstance(holder, dict) else holder) if v]
            inner = [v for v in inner if isinstance(v, dict | list)]
            if not inner:
                break
            holder = data.draw(st.sampled_from(inner))
        if holder:
            keys = sorted(holder) if isinstance(holder, dict) else list(range(len(holder)))
            holder[data.draw(st.sampled_from(keys))] = data.draw(json_values)
    try:
        known: Told = told(document)
    except FormatError:
        return
    for subject in (*known.findings, *known.entries):
        views.markdown(story(known, subject))
        ask.label(subject)
    ask.subjects(known, "lora")
    ask.nearest(known, "lorra")
