"""``aibom policy`` and ``--policy`` as a user runs them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NODE = ROOT / "fixtures" / "nodes" / "chat-demo" / "proc"
DAY = "1795305600"  # 2026-11-22


def aibom(*arguments: Any, epoch: str = DAY) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "aibom", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "SOURCE_DATE_EPOCH": epoch},
    )


@pytest.fixture(scope="module")
def bom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("observed") / "chat.cdx.json"
    found = aibom("scan", "--path.procfs", NODE, "--pod", "default/chat-demo", "-o", path)
    assert found.returncode == 0, found.stderr
    return path


def first(bom: Path, tmp_path: Path) -> Path:
    path = tmp_path / "aibom.yaml"
    found = aibom("policy", "init", bom, "--owner", "ml", "--reproducible", "-o", path)
    assert (found.returncode, found.stderr) == (0, f"aibom: wrote {path}\n")
    return path


def test_from_a_first_policy_to_drift(bom: Path, tmp_path: Path) -> None:
    policy = first(bom, tmp_path)
    diff = ("diff", "--policy", policy, bom, "--reproducible", "--format", "json")
    report = json.loads(aibom(*diff).stdout)
    assert {f["kind"]["name"] for f in report["findings"]} == {"outside-image"}
    assert aibom(*diff).returncode == 0

    document = json.loads(bom.read_text())
    model = next(c for c in document["components"] if c["type"] == "machine-learning-model")
    model["hashes"] = [{"alg": "SHA-256", "content": "ee" * 32}]
    model["purl"] = "pkg:pypi/left-pad@1.0"
    later = tmp_path / "later.cdx.json"
    later.write_text(json.dumps(document))
    found = aibom("diff", "--policy", policy, later, "--reproducible")
    assert found.returncode == 1
    assert "not-allowed" in found.stdout or "undeclared-model" in found.stdout


def test_what_has_expired_fails(bom: Path, tmp_path: Path) -> None:
    policy = first(bom, tmp_path)
    found = aibom("diff", "--policy", policy, bom, "--reproducible", epoch="1810000000")
    assert found.returncode == 1
    assert "exception-expired AIBOM-703" in found.stdout
    assert "expired on 2027-02-20" in found.stdout


def test_an_accepted_finding_fails_nothing(bom: Path, tmp_path: Path) -> None:
    policy = tmp_path / "aibom.yaml"
    forbidden = "version: 1\nforbid:\n  models:\n    - {name: '*', reason: none here}\n"
    policy.write_text(forbidden)
    assert aibom("diff", "--policy", policy, bom, "--reproducible").returncode == 1
    policy.write_text(
        f"{forbidden}severities:\n  forbidden: {{severity: off, reason: a test}}\n"
        "  undeclared-model: {severity: off, reason: a test}\n"
    )
    found = aibom("diff", "--policy", policy, bom, "--reproducible", "--format", "json")
    assert found.returncode == 0
    said = [f["accepted"] for f in json.loads(found.stdout)["findings"]]
    assert said
    assert all("says off: a test" in text for text in said)


def test_a_scan_under_a_policy(tmp_path: Path) -> None:
    policy = tmp_path / "aibom.yaml"
    policy.write_text("version: 1\nallow: {models: []}\n")
    found = aibom("scan", "--path.procfs", NODE, "--policy", policy, "--format", "json")
    kinds = {
        f["kind"]["name"] for w in json.loads(found.stdout)["workloads"] for f in w["findings"]
    }
    assert {"not-allowed", "undeclared-model"} <= kinds


def test_check(bom: Path, tmp_path: Path) -> None:
    policy = first(bom, tmp_path)
    found = aibom("policy", "check", policy, "--reproducible")
    assert found.returncode == 1
    assert found.stderr.count("the reason is still to be written") == 5
    policy.write_text(policy.read_text().replace("TODO: why this is allowed", "reviewed"))
    found = aibom("policy", "check", policy, "--reproducible")
    assert (found.returncode, found.stdout, found.stderr) == (0, "5 entries, 0 problems\n", "")


def test_the_schema_can_be_had() -> None:
    found = aibom("policy", "schema")
    assert json.loads(found.stdout)["title"] == "aibom policy"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("policy", "check", "{policy}"), "line 2: alow: nothing is called so here"),
        (("diff", "--policy", "{policy}", "{bom}"), "line 2: alow: nothing is called so here"),
        (("diff", "--policy", "/no/such/file", "{bom}"), "/no/such/file: No such file"),
        (("scan", "--policy", "{policy}"), "line 2: alow: nothing is called so here"),
        (("watch", "--policy", "{policy}", "--seconds", "0"), "line 2: alow: "),
        (("diff", "{bom}"), "nothing to compare with"),
        (("policy", "init", "{bom}"), "--owner"),
        (("policy", "init", "{policy}", "--owner", "a"), "not JSON"),
        (("policy", "init"), "needs a file"),
        (("policy", "check"), "needs a file"),
        (("policy", "init", "{bom}", "--owner", "a", "--days", "x"), "no number of days"),
    ],
)
def test_trouble_is_one_line(
    bom: Path, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    policy = tmp_path / "broken.yaml"
    policy.write_text("version: 1\nalow: {}\n")
    found = aibom(*(a.format(policy=policy, bom=bom) for a in arguments))
    assert (found.returncode, found.stdout) == (2, "")
    assert said in found.stderr
    assert found.stderr.count("\n") == 1


def test_a_word_that_means_nothing_is_refused(bom: Path, tmp_path: Path) -> None:
    policy = tmp_path / "aibom.yaml"
    policy.write_text("version: 1\nseverities:\n  undeclared-modle: low\n")
    found = aibom("diff", "--policy", policy, bom)
    assert (found.returncode, found.stdout) == (2, "")
    assert "line 3: severities.undeclared-modle: no kind of finding" in found.stderr
