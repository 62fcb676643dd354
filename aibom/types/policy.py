"""What may run and what may not, what is accepted until when, and who answers for that."""

from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from aibom.types.declared import Document
from aibom.types.files import OriginKind
from aibom.types.findings import Severity
from aibom.types.inventory import ComponentKind

#: The categories of ``allow`` and ``forbid``, as they are written.
Category = Literal[
    "models", "packages", "mcp-servers", "model-apis", "sources", "licences", "origins"
]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of ``allow`` or ``forbid``.

    ``place`` is where it stands (``allow.models[2]``), ``line`` its line, from 1. ``expires`` is
    the last day on which it holds, None for one without end. All the selectors that it has must
    hold; of the values of one selector one has to. Those of ``purl``, ``repo``, ``commit``,
    ``hub``, ``host``, ``provider``, ``path``, ``name`` and ``licence`` are patterns; ``versions``
    is a PEP 440 specifier set. Empty ``kinds`` are those of the category, empty ``origins`` any.
    """

    category: Category
    place: str
    line: int
    reason: str
    owner: str = ""
    expires: date | None = None
    sha256: tuple[str, ...] = ()
    purl: tuple[str, ...] = ()
    versions: str = ""
    repo: tuple[str, ...] = ()
    commit: tuple[str, ...] = ()
    hub: tuple[str, ...] = ()
    host: tuple[str, ...] = ()
    provider: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    name: tuple[str, ...] = ()
    licence: tuple[str, ...] = ()
    kinds: tuple[ComponentKind, ...] = ()
    origins: tuple[OriginKind, ...] = ()

    @property
    def patterns(self) -> tuple[str, ...]:
        """All values that may hold a pattern."""
        found = (*self.purl, *self.repo, *self.commit, *self.hub, *self.host, *self.provider)
        return (*found, *self.path, *self.name, *self.licence)


@dataclass(frozen=True, slots=True)
class Setting:
    """The severity that findings of one kind get, or ``off``: accepted, for ``reason``."""

    kind: str
    severity: Severity | Literal["off"]
    line: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Waiver:
    """An exception: findings that are accepted up to and including the day ``expires``.

    Either ``fingerprint`` names one finding, or ``findings`` (words or ids of kinds) of what
    ``name``, ``purl``, ``host`` (patterns) and ``sha256`` say. ``workload`` are patterns as well.
    """

    place: str
    line: int
    reason: str
    owner: str
    expires: date
    fingerprint: str = ""
    findings: tuple[str, ...] = ()
    name: tuple[str, ...] = ()
    purl: tuple[str, ...] = ()
    sha256: tuple[str, ...] = ()
    host: tuple[str, ...] = ()
    workload: tuple[str, ...] = ()

    @property
    def patterns(self) -> tuple[str, ...]:
        """All values that may hold a pattern."""
        return (*self.name, *self.purl, *self.host, *self.workload)


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy, read.

    ``name`` is how the user named its file. ``complete`` are the categories that ``allow`` has:
    what belongs to one and is not named there is not allowed.
    """

    name: str
    allow: tuple[Entry, ...] = ()
    forbid: tuple[Entry, ...] = ()
    complete: tuple[Category, ...] = ()
    severities: tuple[Setting, ...] = ()
    exceptions: tuple[Waiver, ...] = ()


class Policed(NamedTuple):
    """A policy, and the day (UTC) on which it is asked."""

    policy: Policy
    today: date


class Promised(NamedTuple):
    """Everything that says what should run; each is None where nothing of the kind was given.

    No documents are not the same as one that claims nothing: then the image is what was promised.
    """

    documents: tuple[Document, ...] | None = None
    policed: Policed | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """That a policy allows a thing, and in words: where it says so, why, who, until when.

    ``line`` is in the file that the user named as ``policy``. ``here`` is true where it allows the
    thing to come from where it came from, and not just the thing.
    """

    policy: str
    line: int
    reason: str
    here: bool = False
