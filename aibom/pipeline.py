"""Observe, identify, compare: the main job as one readable function."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace

from aibom.compare.compare import compare
from aibom.identify.inventory import identify
from aibom.identify.mcpasking import answer_of, questions, with_answers
from aibom.observe.sweep import Scope, Sweeper
from aibom.types.facts import McpAnswer, NodeFacts, Unseen, UnseenReason
from aibom.types.findings import Assessment, Claim
from aibom.types.inventory import Inventory, Workload
from aibom.types.mcp import McpQuestion
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


#: Most MCP servers that are asked in one network namespace, which is a pod's or the host's.
MAX_ASKED = 20
#: After so many that took too long no other one is asked there.
MAX_SILENT = 3


class Asker:
    """Asks the MCP servers of a node for their tools, each once (``--mcp-ask``)."""

    def __init__(self, sweeper: Sweeper, rules: RuleSet) -> None:
        """Ask through the host of ``sweeper``; look through the answers by ``rules``."""
        self._sweeper = sweeper
        self._host = sweeper.inspector.host
        self._rules = rules
        self._answers: dict[McpQuestion, McpAnswer] = {}
        self._unseen: dict[McpQuestion, Unseen] = {}
        self._asked: Counter[str] = Counter()
        self._silent: Counter[str] = Counter()

    def sweep(self, scope: Scope) -> NodeFacts:
        """Return one sweep with the answers of the servers in it."""
        return self.asked(self._sweeper.sweep(scope))

    def asked(self, facts: NodeFacts) -> NodeFacts:
        """Return facts with the answers of all servers that were asked so far."""
        places = {p.process.pid: p.process.network_namespace for p in facts.processes}
        for question in questions(facts, identify(facts, self._rules)):
            if question not in self._answers and question not in self._unseen:
                self._ask(question, places[question.pid])
        return with_answers(facts, self._answers, self._unseen.values())

    def _ask(self, question: McpQuestion, place: str) -> None:
        pid, _, host, port, paths = astuple(question)
        subject = f"tools of the MCP server on port {port} (pid {pid})"
        if self._asked[place] >= MAX_ASKED or self._silent[place] >= MAX_SILENT:
            detail = "too many servers in one place, or servers that do not answer"
            self._unseen[question] = Unseen("too-large", subject, detail, "", pid)
            return
        self._asked[place] += 1
        try:
            reply = self._host.ask_mcp(pid, host, port, paths)
            self._answers[question] = answer_of(reply, self._rules.texts)
        except OSError as error:
            reason: UnseenReason = "denied" if isinstance(error, PermissionError) else "unreadable"
            self._silent[place] += isinstance(error, TimeoutError)
            detail = error.strerror or str(error)
            self._unseen[question] = Unseen(reason, subject, detail, "", pid)


def scan(
    sweeper: Sweeper | Asker,
    rules: RuleSet,
    scope: Scope,
    claims: Sequence[Claim] | None,
    *,
    everything: bool = False,
) -> Result:
    """Sweep once, name what runs, and compare it with what was promised.

    Only workloads with AI in them are kept, unless ``everything`` is set or single processes
    were asked for.
    """
    facts = sweeper.sweep(scope)
    as_one = bool(scope.pids)
    return assess(facts, rules, claims, as_one=as_one, everything=everything or as_one)


def assess(
    facts: NodeFacts,
    rules: RuleSet,
    claims: Sequence[Claim] | None,
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
        inventories = (replace(nothing, sensors=facts.sensors),)
    kept = [i for i in inventories if everything or i.has_ai]
    noted = (*facts.unseen, *(u for i in inventories for u in i.unseen))
    carried = {u for i in kept for u in i.unseen}
    return Result(
        workloads=tuple(Assessed(i, compare(i, claims)) for i in kept),
        unseen=tuple(dict.fromkeys(u for u in noted if u not in carried)),
        processes=len(facts.processes),
        pods=frozenset(
            f"{c.pod_namespace}/{c.pod_name}" for c in facts.containers.values() if c.pod_name
        ),
    )
