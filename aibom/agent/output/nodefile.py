"""The file that tells of the node; its time tells when an agent was last at work there."""

from collections.abc import Callable
from typing import Any

from aibom.agent.folder import Folder
from aibom.report.jsontext import serialise

SUMMARY = "node.json"


class NodeFile:
    """The summary as it stands on disk. Every method raises OSError."""

    def __init__(self, root: Callable[[], Folder]) -> None:
        """Write into the folder that ``root`` returns."""
        self._root = root
        self._text = ""

    def write(self, document: dict[str, Any]) -> None:
        """Write the summary, if it is not what stands there."""
        text = serialise(document)
        if text != self._text:
            self._root().write(SUMMARY, text.encode("utf-8", "backslashreplace"))
            self._text = text

    def at_work(self) -> float | None:
        """Return when an agent was last at work, in seconds since the epoch, if that is known."""
        found = self._root().file(SUMMARY)
        if found is None:
            self._text = ""  # somebody removed it
        return found.st_mtime if found is not None else None

    def note(self, now: float) -> None:
        """Note that an agent is at work, if there is a summary."""
        if self.at_work() is not None:
            self._root().touch(SUMMARY, now)
