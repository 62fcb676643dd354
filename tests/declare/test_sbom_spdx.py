"""SPDX 2 and 3 and Syft's JSON as declarations."""

import json
from typing import Any

import pytest

from aibom.declare import recognise
from aibom.formats.source import FormatError
from aibom.types.declared import Claim, Document

A, B, C = ("a" * 64, "b" * 64, "c" * 64)

TAG_VALUE = f"""# a comment
SPDXVersion: SPDX-2.3
SPDXID: SPDXRef-DOCUMENT
DocumentName: app
DocumentComment: <text>several
PackageName: not one
lines</text>

FileName: ./loose.bin
SPDXID: SPDXRef-File-loose
FileChecksum: SHA1: {"d" * 40}
FileChecksum: SHA256: {C.upper()}

PackageName: app
SPDXID: SPDXRef-app
PrimaryPackagePurpose: CONTAINER
PackageVersion: sha256:{A}
PackageChecksum: SHA256: {A}
ExternalRef: PACKAGE-MANAGER purl pkg:oci/app@sha256%3A{B}?arch=amd64
Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-app

PackageName: My_Pkg
SPDXID: SPDXRef-pkg
PackageVersion: 1.0
PrimaryPackagePurpose: LIBRARY
PackageLicenseConcluded: NOASSERTION
PackageLicenseDeclared: LicenseRef-mit
ExternalRef: SECURITY cpe23Type cpe:2.3:a:b:c:*:*:*:*:*:*:*:*
ExternalRef: PACKAGE_MANAGER purl pkg:pypi/My_Pkg@1.0
FileName: usr/lib/pkg.py
SPDXID: SPDXRef-File-pkg
FileChecksum: SHA256: {B}
Relationship: SPDXRef-pkg DEPENDS_ON SPDXRef-model

PackageName: model
SPDXID: SPDXRef-model
ExternalRef: PACKAGE-MANAGER purl pkg:huggingface/org/model@ABC
PackageLicenseConcluded: Apache-2.0
FileName: /m/w.bin
SPDXID: SPDXRef-File-w
FileChecksum: SHA256: {A}
Relationship: SPDXRef-pkg RUNTIME_DEPENDENCY_OF SPDXRef-app

LicenseID: LicenseRef-mit
LicenseName: MIT License
SnippetSPDXID: SPDXRef-Snippet
SnippetName: PackageVersion
"""

AS_JSON: dict[str, Any] = {
    "spdxVersion": "SPDX-2.3",
    "SPDXID": "SPDXRef-DOCUMENT",
    "name": "app",
    "documentDescribes": ["SPDXRef-app"],
    "packages": [
        {
            "name": "app",
            "SPDXID": "SPDXRef-app",
            "primaryPackagePurpose": "CONTAINER",
            "versionInfo": f"sha256:{A}",
            "checksums": [{"algorithm": "SHA256", "checksumValue": A}],
            "externalRefs": [
                {"referenceType": "purl", "referenceLocator": f"pkg:oci/app@sha256%3A{B}"}
            ],
        },
        {
            "name": "My_Pkg",
            "SPDXID": "SPDXRef-pkg",
            "versionInfo": "1.0",
            "primaryPackagePurpose": "LIBRARY",
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "LicenseRef-mit",
            "hasFiles": ["SPDXRef-File-pkg"],
            "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:pypi/My_Pkg@1.0"}],
        },
        {
            "name": "model",
            "SPDXID": "SPDXRef-model",
            "licenseConcluded": "Apache-2.0",
            "externalRefs": [
                {"referenceType": "purl", "referenceLocator": "pkg:huggingface/org/model@ABC"}
            ],
        },
    ],
    "files": [
        {
            "fileName": "./loose.bin",
            "SPDXID": "SPDXRef-File-loose",
            "checksums": [{"algorithm": "SHA256", "checksumValue": C}],
        },
        {
            "fileName": "usr/lib/pkg.py",
            "SPDXID": "SPDXRef-File-pkg",
            "checksums": [{"algorithm": "SHA256", "checksumValue": B}],
        },
        {
            "fileName": "/m/w.bin",
            "SPDXID": "SPDXRef-File-w",
            "checksums": [{"algorithm": "SHA256", "checksumValue": A}],
        },
    ],
    "hasExtractedLicensingInfos": [{"licenseId": "LicenseRef-mit", "name": "MIT License"}],
    "relationships": [
        {
            "spdxElementId": "SPDXRef-pkg",
            "relationshipType": "DEPENDS_ON",
            "relatedSpdxElement": "SPDXRef-model",
        },
        {
            "spdxElementId": "SPDXRef-pkg",
            "relationshipType": "RUNTIME_DEPENDENCY_OF",
            "relatedSpdxElement": "SPDXRef-app",
        },
        {
            "spdxElementId": "SPDXRef-model",
            "relationshipType": "CONTAINS",
            "relatedSpdxElement": "SPDXRef-File-w",
        },
    ],
}


