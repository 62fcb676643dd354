"""Comparisons to write out: a small one for people to read, and hostile ones."""

import json
from typing import Any

from hypothesis import strategies as st

from aibom.compare.meanings import HELP
from aibom.types.declared import Claim, Document
from aibom.types.diff import Baseline, Diff
from aibom.types.files import UNKNOWN_ORIGIN
from aibom.types.findings import (
    SEVERITIES,
    Assessment,
    Closest,
    Finding,
    Reference,
    Verdict,
)
from aibom.types.inventory import Component, Inventory, Workload
from aibom.types.unseen import Unseen

KINDS = {help_.kind.name: help_.kind for help_ in HELP}
REFERENCE = Reference(
    "OWASP LLM Top 10", "LLM03:2025", "Supply Chain", "https://genai.owasp.org/llmrisk/llm03/"
)


def bom(*components: dict[str, Any], version: str = "1.6", **fields: Any) -> bytes:
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": version,
        "version": 1,
        "metadata": {
            "timestamp": "2026-01-02T03:04:05Z",
            "component": {"type": "application", "name": "chat", "version": "1", "bom-ref": "w"},
        },
        "components": list(components),
    }
    return json.dumps(document | fields).encode()


def entry(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "library", "bom-ref": name, "name": name, "version": "1"} | fields


def component(ref: str) -> Component:
    return Component(ref, "model", "machine-learning-model", ref, (), UNKNOWN_ORIGIN)


def finding(kind: str, name: str, **fields: Any) -> Finding:
    said = {
        "severity": "high",
        "ref": name,
        "evidence": f"/models/{name} mapped by python3",
        "reason": "nothing declared names it",
        "remedy": "declare it, or stop the load",
        "fingerprint": f"{kind}-{name}",
    }
    return Finding(kind=KINDS[kind], component=name, **(said | fields))


def small() -> Diff:
    """A finding of every state, with everything that a finding can say."""
    adapter = finding(
        "undeclared-adapter",
        "sql-lora",
        because="it arrived after the container started",
        chain=("python3 (pid 7) opened /models/sql-lora", "curl wrote it"),
        closest=Closest("sbom.json", "sql-lora", "1.0", line=12, differs="another SHA-256"),
        references=(REFERENCE,),
        brings=("adapter_config",),
        document="sbom.json",
        line=12,
    )
    return Diff(
        observed="bom.json",
        content=bom(*map(entry, ("base", "sql-lora", "torch", "old", "kept"))),
        inventory=Inventory(
            Workload("pod", "chat-7d", "prod"),
            tuple(map(component, ("base", "sql-lora", "torch", "old", "kept"))),
            unseen=(Unseen("denied", "process 1", "no", "be root"),),
        ),
        documents=(
            Document("sbom.json", "sbom", "CycloneDX 1.6 JSON", (Claim("sbom.json", "base"),)),
            Document("img:1", "image", "OCI image", notes=("a layer is foreign",)),
        ),
        assessment=Assessment(
            (Verdict("base", "true", "sbom.json names it by SHA-256"),),
            (
                finding("outside-image", "torch", severity="low"),
                finding("undeclared-model", "old"),
                finding("forbidden", "kept", accepted="until the move, by ops"),
                adapter,
            ),
        ),
        baseline=Baseline("earlier.json", frozenset({"undeclared-model-old", "gone"})),
        kinds=HELP,
    )


# what would break out of its place in one of the formats
NASTY = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "|x|",
            "a\n| b |",
            "<script>alert(1)</script>",
            "</details>",
            "]]>",
            "@octocat",
            f"pkg:pypi/a@1.2`x`, pkg:npm/%40a/b@1|{'a' * 64}",
            "[a](http://evil.example)",
            "![a](http://evil.example/x.png)",
            "https://evil.example www.evil.example a@evil.example",
            "# title\n\n- item",
            "``` `x` ``",
            "\\",
            "\\|",
            "<!--",
            "&lt;",
            "{0} {x}",
            "\x00\x0b\ufffe\udc80\ud800",
            "$x$ *b* _i_ ~s~ #1 GH-1",
            "",
            " ",
            "../../x",
            "/abs/x",
            "file:///x",
            "a:b",
            "%",
        ]
    ),
)


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    closest = draw(st.none() | st.builds(Closest, *[NASTY] * 4, st.integers(0, 9), NASTY))
    texts = st.lists(NASTY, max_size=3).map(tuple)
    return Finding(
        kind=draw(st.sampled_from(list(KINDS.values()))),
        severity=draw(st.sampled_from(SEVERITIES)),
        ref=draw(st.sampled_from(["", "base", "part"]) | NASTY),
        component=draw(NASTY),
        evidence=draw(NASTY),
        reason=draw(NASTY),
        remedy=draw(NASTY),
        fingerprint=draw(NASTY),
        because=draw(NASTY),
        chain=draw(texts),
        closest=closest,
        references=draw(st.lists(st.builds(Reference, *[NASTY] * 4), max_size=2).map(tuple)),
        brings=draw(texts),
        document=draw(NASTY),
        line=draw(st.integers(0, 9)),
        accepted=draw(NASTY),
    )


@st.composite
def hostile(draw: st.DrawFn) -> Diff:
    part = entry("part", components=[entry("inner")])
    return Diff(
        observed=draw(NASTY),
        content=bom(
            entry("base", description=draw(NASTY)),
            part,
            version=draw(st.sampled_from(["1.3", "1.4", "1.5", "1.6", "1.7"])),
        ),
        inventory=Inventory(
            Workload("pod", draw(NASTY), draw(NASTY)),
            (component("base"), component(draw(NASTY))),
            unseen=(Unseen("denied", draw(NASTY), draw(NASTY), draw(NASTY)),),
        ),
        documents=(
            Document(draw(NASTY), "sbom", draw(NASTY), subject=draw(NASTY), notes=(draw(NASTY),)),
        ),
        assessment=Assessment(
            (Verdict("base", "true", draw(NASTY)),),
            tuple(draw(st.lists(findings(), max_size=4))),
        ),
        fail_on=draw(st.sampled_from([None, *SEVERITIES])),
        baseline=draw(st.none() | st.builds(Baseline, NASTY, st.frozensets(NASTY, max_size=3))),
        kinds=HELP,
    )
