"""What makes a BOM a new one, and what does not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.report.content import content_of, workload_of

WHEN = "2026-11-21T12:00:00Z"
LATER = "2026-11-22T01:02:03Z"


def _component(context: str, **fields: Any) -> dict[str, Any]:
    occurrence = {"location": "/m/a", "additionalContext": context}
    return {"components": [{"name": "a", "evidence": {"occurrences": [occurrence]}} | fields]}


def _property(name: str, value: str) -> dict[str, Any]:
    return {"properties": [{"name": name, "value": value}]}


def _annotation(text: str) -> dict[str, Any]:
    return {"annotations": [{"timestamp": WHEN, "text": text}]}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"serialNumber": "1"}, {"serialNumber": "2"}),
        ({"metadata": {"timestamp": WHEN}}, {"metadata": {"timestamp": LATER}}),
        (
            _component(f"opened by cat (pid 7), first seen {WHEN}"),
            _component(
                f"opened by cat (pid 8) and others, 9 times, first seen {WHEN}, last seen {LATER}"
            ),
        ),
        (
            _property("aibom:written", f"written by curl (pid 7) at {WHEN}: curl -O x"),
            _property("aibom:written", f"written by curl (pid 8) at {LATER}: curl -O x"),
        ),
        (
            _property("aibom:sensor:events", "opens; 12 seen, 1 of model files, 0 losses"),
            _property("aibom:sensor:events", "opens; 999 seen, 45 of model files, 0 losses"),
        ),
        (_property("aibom:observed:seconds", "1"), _property("aibom:observed:seconds", "2")),
        (_property("aibom:unseen", '["vanished", "process 7", "", ""]'), {"properties": []}),
        (_annotation("unseen: vanished: process 7: gone"), {"annotations": []}),
        (
            _annotation("unseen: lost: events: 7 times"),
            _annotation("unseen: lost: events: 9 times"),
        ),
        (_annotation("a: mapped by b (and 1 more); c"), _annotation("a: mapped by b; c")),
        ({"compositions": [{"aggregate": "unknown"}]}, {}),
        (
            {"components": [{"name": "a"}, {"name": "b"}]},
            {"components": [{"name": "b"}, {"name": "a"}]},
        ),
    ],
)
def test_these_say_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert content_of(one) == content_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (_component("opened by cat (pid 7)"), _component("mapped by cat (pid 7)")),
        (_component("opened by cat (pid 7)"), _component("opened by dog (pid 7)")),
        (_component("x", name="process 1"), _component("x", name="process 2")),
        (
            _property("aibom:sensor:events", "0 losses"),
            _property("aibom:sensor:events", "3 losses"),
        ),
        (_annotation("unseen: damaged: /m/a"), {"annotations": []}),
        (_annotation("unseen: damaged: /m/1"), _annotation("unseen: damaged: /m/2")),
        (_annotation("unseen: lost: events: 7 times"), {"annotations": []}),
    ],
)
def test_these_do_not(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert content_of(one) != content_of(other)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["metadata", "component", "properties", "name", "value", "text", "timestamp", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(anything)
def test_any_document_has_a_content_and_somebody_or_nobody(document: Any) -> None:
    workload_of(document)
    if isinstance(document, dict):
        assert content_of(document) == content_of(json.loads(json.dumps(document)))


def test_deep_documents_cost_no_more_than_their_size() -> None:
    deep: Any = '"'
    for _ in range(60):
        deep = [deep, '"']
    assert content_of({"x": deep})