def read(document: dict[str, Any]) -> Document:
    return recognise.document(json.dumps(document).encode(), "sbom")


def by_name(document: Document) -> dict[str, Claim]:
    return {claim.name: claim for claim in document.claims}


@pytest.mark.parametrize(
    ("data", "form", "lines"),
    [
        (TAG_VALUE.encode(), "SPDX 2.3 tag-value", {"My_Pkg": 22, "./loose.bin": 9}),
        (TAG_VALUE.replace("\n", "\r\n").encode("utf-16"), "SPDX 2.3 tag-value", {"My_Pkg": 22}),
        (json.dumps(AS_JSON).encode(), "SPDX 2.3 JSON", {"My_Pkg": 0}),
    ],
)
def test_spdx_2(data: bytes, form: str, lines: dict[str, int]) -> None:
    said = recognise.document(data, "sbom")
    assert (said.form, said.kind, said.notes) == (form, "sbom", ())
    assert said.subject == f"app@sha256:{A}"
    assert said.digests == {f"sha256:{A}", f"sha256:{B}"}
    claims = by_name(said)
    assert {name: claims[name].line for name in lines} == lines
    assert list(claims) == ["app", "My_Pkg", "model", "./loose.bin", "usr/lib/pkg.py"]
    package, model = claims["My_Pkg"], claims["model"]
    assert (package.purl, package.licence) == ("pkg:pypi/my-pkg@1.0", "MIT")
    assert (package.component, package.requires) == ("package", ("SPDXRef-model",))
    assert (model.component, model.licence) == ("model", "Apache-2.0")
    assert (model.sha256, model.paths) == ({A}, {"/m/w.bin"})
    assert claims["app"].requires == ("SPDXRef-pkg",)
    assert (claims["./loose.bin"].sha256, claims["./loose.bin"].paths) == ({C}, {"/loose.bin"})


def test_file_names_are_no_places_where_no_image_is_described() -> None:
    document = AS_JSON | {"documentDescribes": ["SPDXRef-pkg"]}
    claims = by_name(read(document))
    assert claims["./loose.bin"].paths == frozenset()
    assert claims["model"].paths == {"/m/w.bin"}


@pytest.mark.parametrize("ref", ["SPDXRef-DocumentRoot-Image-a", "SPDXRef-ContainerImage-a"])
def test_images_of_spdx_2_2(ref: str) -> None:
    document = {
        "spdxVersion": "SPDX-2.2",
        "packages": [{"name": "a", "SPDXID": ref}],
        "files": [{"fileName": "etc/a", "SPDXID": "SPDXRef-f"}],
        "relationships": [
            {
                "spdxElementId": "SPDXRef-DOCUMENT",
                "relationshipType": "DESCRIBE",
                "relatedSpdxElement": ref,
            }
        ],
    }
    assert by_name(read(document))["etc/a"].paths == {"/etc/a"}


def test_odd_entries_of_spdx_2_are_noted() -> None:
    purls = [{"referenceType": "purl", "referenceLocator": f"pkg:pypi/a@{n}"} for n in (1, 2)]
    said = read(
        {
            "spdxVersion": "SPDX-2.3",
            "packages": ["x", {"SPDXID": "SPDXRef-1"}, {"name": "a", "externalRefs": purls}],
            "files": [7],
            "relationships": [8, {}],
        }
    )
    assert [c.name for c in said.claims] == ["SPDXRef-1", "a"]
    assert said.claims[1].purl == "pkg:pypi/a@1"
    assert said.notes == (
        "package 1: it is not an object",
        "package 2: it has no name",
        "package 3: it has several purls, of which the first one is read",
        "file 1: it is not an object",
    )


