"""The small real files that the format rules carry, and what every parser must bear."""

from functools import cache
from types import ModuleType
from typing import Any

from builders_a import each_spoiled, spoiled
from builders_b import attempt
from hypothesis import strategies as st

from aibom.rulebook.check import content
from aibom.rulebook.load import read_documents, rules_folder

__all__ = ["bear_each_spoiled_byte", "benign", "sample", "spoiled_samples"]


@cache
def _samples(rule: str, kind: str) -> tuple[bytes, ...]:
    document = _formats()[rule]
    return tuple(content(entry["content"]) for entry in document["tests"][kind])


@cache
def _formats() -> dict[str, dict[str, Any]]:
    documents = read_documents(rules_folder())
    return {path.stem: found for path, found in documents.items() if path.parent.name == "format"}


def sample(rule: str, number: int = 0) -> bytes:
    """A positive sample of a rule in rules/format."""
    return _samples(rule, "positive")[number]


def benign(rule: str) -> tuple[bytes, ...]:
    """The files that a rule in rules/format must not take for its own."""
    return _samples(rule, "benign")


def bear_each_spoiled_byte(module: ModuleType, data: bytes, limit: int = 1500) -> None:
    """Fail if any truncation or flipped bit does more than raise FormatError."""
    for spoilt in each_spoiled(data[:limit]):
        attempt(module, spoilt + data[limit:])
        attempt(module, spoilt)


def spoiled_samples(*rules: str) -> st.SearchStrategy[bytes]:
    return st.one_of(*(spoiled(data) for rule in rules for data in _samples(rule, "positive")))
