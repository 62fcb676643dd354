"""Data of vector stores that changes while it is used: databases, and folders of many files."""

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from aibom.identify.features import Witness
from aibom.identify.network.destinations import MAX_ACCOUNTS
from aibom.identify.origins import worst_origin
from aibom.types.files import FileFacts
from aibom.types.inventory import Component, Evidence
from aibom.types.modelfiles import ModelUse
from aibom.types.rules import FormatRule, RuleSet


@dataclass
class _Seen:
    """One store's data with everything that showed it."""

    rule: FormatRule
    files: dict[str, FileFacts] = field(default_factory=dict)
    evidence: dict[Evidence, int] = field(default_factory=dict)


class DataShelf:
    """Collects data that is known by its place, as its content never stays the same."""

    def __init__(self, rules: RuleSet) -> None:
        """Take the formats that ``rules`` say are stores."""
        self._rules: Mapping[str, FormatRule] = rules.stores
        self._seen: dict[tuple[str, str], _Seen] = {}

    def add(self, uses: Iterable[ModelUse], witness: Witness) -> list[ModelUse]:
        """Take what one process held of stores; return the rest, which are models."""
        rest = []
        for held in uses:
            rule = self._rules.get(held.model.header.format)
            if rule is None:
                rest.append(held)
                continue
            file = held.model.file
            place = _place(file.path, rule.folder)
            seen = self._seen.setdefault((witness.container, place), _Seen(rule))
            seen.files.setdefault(file.path, file)
            evidence = witness.saw(held.use.kind, place, "binary-analysis", 100, file)
            seen.evidence[evidence] = seen.evidence.get(evidence, 0) + held.times
        return rest

    def components(self) -> list[Component]:
        """Return one component per store, sorted by ref."""
        found = [_component(*key, seen) for key, seen in self._seen.items()]
        return sorted(found, key=lambda c: c.ref)


def _place(path: str, suffix: str) -> str:
    """Return the nearest folder above a file whose name ends so; without one the file's path."""
    folder = posixpath.dirname(path) if suffix else ""
    while folder.strip("/"):
        if folder.endswith(suffix):
            return folder
        folder = posixpath.dirname(folder)
    return path


def _component(container: str, place: str, seen: _Seen) -> Component:
    rule = seen.rule
    where = f"{container}:{place}" if container else place
    told = sorted(replace(e, times=times) for e, times in seen.evidence.items())
    return Component(
        ref=f"data:{rule.id.rpartition('/')[2]}:{where}",
        kind="data",
        type="data",
        role="data",
        name=posixpath.basename(place),
        description=rule.name,
        rule=rule.id,
        # of a folder's files none is the data
        files=() if rule.folder else tuple(seen.files.values()),
        evidence=tuple(told[:MAX_ACCOUNTS]),
        origin=worst_origin(file.origin for file in seen.files.values()),
        containers=(container,) if container else (),
    )
