"""aibom's own SBOM, and what is said of known vulnerabilities."""

import json
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from aibom.declare import recognise
from rig.errors import RigError
from rig.supply.audit import verdict
from rig.supply.pins import LOCK, Pin, pins
from rig.supply.sbom import Said, main, sbom

ONE, TWO = "1" * 64, "2" * 64
TEXT = f"""# made by something
PyYAML==6.0.3 \\
    --hash=sha256:{ONE} \\
    --hash=sha256:{TWO}
colorama==0.4.6 ; sys_platform == 'win32' --hash=sha256:{ONE}
typing_extensions==4.0 ; python_full_version < '3.13' \\
    --hash=sha256:{TWO}
"""
PINS = (Pin("pyyaml", "6.0.3", (ONE, TWO)), Pin("typing-extensions", "4.0", (TWO,)))
WHEN = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "aibom-1.2-py3-none-any.whl"
    said = "Name: aibom\nVersion: 1.2\nLicense-Expression: Apache-2.0\nRequires-Dist: PyYAML>=6\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("aibom-1.2.dist-info/METADATA", said + 'Requires-Dist: x; extra=="dev"\n')
    return path


def test_pins_are_those_for_linux(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text(TEXT)
    assert pins(tmp_path / "lock") == PINS


@pytest.mark.parametrize("line", ["a", "a>=1", f"a>=1 --hash=sha256:{ONE}", "a==1", "!!", "-r x"])
def test_what_pins_nothing_is_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "lock").write_text(line)
    with pytest.raises(RigError, match="lock: "):
        pins(tmp_path / "lock")


def test_the_sbom_is_valid_and_names_everything(wheel: Path) -> None:
    text = sbom(wheel, PINS, WHEN)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    document = json.loads(text)
    assert document["metadata"]["timestamp"] == "2026-01-02T00:00:00+00:00"
    assert document["metadata"]["component"]["purl"] == "pkg:pypi/aibom@1.2"
    assert document["metadata"]["component"]["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    found = {part["name"]: part for part in document["components"]}
    assert set(found) == {"pyyaml", "typing-extensions"}
    # one file has a hash of its own; of several each can be fetched
    assert found["typing-extensions"]["hashes"] == [{"alg": "SHA-256", "content": TWO}]
    files = found["pyyaml"]["externalReferences"]
    assert {file["hashes"][0]["content"] for file in files} == {ONE, TWO}
    (edge,) = (e for e in document["dependencies"] if e["ref"] == "pkg:pypi/aibom@1.2")
    assert edge["dependsOn"] == ["pkg:pypi/pyyaml@6.0.3"]


def test_the_same_makes_the_same_bytes(wheel: Path) -> None:
    assert sbom(wheel, PINS, WHEN) == sbom(wheel, PINS, WHEN)
    assert sbom(wheel, PINS, WHEN) != sbom(wheel, PINS[:1], WHEN)


def test_aibom_reads_it(wheel: Path) -> None:
    document = recognise.document(sbom(wheel, PINS, WHEN).encode(), "own")
    assert {claim.purl for claim in document.claims} == {
        "pkg:pypi/aibom@1.2",
        "pkg:pypi/pyyaml@6.0.3",
        "pkg:pypi/typing-extensions@4.0",
    }


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ("License-Expression: MIT OR Apache-2.0\nLicense: x", "MIT OR Apache-2.0"),
        ("License: MIT", "MIT"),
        ("Classifier: License :: OSI Approved :: MIT License", "MIT"),
        ("Classifier: License :: OSI Approved :: BSD License", "BSD License"),  # one of several
        ("License: Our own terms", "Our own terms"),
        (f"License: {'long ' * 30}\nClassifier: License :: OSI Approved :: MIT License", "MIT"),
        ("Name: x", ""),
    ],
)
def test_licences(metadata: str, licence: str) -> None:
    found = Said(metadata).licence
    said = [getattr(found, name, None) for name in ("value", "id", "name")]
    assert licence in said if licence else found is None


def test_what_is_no_wheel(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a-1-py3-none-any.whl").write_bytes(b"PK")
    with pytest.raises(RigError, match="no wheel"):
        sbom(tmp_path / "a-1-py3-none-any.whl", PINS, WHEN)
    assert main([]) == 2
    assert "one wheel" in capsys.readouterr().err


FINE = {"name": "a", "version": "1", "vulns": []}
BUG = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
SKIPPED = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("entries", "found", "said"),
    [
        ([FINE, FINE], False, "2 of 2 audited, nothing known"),
        ([FINE, BUG], True, "b 2: CVE-1, mended in 3\n2 of 2 audited, see above"),
        ([FINE, SKIPPED], False, "1 of 2 could not be audited\n1 of 2 audited, nothing known"),
        (
            [SKIPPED, SKIPPED],
            False,
            "nothing was audited: the vulnerability service knows none of what was asked",
        ),
    ],
)
def test_what_an_audit_says(entries: list[object], found: bool, said: str) -> None:
    result = verdict(json.dumps({"dependencies": entries}), 2)
    assert (result.found, "\n".join(result.lines)) == (found, said)


@pytest.mark.parametrize("output", ["", "[]", "{}", '{"dependencies": null}', "Traceback"])
def test_an_audit_without_an_answer_says_so(output: str) -> None:
    result = verdict(output, 2)
    assert not result.found
    assert result.lines[0].startswith("nothing was audited")


def test_an_audit_ends_well_offline() -> None:
    """With whatever pip-audit reaches here: found or not, but never a traceback."""
    if not LOCK.exists():
        pytest.skip("there is no deploy/requirements.lock")
    done = subprocess.run(
        [sys.executable, "-m", "rig.supply.audit"], capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1)
    assert "audited" in done.stdout
    assert "Traceback" not in done.stderr
