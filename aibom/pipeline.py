"""Observe, identify, compare: the main job as one readable function."""

import errno
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace

from aibom.compare.compare import compare
from aibom.formats.procfs.process import parse_stat
from aibom.identify.inventory import identify
from aibom.identify.mcp.asking import answer_of, questions, with_answers
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


#: Most seconds for which servers are asked in one go; a single one may take ten.
ASKING_SECONDS = 60.0
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
        """Return facts with the answers of all servers that were asked so far.

        What there is no time for is said, and asked the next time.
        """
        until = time.monotonic() + ASKING_SECONDS
        waiting: list[Unseen] = []
        places = {p.process.pid: p.process.network_namespace for p in facts.processes}
        for question in questions(facts, identify(facts, self._rules)):
            if question in self._answers or question in self._unseen:
                continue
            if time.monotonic() < until:
                self._ask(question, places[question.pid])
            else:
                detail = f"not asked: others took {ASKING_SECONDS:.0f} seconds"
                waiting.append(Unseen("lost", _subject(question), detail, "", question.pid))
        return with_answers(facts, self._answers, (*self._unseen.values(), *waiting))

    def _ask(self, question: McpQuestion, place: str) -> None:
        pid, start_ticks, host, port, paths = astuple(question)
        if self._asked[place] >= MAX_ASKED or self._silent[place] >= MAX_SILENT:
            detail = "too many servers in one place, or servers that do not answer"
            self._unseen[question] = Unseen("too-large", _subject(question), detail, "", pid)
            return
        self._asked[place] += 1
        try:
            # what ended may have left its number to another one, in another place
            if parse_stat(self._host.read(pid, "stat")).start_ticks != start_ticks:
                raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
            reply = self._host.ask_mcp(pid, host, port, paths)
            self._answers[question] = answer_of(reply, self._rules.texts)
        except (OSError, ValueError) as error:
            self._silent[place] += isinstance(error, TimeoutError)
            detail = getattr(error, "strerror", None) or str(error)
            self._unseen[question] = Unseen(_reason(error), _subject(question), detail, "", pid)


def _reason(error: Exception) -> UnseenReason:
    if isinstance(error, FileNotFoundError | ProcessLookupError):
        return "vanished"
    return "denied" if isinstance(error, PermissionError) else "unreadable"


def _subject(question: McpQuestion) -> str:
    return f"tools of the MCP server on port {question.port} (pid {question.pid})"


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
