"""What goes wrong while writing: told once, shown for as long as it lasts, counted."""

from collections.abc import Callable

from aibom.agent.log import Log


class Trouble:
    """The troubles that last, by what they are with."""

    def __init__(self, log: Log) -> None:
        """Tell ``log`` when a trouble begins and when it is over."""
        self.count = 0
        self._log = log
        self._lasting: dict[str, str] = {}

    def note(self, what: str, error: Exception) -> None:
        """Note that something could not be done; it is logged when it begins."""
        self.count += 1
        reason = (isinstance(error, OSError) and error.strerror) or str(error) or repr(error)
        self._lasting[what] = reason
        message = "output cannot be written and is tried again"
        self._log.once(f"output: {what}", message, what=what, reason=reason)

    def over(self, what: str) -> None:
        """Note that it could be done."""
        if self._lasting.pop(what, None) is not None:
            self._log.clear(f"output: {what}", what=what)

    def contain(self, what: str, act: Callable[[], None]) -> None:
        """Do something; an OSError of it is noted."""
        try:
            act()
        except OSError as error:
            self.note(what, error)
        else:
            self.over(what)

    @property
    def text(self) -> str:
        """All that lasts, in one line; empty when nothing does."""
        return "; ".join(f"{what}: {reason}" for what, reason in sorted(self._lasting.items()))
