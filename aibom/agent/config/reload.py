"""New settings while the agent runs: asked for by a signal, taken over between two rounds."""

from collections.abc import Callable
from typing import TypeVar

from aibom.agent.config.fields import SETTINGS, made, value_at
from aibom.agent.config.printing import changed
from aibom.agent.config.settings import Settings
from aibom.agent.errors import AgentError
from aibom.agent.log import Log

T = TypeVar("T")


class Reloader:
    """Loads settings again when asked to.

    ``load_again`` returns new settings or raises AgentError; ``settings`` are those that hold.
    """

    def __init__(self, load_again: Callable[[], Settings], settings: Settings, log: Log) -> None:
        """Begin with the settings that the agent was started with."""
        self._load_again, self._settings, self._log = load_again, settings, log
        self._asked = False
        self.error = ""
        """Why the last settings were not taken over; empty when they were."""

    def ask(self) -> None:
        """Ask for a reload; all that a signal handler does."""
        self._asked = True

    def due(self, prepare: Callable[[Settings], T]) -> tuple[Settings, T] | None:
        """Return new settings and what ``prepare`` makes of them, if they were asked for.

        They may be those that hold: what they name, such as a policy, may be new all the same.
        Never raises: where the new ones are no good, or ``prepare`` raises, the old ones stay, and
        ``error`` and the log say why. What cannot change while the agent runs keeps its old value.
        """
        if not self._asked:
            return None
        # first, so that a signal during the loading counts
        self._asked = False
        try:
            new = self._kept(self._load_again())
            prepared = prepare(new)
        except AgentError as error:
            self.error = str(error)
        except Exception as error:  # noqa: BLE001 - no file may end an agent that runs
            self.error = f"failed, which it should not: {error!r}"
        else:
            self.error = ""
            self._take(new)
            return new, prepared
        self._log.error("the new settings are refused, the old ones stay", error=self.error)
        return None

    def _kept(self, new: Settings) -> Settings:
        """Return new settings with the old values of what cannot change."""
        fixed = [path for path in changed(self._settings, new) if SETTINGS[path].fixed]
        if fixed:
            names = " ".join(".".join(path) for path in fixed)
            self._log.warning("only a restart changes these settings; they stay", settings=names)
        values = {path: value_at(new, path) for path in SETTINGS}
        return made(values | {path: value_at(self._settings, path) for path in fixed})

    def _take(self, new: Settings) -> None:
        names = [".".join(path) for path in changed(self._settings, new)]
        self._settings = new
        self._log.info("settings loaded again", changed=" ".join(names) or "none")
