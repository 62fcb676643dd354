"""What the BOMs of a watch say of the events that it saw."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

_SAID = re.compile(
    r"(?P<events>\d+) seen, (?P<uses>\d+) of model files"
    r" \((?P<unattributed>\d+) not attributed\), (?P<losses>\d+) losses"
)


@dataclass(frozen=True, slots=True)
class Counts:
    """Events of files, how many were uses of models, whose of them is not known, and losses."""

    events: int = 0
    uses: int = 0
    unattributed: int = 0
    losses: int = 0

    def __str__(self) -> str:
        """Return it as words."""
        return (
            f"{self.events} events, {self.uses} uses of models, {self.unattributed} of them"
            f" unattributed, {self.losses} losses"
        )


def counts_of(boms: Path) -> Counts:
    """Return what the BOMs below a folder say; they were written by one watch and agree."""
    for path in sorted(boms.glob("*.json")):
        for entry in json.loads(path.read_text())["metadata"].get("properties", ()):
            if entry["name"] == "aibom:sensor:file events" and (m := _SAID.search(entry["value"])):
                return Counts(**{name: int(number) for name, number in m.groupdict().items()})
    return Counts()
