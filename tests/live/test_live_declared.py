"""What pip and npm themselves write of an environment, compared with what runs in it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.live


def _aibom(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "aibom", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _findings(tmp_path: Path, declared: str, observed: Path) -> set[tuple[str, str]]:
    document = tmp_path / "requirements.txt"
    document.write_text(declared)
    found = _aibom("diff", document, observed, "--format", "json", "--fail-on", "medium")
    assert found.returncode in (0, 1), found.stderr
    report: dict[str, Any] = json.loads(found.stdout)
    return {
        (f["kind"]["name"], f["component"].split()[0])
        for f in report["findings"]
        if f["severity"] != "info"
    }


def test_pips_own_list_declares_what_python_imports(start: Any, tmp_path: Path) -> None:
    frozen = subprocess.run(
        [sys.executable, "-m", "pip", "freeze", "--exclude-editable"],
        capture_output=True,
        text=True,
        check=False,
    )
    if frozen.returncode:
        pytest.skip("this interpreter has no pip, whose list is compared")
    code = "import yaml, packaging.version, time; print('ready', flush=True); time.sleep(600)"
    process = start([sys.executable, "-c", code])
    observed = tmp_path / "observed.cdx.json"
    scanned = _aibom("scan", "--pid", process.pid, "--format", "cyclonedx", "-o", observed)
    assert scanned.returncode == 0, scanned.stderr
    assert _findings(tmp_path, frozen.stdout, observed) == set()
    others = [li for li in frozen.stdout.splitlines() if not li.lower().startswith("pyyaml")]
    assert _findings(tmp_path, "\n".join(others), observed) == {("undeclared-package", "pyyaml")}
    older = "\n".join([*others, "PyYAML<6"])
    assert _findings(tmp_path, older, observed) == {("different-version", "pyyaml")}
