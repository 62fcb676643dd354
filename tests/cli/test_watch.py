"""``aibom watch -- COMMAND``: exit codes, streams, signals and where the BOM goes, for any user."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live.test_live_files import gguf

pytestmark = pytest.mark.live

AIBOM = [sys.executable, "-m", "aibom", "watch", "--no-cache"]
#: Holds a model open until its input ends, for those who may see no events.
HOLD = """
import sys
held = open(sys.argv[1], "rb")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default output goes to the current folder."""
    monkeypatch.chdir(tmp_path)


def watch(*arguments: object, **fields: Any) -> "subprocess.CompletedProcess[bytes]":
    command = [*AIBOM, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=300, **fields)
    assert b"Traceback" not in done.stderr
    return done


def test_a_parent_that_ignores_its_childrens_ends() -> None:
    # as some daemons leave it to what they start
    ignoring = "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN);"
    command = [sys.executable, "-c", f"{ignoring} os.execv(sys.argv[1], sys.argv[1:])", *AIBOM]
    done = subprocess.run([*command, "--", "sh", "-c", "exit 7"], check=False, timeout=120)
    assert done.returncode == 7


Begin = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def begin() -> Iterator[Begin]:
    """Start a watch in a session of its own, which ends with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def starting(*arguments: object, **fields: Any) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [*AIBOM, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            **fields,
        )
        started.append(process)
        return process

    yield starting
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def line(process: "subprocess.Popen[bytes]") -> bytes:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("exit 0", 0),
        ("exit 7", 7),
        ("exit 125", 125),
        ("exit 255", 255),
        ("kill -TERM $$", 143),
        ("kill -KILL $$", 137),
        ("kill -PIPE $$", 141),
        ("kill -INT $$", 130),
    ],
)
def test_the_commands_exit_code_is_ours(script: str, code: int) -> None:
    assert watch("--", "sh", "-c", script).returncode == code


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--", "/no/such/program"], 127),
        (["--", "no-such-program"], 127),
        (["--", "/etc/passwd"], 126),
        (["--", "/etc"], 126),
        (["--", "/etc/passwd/below"], 126),
        (["--seconds", "1", "--", "true"], 125),
        (["--pid", "1", "--", "true"], 125),
        (["--pod", "a/b", "--", "true"], 125),
        (["--declared", "/no/such/file", "--", "true"], 125),
        (["--path.procfs", "/no/such/folder", "--", "true"], 125),
        (["--all", "-o", "/proc/no/such.json", "--", "true"], 125),
    ],
)
def test_when_it_cannot_be_run_or_watched(arguments: list[str], code: int) -> None:
    done = watch(*arguments)
    assert done.returncode == code
    assert done.stderr.startswith(b"aibom: ")
    assert done.stdout == b""
    assert not [p for p in Path().rglob("*") if p.is_file()]


def test_a_command_is_not_begun_when_aibom_fails_before_it() -> None:
    assert watch("--path.procfs", "/no/such/folder", "--", "touch", "ran").returncode == 125
    assert not Path("ran").exists()


@pytest.mark.parametrize("output", ["/proc/no/such/bom.json", "/proc/no/such/", "/dev/null/x"])
def test_a_command_is_not_begun_when_its_bom_could_not_be_written(output: str) -> None:
    done = watch("-o", output, "--", "touch", "ran")
    assert done.returncode == 125
    assert done.stderr.startswith(b"aibom: cannot write ")
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    "options",
    [["--no-such-option"], ["--format", "bogus"], ["--hash-limit", "x"], ["--seconds", "x"]],
)
def test_a_bad_option_is_not_taken_for_the_commands_failure(options: list[str]) -> None:
    done = watch(*options, "--", "touch", "ran")
    assert done.returncode == 125
    assert done.stderr.startswith(b"aibom: ")
    assert not Path("ran").exists()


@pytest.mark.parametrize("output", ["bom.json", "boms/", None])
def test_a_command_without_any_ai_has_a_bom_that_says_so(output: str | None) -> None:
    options = ["-o", output] if output else []
    assert watch(*options, "--", "sh", "-c", "exit 7").returncode == 7
    (written,) = (p for p in Path().rglob("*") if p.is_file())
    assert json.loads(written.read_text())["bomFormat"] == "CycloneDX"


def test_arguments_reach_the_command_as_they_are() -> None:
    arguments = ["", "-o", "x", "--", "--help", "--format", "a b", "\udcff", "'"]
    script = "import os, sys; os.write(1, b'\\0'.join(map(os.fsencode, sys.argv[1:])))"
    done = watch("--", sys.executable, "-c", script, *arguments)
    assert done.stdout.split(b"\0") == [os.fsencode(a) for a in arguments]


def test_streams_pass_through_byte_for_byte() -> None:
    data = bytes(range(256)) * 5000 + os.urandom(100_000)
    script = (
        "import sys; data = sys.stdin.buffer.read(); sys.stdout.buffer.write(data);"
        "sys.stderr.buffer.write(data[::-1])"
    )
    done = watch("--", sys.executable, "-c", script, input=data)
    assert done.stdout == data
    assert data[::-1] in done.stderr


