"""A file's content looked at as a whole: what model it is, and what loading it would do."""

from dataclasses import replace

from aibom.formats.models.carriers import cargo_of
from aibom.formats.models.detect import Detected, detect
from aibom.formats.models.risk import concerns_of, pickle_concerns
from aibom.formats.source import ByteSource
from aibom.types.model import ModelHeader
from aibom.types.rules import RuleSet


def examine(source: ByteSource, rules: RuleSet) -> Detected | None:
    """Return what a file's content says of itself, with its concerns, or None for no model.

    A pickle that holds no model is data, and none of our business, unless loading it would run
    something: then it is named as the pickle that it is. Raises OSError where reading fails.
    """
    detected = detect(source, rules.formats)
    if detected is None:
        return _evil_pickle(source, rules)
    found = concerns_of(source, detected.header, rules.imports)
    concerns = tuple(sorted({*detected.header.concerns, *found}))
    return replace(detected, header=replace(detected.header, concerns=concerns))


def _evil_pickle(source: ByteSource, rules: RuleSet) -> Detected | None:
    found = pickle_concerns(cargo_of(source), rules.imports)
    if not any(concern.level == "dangerous" for concern in found):
        return None
    return Detected(ModelHeader(format="pickle", concerns=tuple(sorted(set(found)))))
