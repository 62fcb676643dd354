"""Privileges given up for real, in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.live

DROP = """
import json, os, sys, threading, time
from aibom.observe.host.privileges import ThreadsError, drop, rights_of_self
names = frozenset(sys.argv[1].split())
if len(sys.argv) > 2:
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
try:
    left = sorted(drop(names))
except ThreadsError as error:
    print(json.dumps(str(error)))
    os._exit(0)
status = open("/proc/self/status").read()
fields = dict(line.split(":\\t", 1) for line in status.splitlines())
# a program that root runs would have all of the bounding set again
child = os.popen("grep CapEff /proc/self/status").read().split()[1]
print(json.dumps({"left": left, "fields": fields, "child": child}))
"""


def dropped(names: str, *options: str) -> Any:
    command = [sys.executable, "-c", DROP, names, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_is_not_needed_is_gone_for_good() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root has capabilities to give up")
    found = dropped("SYS_PTRACE DAC_READ_SEARCH")
    assert set(found["left"]) <= {"DAC_READ_SEARCH", "SYS_PTRACE"}
    fields = found["fields"]
    allowed = 1 << 19 | 1 << 2
    for name in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
        assert int(fields[name], 16) & ~allowed == 0, name
    assert fields["NoNewPrivs"].strip() == "1"
    assert int(found["child"], 16) & ~allowed == 0


def test_nothing_is_gained() -> None:
    everything = dropped("SYS_PTRACE DAC_READ_SEARCH SYS_ADMIN SYS_RESOURCE")
    nothing = dropped("")
    assert nothing["left"] == []
    assert int(nothing["fields"]["CapEff"], 16) == 0
    mine = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines())
    assert int(everything["fields"]["CapPrm"], 16) & ~int(mine["CapPrm"], 16) == 0


def test_other_threads_would_keep_theirs() -> None:
    assert "other threads" in dropped("SYS_PTRACE", "with a thread")
