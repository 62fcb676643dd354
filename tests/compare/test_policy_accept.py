"""Severities, exceptions, and what expires: by the day."""

from datetime import date
from typing import Any

import pytest
from policies import FOR, accepted, compared, found, given, read

from aibom import pipeline
from aibom.compare.compare import compare
from aibom.compare.policy.lint import problems
from aibom.pipeline import Observation
from aibom.types.concerns import Concern
from aibom.types.inventory import Inventory, Service
from aibom.types.policy import Policed, Promised
from tests import make

DAY = date(2026, 12, 31)
AFTER = date(2027, 1, 1)
UNTIL = f"expires: 2026-12-31, {FOR}"


def late(**fields: Any) -> Any:
    return make.component("model", "volume", **fields)


@pytest.mark.parametrize(
    ("waiver", "covers"),
    [
        ("finding: undeclared-model, name: some*", True),
        ("finding: AIBOM-101, name: some model", True),
        ("finding: [AIBOM-105, AIBOM-101], name: some model", True),
        ("finding: undeclared-adapter, name: some*", False),
        ("finding: undeclared-model, name: some", False),
        (f"finding: undeclared-model, sha256: {make.DIGEST}", True),
        (f"finding: undeclared-model, sha256: {'cd' * 32}", False),
        ("finding: undeclared-model, purl: pkg:huggingface/acme/*", True),
        ("finding: undeclared-model, purl: pkg:huggingface/evil/*", False),
        ("finding: undeclared-model, name: some*, workload: default/*", True),
        ("finding: undeclared-model, name: some*, workload: [other/chat]", False),
    ],
)
def test_exceptions(waiver: str, *, covers: bool) -> None:
    text = f"exceptions: [{{{waiver}, {UNTIL}}}]"
    thing = late(purl=f"pkg:huggingface/acme/llama@{'0' * 40}")
    result = compared(text, thing, claims=[])
    said = [f.accepted for f in accepted(result)]
    assert said == (
        ["reviewed (ml@acme.example, until 2026-12-31; aibom.yaml, exceptions[0])"]
        if covers
        else []
    )
    elsewhere = "workload: [other" in waiver
    note = [] if covers or elsewhere else [("exception-unused", "info")]
    assert found(result) == ([] if covers else [("undeclared-model", "high")]) + note


def test_an_exception_by_fingerprint_names_one_finding() -> None:
    things = (late(), late(ref="model:y", name="another"))
    first, second = compare(given(*things), []).findings
    text = f"exceptions: [{{fingerprint: {first.fingerprint}, {UNTIL}}}]"
    result = compared(text, *things, claims=[])
    assert [f.fingerprint for f in accepted(result)] == [first.fingerprint]
    assert second.fingerprint in {f.fingerprint for f in result.findings if not f.accepted}


@pytest.mark.parametrize(
    ("today", "names"),
    [(DAY, []), (AFTER, [("undeclared-model", "high"), ("exception-expired", "medium")])],
)
def test_an_exception_holds_up_to_its_day(today: date, names: list[tuple[str, str]]) -> None:
    text = f"exceptions: [{{finding: undeclared-model, name: some*, {UNTIL}}}]"
    result = compared(text, late(), claims=[], today=today)
    assert found(result) == names
    for finding in result.findings[1:]:
        assert "expired on 2026-12-31" in finding.reason
        assert "ml@acme.example" in finding.remedy
        assert (finding.document, finding.line) == ("aibom.yaml", 3)


def test_what_is_allowed_expires_as_well_and_is_told_once() -> None:
    text = f"allow: {{models: [{{sha256: {make.DIGEST}, {UNTIL}}}]}}"
    things = (late(), late(ref="model:y"))
    assert found(compared(text, *things, claims=[], today=DAY)) == []
    result = compared(text, *things, claims=[], today=AFTER)
    assert [n for n, _ in found(result)] == ["undeclared-model"] * 2 + ["exception-expired"]
    assert result.findings[-1].brings == ("model:y",)
    # what the image declares is no longer allowed, and that is one finding
    image = make.component("model", "image-layer")
    assert found(compared(text, image, today=AFTER)) == [("exception-expired", "medium")]


