"""What the command line of a model server says that it serves, and under which name."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from aibom.types.rules import Serves

#: Most values of one kind that are kept of a command line.
MAX_VALUES = 32
#: Most arguments of a command line that are looked at.
MAX_ARGUMENTS = 1000
# what is left of a value in which a secret was hidden, or that was too long to be kept
_HIDDEN, _CUT = "***", "…"


class ServingClaim(NamedTuple):
    """The values that a command line gives, in its order; all of it is a claim.

    ``models`` are paths or repositories, ``files`` names of files in a repository, ``folders``
    have one folder per model, ``names`` are what clients call the model, ``adapters`` are
    ``PATH`` or ``NAME=PATH``, ``revisions`` those of the models' repositories.
    """

    models: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    adapters: tuple[str, ...] = ()
    tokenizers: tuple[str, ...] = ()
    revisions: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """Where the models are to come from: paths, repositories and folders."""
        return (*self.models, *self.folders)


def claim_of(argv: Sequence[str], spelled: Serves) -> ServingClaim:
    """Return what a command line says, in the spelling of one server. Unknown options are skipped.

    Dashes and underscores in long options are the same, as vLLM and click's users have it. The
    first argument is the program.
    """
    found: dict[str, list[str]] = {field: [] for field in ServingClaim._fields}
    options = {
        _plain(option): field
        for field in ServingClaim._fields
        for option in getattr(spelled, field)
    }
    arguments = list(argv[1:MAX_ARGUMENTS])
    for at, argument in enumerate(arguments):
        option, equals, value = argument.partition("=")
        field = options.get(_plain(option)) if option.startswith("-") else None
        if field is not None:
            found[field] += (
                [value] if equals else _values(arguments[at + 1 : at + 1 + MAX_VALUES], field)
            )
        elif argument in spelled.operands:
            found["models"] += _values(arguments[at + 1 : at + 1 + MAX_VALUES], "models")
    return ServingClaim(**{field: tuple(_kept(values)) for field, values in found.items()})


def _plain(option: str) -> str:
    return option.replace("_", "-") if option.startswith("--") else option


def _values(rest: Sequence[str], field: str) -> list[str]:
    """Return the arguments that belong to an option: one, or of names and adapters all."""
    values: list[str] = []
    for argument in rest:
        if argument.startswith("-") or (values and field not in ("names", "adapters")):
            break
        values.append(argument)
    return values


def _kept(values: Sequence[str]) -> Iterator[str]:
    sound = (v for v in values if v and _HIDDEN not in v and not v.endswith(_CUT))
    yield from list(dict.fromkeys(sound))[:MAX_VALUES]


def path_of_adapter(value: str) -> str:
    """Return the path in ``NAME=PATH`` or ``PATH``."""
    return value.rpartition("=")[2]


def is_path(value: str) -> bool:
    """Say whether a value can only be a path: a repository has no such form."""
    return value.startswith(("/", "./", "../", "~")) or value in (".", "..")