def test_odd_lines_of_tag_value_are_noted() -> None:
    text = "SPDXVersion: SPDX-2.2\nno tag\nPackageName: a\nExternalRef: purl\nPackageName: b\n"
    said = recognise.document(text.encode(), "x")
    assert [c.name for c in said.claims] == ["a", "b"]
    assert said.notes == (
        "line 2: it is no tag with a value",
        "line 4: it is no tag with a value",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SPDXVersion: SPDX-2.3\nPackageComment: <text>a\nb", "line 2 does not end"),
        ("SPDXVersion: SPDX-3.0\n", "not one of SPDX-2.x"),
        ('{"spdxVersion": "SPDX-1.2"}', "not one of SPDX-2.x"),
        ('{"spdxVersion": "SPDX-2.3", "packages": {}}', "packages is not a list"),
        ('{"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"}', "@graph"),
        (
            '{"artifacts": {}, "schema": {"url": "https://raw.github/anchore/syft/x"}}',
            "artifacts is not a list",
        ),
    ],
)
def test_broken_documents(text: str, said: str) -> None:
    with pytest.raises(FormatError, match=said):
        recognise.document(text.encode(), "x")


def relation(source: str, kind: str, *targets: str) -> dict[str, Any]:
    return {"type": "Relationship", "from": source, "relationshipType": kind, "to": list(targets)}


SPDX_3 = {
    "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld",
    "@graph": [
        {"type": "CreationInfo", "@id": "_:c", "specVersion": "3.0.1"},
        {"type": "SpdxDocument", "spdxId": "urn:d", "rootElement": ["urn:bom"]},
        {"type": "software_Sbom", "spdxId": "urn:bom", "rootElement": ["urn:image"]},
        {
            "type": "software_Package",
            "spdxId": "urn:image",
            "name": "app",
            "software_primaryPurpose": "container",
            "software_packageUrl": f"pkg:oci/app@sha256%3A{A}",
        },
        {
            "type": "software_Package",
            "spdxId": "urn:torch",
            "name": "torch",
            "software_packageVersion": "2.0",
            "software_primaryPurpose": "library",
            "externalIdentifier": [
                {"externalIdentifierType": "cpe23", "identifier": "cpe:2.3:a"},
                {"externalIdentifierType": "packageUrl", "identifier": "pkg:pypi/Torch@2.0"},
            ],
        },
        {
            "type": "ai_AIPackage",
            "spdxId": "urn:model",
            "name": "tuned",
            "verifiedUsing": ["urn:hash"],
        },
        {"type": "Hash", "@id": "urn:hash", "algorithm": "sha256", "hashValue": A},
        {
            "type": "ai_AIPackage",
            "spdxId": "urn:base",
            "name": "base",
            "software_packageUrl": "pkg:huggingface/org/base@1",
        },
        {"type": "dataset_DatasetPackage", "spdxId": "urn:data", "name": "texts"},
        {
            "type": "software_File",
            "spdxId": "urn:w",
            "name": "/m/w.bin",
            "verifiedUsing": [
                {"type": "Hash", "algorithm": "sha1", "hashValue": "d"},
                {"type": "Hash", "algorithm": "sha256", "hashValue": B},
            ],
        },
        {
            "type": "software_File",
            "spdxId": "urn:other",
            "name": "other",
            "software_primaryPurpose": "model",
            "verifiedUsing": [{"type": "Hash", "algorithm": "sha256", "hashValue": C}],
        },
        {
            "type": "simplelicensing_LicenseExpression",
            "spdxId": "urn:l",
            "simplelicensing_licenseExpression": "mit",
        },
        {
            "type": "expandedlicensing_DisjunctiveLicenseSet",
            "spdxId": "urn:either",
            "expandedlicensing_member": ["urn:l", "https://spdx.org/licenses/ISC"],
        },
        relation("urn:model", "contains", "urn:w"),
        relation("urn:model", "trainedOn", "urn:data"),
        relation("urn:model", "dependsOn", "urn:torch"),
        relation("urn:model", "descendantOf", "urn:base"),
        relation("urn:model", "hasDeclaredLicense", "urn:either"),
        relation("urn:torch", "hasDeclaredLicense", "https://spdx.org/rdf/3.0.1/terms/NoAssertion"),
        relation("urn:torch", "hasConcludedLicense", "https://spdx.org/licenses/BSD-3-Clause"),
        "odd",
    ],
}


