"""Tools that changed since an earlier BOM."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aibom.compare.compare import compare
from aibom.declare import observed, recognise
from aibom.report.cyclonedx import document_of
from aibom.types.findings import Assessment
from aibom.types.inventory import Inventory, Service
from tests import make

A, B = "aa" * 32, "bb" * 32


def offering(version: str = "1.0", **tools: str) -> Inventory:
    component = make.component(
        "mcp-server", ref=f"pkg:npm/x-mcp@{version}", purl=f"pkg:npm/x-mcp@{version}"
    )
    service = Service(
        ref=f"service:{component.ref}",
        name="x-mcp",
        component=component.ref,
        transport="sse",
        properties=tuple(("aibom:mcp:tool", f"{n} sha256:{h}") for n, h in tools.items()),
    )
    return make.inventory(component, services=(service,))


def written(inventory: Inventory) -> bytes:
    assessed = compare(inventory, None)
    return json.dumps(document_of(inventory, assessed, datetime(2026, 1, 1, tzinfo=UTC))).encode()


def drift(earlier: Inventory, now: Inventory) -> list[tuple[str, str]]:
    """Compare as 'aibom diff EARLIER NOW' does: through the documents."""
    before = recognise.document(written(earlier), "earlier.cdx.json")
    assessed: Assessment = compare(observed.inventory(written(now)), [before])
    found = [f for f in assessed.findings if f.kind.id == "AIBOM-505"]
    return [(f.severity, f.evidence.split(" ")[1]) for f in found]


@pytest.mark.parametrize(
    ("now", "found"),
    [
        (offering(add=A), []),
        (offering(add=B), [("medium", "add")]),
        (offering("2.0", add=B), [("medium", "add")]),
        (offering(add=A, new=B), [("info", "new")]),
        (offering(other=A), [("info", "add"), ("info", "other")]),
        (offering(), []),
    ],
)
def test_a_tool_is_compared_with_what_it_was(now: Inventory, found: list[tuple[str, str]]) -> None:
    assert drift(offering(add=A), now) == found


def test_nothing_is_said_of_what_was_not_asked_before() -> None:
    assert drift(offering(), offering(add=A)) == []


def test_of_two_definitions_the_one_that_was_not_there_tells() -> None:
    """Two processes of one server may offer a tool of one name in two ways."""
    now = offering(add=A)
    (service,) = now.services
    for more in (("aibom:mcp:tool", f"add sha256:{B}"), ("aibom:mcp:tool", f"add sha256:{A}")):
        both = replace(service, properties=(more, *service.properties))
        expected = [("medium", "add")] if B in more[1] else []
        assert drift(offering(add=A), replace(now, services=(both,))) == expected
