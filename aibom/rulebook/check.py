"""The samples of each rule, run: a positive one must match its rule, a benign one must not."""

import base64
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aibom.formats.models.detect import detect
from aibom.formats.source import FormatError, MemorySource
from aibom.identify.match import match
from aibom.rulebook import mcp
from aibom.rulebook.load import features
from aibom.types.imports import verdict_of
from aibom.types.rules import RuleSet

#: Most bytes that a ``content`` sample may inflate to; samples are tiny files.
MAX_CONTENT = 1 << 20


@dataclass(frozen=True, slots=True, order=True)
class Failure:
    """A sample that shows a rule to be wrong.

    ``sample`` says which one ("positive 1"); it is empty when a rule has no sample at all.
    """

    rule: str
    sample: str
    message: str


def check(rules: RuleSet, documents: Iterable[Mapping[str, Any]]) -> tuple[Failure, ...]:
    """Run the samples of each document against the whole catalogue; return what fails, sorted.

    A rule without a positive or without a benign sample fails too: nothing says that it works.
    """
    return tuple(sorted(f for document in documents for f in _failures(rules, document)))


def _failures(rules: RuleSet, document: Mapping[str, Any]) -> list[Failure]:
    found = []
    for kind in ("positive", "benign"):
        samples = document.get("tests", {}).get(kind, [])
        if not samples:
            found.append(Failure(document["id"], "", f"no {kind} sample"))
        for number, sample in enumerate(samples, 1):
            message = _verdict(rules, document, sample, positive=kind == "positive")
            if message:
                found.append(Failure(document["id"], f"{kind} {number}", message))
    return found


def _verdict(
    rules: RuleSet, document: Mapping[str, Any], sample: Mapping[str, Any], *, positive: bool
) -> str:
    """Return why a sample fails, or an empty string."""
    if "format" in document:
        return _content_verdict(rules, document["id"], sample, positive=positive)
    if "imports" in document:
        return _import_verdict(rules, document["imports"]["verdict"], sample, positive=positive)
    if mcp.is_mcp(document):
        return mcp.verdict(document, sample, positive=positive)
    held = document["id"] in {m.rule.id for m in match(rules, features(dict(sample)))}
    if held == positive:
        return ""
    return "does not match" if positive else "matches"


def _import_verdict(
    rules: RuleSet, wanted: str, sample: Mapping[str, Any], *, positive: bool
) -> str:
    """Compare what all rules together say of the names in a sample."""
    for feature in features(dict(sample)):
        verdict = verdict_of(feature.value, rules.imports)
        if (verdict == wanted) != positive:
            return f"{feature.value} is {verdict or 'unknown'}"
    return ""


def _content_verdict(
    rules: RuleSet, rule_id: str, sample: Mapping[str, Any], *, positive: bool
) -> str:
    try:
        found = detect(MemorySource(content(sample.get("content", ""))), rules.formats)
    except ValueError as error:
        return str(error)
    seen = found.header.format if found else "nothing"
    if positive and found and found.damage:
        return f"seen as {seen}, damaged: {found.damage}"
    return "" if (seen == stem(rule_id)) == positive else f"seen as {seen}"


def stem(rule_id: str) -> str:
    """Return the last part of a rule's id, by which parsers name a format."""
    return rule_id.rsplit("/", 1)[-1]


def content(text: str) -> bytes:
    """Return the file that a ``content`` sample holds: deflated (zlib), then in base64.

    Raises ValueError when it does not decode, or inflates to more than MAX_CONTENT bytes.
    """
    try:
        packed = base64.b64decode(text, validate=True)
        inflater = zlib.decompressobj()
        data = inflater.decompress(packed, MAX_CONTENT)
    except (ValueError, zlib.error) as error:
        raise FormatError(f"content sample is no deflated base64 ({error})") from None
    if not inflater.eof or inflater.unused_data:
        raise FormatError("content sample is cut off, too large, or more than one stream")
    return data
