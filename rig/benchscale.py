"""How a sweep and the naming of what it saw grow with the containers of a node.

The containers are copies of a recorded pod that serves a model (see manyhost.py): what is measured
is all that is done for them but for the system calls. Each size has a process of its own.
"""

import json
import resource
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from rig.cache import REPOSITORY
from rig.errors import RigError

SIZES = (100, 300, 1000, 3000)
_PROC = REPOSITORY / "fixtures" / "nodes" / "chat-demo" / "proc"
#: Containers of the recorded pod: its sandbox, and the one that serves.
_EACH = 2


def scaling(_: Path) -> None:
    """Measure every size, and print a table."""
    print("simulated containers, milliseconds of CPU for each container")
    print(f"  {'':>10} {'first sweep':>12} {'second':>8} {'naming':>8} {'again':>8} {'MB':>6}")
    for size in SIZES:
        command = [sys.executable, "-m", "rig.benchscale", str(size)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RigError(f"a sweep of {size} containers failed:\n{done.stderr[-800:]}")
        found: dict[str, Any] = json.loads(done.stdout)
        each = [found[name] / size * 1000 for name in ("first", "second", "naming", "again")]
        print(
            f"  {size:10,} {each[0]:12.2f} {each[1]:8.2f} {each[2]:8.2f} {each[3]:8.2f}"
            f" {found['peak'] / 1e6:6.0f}"
        )


def _measured(size: int) -> dict[str, float]:
    from aibom.agent.naming import named  # noqa: PLC0415
    from aibom.observe.files.digests import Digests  # noqa: PLC0415
    from aibom.observe.inspector import Inspector  # noqa: PLC0415
    from aibom.observe.sweep import Sweeper  # noqa: PLC0415
    from aibom.rulebook.load import load  # noqa: PLC0415
    from rig.manyhost import ManyHost  # noqa: PLC0415

    rules = load()
    sweeper = Sweeper(Inspector(ManyHost(str(_PROC), size // _EACH), rules, Digests()))
    times = [time.process_time()]

    def lap() -> None:
        times.append(time.process_time())

    sweeper.sweep()
    lap()
    facts = sweeper.sweep()
    lap()
    inventories = named(facts, rules, _fails)
    lap()
    again = named(facts, rules, _fails)
    lap()
    pods = sum(i.workload.kind == "pod" for i in inventories)
    if (pods, len(again)) != (size // _EACH, len(inventories)):
        raise RigError(f"{pods} pods of {size // _EACH} were found")
    spent = [after - before for before, after in pairwise(times)]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return dict(zip(("first", "second", "naming", "again"), spent, strict=True)) | {"peak": peak}


def _fails(part: str, error: Exception) -> None:
    raise RigError(f"{part}: {error}")


if __name__ == "__main__":
    print(json.dumps(_measured(int(sys.argv[1]))))
