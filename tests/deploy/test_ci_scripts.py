"""What deploy/ci gives to pipelines: well formed, and safe whatever the inputs hold."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.test_commands import MODEL, document

CI = Path(__file__).parents[2] / "deploy" / "ci"
SCRIPT = CI / "aibom-ci.sh"
ACTION = CI / "github" / "action.yml"
GITLAB = CI / "gitlab" / "aibom.gitlab-ci.yml"


def tool(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def ran(*command: object, folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run a program with an environment of an own aibom that is this one."""
    bin_folder = folder / "env" / "bin"
    bin_folder.mkdir(parents=True, exist_ok=True)
    aibom = bin_folder / "aibom"
    aibom.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m aibom "$@"\n')
    aibom.chmod(0o755)
    environment = os.environ | {"AIBOM_ENV": str(folder / "env")} | variables
    return subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def step(name: str, folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    return ran(SCRIPT, name, folder=folder, **variables)


@pytest.fixture
def github(tmp_path: Path) -> dict[str, str]:
    return {
        "GITHUB_OUTPUT": str(tmp_path / "outputs"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }


def outputs(github: Mapping[str, str]) -> dict[str, str]:
    lines = Path(github["GITHUB_OUTPUT"]).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


@pytest.fixture
def compared(tmp_path: Path) -> dict[str, str]:
    """Something observed, and an SBOM that does not name it."""
    document(tmp_path / "seen.cdx.json", MODEL)
    document(tmp_path / "sbom.json")
    return {"AIBOM_OBSERVED": "seen.cdx.json", "AIBOM_DECLARED": "sbom.json"}


def test_scripts_and_documents_hold_against_their_linters() -> None:
    schema = [tool("check-jsonschema"), "--builtin-schema"]
    commands = [
        [tool("shellcheck"), SCRIPT],
        [*schema, "vendor.github-actions", ACTION],
        [*schema, "vendor.github-workflows", CI / "github" / "example.yml"],
    ]
    for command in commands:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_gitlab_template_is_one(tmp_path: Path) -> None:
    header, job = GITLAB.read_text().split("\n---\n")
    declared = yaml.safe_load(header)["spec"]["inputs"]
    used = set(re.findall(r"\$\[\[ inputs\.(\w+) \]\]", job))
    assert used == set(declared)
    (tmp_path / "job.yml").write_text(job)
    command = [tool("check-jsonschema"), "--builtin-schema", "vendor.gitlab-ci"]
    command += ["--data-transform", "gitlab-ci", str(tmp_path / "job.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (content,) = yaml.safe_load(job).values()
    assert not [line for line in content["script"] if "$[[" in line]


def test_no_input_of_the_action_stands_in_a_script() -> None:
    action = yaml.safe_load(ACTION.read_text())
    scripts = [s["run"] for s in action["runs"]["steps"] if "run" in s]
    assert len(scripts) == 4
    assert not [script for script in scripts if "${{" in script]
    used = set(re.findall(r"inputs\.([\w-]+)", ACTION.read_text()))
    assert used == set(action["inputs"])
    workflow = yaml.safe_load((CI / "github" / "example.yml").read_text())
    (given,) = [s for s in workflow["jobs"]["ai-bom"]["steps"] if "aibom" in s.get("uses", "")]
    assert set(given["with"]) <= set(action["inputs"])


def test_findings_fail_the_verdict_and_are_told(
    tmp_path: Path, github: dict[str, str], compared: dict[str, str]
) -> None:
    later = {"AIBOM_VERDICT_LATER": "yes"}
    done = step("compare", tmp_path, **github, **compared, **later)
    assert done.returncode == 0, done.stderr
    told = outputs(github)
    assert told["code"] == "1"
    sarif = json.loads((tmp_path / told["sarif"]).read_text())
    assert sarif["version"] == "2.1.0"
    assert "undeclared" in Path(github["GITHUB_STEP_SUMMARY"]).read_text()
    assert json.loads((tmp_path / told["json"]).read_text())["findings"]
    assert step("verdict", tmp_path, AIBOM_CODE=told["code"]).returncode == 1
    assert step("compare", tmp_path, **compared).returncode == 1
    known = step("compare", tmp_path, **compared, AIBOM_BASELINE=told["json"])
    assert known.returncode == 0, known.stderr
    assert step("compare", tmp_path, **compared, AIBOM_FAIL_ON="never").returncode == 0


def test_what_is_declared_passes(tmp_path: Path, compared: dict[str, str]) -> None:
    named = {"type": "file", "name": "x", "hashes": MODEL["hashes"]}
    document(tmp_path / "with blank.json", named)
    declared = "sbom.json\nwith blank.json\n"
    done = step("compare", tmp_path, **(compared | {"AIBOM_DECLARED": declared}))
    # it is declared, and comes from elsewhere than the image: low
    assert done.returncode == 0, done.stderr


def test_a_policy_alone_is_enough(tmp_path: Path, compared: dict[str, str]) -> None:
    (tmp_path / "aibom.yaml").write_text("version: 1\n")
    alone = compared | {"AIBOM_DECLARED": "", "AIBOM_POLICY": "aibom.yaml"}
    done = step("compare", tmp_path, **alone)
    # it says nothing of the model, which was not in the image
    assert done.returncode == 1, done.stderr
    assert (tmp_path / "aibom-out" / "aibom.md").exists()


@pytest.mark.parametrize(
    "name", ["$(touch pwned)", "`touch pwned`", "; touch pwned", "--help", "*"]
)
def test_no_input_becomes_a_command_or_an_option(
    name: str, tmp_path: Path, github: dict[str, str], compared: dict[str, str]
) -> None:
    names = ("AIBOM_OBSERVED", "AIBOM_DECLARED", "AIBOM_BASELINE", "AIBOM_FAIL_ON")
    for variable in names:
        done = step("compare", tmp_path, **github, **(compared | {variable: name}))
        assert done.returncode == 2, (variable, done.stdout)
        assert "usage:" not in done.stdout
    out = step("compare", tmp_path, **github, **compared, AIBOM_OUTPUT=f"{name}/out")
    assert out.returncode == 1, out.stderr
    assert not (tmp_path / "pwned").exists()


def test_what_is_missing_is_said(tmp_path: Path, compared: dict[str, str]) -> None:
    for name, said in (("install", "AIBOM_INSTALL"), ("watch", "AIBOM_RUN"), ("x", "what to do")):
        done = step(name, tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
    none = step("compare", tmp_path, **(compared | {"AIBOM_DECLARED": ""}))
    assert none.returncode == 2
    assert "AIBOM_DECLARED is empty" in none.stderr
    assert step("verdict", tmp_path).returncode == 2


def test_an_output_never_holds_a_second_line(
    tmp_path: Path, github: dict[str, str], compared: dict[str, str]
) -> None:
    done = step("compare", tmp_path, **github, **compared, AIBOM_OUTPUT="a\nsarif=b")
    assert done.returncode == 2
    assert "a line break" in done.stderr


def watched(folder: Path, **variables: str) -> tuple["subprocess.CompletedProcess[str]", Any]:
    done = step("watch", folder, AIBOM_NAME="my shop", **variables)
    path = folder / "aibom-out" / "observed.cdx.json"
    return done, json.loads(path.read_text()) if path.exists() else None


@pytest.mark.live
def test_a_command_is_watched_under_the_name_of_the_project(
    tmp_path: Path, github: dict[str, str]
) -> None:
    done, bom = watched(tmp_path, **github, AIBOM_RUN="echo hello; sleep 1", AIBOM_ROOT="never")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "hello\n"
    assert bom["metadata"]["component"]["name"] == "my-shop"
    assert outputs(github) == {"observed": "aibom-out/observed.cdx.json"}


@pytest.mark.live
def test_the_exit_code_is_the_commands_and_the_bom_is_there(tmp_path: Path) -> None:
    done, bom = watched(tmp_path, AIBOM_RUN="false; echo not reached", AIBOM_ROOT="never")
    assert (done.returncode, done.stdout) == (1, "")
    assert bom is not None


@pytest.mark.live
def test_with_sudo_aibom_is_root_and_the_application_is_not(tmp_path: Path) -> None:
    if os.geteuid():
        pytest.skip("needs root, to stand in for a sudo that asks for no password")
    fakes = tmp_path / "fakes"
    fakes.mkdir()
    # a user 1000 who may sudo: id says so until sudo has been passed
    (fakes / "id").write_text(
        '#!/bin/sh\n[ -n "${SUDOED:-}" ] && exec /usr/bin/id "$@"\necho 1000\n'
    )
    (fakes / "sudo").write_text(
        "#!/bin/sh\nwhile :; do case $1 in -*) shift ;; *) break ;; esac; done\n"
        'SUDOED=1 exec "$@"\n'
    )
    for fake in fakes.iterdir():
        fake.chmod(0o755)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    done, bom = watched(tmp_path, AIBOM_RUN="/usr/bin/id -u", PATH=f"{fakes}:{os.environ['PATH']}")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1000\n"
    assert bom is not None


@pytest.mark.live
def test_the_gitlab_job_does_the_same(tmp_path: Path) -> None:
    """Its lines are run as a runner does: in one shell, after the inputs were put in."""
    header, text = GITLAB.read_text().split("\n---\n")
    inputs = yaml.safe_load(header)["spec"]["inputs"]
    given = {"install": "none", "declared": "sbom.json", "fail_on": "never"}
    given["run"] = 'echo "a: b"; sleep 1'
    values = {name: given.get(name, spec.get("default")) for name, spec in inputs.items()}
    filled = re.sub(r"\$\[\[ inputs\.(\w+) \]\]", lambda m: str(values[m[1]]), text)
    (job,) = yaml.safe_load(filled).values()
    # aibom is installed already
    lines = [line for line in job["script"] if "pip" not in line and "-m venv" not in line]
    document(tmp_path / "sbom.json")
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp" / "aibom-env").symlink_to(tmp_path / "env")
    job["variables"]["AIBOM_RUN"] = job["variables"]["AIBOM_RUN"]["value"]
    variables = job["variables"] | {"TMPDIR": str(tmp_path / "tmp")}
    done = ran("sh", "-eu", "-c", "\n".join(lines), folder=tmp_path, **variables)
    assert done.returncode == 0, done.stderr
    assert "a: b\n" in done.stdout
    bom = json.loads((tmp_path / "aibom-out/observed.cdx.json").read_text())
    assert bom["specVersion"] == "1.6"
    for report in job["artifacts"]["reports"].values():
        assert (tmp_path / report).exists()
