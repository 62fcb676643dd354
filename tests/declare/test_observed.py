"""A BOM on the observed side: aibom's own in JSON and XML, and those of other tools."""

import json
from datetime import UTC, datetime
from typing import Any

from cyclonedx.model.bom import Bom
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion

from aibom.compare.compare import compare
from aibom.declare import observed
from aibom.report.cyclonedx import document_of
from aibom.types.inventory import Inventory, Link, ModelDetails, Service, Workload
from aibom.types.model import BaseModel
from tests import make
from tests.declare.test_sbom_cyclonedx import XML


def read(**fields: Any) -> Inventory:
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6"} | fields
    return observed.inventory(json.dumps(document).encode())


def written() -> tuple[Inventory, dict[str, Any]]:
    files = (make.file("/m/1.bin", "a" * 64), make.file("/m/2.bin", "b" * 64, inode=2))
    details = ModelDetails(
        "safetensors",
        architecture="Llama",
        parameters=7,
        base_models=(BaseModel("org/base", "org/base", "finetune"),),
        datasets=("texts",),
        task="text-generation",
    )
    model = make.component(
        "model", ref="model:1", licence="MIT", files=files, model=details, rule="r"
    )
    package = make.component("package", ref="pkg:pypi/torch@2.0", purl="pkg:pypi/torch@2.0")
    api = Service(
        ref="service:api:api.example.org:443",
        name="API",
        component="",
        transport="https",
        endpoints=("https://api.example.org",),
        role="model-api",
        provider="Example",
        outside=True,
        authenticated=True,
    )
    inventory = Inventory(
        Workload("container", "app", "prod", uid="7"),
        (model, package),
        (api,),
        links=(Link(model.ref, package.ref),),
    )
    when = datetime(2026, 1, 1, tzinfo=UTC)
    return inventory, document_of(inventory, compare(inventory, None), when, "1.6")


def test_what_was_written_is_read_again() -> None:
    inventory, document = written()
    again = observed.inventory(json.dumps(document).encode())
    assert again.workload == inventory.workload
    assert again.services == inventory.services
    assert again.links == inventory.links
    package, model = sorted(again.components, key=lambda c: c.kind, reverse=True)
    assert (model.licence, model.rule, model.kind) == ("MIT", "r", "model")
    assert [f.sha256 for f in model.files] == ["a" * 64, "b" * 64]
    assert model.model == inventory.components[0].model
    assert package.purl == "pkg:pypi/torch@2.0"


def test_xml_is_read_as_json_is() -> None:
    _, document = written()
    bom: Any = Bom.from_json(document)  # type: ignore[attr-defined]
    xml = make_outputter(bom, OutputFormat.XML, SchemaVersion.V1_6).output_as_string()
    as_json = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string()
    by_xml, by_json = observed.inventory(xml.encode()), observed.inventory(as_json.encode())
    assert by_xml == by_json
    assert by_xml.services == written()[0].services


def test_a_sample_of_another_tool_in_xml() -> None:
    found = observed.inventory(XML.encode())
    model, torch = found.components
    assert (found.workload.kind, found.workload.name) == ("container", "app")
    assert (model.kind, model.licence, model.files[0].path) == ("adapter", "MIT OR ISC", "/m/w.bin")
    assert model.model is not None
    assert (model.model.task, model.model.datasets) == ("text", ("d",))
    assert model.model.base_models == (BaseModel("org/base", "org/base"),)
    assert torch.kind == "package"
    assert found.services[0].authenticated is True
    assert found.links == (Link("m", "t"),)


def test_nested_components_and_odd_ones() -> None:
    inner = {"type": "library", "name": "inner", "bom-ref": "i"}
    found = read(
        components=[
            {"type": "application", "name": "outer", "components": [inner]},
            7,
            {"purl": "pkg:npm/a@1"},
            {"type": "operating-system", "name": "debian"},
        ]
    )
    assert [c.name for c in found.components] == ["outer", "inner", "pkg:npm/a@1"]
    assert [u.subject for u in found.unseen] == ["component 3 of the BOM"]


def test_links_only_join_what_is_here() -> None:
    found = read(
        components=[{"type": "library", "name": n, "bom-ref": n} for n in "ab"],
        dependencies=[
            {"ref": "root", "dependsOn": ["a"]},
            {"ref": "a", "dependsOn": ["b", "gone", 7]},
        ],
    )
    assert found.links == (Link("a", "b"),)
