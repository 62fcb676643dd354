"""Sandboxed runtimes: what runs in them is no process of the host, and is reported unseen."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from aibom.identify.features import Witness
from aibom.identify.match import match
from aibom.types.facts import NodeFacts, ProcessFacts
from aibom.types.inventory import Inventory
from aibom.types.rules import Feature, RuleSet
from aibom.types.unseen import Unseen

_DETAIL = "its processes are not the host's: neither they nor their files can be seen from here"
_REMEDY = "run aibom inside of the sandbox, or run the workload without one"
# containerd, docs of the runtime v2 shim API: every shim is started with the container's id
_SHIM_ID = "-id"


def with_sandboxes(
    inventories: Sequence[Inventory],
    parties: Sequence[Sequence[ProcessFacts]],
    facts: NodeFacts,
    rules: RuleSet,
) -> tuple[Inventory, ...]:
    """Return inventories with a record of each sandbox that one of their processes stands for.

    A shim that the runtime keeps among its own processes speaks for the container that it was
    started for, and for the workload of that container where the sweep knows it.
    """
    by_uid = {i.workload.uid: number for number, i in enumerate(inventories) if i.workload.uid}
    records: dict[int, set[Unseen]] = defaultdict(set)
    for number, members in enumerate(parties):
        for found in members:
            names = _sandboxes(found, rules)
            container, who = _inside(found, facts) if names else ("", "")
            pod = facts.containers[container].pod_uid if container in facts.containers else ""
            owner = by_uid.get(pod, by_uid.get(container, number))
            records[owner] |= {
                Unseen("runtime", f"{who} runs in {name}", _DETAIL, _REMEDY) for name in names
            }
    return tuple(
        replace(inventory, unseen=(*inventory.unseen, *sorted(records[number])))
        for number, inventory in enumerate(inventories)
    )


def _sandboxes(found: ProcessFacts, rules: RuleSet) -> list[str]:
    runs = Feature("runs", "program", found.program.name)
    return [held.rule.name for held in match(rules.sandboxes, (runs,))]


def _inside(found: ProcessFacts, facts: NodeFacts) -> tuple[str, str]:
    """Return the container that a sandbox's process stands for, and what to call it."""
    process = found.process
    container = process.cgroup.container_id
    if not container and _SHIM_ID in process.argv[:-1]:
        container = process.argv[process.argv.index(_SHIM_ID) + 1]
    if not container:
        return "", f"what process {process.pid} ({process.comm}) hosts"
    name = Witness(found, facts.containers.get(container)).container
    return container, f"container {name or container[:12]}"
