"""An agent's process gives up what it does not need, and says so."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.live

GIVE_UP = """
import sys, threading, time
from aibom.agent.config.settings import Logging, Sensing
from aibom.agent.log import Log
from aibom.agent.privileges import give_up
if len(sys.argv) > 1:
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
give_up(Sensing(names=True), Log(Logging()))
for line in open("/proc/self/status"):
    if line.startswith(("CapEff", "NoNewPrivs")):
        print(line.split()[1])
"""


def given_up(*options: str) -> tuple[str, list[str]]:
    command = [sys.executable, "-c", GIVE_UP, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stderr, done.stdout.split()


def test_what_is_kept_is_told() -> None:
    said, (effective, no_new_privileges) = given_up()
    assert "privileges given up" in said
    assert no_new_privileges == "1"
    # CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_SETUID, CAP_SYS_MODULE
    assert int(effective, 16) & (1 << 0 | 1 << 1 | 1 << 7 | 1 << 16) == 0
    if os.geteuid() == 0:
        assert "NET_RAW" in said


def test_what_cannot_be_given_up_is_told() -> None:
    said, _ = given_up("with a thread")
    assert "privileges were not given up" in said
    assert "other threads" in said
