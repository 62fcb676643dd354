"""CycloneDX as a declaration: JSON and XML say the same, and odd entries lose only themselves."""

import json
from typing import Any

import pytest

from aibom.declare import recognise
from aibom.formats.documents import bomxml
from aibom.formats.source import FormatError
from aibom.types.declared import Claim, Document

A, B, C = ("a" * 64, "b" * 64, "c" * 64)


def read(**fields: Any) -> Document:
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6"} | fields
    return recognise.document(json.dumps(document).encode(), "sbom.json")


def one(**component: Any) -> Claim:
    (claim,) = read(components=[{"type": "library", "name": "x"} | component]).claims
    return claim


def prop(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}


@pytest.mark.parametrize(
    ("component", "kind"),
    [
        ({"type": "machine-learning-model"}, "model"),
        (
            {"type": "machine-learning-model", "properties": [prop("aibom:kind", "adapter")]},
            "adapter",
        ),
        (
            {
                "type": "machine-learning-model",
                "modelCard": {
                    "properties": [prop("cdx:ai-ml:model:parameter:tune_methods", "LoRA")]
                },
            },
            "adapter",
        ),
        ({"type": "data"}, "data"),
        ({"type": "data", "properties": [prop("volume.name", "weights")]}, ""),
        ({"type": "framework"}, "framework"),
        ({"type": "container"}, "image"),
        ({"type": "library"}, "package"),
        ({"type": "library", "purl": "pkg:huggingface/org/name@abc"}, "model"),
        ({"type": "application"}, ""),
        (
            {"type": "application", "properties": [prop("agent-bom:type", "mcp-server")]},
            "mcp-server",
        ),
    ],
)
def test_what_kind_of_thing_it_is(component: dict[str, Any], kind: str) -> None:
    assert one(**component).component == kind


@pytest.mark.parametrize(
    ("licences", "said"),
    [
        ([{"license": {"id": "MIT"}}], "MIT"),
        ([{"license": {"name": "Apache License 2.0"}}], "Apache-2.0"),
        ([{"expression": "MIT or Apache-2.0"}], "MIT OR Apache-2.0"),
        # nobody says whether both hold, or either
        ([{"license": {"id": "MIT"}}, {"license": {"id": "Apache-2.0"}}], ""),
        ([{"license": {"id": "MIT"}}, {"license": {"name": "MIT License"}}], "MIT"),
        (
            [
                {"license": {"id": "MIT", "acknowledgement": "declared"}},
                {"license": {"id": "ISC", "acknowledgement": "concluded"}},
            ],
            "MIT",
        ),
        ([{"license": {"name": "NOASSERTION"}}], ""),
        ("MIT", ""),
        ([7, {"license": 7}], ""),
    ],
)
def test_licences(licences: Any, said: str) -> None:
    assert one(licenses=licences).licence == said


def test_a_model_has_the_hashes_and_paths_of_its_files() -> None:
    def file(path: str, digest: str, *properties: dict[str, str]) -> dict[str, Any]:
        hashes = [{"alg": "SHA-256", "content": digest.upper()}]
        return {"type": "file", "name": path, "hashes": hashes, "properties": list(properties)}

    parts = [
        file("/m/1.safetensors", A),
        file("/m/2.safetensors", B),
        file("/m/tokenizer.json", C, prop("aibom:companion", "tokenizer")),
    ]
    claim = one(type="machine-learning-model", name="m", components=parts)
    assert claim.sha256 == {A, B}
    assert claim.paths == {"/m/1.safetensors", "/m/2.safetensors"}


def test_lineage_dependencies_and_the_subject() -> None:
    base = {"type": "machine-learning-model", "name": "x"}
    model = {
        "type": "machine-learning-model",
        "bom-ref": "m",
        "name": "tuned",
        "pedigree": {
            "ancestors": [
                base | {"purl": "pkg:huggingface/org/base@1"},
                base | {"group": "org", "name": "other"},
                base | {"properties": [prop("aibom:reference", "org/third")]},
            ]
        },
    }
    digest = f"sha256:{A}"
    subject = {"type": "container", "name": "app", "version": digest, "bom-ref": "root"}
    said = read(
        metadata={"component": subject},
        components=[model, {"type": "library", "name": "torch", "bom-ref": "t"}],
        dependencies=[{"ref": "m", "dependsOn": ["t"]}, {"ref": "t"}],
    )
    assert said.claims[0].base_models == ("org/base", "org/other", "org/third")
    assert said.claims[0].requires == ("t",)
    assert (said.subject, said.digests) == (f"app@{digest}", {digest})
    assert [c.name for c in said.claims] == ["tuned", "torch"]


