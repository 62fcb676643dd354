"""Destinations in the BOM and on a terminal: strictly valid, outside, with their evidence."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from rich.console import Console

from aibom.compare.compare import compare
from aibom.identify.inventory import identify
from aibom.report.cyclonedx import document_of
from aibom.report.jsontext import serialise
from aibom.report.table import MAX_DESTINATIONS, workload_view
from aibom.rulebook.load import load
from aibom.types.inventory import Inventory, Service
from aibom.types.packages import LoadedPackage
from aibom.types.processes import Connection
from tests import make

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RULES = load()


def observed(*more: Connection) -> Inventory:
    connections = (
        Connection("10.0.0.5:41000", "192.0.2.1:443", "api.openai.com", "SNI"),
        Connection("10.0.0.5:41001", "192.0.2.2:443", "cdn-lfs-us-1.hf.co", "DNS"),
        Connection("[2001:db8::1]:41002", "[2001:db8::2]:443"),
        *more,
    )
    langgraph = LoadedPackage(make.package("langgraph"), make.file("/langgraph.so"))
    process = make.seen(connections=connections, packages=(langgraph,))
    (inventory,) = identify(make.node([process]), RULES)
    return inventory


def write(inventory: Inventory, version: str = "1.7") -> dict[str, Any]:
    return document_of(inventory, compare(inventory, None), WHEN, version)


@pytest.mark.parametrize(
    ("version", "schema"), [("1.6", SchemaVersion.V1_6), ("1.7", SchemaVersion.V1_7)]
)
def test_the_document_is_strictly_valid(version: str, schema: SchemaVersion) -> None:
    text = serialise(write(observed(), version))
    assert JsonStrictValidator(schema).validate_str(text) is None


def test_what_a_service_says() -> None:
    services = {s["name"]: s for s in write(observed())["services"]}
    assert set(services) == {"OpenAI API", "Hugging Face Hub", "2001:db8::2"}
    openai = services["OpenAI API"]
    assert openai["bom-ref"] == "service:model-api/openai:api.openai.com:443"
    assert openai["provider"] == {"name": "OpenAI"}
    assert openai["endpoints"] == ["tls://api.openai.com:443"]
    assert openai["x-trust-boundary"] is True
    assert {(p["name"], p["value"]) for p in openai["properties"]} == {
        ("aibom:beside", "pkg:pypi/langgraph@2.0"),
        ("aibom:confidence", "0.9"),
        ("aibom:evidence", "192.0.2.1:443 TLS SNI by python3 (pid 7)"),
        ("aibom:named-by", "SNI"),
        ("aibom:role", "model-api"),
        ("aibom:rule", "model-api/openai"),
    }
    plain = services["2001:db8::2"]
    assert plain["endpoints"] == ["tcp://[2001:0db8:0000:0000:0000:0000:0000:0002]:443"]
    assert "provider" not in plain


def test_a_server_that_listens_on_all_addresses_is_valid() -> None:
    server = make.component("mcp-server", ref="pkg:pypi/some@1.0", type="application")
    service = Service("service:some", "some", server.ref, "", ("tcp://[::]:80", "tcp://[::1]:81"))
    document = write(make.inventory(server, services=(service,)))
    assert JsonStrictValidator(SchemaVersion.V1_7).validate_str(serialise(document)) is None
    assert document["services"][0]["endpoints"][1].endswith(":0001]:81")
    assert "x-trust-boundary" not in document["services"][0]


def test_the_workload_and_its_agent_depend_on_it() -> None:
    graph = {d["ref"]: d.get("dependsOn", []) for d in write(observed())["dependencies"]}
    ref = "service:model-api/openai:api.openai.com:443"
    agent, workload = (source for source, targets in graph.items() if ref in targets)
    assert agent.startswith("agent:")
    assert workload == "workload:processes/python3-7"


def shown(inventory: Inventory) -> str:
    file = io.StringIO()
    Console(file=file, width=200).print(workload_view(inventory, compare(inventory, None)))
    return file.getvalue()


def test_the_table_names_what_rules_know_first() -> None:
    lines = [line.strip() for line in shown(observed()).splitlines() if "talks to" in line]
    hub, name = "cdn-lfs-us-1.hf.co", "2001:db8::2"
    who = "by python3 (pid 7)"
    assert lines == [
        f"talks to OpenAI API (model-api) at tls://api.openai.com:443, TLS SNI {who}",
        f"talks to Hugging Face Hub (model-hub) at tcp://{hub}:443, DNS answer {who}",
        f"talks to {name} (destination) at tcp://[{name}]:443, address only {who}",
    ]


def test_the_table_counts_the_rest() -> None:
    more = (Connection("10.0.0.5:41000", f"192.0.2.{n}:5432") for n in range(20))
    text = shown(observed(*more))
    assert text.count("talks to") == MAX_DESTINATIONS + 1
    assert "talks to 11 more destinations" in text
