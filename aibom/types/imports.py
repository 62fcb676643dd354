"""What is known of the names that pickles import."""

import re
from dataclasses import dataclass
from typing import Literal

#: ``dangerous``: runs commands or code, talks to the network or changes files when it is called.
#: ``allowed``: what libraries' own files import.
ImportVerdict = Literal["dangerous", "allowed"]

# One name without dots that begins with a capital, as classes do; behind modules, which do not.
_CLASS = re.compile(r"(?:\.[a-z_]\w*)*\._?[A-Z]\w*")


@dataclass(frozen=True, slots=True)
class ImportRule:
    """Names that pickles import, and what they are.

    ``names`` are single ones (``os.system``), ``modules`` stand for everything below them, and
    ``classes`` for modules below which classes, by the spelling of their names, are meant.
    """

    id: str
    verdict: ImportVerdict
    names: frozenset[str] = frozenset()
    modules: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    def covers(self, name: str) -> bool:
        """Say whether the rule is about ``name``, a dotted name as ``module.name``."""
        if name in self.names or any(name.startswith(f"{m}.") for m in self.modules):
            return True
        return any(
            name.startswith(f"{m}.") and _CLASS.fullmatch(name, len(m)) for m in self.classes
        )


def verdict_of(name: str, rules: tuple[ImportRule, ...]) -> ImportVerdict | None:
    """Return what the rules say of ``name``; the worst where they disagree, None for nothing.

    A dotted name can lead through a module to another one's functions (``math.os.system``), so
    single dangerous names also hold for the end of a longer one.
    """
    found = {rule.verdict for rule in rules if rule.covers(name)}
    parts = name.split(".")
    ends = {".".join(parts[start:]) for start in range(1, len(parts) - 1)}
    if "dangerous" in found:
        return "dangerous"
    if "allowed" in found:
        return "allowed"
    led_there = any(rule.verdict == "dangerous" and rule.names & ends for rule in rules)
    return "dangerous" if led_there else None