def test_spdx_3() -> None:
    said = read(SPDX_3)
    assert (said.form, said.subject) == ("SPDX 3.0.1 JSON-LD", "app")
    assert said.digests == {f"sha256:{A}"}
    assert said.notes == ("element 21: it is not an object with an id of its own",)
    claims = by_name(said)
    torch, model = claims["torch"], claims["tuned"]
    assert (torch.purl, torch.version) == ("pkg:pypi/torch@2.0", "2.0")
    assert (torch.component, torch.licence) == ("package", "BSD-3-Clause")
    assert (model.component, model.sha256, model.paths) == ("model", {A, B}, {"/m/w.bin"})
    assert (model.requires, model.base_models) == (("urn:torch",), ("org/base",))
    assert model.licence == "MIT OR ISC"
    assert (claims["texts"].component, claims["app"].component) == ("data", "image")
    assert (claims["other"].component, claims["other"].sha256) == ("model", {C})
    assert "/m/w.bin" not in claims


def test_spdx_3_whose_licences_are_a_ring() -> None:
    ring = {
        "type": "expandedlicensing_ConjunctiveLicenseSet",
        "spdxId": "urn:r",
        "expandedlicensing_member": ["urn:r"] * 10,
    }
    package = {"type": "software_Package", "spdxId": "urn:p", "name": "p"}
    graph = [ring, package, relation("urn:p", "hasDeclaredLicense", "urn:r")]
    assert read(SPDX_3 | {"@graph": graph}).claims[0].licence == ""


SYFT = {
    "schema": {
        "version": "16.0.18",
        "url": "https://raw.githubusercontent.com/anchore/syft/main/schema/json/schema-16.0.18.json",
    },
    "source": {
        "type": "image",
        "name": "app",
        "version": "1",
        "metadata": {
            "imageID": f"sha256:{A}",
            "manifestDigest": f"sha256:{B}",
            "repoDigests": [f"registry.example/app@sha256:{C}"],
        },
    },
    "artifacts": [
        {
            "id": "1",
            "name": "My_Pkg",
            "version": "1.0",
            "type": "python",
            "purl": "pkg:pypi/My_Pkg@1.0",
            "licenses": [{"value": "MIT License", "spdxExpression": "MIT"}],
            "locations": [
                {"path": "/lib/my_pkg/METADATA", "layerID": f"sha256:{A}"},
                {"path": "/lib/my_pkg/RECORD", "layerID": f"sha256:{A}"},
            ],
        },
        {"id": "2", "name": "dep", "version": "2", "licenses": ["ISC"], "locations": None},
        {"id": "3", "version": "2", "purl": "x"},
        9,
    ],
    "artifactRelationships": [
        {"parent": "2", "child": "1", "type": "dependency-of"},
        {"parent": "1", "child": "f", "type": "contains"},
    ],
    "files": [
        {
            "id": "f",
            "location": {"path": "/m/w.bin", "layerID": f"sha256:{B}"},
            "digests": [{"algorithm": "sha256", "value": C}],
        },
        {"id": "g", "location": {"path": "/m/x"}},
    ],
}


def test_syft() -> None:
    said = read(SYFT)
    assert (said.form, said.subject, said.kind) == ("Syft JSON 16.0.18", "app@1", "sbom")
    assert said.digests == {f"sha256:{d}" for d in (A, B, C)}
    package, dep, odd, file = said.claims
    assert (package.purl, package.licence) == ("pkg:pypi/my-pkg@1.0", "MIT")
    assert (package.requires, package.layers) == (("2",), {f"sha256:{A}"})
    assert package.paths == {"/lib/my_pkg/METADATA", "/lib/my_pkg/RECORD"}
    assert (dep.licence, odd.name) == ("ISC", "3")
    assert (file.sha256, file.paths, file.layers) == ({C}, {"/m/w.bin"}, {f"sha256:{B}"})
    assert said.notes == (
        "artifact 3: it has no name",
        "artifact 3: its purl 'x' is not valid",
        "artifact 4: it is not an object",
    )
