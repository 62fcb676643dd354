"""Observe, identify, compare: the main job as one readable function."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from aibom.asking import Asker
from aibom.compare import kinds
from aibom.compare.compare import compare
from aibom.identify.inventory import identify
from aibom.observe.sweep import Scope, Sweeper
from aibom.types.declared import Document
from aibom.types.facts import NodeFacts, Unseen
from aibom.types.findings import Assessment
from aibom.types.inventory import Inventory, Workload
from aibom.types.policy import Policed
from aibom.types.rules import RuleSet


@dataclass(frozen=True, slots=True)
class Assessed:
    """One workload's inventory, and what the comparison says of it."""

    inventory: Inventory
    assessment: Assessment


@dataclass(frozen=True, slots=True)
class Result:
    """A whole run.

    ``unseen`` is what could not be seen and belongs to no workload that is kept. ``processes``
    counts those that were looked into; ``pods`` are all pods of the node, as NAMESPACE/NAME.
    """

    workloads: tuple[Assessed, ...]
    unseen: tuple[Unseen, ...]
    processes: int
    pods: frozenset[str]

    @property
    def complete(self) -> bool:
        """Whether everything that was looked for could be seen."""
        return not self.unseen and not any(w.inventory.unseen for w in self.workloads)


def scan(
    sweeper: Sweeper | Asker,
    rules: RuleSet,
    scope: Scope,
    documents: Sequence[Document] | None,
    *,
    everything: bool = False,
) -> Result:
    """Sweep once, name what runs, and compare it with what was promised.

    Only workloads with AI in them are kept, unless ``everything`` is set or single processes
    were asked for.
    """
    facts = sweeper.sweep(scope)
    as_one = bool(scope.pids)
    return assess(facts, rules, documents, as_one=as_one, everything=everything or as_one)


def assess(
    facts: NodeFacts,
    rules: RuleSet,
    documents: Sequence[Document] | None,
    *,
    as_one: bool = False,
    everything: bool = False,
) -> Result:
    """Name what was seen, and compare it with what was promised.

    ``as_one`` makes one workload of all processes, ``everything`` also keeps workloads without
    any AI software.
    """
    inventories = identify(facts, rules, as_one=as_one)
    if as_one and not inventories:
        # nothing that matters was seen, which is an answer as well
        nothing = Inventory(Workload("processes", "processes"), unseen=facts.unseen)
        inventories = (replace(nothing, sensors=facts.sensors, period=facts.watched),)
    kept = [i for i in inventories if everything or i.has_ai]
    noted = (*facts.unseen, *(u for i in inventories for u in i.unseen))
    carried = {u for i in kept for u in i.unseen}
    return Result(
        workloads=tuple(Assessed(i, compare(i, documents)) for i in kept),
        unseen=tuple(dict.fromkeys(u for u in noted if u not in carried)),
        processes=len(facts.processes),
        pods=frozenset(
            f"{c.pod_namespace}/{c.pod_name}" for c in facts.containers.values() if c.pod_name
        ),
    )


def against(
    result: Result,
    promised: Callable[[Inventory], tuple[Inventory, Sequence[Document] | None]],
    policed: Policed | None,
) -> Result:
    """Compare what a run found once more, each workload with what is ``promised`` of it.

    ``promised`` may add to an inventory what could not be seen of its promises.
    """
    pairs = [promised(w.inventory) for w in result.workloads]
    compared = [Assessed(i, compare(i, documents, *(policed or ()))) for i, documents in pairs]
    return replace(result, workloads=tuple(_covered_nowhere(compared)))


def _covered_nowhere(workloads: Sequence[Assessed]) -> Iterator[Assessed]:
    """Yield workloads; an exception that covers nothing is said once, if it does so in all."""
    unused = [
        {f.fingerprint for f in w.assessment.findings if f.kind == kinds.EXCEPTION_UNUSED}
        for w in workloads
    ]
    said = set.intersection(*unused) if unused else set()
    for number, workload in enumerate(workloads):
        kept = tuple(
            f
            for f in workload.assessment.findings
            if f.kind != kinds.EXCEPTION_UNUSED or (number == 0 and f.fingerprint in said)
        )
        yield replace(workload, assessment=replace(workload.assessment, findings=kept))
