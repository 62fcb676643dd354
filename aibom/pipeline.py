"""Observe, identify, compare: the main job as three readable functions."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from aibom.asking import Asker
from aibom.compare import kinds
from aibom.compare.compare import Comparison
from aibom.compare.missing import ONE_LOOK, Waited
from aibom.identify.inventory import identify
from aibom.observe.sweep import Scope, Sweeper
from aibom.types.declared import Document
from aibom.types.facts import NodeFacts
from aibom.types.findings import Assessment
from aibom.types.inventory import Inventory, Workload
from aibom.types.policy import Promised
from aibom.types.rules import RuleSet
from aibom.types.unseen import Unseen

#: Most sets of images whose claims stay indexed, and how large these may be in all (see
#: ``Document.size``); the one that is in use stays in any case.
MAX_COMPARISONS = 64
MAX_INDEXED = 120_000


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen and named, one inventory for each workload.

    ``unseen`` is what could not be seen and belongs to no workload that is kept. ``processes``
    counts those that were looked into; ``pods`` are all pods of the node, as NAMESPACE/NAME.
    """

    inventories: tuple[Inventory, ...]
    unseen: tuple[Unseen, ...] = ()
    processes: int = 0
    pods: frozenset[str] = frozenset()

    @property
    def complete(self) -> bool:
        """Whether everything that was looked for could be seen."""
        return not self.unseen and not any(i.unseen for i in self.inventories)


@dataclass(frozen=True, slots=True)
class Result:
    """A whole run: what was observed, and what the comparison says of each inventory of it."""

    observation: Observation
    assessments: tuple[Assessment, ...]

    @property
    def workloads(self) -> tuple[tuple[Inventory, Assessment], ...]:
        """Each inventory with its assessment."""
        return tuple(zip(self.observation.inventories, self.assessments, strict=True))


def scan(
    sweeper: Sweeper | Asker, rules: RuleSet, scope: Scope, *, everything: bool = False
) -> Observation:
    """Sweep once, and name what runs.

    Only workloads with AI in them are kept, unless ``everything`` is set or single processes
    were asked for.
    """
    facts = sweeper.sweep(scope)
    as_one = bool(scope.pids)
    return observed(facts, rules, as_one=as_one, everything=everything or as_one)


def observed(
    facts: NodeFacts, rules: RuleSet, *, as_one: bool = False, everything: bool = False
) -> Observation:
    """Name what was seen.

    ``as_one`` makes one workload of all processes, ``everything`` also keeps workloads without
    any AI software.
    """
    inventories = identify(facts, rules, as_one=as_one)
    if as_one and not inventories:
        # nothing that matters was seen, which is an answer as well
        nothing = Inventory(Workload("processes", "processes"), unseen=facts.unseen)
        inventories = (replace(nothing, sensors=facts.sensors, period=facts.watched),)
    kept = tuple(i for i in inventories if everything or i.has_ai)
    noted = (*facts.unseen, *(u for i in inventories for u in i.unseen))
    carried = {u for i in kept for u in i.unseen}
    return Observation(
        inventories=kept,
        unseen=tuple(dict.fromkeys(u for u in noted if u not in carried)),
        processes=len(facts.processes),
        pods=frozenset(
            f"{c.pod_namespace}/{c.pod_name}" for c in facts.containers.values() if c.pod_name
        ),
    )


class Own(NamedTuple):
    """What is promised of one workload alone, and what of that could not be had.

    ``pending`` is true while it is still being read: a comparison without it would tell what is
    not so.
    """

    documents: tuple[Document, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    pending: bool = False


class Comparer:
    """Everything that was promised, of all workloads and of each alone, indexed once."""

    def __init__(
        self, promised: Promised, own_of: Callable[[Inventory], Own] | None = None
    ) -> None:
        """Compare with ``promised``, and with what ``own_of`` says of one workload alone."""
        self._promised = promised
        self._own_of = own_of
        self._common = Comparison(promised.documents, *(promised.policed or ()))
        # by the identity of the documents, which are kept so that it stays theirs
        self._with_own: dict[int, tuple[tuple[Document, ...], Comparison, int]] = {}

    def is_ready(self, inventory: Inventory) -> bool:
        """Say whether everything is at hand that a workload is to be compared with."""
        return self._own_of is None or not self._own_of(inventory).pending

    def of(self, inventory: Inventory, waited: Waited = ONE_LOOK) -> tuple[Inventory, Assessment]:
        """Return an inventory, with what could not be compared, and what the comparison says.

        ``waited`` says what may be said of declared things that were not seen.
        """
        own = self._own_of(inventory) if self._own_of is not None else Own()
        if own.unseen:
            inventory = replace(inventory, unseen=(*inventory.unseen, *own.unseen))
        comparison = self._including(own.documents) if own.documents else self._common
        return inventory, comparison.of(inventory, waited)

    def _including(self, documents: tuple[Document, ...]) -> Comparison:
        known = self._with_own.pop(id(documents), None)
        if known is None:
            promised, policed = self._promised
            made = Comparison((*(promised or ()), *documents), *(policed or ()))
            known = (documents, made, sum(document.size for document in documents))
            self._make_room(known[2])
        # what was used last comes last
        self._with_own[id(documents)] = known
        return known[1]

    def _make_room(self, size: int) -> None:
        kept = self._with_own
        while kept and (
            len(kept) >= MAX_COMPARISONS or size + sum(k[2] for k in kept.values()) > MAX_INDEXED
        ):
            del kept[next(iter(kept))]


def compared(
    observation: Observation,
    promised: Promised,
    own_of: Callable[[Inventory], Own] | None = None,
) -> Result:
    """Compare what was seen with what was promised, of all workloads and of each alone."""
    comparer = Comparer(promised, own_of)
    pairs = [comparer.of(inventory) for inventory in observation.inventories]
    seen = replace(observation, inventories=tuple(inventory for inventory, _ in pairs))
    return Result(seen, tuple(_covered_nowhere([found for _, found in pairs])))


def _covered_nowhere(assessments: Sequence[Assessment]) -> Iterator[Assessment]:
    """Yield assessments; an exception that covers nothing is said once, if it does so in all."""
    unused = [
        {f.fingerprint for f in a.findings if f.kind == kinds.EXCEPTION_UNUSED} for a in assessments
    ]
    said = set.intersection(*unused) if unused else set()
    for number, assessment in enumerate(assessments):
        kept = tuple(
            f
            for f in assessment.findings
            if f.kind != kinds.EXCEPTION_UNUSED or (number == 0 and f.fingerprint in said)
        )
        yield replace(assessment, findings=kept)
