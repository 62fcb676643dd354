"""A disk that is really full: a small tmpfs in a mount namespace of the test's own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FILL = """
import json, os, sys
from pathlib import Path
from tests.agent.outputs import POD, Heard, bom, files, ids, new, output
from aibom.types.inventory import Workload

folder = Path(sys.argv[1]) / "o"
log = Heard()
out = output(folder, log, findings_bytes=2**30)
out.check()
ballast = folder.parent / "ballast"
told, taken, boms = [], 0, 0
pods = [Workload("pod", f"p-{n}", "default", f"{n:08}-0") for n in range(40)]

def whole():
    assert ids(folder) == told, "half a line, a lost one or a doubled one"
    assert (folder / "findings.jsonl").read_bytes().endswith(b"\\n")
    for path in folder.rglob("*.json"):
        json.loads(path.read_bytes())
    assert not list(folder.rglob(".tmp-*"))

def round(count):
    global taken
    told.extend(out.append([new(n) for n in range(taken, taken + count)]))
    taken += count

round(3)
ballast.write_bytes(b"x" * 600_000)
while not out.error:
    round(7)
whole()
first = len(told)
assert "No space left on device" in out.error, out.error
for pod in pods:
    assert out.bom(pod, bom(workload=pod))
    out.summary({"pods": pod.name})
    round(1)
    whole()
waiting = taken - len(told)
lines = len(log.lines)
out.close()
late = output(folder.parent / "late", Heard())
late.check()  # an agent that starts now goes on, and says what is wrong
assert not late.append([new(1)])
assert "No space left on device" in late.error, late.error
late.close()
assert lines <= 3, log.lines
ballast.unlink()
round(0)
whole()
assert taken == len(told)
out.summary({"pods": 40})
assert out.error == "", out.error
assert len(list((folder / "boms").glob("*.cdx.json"))) == 40
assert all(out.bom(pod, bom(workload=pod)) is None for pod in pods)
print(json.dumps({"before": first, "waited": waiting, "lines": log.lines}))
"""


@pytest.mark.live
def test_a_full_disk_leaves_nothing_half_and_loses_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    enter = ["unshare", "--mount"]
    if os.geteuid() != 0:
        enter = ["unshare", "--user", "--map-root-user", "--mount"]
    mount = f"mount -t tmpfs -o size=1m,mode=0755 none {disk}"
    possible = subprocess.run(
        [*enter, "sh", "-c", mount], capture_output=True, text=True, check=False
    )
    if possible.returncode:
        pytest.skip(f"no mount namespace with a tmpfs here: {possible.stderr.strip()}")
    run = subprocess.run(
        [*enter, "sh", "-c", f'{mount} && exec "$0" -c "$1" {disk}', sys.executable, FILL],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    said = json.loads(run.stdout)
    assert said["before"] > 3
    assert said["waited"] > 0
    assert any("findings.jsonl" in line for line in said["lines"])
