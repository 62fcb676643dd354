"""Listening MCP servers asked for their tools: the one thing that speaks (``--mcp-ask``)."""

import errno
import os
import time
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import astuple

from aibom.formats.procfs.process import parse_stat
from aibom.identify.inventory import identify
from aibom.identify.mcp.asking import answer_of, questions, with_answers
from aibom.observe.sweep import Scope, Sweeper
from aibom.types.facts import NodeFacts
from aibom.types.mcp import McpQuestion
from aibom.types.mcpfacts import McpAnswer
from aibom.types.rules import RuleSet
from aibom.types.unseen import Unseen, UnseenReason

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
        waiting = self.waiting(facts)
        while waiting and time.monotonic() < until:
            self.ask(*waiting.pop(0))
        detail = f"not asked: others took {ASKING_SECONDS:.0f} seconds"
        return self.answered(facts, waiting, detail)

    def waiting(self, facts: NodeFacts) -> list[tuple[McpQuestion, str]]:
        """Return whom nobody has asked yet, each with its network namespace."""
        places = {p.process.pid: p.process.network_namespace for p in facts.processes}
        return [
            (question, places[question.pid])
            for question in questions(facts, identify(facts, self._rules))
            if question not in self._answers and question not in self._unseen
        ]

    def answered(
        self, facts: NodeFacts, waiting: Iterable[tuple[McpQuestion, str]], detail: str
    ) -> NodeFacts:
        """Return facts with all answers so far; ``detail`` says why others are ``waiting``."""
        unseen = [Unseen("lost", _subject(q), detail, "", q.pid) for q, _ in waiting]
        return with_answers(facts, dict(self._answers), (*list(self._unseen.values()), *unseen))

    def forget(self, alive: Collection[int]) -> None:
        """Forget what processes said that are not ``alive`` any more, and the places they were."""
        gone = [q for q in (*self._answers, *self._unseen) if q.pid not in alive]
        for question in gone:
            self._answers.pop(question, None)
            self._unseen.pop(question, None)
        if gone:
            self._asked.clear()
            self._silent.clear()

    def ask(self, question: McpQuestion, place: str) -> None:
        """Ask one server; its answer, or why there is none, is remembered."""
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
