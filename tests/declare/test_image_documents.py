"""What images and model artifacts promise: packages, their files, models, SBOMs inside."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aibom.cli.images import Choice, read_image
from aibom.formats.containers import oci
from aibom.formats.containers.oci import Platform
from aibom.types.declared import Claim, Document
from tests.imagemaking import Store, descriptor, digest, layer

CHOICE = Choice(Platform("linux", "amd64"))
GGUF = b"GGUF\3\0\0\0" + bytes(16)
HEADER = b'{"a":{"dtype":"F32","shape":[],"data_offsets":[0,0]}}'
SAFETENSORS = len(HEADER).to_bytes(8, "little") + HEADER
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SCOPED = "app/node_modules/@scope/pkg"
SITE = "usr/lib/python3/dist-packages"
FILES: dict[str, bytes | str] = {
    "usr/lib/os-release": b'ID=debian\nVERSION_ID="12"\n',
    "etc/os-release": "../usr/lib/os-release",
    "lib": "usr/lib",
    "var/lib/dpkg/status": (
        b"Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9\n\n"
        b"Package: python3-foo\nStatus: install ok installed\nArchitecture: all\nVersion: 1-1\n"
    ),
    "var/lib/dpkg/info/libc6:amd64.list": b"/.\n/lib\n/lib/libc.so.6\n/lib/gone\n",
    "var/lib/dpkg/info/python3-foo.list": f"/{SITE}/foo.py\n/usr/share/foo\n".encode(),
    "usr/lib/libc.so.6": b"libc",
    "usr/share/foo": b"foo",
    f"{SITE}/foo.py": b"import os",
    f"{SITE}/foo/model.gguf": GGUF + b"fixture",
    f"{SITE}/foo-1.0.dist-info/METADATA": b"Name: Foo\nVersion: 1.0\nLicense: MIT\n",
    f"{SITE}/foo-1.0.dist-info/RECORD": (
        b'foo.py,,\nfoo/model.gguf,,\n"a,b.py",,\n../../../bin/x,,\n'
    ),
    f"{SITE}/foo-1.0.dist-info/sboms/foo.cdx.json": json.dumps(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "components": [{"type": "library", "name": "inner", "purl": "pkg:cargo/inner@1"}],
        }
    ).encode(),
    f"{SITE}/a,b.py": b"1",
    f"{SITE}/evil-1.dist-info/METADATA": b"Name: torch\nVersion: 2\n",
    "usr/local/share/sbom/broken.spdx.json": b"{",
    "usr/bin/x": b"x",
    f"{SCOPED}/package.json": b'{"name": "@scope/pkg", "version": "2.0.0"}',
    f"{SCOPED}/index.js": b"1",
    f"{SCOPED}/node_modules/dep/package.json": b'{"name":"dep","version":"1.0.0"}',
    f"{SCOPED}/node_modules/dep/lib/index.js": b"2",
    "models/weights.bin": GGUF,
    "models/adapter_model.safetensors": SAFETENSORS,
    "models/readme.onnx": b"text",
}


def documents(layers: list[Mapping[str, bytes | str]], folder: Path) -> tuple[Document, ...]:
    store = Store()
    store.image([layer(files) for files in layers], name="app:1")
    found = read_image(store.write(folder / "image"), CHOICE)
    assert found is not None
    return found


def by_purl(document: Document) -> dict[str, Claim]:
    return {claim.purl: claim for claim in document.claims if claim.purl}


def test_packages_and_their_files(tmp_path: Path) -> None:
    image, *_ = documents([FILES], tmp_path)
    assert (image.kind, image.complete, image.subject) == ("image", True, "app:1")
    claims = by_purl(image)
    assert {purl: claim.paths for purl, claim in claims.items()} == {
        "pkg:deb/debian/libc6@2.36-9": {"/usr/lib/libc.so.6"},
        "pkg:deb/debian/python3-foo@1-1": {f"/{SITE}/foo.py", "/usr/share/foo"},
        "pkg:pypi/foo@1.0": {
            f"/{SITE}/foo.py",
            f"/{SITE}/foo/model.gguf",
            f"/{SITE}/a,b.py",
            "/usr/bin/x",
            f"/{SITE}/foo-1.0.dist-info/METADATA",
        },
        "pkg:npm/%40scope/pkg@2.0.0": {
            "/app/node_modules/@scope/pkg/package.json",
            "/app/node_modules/@scope/pkg/index.js",
        },
        "pkg:npm/dep@1.0.0": {
            "/app/node_modules/@scope/pkg/node_modules/dep/package.json",
            "/app/node_modules/@scope/pkg/node_modules/dep/lib/index.js",
        },
    }
    assert claims["pkg:pypi/foo@1.0"].licence == "MIT"
    owners = {path: file.owner for path, file in image.files.items()}
    # pip's word on a file is closer to it than dpkg's
    assert owners[f"/{SITE}/foo.py"] == "pkg:pypi/foo@1.0"
    assert owners["/usr/share/foo"] == "pkg:deb/debian/python3-foo@1-1"
    assert owners["/models/weights.bin"] == ""
    assert all(claim.document == image.name for claim in image.claims)


def test_models_that_no_package_brings(tmp_path: Path) -> None:
    image, *_ = documents([FILES], tmp_path)
    found = {c.name: (c.component, c.paths, c.sha256) for c in image.claims if not c.purl}
    assert found == {
        "weights.bin": ("model", {"/models/weights.bin"}, {digest(GGUF)[7:]}),
        "adapter_model.safetensors": (
            "adapter",
            {"/models/adapter_model.safetensors"},
            {digest(SAFETENSORS)[7:]},
        ),
    }


def test_what_an_upper_layer_changes(tmp_path: Path) -> None:
    status = FILES["var/lib/dpkg/status"]
    assert isinstance(status, bytes)
    top = {
        "var/lib/dpkg/status": status.split(b"\n\n")[0],
        "usr/lib/libc.so.6": b"patched",
        "models/.wh.weights.bin": b"",
    }
    image, *_ = documents([FILES, top], tmp_path)
    assert "pkg:deb/debian/python3-foo@1-1" not in by_purl(image)
    libc, foo = image.files["/usr/lib/libc.so.6"], image.files["/usr/share/foo"]
    assert libc.sha256 == digest(b"patched")[7:]
    assert (libc.layer, foo.layer) == (digest(layer(top)), digest(layer(FILES)))
    assert "/models/weights.bin" not in image.files


def test_sboms_inside(tmp_path: Path) -> None:
    image, sbom = documents([FILES], tmp_path)
    assert sbom.name == f"{image.name}!/{SITE}/foo-1.0.dist-info/sboms/foo.cdx.json"
    assert [claim.purl for claim in sbom.claims] == ["pkg:cargo/inner@1"]
    (note,) = image.notes
    assert note.startswith("/usr/local/share/sbom/broken.spdx.json: not JSON")


def test_databases_that_are_not_read_are_noted(tmp_path: Path) -> None:
    (image,) = documents(
        [{"var/lib/rpm/Packages": b"bdb", "usr/lib/sysimage/rpm/rpmdb.sqlite": b"x" * 600}],
        tmp_path,
    )
    assert image.notes[0].startswith("/var/lib/rpm/rpmdb.sqlite: damaged")
    assert image.notes[1:] == ("/var/lib/rpm/Packages: what rpm has here is not read",)


def artifact(
    config: object, config_type: str, layers: list[dict[str, Any]], folder: Path, **more: Any
) -> Document:
    store = Store()
    manifest = {
        "schemaVersion": 2,
        "config": store.add_json(config, config_type),
        "layers": layers,
        **more,
    }
    store.entry(manifest, name="registry.test/team/tiny:v1")
    found = read_image(store.write(folder / "artifact"), CHOICE)
    assert found is not None
    (document,) = found
    return document


def test_a_modelpack(tmp_path: Path) -> None:
    config = {
        "descriptor": {
            "name": "tiny",
            "version": "3.1",
            "licenses": ["apache-2.0"],
            "sourceURL": "https://huggingface.co/Org/Tiny",
            "revision": COMMIT.upper(),
        }
    }
    weight = "application/vnd.cncf.model.weight.v1.raw"
    path = {"annotations": {"org.cncf.model.filepath": "model.safetensors"}}
    found = artifact(
        config,
        "application/vnd.cncf.model.config.v1+json",
        [
            descriptor(GGUF, weight, **path),
            descriptor(b"{}", "application/vnd.cncf.model.weight.config.v1.raw"),
            descriptor(b"rows", "application/vnd.cncf.model.dataset.v1.raw"),
        ],
        tmp_path,
        artifactType="application/vnd.cncf.model.manifest.v1+json",
    )
    model, data = found.claims
    assert (model.name, model.version, model.component) == ("tiny", "3.1", "model")
    assert (model.licence, model.sha256) == ("Apache-2.0", {digest(GGUF)[7:]})
    assert model.purl == f"pkg:huggingface/org/tiny@{COMMIT}"
    assert data.component == "data"
    assert found.form == "CNCF ModelPack, OCI image layout"


def test_a_modelkit_with_a_part_that_is_an_adapter(tmp_path: Path) -> None:
    kind = "application/vnd.kitops.modelkit.{}.v1.raw"
    base, lora, other = GGUF, SAFETENSORS, b"tokenizer"
    config = {
        "manifestVersion": "1.0.0",
        "package": {"name": "kit", "version": "2", "license": "MIT"},
        "model": {
            "name": "tiny",
            "path": "registry.test/base/model:1",
            "parts": [
                {"name": "lora", "type": "LoRA", "digest": digest(lora)},
                {"name": "tokenizer", "digest": digest(other)},
            ],
        },
    }
    layers = [descriptor(base, kind.format("model"))]
    layers += [descriptor(part, kind.format("modelpart")) for part in (lora, other)]
    found = artifact(config, "application/vnd.kitops.modelkit.config.v1+json", layers, tmp_path)
    assert [(c.name, c.component, c.version, c.licence) for c in found.claims] == [
        ("tiny", "model", "2", "MIT"),
        ("lora", "adapter", "2", "MIT"),
        ("tokenizer", "", "2", "MIT"),
    ]
    assert found.claims[0].base_models == ("registry.test/base/model:1",)


def test_a_model_of_docker(tmp_path: Path) -> None:
    layers = [
        descriptor(GGUF, "application/vnd.docker.ai.gguf.v3"),
        descriptor(SAFETENSORS, "application/vnd.docker.ai.gguf.v3.lora"),
        descriptor(b"licence", "application/vnd.docker.ai.license"),
    ]
    config_type = "application/vnd.docker.ai.model.config.v0.1+json"
    found = artifact({"config": {"format": "gguf"}}, config_type, layers, tmp_path)
    assert [(c.name, c.component) for c in found.claims] == [("tiny", "model"), ("tiny", "adapter")]


def test_an_artifact_of_something_else(tmp_path: Path) -> None:
    found = artifact({}, "application/vnd.cncf.helm.config.v1+json", [], tmp_path)
    assert found.claims == ()
    assert "application/vnd.cncf.helm.config.v1+json" in found.notes[0]


def test_a_folder_of_ollamas(tmp_path: Path) -> None:
    config = json.dumps({"model_family": "llama"}).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": oci.DOCKER_MANIFEST,
        "config": descriptor(config, "application/vnd.docker.container.image.v1+json"),
        "layers": [
            descriptor(GGUF, "application/vnd.ollama.image.model"),
            descriptor(SAFETENSORS, "application/vnd.ollama.image.adapter"),
            descriptor(b"{}", "application/vnd.ollama.image.params"),
        ],
    }
    for where in ("registry.ollama.ai/library/tiny/latest", "hf.co/org/other/Q4"):
        path = tmp_path / "manifests" / where
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(manifest))
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / digest(config).replace(":", "-")).write_bytes(config)
    found = read_image(str(tmp_path), CHOICE)
    assert found is not None
    other, tiny = found
    assert other.subject == "hf.co/org/other:Q4"
    assert [(c.name, c.version, c.component) for c in tiny.claims] == [
        ("tiny", "latest", "model"),
        ("tiny", "latest", "adapter"),
    ]
    assert tiny.claims[0].sha256 == {digest(GGUF)[7:]}
    assert tiny.notes == ()


def test_labels_say_what_it_was_built_from(tmp_path: Path) -> None:
    (image, *_) = documents([{"a": b"1"}], tmp_path)
    assert image.built_from == (("revision", "abc\\x0a"),)
