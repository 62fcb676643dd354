"""MCP servers asked beside the loop: one that is silent holds nobody up."""

import threading

from aibom.agent.containment import Containment
from aibom.asking import Asker
from aibom.observe.watch.watcher import Watcher
from aibom.types.facts import NodeFacts
from aibom.types.mcp import McpQuestion

_WAITING = "waits to be asked"


class BackgroundAsker:
    """Asks servers for their tools, one after the other, in a thread that ends with the last."""

    def __init__(self, asker: Asker, containment: Containment) -> None:
        """Ask by ``asker``; what goes wrong in the thread is contained."""
        self._asker = asker
        self._containment = containment
        self._thread: threading.Thread | None = None
        #: whether there are answers that nobody was told of
        self.has_news = False

    def asked(self, facts: NodeFacts) -> NodeFacts:
        """Return facts with the answers so far, and begin to ask who was not asked yet."""
        self.has_news = False
        waiting = self._asker.waiting(facts)
        if waiting and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(
                target=self._ask, args=(waiting,), name="aibom-mcp", daemon=True
            )
            self._thread.start()
        return self._asker.answered(facts, waiting, _WAITING)

    def forget(self, watcher: Watcher) -> None:
        """Forget servers that have ended, unless some are being asked."""
        if self._thread is None or not self._thread.is_alive():
            self._asker.forget(watcher.living())

    def _ask(self, waiting: list[tuple[McpQuestion, str]]) -> None:
        for question, place in waiting:
            with self._containment.of("mcp"):
                self._asker.ask(question, place)
            self.has_news = True
