"""What a walk over a pickle finds."""

from dataclasses import dataclass, field

MAX_OPCODES = 1_000_000
_MAX_GLOBALS = 10_000
_MAX_CALLS = 200_000
_MAX_ITEMS = 200_000


@dataclass(frozen=True, slots=True)
class Global:
    """A name that the pickle imports: ``module.name``."""

    name: str


@dataclass(frozen=True, slots=True)
class Blob:
    """A bytes object, or a long text, by its offset in the source and its length in bytes."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Call:
    """An object that the pickle builds by calling ``function`` ("?" when unknown).

    ``new``: by NEWOBJ, so that ``function`` is its class.
    """

    function: str
    args: tuple[object, ...]
    new: bool = False


@dataclass(slots=True)
class Record:
    """What a walk has found so far; shared with the pickles nested in it."""

    opcodes_left: int = MAX_OPCODES
    protocol: int | None = None
    globals: dict[str, None] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    items: list[tuple[str, object]] = field(default_factory=list)
    dropped: bool = False

    def add_global(self, name: str) -> None:
        """Note an import, once."""
        if len(self.globals) < _MAX_GLOBALS:
            self.globals[name] = None
        else:
            self.dropped |= name not in self.globals

    def add_call(self, call: Call) -> None:
        """Note an object built."""
        if len(self.calls) < _MAX_CALLS:
            self.calls.append(call)
        else:
            self.dropped = True

    def add_item(self, key: str, value: object) -> None:
        """Note a dictionary entry."""
        if len(self.items) < _MAX_ITEMS:
            self.items.append((key, value))
        else:
            self.dropped = True


@dataclass(frozen=True, slots=True)
class PickleFacts:
    """What one pickle says.

    ``globals`` are sorted, ``order`` has them as they appear. ``stopped``: STOP was reached;
    ``complete``: and nothing was left out or unclear on the way. ``ending`` is "stop" then, and
    otherwise says why not: "truncated", "limit", "unknown opcode" or "torn frame". ``end`` is the
    offset behind the last byte walked.

    ``calls`` are the objects built; ``items`` the dictionary entries with a string key and a
    string or Call as value; ``root`` is what unpickling would return; ``opcodes`` is how many were
    walked. Objects are shown as str,
    int, tuple, dict, Global, Blob or Call, and as None when they are anything else.
    """

    protocol: int | None
    globals: tuple[str, ...]
    stopped: bool
    complete: bool
    ending: str
    end: int
    order: tuple[str, ...]
    calls: tuple[Call, ...]
    items: tuple[tuple[str, object], ...]
    root: object
    opcodes: int = 0