def test_the_command_has_its_own_signals_and_no_descriptor_of_ours() -> None:
    script = (
        "import os, signal; kept = sorted(os.listdir('/proc/self/fd'));"
        "print(len(kept), os.getsid(0) == int(os.environ['SESSION']));"
        "print(open('/proc/self/status').read().partition('SigIgn:')[2].split()[0])"
    )
    plain = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        check=True,
        env=os.environ | {"SESSION": str(os.getsid(0))},
    )
    done = watch(
        "--", sys.executable, "-c", script, env=os.environ | {"SESSION": str(os.getsid(0))}
    )
    assert done.stdout == plain.stdout


def test_a_model_that_is_held_is_in_the_bom(begin: Begin) -> None:
    Path("m.gguf").write_bytes(gguf("held"))
    process = begin(
        "--format", "json", "-o", "out.json", "--", sys.executable, "-c", HOLD, "m.gguf"
    )
    assert line(process) == b"held"
    looked = begin("--", "sleep", "1")  # as long as a look without events takes
    looked.wait()
    process.communicate()
    assert process.returncode == 0
    (workload,) = json.loads(Path("out.json").read_text())["workloads"]
    models = [c for c in workload["inventory"]["components"] if c["kind"] == "model"]
    assert [m["name"] for m in models] == ["held"]
    assert dict(workload["inventory"]["sensors"])["sweep"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], "aibom-out/sh.cdx.json"),
        (["--format", "json"], "aibom-out/aibom.json"),
        (["--format", "table"], "aibom-out/aibom.txt"),
        (["-o", "boms/"], "boms/sh.cdx.json"),
        (["-o", "bom.json"], "bom.json"),
        (["--format", "json", "-o", "report.json"], "report.json"),
    ],
)
def test_where_the_result_goes(begin: Begin, options: list[str], expected: str) -> None:
    Path("m.gguf").write_bytes(gguf("held"))
    script = "exec 5<m.gguf; echo held; read answer"
    process = begin(*options, "--", "sh", "-c", script)
    assert line(process) == b"held"
    subprocess.run(["sleep", "1"], check=True)
    output, errors = process.communicate(b"\n")
    assert output == b""
    assert process.returncode == 0, errors
    written = [p for p in Path().rglob("*") if p.is_file() and p.name != "m.gguf"]
    assert [str(p) for p in written] == [expected]
    assert f"wrote {expected}".encode() in errors
    assert "held" in written[0].read_text()


@pytest.mark.parametrize("name", ["TERM", "HUP", "USR1", "USR2"])
def test_signals_for_the_command_are_passed_on(begin: Begin, name: str) -> None:
    script = f"trap 'echo caught; exit 9' {name}; echo ready; while :; do sleep 0.05; done"
    process = begin("--", "sh", "-c", script)
    assert line(process) == b"ready"
    process.send_signal(getattr(signal, f"SIG{name}"))
    output, _ = process.communicate()
    assert output == b"caught\n"
    assert process.returncode == 9


def test_a_command_that_a_passed_on_signal_ends(begin: Begin) -> None:
    process = begin("--", "sh", "-c", "echo ready; exec sleep 600")
    assert line(process) == b"ready"
    process.terminate()
    process.communicate()
    assert process.returncode == 143


@pytest.mark.parametrize(("name", "code"), [("INT", 130), ("QUIT", 131)])
def test_ctrl_c_is_the_commands_and_aibom_ends_in_order(begin: Begin, name: str, code: int) -> None:
    Path("m.gguf").write_bytes(gguf("held"))
    script = "ulimit -c 0; exec 5<m.gguf; echo ready; sleep 600"
    process = begin("--", "sh", "-c", script)
    assert line(process) == b"ready"
    subprocess.run(["sleep", "1"], check=True)
    os.killpg(process.pid, getattr(signal, f"SIG{name}"))  # as a terminal does
    _, errors = process.communicate()
    assert process.returncode == code
    assert b"wrote aibom-out/sh.cdx.json" in errors


def test_a_command_that_ignores_ctrl_c_goes_on(begin: Begin) -> None:
    script = "trap '' INT; echo ready; read answer; exit 5"
    process = begin("--", "sh", "-c", script)
    assert line(process) == b"ready"
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(b"\n")
    assert process.returncode == 5


def test_a_job_in_the_background_does_not_hold_the_end(begin: Begin) -> None:
    # the command's end is the end, as it is for env and timeout
    process = begin("--", "sh", "-c", "sleep 600 >/dev/null 2>&1 & echo $!; exit 3")
    left = int(line(process))
    process.communicate()
    assert process.returncode == 3
    os.kill(left, signal.SIGKILL)  # it is still there, and nobody waited for it


def test_a_recording_cannot_be_watched(tmp_path: Path) -> None:
    record = [sys.executable, "-m", "aibom", "record", "node", "--pid", str(os.getpid())]
    subprocess.run(record, check=True, capture_output=True)
    done = watch("--seconds", "1", "--path.procfs", tmp_path / "node/proc")
    assert done.returncode == 2
    assert b"a recording does not change" in done.stderr
