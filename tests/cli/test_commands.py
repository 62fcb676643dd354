"""The command line: exit codes, one-line errors, where output goes."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

SBOM = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}


def aibom(*arguments: object, **fields: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "aibom", *map(str, arguments)]
    environment = os.environ | {"XDG_CACHE_HOME": tempfile.gettempdir() + "/aibom-tests"}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, **fields
    )


def document(path: Path, *components: dict[str, Any], **fields: Any) -> Path:
    path.write_text(json.dumps(SBOM | {"components": list(components)} | fields))
    return path


MODEL = {
    "type": "machine-learning-model",
    "bom-ref": "model:1",
    "name": "tiny",
    "hashes": [{"alg": "SHA-256", "content": "ab" * 32}],
    "evidence": {"occurrences": [{"location": "/m.gguf", "additionalContext": "mapped by x"}]},
    "properties": [{"name": "aibom:origin", "value": "writable-layer"}],
}
UNSEEN = [{"name": "aibom:unseen", "value": '["denied", "process 1", "no", "be root"]'}]


def test_version_and_help() -> None:
    assert aibom("--version").stdout.startswith("aibom 0.")
    found = aibom("--help")
    assert found.returncode == 0
    for command in ("scan", "diff", "inspect", "doctor", "rules", "record"):
        assert command in found.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--pod", "chat"],
        ["--pod", "a/b/c"],
        ["--container", "ab"],
        ["--pid", "4194305"],
        ["--pod", "no-such/pod"],
        ["--container", "0123456789"],
        ["--declared", "/no/such/file"],
        ["--path.procfs", "/no/such/folder"],
        ["--path.rootfs", "/no/such/folder"],
    ],
)
def test_trouble_is_one_line_and_exit_code_2(arguments: list[str]) -> None:
    found = aibom("scan", *arguments)
    assert (found.returncode, found.stdout) == (2, "")
    assert found.stderr.startswith("aibom: ")
    assert found.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["scan", "--pid", "x"], ["scan", "--bad"], ["diff"], []])
def test_bad_usage_is_exit_code_2(arguments: list[str]) -> None:
    assert aibom(*arguments).returncode == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"{", "not JSON"),
        (b"\xff\xff", "not UTF-8"),
        (b"[]", "not an object"),
        (b'{"bomFormat": "CycloneDX", "specVersion": "9"}', "specVersion"),
        (b'{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": {}}', "not a list"),
        (b'{"a": 1, "a": 2}', "duplicate key"),
        (b"[" * 200_000, "deep"),
    ],
)
def test_a_broken_sbom_is_named_with_what_is_wrong(
    tmp_path: Path, content: bytes, said: str
) -> None:
    broken = tmp_path / "broken.json"
    broken.write_bytes(content)
    good = document(tmp_path / "good.json")
    for arguments in ((broken, good), (good, broken)):
        found = aibom("diff", *arguments)
        assert (found.returncode, found.stdout) == (2, "")
        assert "broken.json" in found.stderr
        assert said in found.stderr
        assert found.stderr.count("\n") == 1


def test_a_fifo_does_not_hold_us(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.json")
    good = document(tmp_path / "good.json")
    found = aibom("diff", tmp_path / "fifo.json", good, timeout=60)
    assert (found.returncode, "not a regular file" in found.stderr) == (2, True)


@pytest.mark.parametrize(
    ("declared", "options", "code"),
    [
        ([MODEL], [], 0),
        ([], [], 1),
        ([], ["--fail-on", "critical"], 0),
        ([], ["--fail-on", "high"], 1),
        ([MODEL], ["--fail-on", "low"], 1),  # declared, but not from the image
        ([MODEL], ["--strict"], 3),
        ([], ["--strict"], 1),
    ],
)
def test_exit_codes_of_diff(
    tmp_path: Path, declared: list[dict[str, Any]], options: list[str], code: int
) -> None:
    sbom = document(tmp_path / "sbom.json", *declared)
    bom = document(tmp_path / "bom.json", MODEL, properties=UNSEEN)
    assert aibom("diff", sbom, bom, *options).returncode == code


def test_diff_as_json_and_as_a_table(tmp_path: Path) -> None:
    sbom, bom = document(tmp_path / "s.json"), document(tmp_path / "b.json", MODEL)
    report = json.loads(aibom("diff", sbom, bom, "--format", "json").stdout)
    assert report["schema"] == "aibom.diff/2"
    finding, note = report["findings"]
    assert (finding["kind"]["name"], finding["severity"]) == ("undeclared-model", "high")
    assert note["reason"] == "it names nothing that could be compared"
    table = aibom("diff", sbom, bom).stdout
    assert "undeclared-model AIBOM-101" in table
    assert "\x1b" not in table
    written = aibom("diff", sbom, bom, "-o", tmp_path / "out.txt")
    assert (written.stdout, written.returncode) == ("", 1)
    assert "undeclared-model" in (tmp_path / "out.txt").read_text()


def test_what_cannot_be_written_is_trouble(tmp_path: Path) -> None:
    sbom = document(tmp_path / "s.json")
    found = aibom("diff", sbom, sbom, "-o", "/proc/nowhere/out.json")
    assert found.returncode == 2
    assert "cannot write" in found.stderr


def test_inspect_names_what_is_no_model_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello")
    os.mkfifo(tmp_path / "fifo")
    found = aibom("inspect", tmp_path / "text", tmp_path / "fifo", tmp_path / "none", timeout=60)
    assert found.returncode == 2
    lines = found.stderr.splitlines()
    assert len(lines) == 3
    assert "not a model file" in lines[0]
    assert "not a regular file" in lines[1]
    assert "No such file" in lines[2]


def test_doctor_always_answers() -> None:
    found = aibom("doctor")
    assert found.returncode == 0
    for sensor in (
        "process table",
        "hashing",
        "names from CRI",
        "imported modules",
        "process events",
        "file events",
    ):
        assert sensor in found.stdout


def test_doctor_says_what_each_level_lacks() -> None:
    found = json.loads(aibom("doctor", "--format", "json").stdout)
    assert found["schema"] == "aibom.doctor/1"
    levels = {level["name"]: level["missing"] for level in found["levels"]}
    assert {"processes", "file events", "process events", "own images"} <= levels.keys()
    if "SYS_PTRACE" not in found["capabilities"]:
        assert "CAP_SYS_PTRACE" in levels["processes"]
    assert {sensor["state"] for sensor in found["sensors"]} <= {"works", "limited", "blind"}


def test_doctor_tries_the_address_of_an_agent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        found = json.loads(aibom("doctor", "--format", "json", "--listen", address).stdout)
    (state,) = (s for s in found["sensors"] if s["name"] == "metrics and health")
    assert state["state"] == "blind"
    assert address in state["detail"]


def test_a_reader_that_goes_away_is_no_crash() -> None:
    command = f"{sys.executable} -m aibom rules list | head -1"
    found = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert "Traceback" not in found.stderr


def test_no_colours_in_a_pipe_whatever_the_environment_says() -> None:
    environment = os.environ | {"NO_COLOR": "1"}
    command = [sys.executable, "-m", "aibom", "rules", "list"]
    found = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert "\x1b" not in found.stdout


def test_modules_are_those_that_the_process_lists() -> None:
    code = (
        "import sys, json.tool, sqlite3;"
        "print(json.dumps(sorted(sys.modules)), flush=True); sys.stdin.read()"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], text=True, **pipes) as process:
        assert process.stdout is not None
        own = json.loads(process.stdout.readline())
        done = aibom("modules", process.pid, "--format", "json")
        process.communicate("")
    found = json.loads(done.stdout)["processes"][0]
    assert [module["name"] for module in found["modules"]] == own


def test_a_process_without_a_python_has_no_modules() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        done = aibom("modules", process.pid)
        process.kill()
    assert done.returncode == 2
    assert "no CPython runs in it" in done.stderr


def test_options_may_stand_between_the_documents(tmp_path: Path) -> None:
    names = [document(tmp_path / f"{n}.json") for n in ("a", "b", "c")]
    for arguments in (
        (names[0], "--strict", names[1]),
        ("--strict", names[0], names[1]),
        (names[0], names[1], "--strict", names[2]),
        (names[0], "--strict", names[1], names[2]),
    ):
        assert aibom("diff", *arguments).returncode == 0
    unknown = aibom("diff", names[0], "--bogus", names[1])
    assert (unknown.returncode, "--bogus" in unknown.stderr) == (2, True)
