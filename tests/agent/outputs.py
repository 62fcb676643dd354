"""Output folders for tests, with findings, BOMs and a log."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aibom.agent.config.settings import Keeping, Logging
from aibom.agent.events import NewFinding
from aibom.agent.log import Log
from aibom.agent.output.output import Output
from aibom.compare.kinds import UNDECLARED
from aibom.report.cyclonedx import document_of
from aibom.report.jsontext import serialise
from aibom.types.findings import Assessment, Closest, Finding, Reference, Verdict
from aibom.types.inventory import Component, Inventory, Workload
from tests.make import component

UID = "1b4e28ba-2fa1-41d2-883f-0016d3cca427"
OTHER_UID = "77aa00bb-2fa1-41d2-883f-0016d3cca427"
POD = Workload("pod", "web-0", "default", UID, (("app", "web"),), (7,))
NEXT_POD = replace(POD, uid=OTHER_UID)
NOON = 1_795_262_400.0


class Heard(Log):
    """A log whose lines can be read."""

    def __init__(self) -> None:
        self.text = io.StringIO()
        super().__init__(Logging(), self.text)

    @property
    def lines(self) -> list[str]:
        return self.text.getvalue().splitlines()


def output(folder: Path, log: Log | None = None, **keep: Any) -> Output:
    return Output(str(folder), Keeping(**keep), "node-1", log or Heard(), clock=lambda: NOON)


def finding(**fields: Any) -> Finding:
    values: dict[str, Any] = {
        "kind": UNDECLARED["adapter"],
        "severity": "high",
        "ref": "adapter:x",
        "component": "sql-lora",
        "evidence": "mapped by python3 (pid 7) in container app",
        "reason": "no document names it",
        "remedy": "declare it, or keep it out",
        "fingerprint": "f" * 32,
    }
    return Finding(**(values | fields))


def whole_finding() -> Finding:
    """A finding that has everything a finding can have."""
    return finding(
        because="it came from the network",
        chain=("fetched by curl", "mapped by python3"),
        closest=Closest("sbom.json", "sql-lora", "1.0", "pkg:generic/sql-lora@1.0", 7, "digest"),
        references=(Reference("OWASP", "LLM03", "Supply Chain", "https://example.org/"),),
        brings=("model:y",),
        document="sbom.json",
        line=7,
        accepted="known until May",
    )


def new(number: int = 1, workload: Workload = POD, **fields: Any) -> NewFinding:
    values: dict[str, Any] = {
        "finding": finding(),
        "component": component("adapter", "writable-layer", containers=("app",)),
    }
    return NewFinding(
        id=f"finding-{number}",
        node="node-1",
        workload=workload,
        first_seen=NOON - 60,
        **(values | fields),
    )


def bom(*components: Component, workload: Workload = POD, at: float = NOON) -> str:
    seen = Inventory(workload, components or (component("adapter", "writable-layer"),))
    verdicts = tuple(Verdict(c.ref, "false", "no document names it") for c in seen.components)
    when = datetime.fromtimestamp(at, UTC)
    return serialise(document_of(seen, Assessment(verdicts, ()), when))


def ids(folder: Path) -> list[str]:
    return [json.loads(line)["id"] for line in (folder / "findings.jsonl").open("rb")]


def files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if not p.is_dir())
