"""Which rules hold for what is true of one process."""

from collections.abc import Collection
from dataclasses import dataclass

from aibom.types.rules import Clause, Feature, Rule, RuleSet, meets


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that holds, and the features of the process that made it hold, sorted."""

    rule: Rule
    features: tuple[Feature, ...]


def match(rules: RuleSet, features: Collection[Feature]) -> tuple[Match, ...]:
    """Return the rules of which some clause is wholly met by ``features``, sorted by rule id.

    All features of all clauses that hold are given, so that every piece of evidence is named.
    """
    candidates: dict[tuple[str, Clause], tuple[Rule, set[Feature]]] = {}
    for feature in features:
        for rule, clause in rules.asking_for(feature):
            candidates.setdefault((rule.id, clause), (rule, set()))[1].add(feature)
    held: dict[str, tuple[Rule, set[Feature]]] = {}
    for (rule_id, clause), (rule, found) in candidates.items():
        if all(any(meets(f, wanted) for f in found) for wanted in clause.features):
            held.setdefault(rule_id, (rule, set()))[1].update(found)
    return tuple(Match(rule, tuple(sorted(found))) for _, (rule, found) in sorted(held.items()))