def test_what_an_application_is_itself_is_declared_by_its_sbom() -> None:
    subject = {"type": "application", "name": "app", "purl": "pkg:pypi/My_App", "version": "1.0"}
    (claim,) = read(metadata={"component": subject}).claims
    assert claim.purl == "pkg:pypi/my-app@1.0"


def test_trivy_names_an_image_by_properties() -> None:
    properties = [
        prop("aquasecurity:trivy:ImageID", f"sha256:{A}"),
        prop("aquasecurity:trivy:RepoDigest", f"app@sha256:{B}"),
        prop("aquasecurity:trivy:DiffID", f"sha256:{C}"),
    ]
    subject = {
        "type": "container",
        "name": "app",
        "purl": f"pkg:oci/app@sha256%3A{B}?arch=amd64",
        "properties": properties,
    }
    assert read(metadata={"component": subject}).digests == {f"sha256:{A}", f"sha256:{B}"}


def test_places_and_layers() -> None:
    claim = one(
        properties=[
            prop("syft:location:0:path", "/usr/lib/a"),
            prop("syft:location:0:layerID", f"sha256:{A}"),
            prop("aquasecurity:trivy:FilePath", "opt/b"),
        ]
    )
    assert claim.paths == {"/usr/lib/a", "/opt/b"}
    assert claim.layers == {f"sha256:{A}"}


@pytest.mark.parametrize(
    ("service", "kind", "hosts"),
    [
        ({"properties": [prop("aibom:role", "model-api")]}, "model-api", {"api.example.org"}),
        ({"properties": [prop("aibom:role", "mcp-endpoint")]}, "mcp-server", {"api.example.org"}),
        ({"properties": [prop("aibom:role", "model-hub")]}, "source", {"api.example.org"}),
        ({"properties": [prop("cdx:mcp:transport", "stdio")]}, "mcp-server", {"api.example.org"}),
        ({}, "source", {"api.example.org"}),
    ],
)
def test_services(service: dict[str, Any], kind: str, hosts: set[str]) -> None:
    entry = {"name": "s", "bom-ref": "s1", "endpoints": ["https://API.example.org:8443/v1"]}
    (claim,) = read(services=[entry | service]).claims
    assert (claim.kind, claim.hosts, claim.ref) == (kind, hosts, "s1")


def test_services_that_say_nothing_claim_nothing() -> None:
    assert read(services=[{"name": "s"}, {"endpoints": 7}, "x"]).claims == ()


def test_odd_components_are_noted_and_lose_only_themselves() -> None:
    said = read(
        components=[
            "x",
            {"type": "library", "purl": "pkg:pypi/a@1"},
            {"name": "b", "purl": "not a purl", "version": ""},
            {"name": "c", "bom-ref": "r"},
            {"name": "d", "bom-ref": "r", "version": 7},
            {"name": "e", "hashes": [{"alg": "SHA-256", "content": "zz"}]},
        ]
    )
    assert [c.name for c in said.claims] == ["pkg:pypi/a@1", "b", "c", "d", "e"]
    assert said.notes == (
        "component 1: it is not an object",
        "component 2: it has no name",
        "component 3: its purl 'not a purl' is not valid",
        "component 6: its SHA-256 is none, and is not compared",
        "bom-ref r: several components have it",
    )
    assert said.claims[-1].sha256 == frozenset()


def test_a_document_that_names_nothing_says_so() -> None:
    data = b'{"bomFormat": "CycloneDX", "specVersion": "1.4"}'
    assert recognise.document(data, "a").notes == ("it names nothing that could be compared",)


