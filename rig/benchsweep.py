"""Two sweeps of this machine in one fresh process, and what they cost, as JSON on stdout."""

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

_START = (time.process_time(), time.monotonic())

from aibom.compare.compare import compare  # noqa: E402 - importing is a part of the cost
from aibom.identify.inventory import identify  # noqa: E402
from aibom.observe.files.digests import Digests  # noqa: E402
from aibom.observe.host.live import LiveHost  # noqa: E402
from aibom.observe.inspector import Inspector  # noqa: E402
from aibom.observe.sweep import Scope, Sweeper  # noqa: E402
from aibom.rulebook.load import load  # noqa: E402


def _cost(name: str, run: Callable[[], Any]) -> tuple[dict[str, Any], Any]:
    cpu, wall = time.process_time(), time.monotonic()
    result = run()
    used = {"cpu": time.process_time() - cpu, "wall": time.monotonic() - wall}
    return {"name": name, **used}, result


def main() -> int:
    """Sweep twice, identify and compare each time, and print the costs."""
    rules = load()
    ready: dict[str, Any] = {"name": "start: imports and rules"}
    ready |= {"cpu": time.process_time() - _START[0], "wall": time.monotonic() - _START[1]}
    # no cache on disk: a cold sweep hashes every model
    sweeper = Sweeper(Inspector(LiveHost(), rules, Digests()))
    scope = Scope(skip=frozenset({os.getpid()}))
    first, facts = _cost("first sweep, cold, hashing included", lambda: sweeper.sweep(scope))
    named, inventories = _cost("naming and comparing", lambda: _identify(facts, rules))
    second, _ = _cost("second sweep, nothing changed", lambda: sweeper.sweep(scope))
    found = {
        "processes": len(facts.processes),
        "containers": len(facts.containers),
        "workloads with AI": sum(i.has_ai for i in inventories),
        "models": sum(c.kind == "model" for i in inventories for c in i.components),
    }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    costs = [ready, first, named, second]
    print(json.dumps({"costs": costs, "peak_bytes": peak, "found": found}))
    return 0


def _identify(facts: Any, rules: Any) -> Any:
    inventories = identify(facts, rules)
    for inventory in inventories:
        compare(inventory, None)
    return inventories


if __name__ == "__main__":
    sys.exit(main())
