"""What is known of the names that pickles import."""

import re
from dataclasses import dataclass
from typing import Literal

#: ``dangerous``: runs commands or code, talks to the network or changes files when it is called.
#: ``allowed``: what libraries' own files import.
ImportVerdict = Literal["dangerous", "allowed"]

# One name without dots that begins with a capital, as classes do; behind modules, which do not.
_CLASS = re.compile(r"(?:\.[a-z_]\w*)*\._?[A-Z]\w*")


_LONGEST = 6  # parts of a dangerous name at the end of another


@dataclass(frozen=True, slots=True)
class ImportRule:
    """Names that pickles import, and what they are.

    ``names`` are single ones (``os.system``), ``modules`` stand for themselves and everything
    below them, ``classes`` for the classes, by the spelling of their names, below modules.
    """

    id: str
    verdict: ImportVerdict
    names: frozenset[str] = frozenset()
    modules: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    def covers(self, name: str) -> bool:
        """Say whether ``name``, as ``module.name``, lies below what the rule names."""
        if any(name == m or name.startswith(f"{m}.") for m in self.modules):
            return True
        return any(
            name.startswith(f"{m}.") and _CLASS.fullmatch(name, len(m)) for m in self.classes
        )


def verdict_of(name: str, rules: tuple[ImportRule, ...]) -> ImportVerdict | None:
    """Return what the rules say of ``name``, None for nothing.

    What is said of a name itself goes before what is said of a module, and ``dangerous`` before
    ``allowed``.
    A dotted name can lead through a module to another one's functions (``math.os.system``), so
    single dangerous names also hold for the end of a longer one, whatever its module is.
    """
    single = {rule.verdict for rule in rules if name in rule.names}
    if single:
        return "dangerous" if "dangerous" in single else "allowed"
    parts = name.split(".")
    # modules keep others under names with an underscore: random._os.system
    first = max(1, len(parts) - _LONGEST)
    ends = {".".join(parts[start:]).lstrip("_") for start in range(first, len(parts) - 1)}
    if any(rule.verdict == "dangerous" and rule.names & ends for rule in rules):
        return "dangerous"
    covering = {rule.verdict for rule in rules if rule.covers(name)}
    if "dangerous" in covering:
        return "dangerous"
    return "allowed" if covering else None