def test_notes_are_bounded() -> None:
    notes = read(components=["x"] * 1000).notes
    assert len(notes) == 21
    assert notes[-1] == "and 980 more notes"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_encodings_of_windows(encoding: str) -> None:
    text = json.dumps(
        {"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [{"name": "ö"}]},
        ensure_ascii=False,
    )
    said = recognise.document(text.encode(encoding), "x")
    assert (said.form, said.claims[0].name) == ("CycloneDX 1.5 JSON", "ö")


def test_k8s_aibom_lists_what_manifests_name() -> None:
    tools = {"components": [{"type": "application", "name": "k8s-aibom"}]}
    said = read(
        metadata={
            "tools": tools,
            "component": {"type": "application", "name": "vllm", "group": "prod"},
            "properties": [prop("k8s-aibom:truncation:applied", "components-dropped:3")],
        },
        components=[
            {
                "type": "machine-learning-model",
                "name": "org/model",
                "properties": [prop("k8s-aibom:model:revision", "abc")],
            }
        ],
    )
    assert (said.kind, said.complete, said.subject) == ("manifest", False, "prod/vllm")
    assert [(c.name, c.version) for c in said.claims] == [("org/model", "abc")]
    assert said.notes == ("the document: its writer left components out (components-dropped:3)",)


XML = """<?xml version="1.0" encoding="UTF-8"?>
<bom xmlns="http://cyclonedx.org/schema/bom/1.6" serialNumber="urn:uuid:0" version="1">
  <metadata>
    <tools><components><component type="application"><name>t</name></component></components></tools>
    <component type="container" bom-ref="root">
      <name>app</name><version>sha256:{a}</version>
    </component>
  </metadata>
  <components>
    <component type="machine-learning-model" bom-ref="m">
      <name>org/tuned</name>
      <hashes><hash alg="SHA-1">{c}</hash><hash alg="SHA-256">{b}</hash></hashes>
      <licenses><expression acknowledgement="declared">MIT OR ISC</expression></licenses>
      <pedigree>
        <ancestors>
          <component type="machine-learning-model"><name>org/base</name></component>
        </ancestors>
        <notes>tuned</notes>
      </pedigree>
      <components><component type="file"><name>/m/w.bin</name></component></components>
      <evidence>
        <identity>
          <field>hash</field>
          <methods><method><technique>filename</technique></method></methods>
        </identity>
        <occurrences><occurrence><location>/m/w.bin</location></occurrence></occurrences>
      </evidence>
      <modelCard>
        <modelParameters>
          <task>text</task>
          <datasets><dataset><type>dataset</type><name>d</name></dataset></datasets>
        </modelParameters>
        <properties>
          <property name="cdx:ai-ml:model:parameter:tune_methods">lora</property>
        </properties>
      </modelCard>
    </component>
    <component type="library" bom-ref="t">
      <name>torch</name><version>2.0</version>
      <licenses><license><id>BSD-3-Clause</id></license></licenses>
      <copyright>somebody</copyright>
      <purl>pkg:pypi/Torch@2.0</purl>
      <externalReferences>
        <reference type="website"><url>https://x</url></reference>
      </externalReferences>
      <properties><property name="syft:location:0:path">/lib/torch</property></properties>
    </component>
  </components>
  <services>
    <service bom-ref="s">
      <provider><name>P</name><url>https://p</url></provider><name>api</name>
      <endpoints><endpoint>https://api.example.org</endpoint></endpoints>
      <authenticated>true</authenticated><x-trust-boundary>false</x-trust-boundary>
      <properties><property name="aibom:role">model-api</property></properties>
    </service>
  </services>
  <dependencies>
    <dependency ref="m"><dependency ref="t"/></dependency><dependency ref="t"/>
  </dependencies>
  <compositions>
    <composition>
      <aggregate>unknown</aggregate><assemblies><assembly ref="m"/></assemblies>
    </composition>
  </compositions>
  <annotations>
    <annotation><subjects><subject ref="m"/></subjects><text>x</text></annotation>
  </annotations>
</bom>
""".format(a=A, b=B, c="c" * 40)


def test_xml_is_what_json_would_be() -> None:
    said = bomxml.load(XML.encode())
    assert said["specVersion"] == "1.6"
    model, torch = said["components"]
    assert model == {
        "type": "machine-learning-model",
        "bom-ref": "m",
        "name": "org/tuned",
        "hashes": [{"alg": "SHA-1", "content": "c" * 40}, {"alg": "SHA-256", "content": B}],
        "licenses": [{"expression": "MIT OR ISC", "acknowledgement": "declared"}],
        "pedigree": {
            "ancestors": [{"type": "machine-learning-model", "name": "org/base"}],
            "notes": "tuned",
        },
        "components": [{"type": "file", "name": "/m/w.bin"}],
        "evidence": {
            "identity": [{"field": "hash", "methods": [{"technique": "filename"}]}],
            "occurrences": [{"location": "/m/w.bin"}],
        },
        "modelCard": {
            "modelParameters": {"task": "text", "datasets": [{"type": "dataset", "name": "d"}]},
            "properties": [prop("cdx:ai-ml:model:parameter:tune_methods", "lora")],
        },
    }
    assert torch == {
        "type": "library",
        "bom-ref": "t",
        "name": "torch",
        "version": "2.0",
        "licenses": [{"license": {"id": "BSD-3-Clause"}}],
        "copyright": "somebody",
        "purl": "pkg:pypi/Torch@2.0",
        "externalReferences": [{"type": "website", "url": "https://x"}],
        "properties": [prop("syft:location:0:path", "/lib/torch")],
    }
    assert said["services"][0]["authenticated"] is True
    assert said["services"][0]["x-trust-boundary"] is False
    assert said["services"][0]["provider"] == {"name": "P", "url": ["https://p"]}
    assert said["dependencies"] == [{"ref": "m", "dependsOn": ["t"]}, {"ref": "t"}]
    assert said["compositions"] == [{"aggregate": "unknown", "assemblies": ["m"]}]
    assert said["annotations"] == [{"subjects": ["m"], "text": "x"}]


def test_xml_claims_what_json_claims() -> None:
    said = recognise.document(XML.encode(), "sbom.xml")
    as_json = recognise.document(json.dumps(bomxml.load(XML.encode())).encode(), "sbom.xml")
    assert said.form == "CycloneDX 1.6 XML"
    assert said.claims == as_json.claims
    assert said.digests == {f"sha256:{A}"}
    model, torch, api = said.claims
    assert (model.component, model.licence, model.requires) == ("adapter", "MIT OR ISC", ("t",))
    assert (model.sha256, model.paths) == ({B}, {"/m/w.bin"})
    assert (torch.purl, api.hosts) == ("pkg:pypi/torch@2.0", {"api.example.org"})


@pytest.mark.parametrize("version", ["1.0", "1.2", "1.4", "1.5", "1.6", "1.7"])
def test_every_version_of_the_xml(version: str) -> None:
    text = f'<bom xmlns="http://cyclonedx.org/schema/bom/{version}"><components/></bom>'
    assert recognise.document(text.encode(), "x").form == f"CycloneDX {version} XML"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<bom>", "not CycloneDX"),
        ("<html></html>", "not CycloneDX: it begins with <html>"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "document type"),
        ('<bom xmlns="http://cyclonedx.org/schema/bom/1.6">\n<components>', "line 2"),
        ('<bom xmlns="http://cyclonedx.org/schema/bom/1.6">\n</x>', "line 2"),
        ('<bom xmlns="http://cyclonedx.org/schema/bom/1.6">' + "<a>" * 500, "deeper"),
        ('<bom xmlns="http://cyclonedx.org/schema/bom/2.0"/>', "not one of 1.x"),
        ('<bom xmlns="http://cyclonedx.org/schema/bom/1.6" a="' + "b" * (2 << 20), "tag too long"),
    ],
)
def test_broken_xml(text: str, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        recognise.document(text.encode(), "x")


def test_an_xml_in_utf_16() -> None:
    text = XML.replace("UTF-8", "UTF-16").encode("utf-16")
    assert len(recognise.document(text, "x").claims) == 3


def in_xml(content: str, parts: str = "components") -> Any:
    text = f'<bom xmlns="http://cyclonedx.org/schema/bom/1.6">{content}</bom>'
    return bomxml.load(text.encode())[parts]


def test_elements_of_other_vocabularies_are_left_out() -> None:
    content = (
        '<components x="1"><a:b xmlns:a="urn:a"><a:c>d</a:c></a:b>'
        '<component type="library" a:x="1" xmlns:a="urn:a"><name>n</name></component></components>'
    )
    assert in_xml(content) == [{"type": "library", "name": "n"}]


def test_nested_dependencies_are_a_graph() -> None:
    content = (
        '<dependencies><dependency ref="a"><dependency ref="b"><dependency ref="c"/></dependency>'
        '<provides ref="p"/></dependency><dependency ref="b"/></dependencies>'
    )
    assert in_xml(content, "dependencies") == [
        {"ref": "a", "dependsOn": ["b"], "provides": ["p"]},
        {"ref": "b", "dependsOn": ["c"]},
        {"ref": "b"},
    ]


def test_members_of_another_shape() -> None:
    content = (
        '<components><component type="library"><name>n</name><evidence><copyright>'
        "<text>one</text></copyright></evidence><licenses><expression-detailed"
        ' expression="MIT"><details license-identifier="MIT"/></expression-detailed></licenses>'
        "<supplier><name>s</name><url>https://s</url></supplier></component></components>"
    )
    assert in_xml(content) == [
        {
            "type": "library",
            "name": "n",
            "evidence": {"copyright": [{"text": "one"}]},
            "licenses": [
                {"expression": "MIT", "expressionDetails": [{"licenseIdentifier": "MIT"}]}
            ],
            "supplier": {"name": "s", "url": ["https://s"]},
        }
    ]
