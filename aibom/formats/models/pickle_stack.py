"""The unpickler's stack and memo (Lib/pickle.py, class _Unpickler), with names for objects.

Where an unpickler would give up, on an empty stack or an unknown memo entry, this one answers
None: who walks on sees more than needed, never less.
"""


class Stack:
    """Values, the marks between them, and the memo."""

    def __init__(self) -> None:
        """Start empty."""
        self._values: list[object] = []
        self._marks: list[int] = []
        self._memo: dict[int, object] = {}

    def push(self, value: object) -> None:
        """Put ``value`` on top."""
        self._values.append(value)

    def top(self) -> object:
        """Return the value on top, which stays there."""
        return self._values[-1] if self._values else None

    def pop(self) -> object:
        """Take the value on top, but none from below the topmost mark."""
        floor = self._marks[-1] if self._marks else 0
        return self._values.pop() if len(self._values) > floor else None

    def pop_value_or_mark(self) -> None:
        """Drop what is on top, which may be a mark."""
        if self._marks and self._marks[-1] == len(self._values):
            self._marks.pop()
        else:
            self.pop()

    def mark(self) -> None:
        """Set a mark on top."""
        self._marks.append(len(self._values))

    def pop_to_mark(self) -> list[object]:
        """Take the topmost mark and all above it; return the values, the deepest first."""
        start = self._marks.pop() if self._marks else len(self._values)
        taken = self._values[start:]
        del self._values[start:]
        return taken

    def memoize(self) -> None:
        """Remember the value on top under the next number."""
        self.put(len(self._memo))

    def put(self, number: int) -> None:
        """Remember the value on top under ``number``."""
        self._memo[number] = self.top()

    def get(self, number: int) -> None:
        """Push the value remembered under ``number``."""
        self.push(self._memo.get(number))
