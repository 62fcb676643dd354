"""The BOM: strictly valid in both versions, the same bytes for the same input, read back alike."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aibom.compare.compare import compare
from aibom.declare import observed
from aibom.report.cyclonedx import document_of
from aibom.report.jsontext import serialise
from aibom.types.inventory import Evidence, Inventory, Link, ModelDetails, Service
from aibom.types.model import BaseModel
from aibom.types.unseen import Unseen
from tests import make

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
VERSIONS = {"1.6": SchemaVersion.V1_6, "1.7": SchemaVersion.V1_7}


@pytest.fixture(scope="module")
def validators() -> dict[str, JsonStrictValidator]:
    return {name: JsonStrictValidator(version) for name, version in VERSIONS.items()}


def full() -> Inventory:
    details = ModelDetails(
        format="gguf",
        architecture="llama",
        parameters=134_515_008,
        quantization="Q4_1",
        context_length=2048,
        properties=(("chat_template", "aa" * 32),),
    )
    adapter_details = ModelDetails(
        format="safetensors",
        base_models=(BaseModel("org/base", "org/base"),),
        properties=(("peft.type", "LORA"),),
        unsafe_globals=("os.system",),
    )
    seen = tuple(
        Evidence("mapped", f"/m/{n}.gguf", "python3", pid, "binary-analysis", 90, "app")
        for pid in (7, 8, 9)
        for n in "abc"
    )
    model = make.component(
        "model", "writable-layer", model=details, licence="apache-2.0", evidence=seen
    )
    shards = (make.file("/m/1.safetensors", "11" * 32), make.file("/m/2.safetensors", "22" * 32))
    adapter = make.component(
        "adapter", "volume", ref="adapter:y", model=adapter_details, files=shards, sha256=""
    )
    server = make.component("mcp-server", ref="pkg:pypi/some@1.0", type="application")
    service = Service("service:some", "some", server.ref, "stdio", ("tcp://0.0.0.0:80",), ("me",))
    return make.inventory(
        adapter,
        server,
        model,
        make.component("image", "unknown", ref="image:x", type="container", purl=""),
        make.component("framework", ref="inner", within=server.ref, purl="", inferred=True),
        services=(service,),
        links=(Link("adapter:y", model.ref), Link("service:some", server.ref)),
        unseen=(Unseen("denied", "process 9", "Permission denied", "be root", 9),),
        sensors=(("sweep", "one moment"),),
    )


def write(inventory: Inventory, version: str = "1.7") -> dict[str, Any]:
    return document_of(inventory, compare(inventory, None), WHEN, version)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_full_document_is_strictly_valid(
    version: str, validators: dict[str, JsonStrictValidator]
) -> None:
    document = write(full(), version)
    assert document["specVersion"] == version
    assert validators[version].validate_str(serialise(document)) is None


@pytest.mark.parametrize("version", VERSIONS)
def test_an_empty_document_is_strictly_valid(
    version: str, validators: dict[str, JsonStrictValidator]
) -> None:
    assert validators[version].validate_str(serialise(write(make.inventory(), version))) is None


def test_the_parts_that_readers_look_for() -> None:
    document = write(full())
    parts = {c["bom-ref"]: c for c in document["components"]}
    model, adapter = parts["model:x"], parts["adapter:y"]
    assert model["type"] == "machine-learning-model"
    assert model["hashes"] == [{"alg": "SHA-256", "content": make.DIGEST}]
    assert model["licenses"][0]["license"]["id"] == "Apache-2.0"
    assert model["evidence"]["occurrences"][0]["location"] == "/m/a.gguf"
    card = {p["name"]: p["value"] for p in model["modelCard"]["properties"]}
    assert card["cdx:ai-ml:model:parameter:count"] == "135M"
    assert card["cdx:ai-ml:model:hyperparameter:quantization"] == "Q4_1"
    assert card["cdx:ai-ml:model:hyperparameter:context_length"] == "2048"
    assert model["modelCard"]["modelParameters"]["modelArchitecture"] == "llama"
    assert adapter["pedigree"]["ancestors"][0]["name"] == "org/base"
    assert [c["name"] for c in adapter["components"]] == ["/m/1.safetensors", "/m/2.safetensors"]
    graph = {d["ref"]: d.get("dependsOn", []) for d in document["dependencies"]}
    assert graph["adapter:y"] == ["model:x"]
    assert "inner" not in graph["pkg:pypi/some@1.0"]  # its link is the identifier's to make
    for component in parts.values():
        said = {p["name"]: p["value"] for p in component["properties"]}
        assert said["aibom:declared"] in ("true", "false", "unknown")
        assert said["aibom:origin"]


def test_what_was_not_seen_and_every_finding_is_annotated() -> None:
    document = write(full())
    texts = [a["text"] for a in document["annotations"]]
    assert any(t.startswith("unseen: denied: process 9") for t in texts)
    assert any(t.startswith("undeclared-model (AIBOM-101, high)") for t in texts)
    assert document["compositions"][0]["aggregate"] == "incomplete"


def test_the_same_input_gives_the_same_bytes() -> None:
    assert serialise(write(full())) == serialise(write(full()))


def test_other_content_gives_another_serial_number() -> None:
    one, other = write(full()), write(make.inventory(make.component()))
    assert one["serialNumber"] != other["serialNumber"]


def test_a_document_is_read_back_as_it_was() -> None:
    before = full()
    after = observed.inventory(serialise(write(before)).encode())
    told = [(f.kind.id, f.severity, f.ref, f.fingerprint) for f in compare(before, []).findings]
    again = [(f.kind.id, f.severity, f.ref, f.fingerprint) for f in compare(after, []).findings]
    assert sorted(told) == sorted(again)
    assert [u.subject for u in after.unseen] == ["process 9"]
    assert (after.workload.kind, after.workload.name) == ("pod", "chat")


HOSTILE = st.text(max_size=30) | st.sampled_from(
    ["\x1b[2J", "a\nb", "\udcff", "<script>", "=1+1", "(MIT OR", "https://[", "x" * 5000]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(HOSTILE, HOSTILE, HOSTILE)
def test_hostile_words_stay_words(
    validators: dict[str, JsonStrictValidator], name: str, path: str, licence: str
) -> None:
    seen = Evidence("mapped", path, name, 7, "binary-analysis", 90, name)
    details = ModelDetails(format="gguf", architecture=name, properties=((name, path),))
    component = make.component(
        "model", "writable-layer", name=name or "x", licence=licence, evidence=(seen,),
        model=details, description=licence, publisher=path,
    )  # fmt: skip
    unseen = (Unseen("damaged", path, name, licence),)
    text = serialise(write(make.inventory(component, unseen=unseen)))
    assert validators["1.7"].validate_str(text) is None
    assert "\x1b" not in text
    json.loads(text.encode("utf-8"))


def test_the_order_does_not_depend_on_hash_seeds() -> None:
    """The library sorts some things by object identity: other seeds, same bytes."""
    code = "from tests.report.test_cyclonedx import *; print(serialise(write(full())))"
    written = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in range(4)
    }
    assert len(written) == 1
