"""The SARIF of ``aibom diff`` before the validator of those who wrote the format's tools.

``@microsoft/sarif-multitool`` knows the rules of the specification (SARIF) and those that GitHub
has for what is uploaded to it (Gh).
"""

import json
import platform
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings

from aibom.report.formats import FORMATS
from tests.report.diffs import hostile, small

pytestmark = pytest.mark.live
PACKAGE = "@microsoft/sarif-multitool-linux"
VERSION = "5.7.0"


@pytest.fixture(scope="module")
def multitool(npm: Callable[[Sequence[str]], Path]) -> Path:
    """The folder of the validator, a program of its own that needs nothing installed."""
    if platform.machine() != "x86_64":
        pytest.skip("the SARIF multitool is a program for x86-64")
    folder = npm([f"{PACKAGE}@{VERSION}"]) / PACKAGE
    (folder / "Sarif.Multitool").chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def schema(multitool: Path) -> Any:
    """The official schema, as the validator brings it."""
    held = json.loads((multitool / "sarif-2.1.0.json").read_text())
    # a pattern with a lone bracket, which only JavaScript takes; we write no language
    held["definitions"]["run"]["properties"]["language"].pop("pattern", None)
    held["definitions"]["toolComponent"]["properties"]["language"].pop("pattern", None)
    return jsonschema_rs.validator_for(held, validate_formats=True)


def complaints(multitool: Path, folder: Path, content: str) -> list[str]:
    """What the validator says of a document, one line each."""
    path = folder / "out.sarif"
    path.write_text(content)
    command = [multitool / "Sarif.Multitool", "validate", path, "--rule-kind", "Sarif;Gh"]
    done = subprocess.run(
        [*command, "--output", folder / "found.sarif", "--log", "ForceOverwrite"],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "DOTNET_BUNDLE_EXTRACT_BASE_DIR": "x"},
    )
    assert "Analysis completed successfully" in done.stdout, done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if "out.sarif(" in line]


def test_the_validator_has_nothing_against_it(multitool: Path, tmp_path: Path) -> None:
    found = complaints(multitool, tmp_path, FORMATS["sarif"](small()))
    # a place on the network that explains aibom is not known here
    assert [line for line in found if "informationUri" not in line] == []


def test_the_validator_sees_what_is_missing(multitool: Path, tmp_path: Path) -> None:
    document = json.loads(FORMATS["sarif"](small()))
    for result in document["runs"][0]["results"]:
        del result["locations"]
        result["message"] = {}
    found = "\n".join(complaints(multitool, tmp_path, json.dumps(document)))
    assert "error GH1015" in found, found


def test_hostile_text_gives_what_the_schema_allows(schema: Any) -> None:
    @given(hostile())
    @settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=50)
    def holds(diff: Any) -> None:
        document = json.loads(FORMATS["sarif"](diff))
        assert [e.message for e in schema.iter_errors(document)] == []

    holds()