@pytest.mark.parametrize(
    "entry",
    [
        "licences: [{licence: MIT",
        "origins: [{origins: image-layer",
        "sources: [{hub: huggingface",
    ],
)
def test_whatever_is_allowed_expires(entry: str) -> None:
    purl = f"pkg:huggingface/acme/llama@{'0' * 40}"
    thing = make.component("model", licence="MIT", purl=purl)
    text = f"allow: {{{entry}, {UNTIL}}}]}}"
    assert found(compared(text, thing, today=DAY)) == []
    assert found(compared(text, thing, today=AFTER)) == [("exception-expired", "medium")]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("undeclared-model: low", [("undeclared-model", "low")]),
        ("AIBOM-101: critical", [("undeclared-model", "critical")]),
        ("undeclared-adapter: low", [("undeclared-model", "high")]),
        ("undeclared-model: {severity: off, reason: not here}", []),
    ],
)
def test_severities(said: str, expected: list[tuple[str, str]]) -> None:
    result = compared(f"severities:\n  {said}", late(), claims=[])
    assert found(result) == expected
    (finding,) = result.findings
    if not expected:
        assert finding.accepted == "aibom.yaml (severities.undeclared-model) says off: not here"
    elif expected[0][1] != "high":
        assert finding.because.startswith("aibom.yaml (severities.")


def test_concerns_of_servers_and_workloads_may_be_accepted() -> None:
    concern = Concern("mcp-exposed", "suspicious", "listens on 0.0.0.0")
    server = make.component("mcp-server", ref="s", purl="pkg:npm/b@1")
    own = Service("service:s", "b", "s", "http", concerns=(concern,))
    text = f"exceptions: [{{finding: mcp-exposed, purl: pkg:npm/b, {UNTIL}}}]"
    assert found(compared(text, server, own)) == []


def test_same_input_same_findings() -> None:
    text = f"allow: {{models: []}}\nexceptions: [{{finding: not-allowed, name: no, {UNTIL}}}]"
    once, again = (compared(text, make.component("model")) for _ in range(2))
    moved = compared(f"severities: {{}}\n{text}", make.component("model"))
    assert once == again
    # a fingerprint does not change with the place in the policy
    assert [f.fingerprint for f in moved.findings] == [f.fingerprint for f in once.findings]


@pytest.mark.parametrize(
    ("text", "said", "wrong"),
    [
        ("severities: {undeclared-modle: low}", "no kind of finding", True),
        ("severities: {AIBOM-703: {severity: off, reason: x}}", "loudly", True),
        ("severities: {AIBOM-101: low, undeclared-model: high}", "other name", True),
        (f"exceptions: [{{finding: nothing, name: x, {UNTIL}}}]", "no kind of finding", True),
        (f"exceptions: [{{finding: AIBOM-703, name: x, {UNTIL}}}]", "loudly", True),
        (f"allow: {{models: [{{repo: a/b, {UNTIL}}}]}}", "expired on 2026-12-31", False),
        (f"allow: {{models: [{{repo: a/b, {FOR}}}, {{repo: a/b, {FOR}}}]}}", "says what", False),
        ("allow: {models: [{repo: a/b, reason: 'TODO: x'}]}", "still to be written", False),
        (f"allow: {{models: [{{repo: acme/**, {FOR}}}]}}", "only * is a pattern", False),
        (f"allow: {{model-apis: [{{host: '.*.a.example', {FOR}}}]}}", "only * is a pattern", False),
        (f"forbid: {{licences: [{{licence: GNU stuff, {FOR}}}]}}", "no id of SPDX", False),
        (f"allow: {{licences: [{{licence: MIT OR ISC, {FOR}}}]}}", "no id of SPDX", False),
    ],
)
def test_the_lint(text: str, said: str, *, wrong: bool) -> None:
    (problem,) = problems(read(text), AFTER if said.startswith("expired") else DAY)
    assert said in problem.message
    assert (problem.line, problem.wrong) == (3, wrong)


def test_a_sound_policy_is_clean() -> None:
    text = f"allow: {{licences: [{{licence: [MIT, BSD-*, LicenseRef-own, apache-2.0], {FOR}}}]}}"
    assert problems(read(text), DAY) == []


def test_an_exception_that_one_workload_needs_is_not_unused() -> None:
    one, other = given(late()), given(make.component("model", "image-layer"))
    documents = make.given([])
    policy = read(f"exceptions: [{{finding: undeclared-model, name: some*, {UNTIL}}}]")

    def unused(*inventories: Inventory) -> list[int]:
        result = pipeline.compared(
            Observation(inventories), Promised(documents, Policed(policy, DAY))
        )
        found = [[f.kind.name for f in a.findings] for a in result.assessments]
        return [names.count("exception-unused") for names in found]

    assert unused(one, other) == [0, 0]
    assert unused(other, other) == [1, 0]
    assert unused() == []
