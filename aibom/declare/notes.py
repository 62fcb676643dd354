"""What of a document could not be read, as sentences: bounded, for a document may be all wrong."""

from aibom.formats.text import printable

_MAX_NOTES = 20


class Notes:
    """Collects notes in the order in which they were found."""

    def __init__(self) -> None:
        """Begin with none."""
        self._said: list[str] = []
        self._more = 0

    def add(self, place: str, what: str) -> None:
        """Note that something at a place (``component 7``) could not be read."""
        if len(self._said) < _MAX_NOTES:
            self._said.append(printable(f"{place}: {what}", 300))
        else:
            self._more += 1

    @property
    def said(self) -> tuple[str, ...]:
        """Everything that was noted; what is more than is kept is counted."""
        return (*self._said, f"and {self._more} more notes") if self._more else tuple(self._said)
