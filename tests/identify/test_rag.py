"""Retrieval: stores with their data, models that give vectors, and APIs that do."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from aibom.identify.inventory import identify
from aibom.rulebook.load import load
from aibom.types.facts import ProcessFacts
from aibom.types.files import FileKey
from aibom.types.inventory import Component, Inventory
from aibom.types.modelfiles import ModelUse
from aibom.types.packages import LoadedPackage
from aibom.types.processes import Connection
from tests import make

RULES = load()


def has(*names: str) -> tuple[LoadedPackage, ...]:
    return tuple(LoadedPackage(make.package(n), make.file(f"/s/{n}.so", "")) for n in names)


def held(path: str, format_: str, digest: str = "", size: int = 10, **header: Any) -> ModelUse:
    file = replace(make.file(path, digest), key=FileKey(1, 5, size, size, size))
    return make.model_use(file, format=format_, **header)


def found(*processes: ProcessFacts) -> Inventory:
    (only,) = identify(make.node(processes), RULES)
    return only


def data(inventory: Inventory) -> list[Component]:
    return [c for c in inventory.components if c.kind == "data"]


def links(inventory: Inventory, source: str) -> set[str]:
    return {link.target for link in inventory.links if link.source == source}


def one(packages: Iterable[str] = (), *models: ModelUse, **fields: Any) -> ProcessFacts:
    return make.seen(packages=has(*packages), models=models, **fields)


def test_a_store_with_its_database() -> None:
    inventory = found(one(["chromadb"], held("/data/chroma.sqlite3", "chroma-sqlite")))
    (store,) = data(inventory)
    assert (store.name, store.ref) == ("chroma.sqlite3", "data:chroma-sqlite:/data/chroma.sqlite3")
    assert (store.rule, store.model, store.sha256) == ("format/chroma-sqlite", None, "")
    assert links(inventory, "pkg:pypi/chromadb@2.0") == {store.ref}


def test_another_stores_data_is_not_joined() -> None:
    inventory = found(one(["faiss-cpu"], held("/data/chroma.sqlite3", "chroma-sqlite")))
    assert not links(inventory, "pkg:pypi/faiss-cpu@2.0")


def test_a_database_that_grew_is_one() -> None:
    path = "/data/chroma.sqlite3"
    inventory = found(
        one([], held(path, "chroma-sqlite"), held(path, "chroma-sqlite", size=20)),
        make.seen(of=make.process(8, session=7), models=(held(path, "chroma-sqlite", size=20),)),
    )
    (store,) = data(inventory)
    assert {(e.pid, e.times) for e in store.evidence} == {(7, 2), (8, 1)}


def test_a_dataset_of_many_files_is_one() -> None:
    parts = [held(f"/db/docs.lance/data/{n}.lance", "lance") for n in range(3)]
    inventory = found(one(["lancedb"], *parts, held("/db/other.lance/data/a.lance", "lance")))
    docs, other = data(inventory)
    assert (docs.name, docs.files, other.name) == ("docs.lance", (), "other.lance")
    assert docs.evidence[0].path == "/db/docs.lance"
    assert links(inventory, "pkg:pypi/lancedb@2.0") == {docs.ref, other.ref}


def role(use: ModelUse) -> dict[str, str]:
    (model,) = (c for c in found(one(["onnxruntime"], use)).components if c.kind == "model")
    return {k: v for k, v in model.properties if k.startswith("aibom:model:role")}


@pytest.mark.parametrize(
    ("use", "said"),
    [
        (held("/m/a.gguf", "gguf", architecture="nomic-bert"), "embedding"),
        (held("/m/a.gguf", "gguf", architecture="qwen3",
              properties=(("qwen3.pooling_type", "3"),)), "embedding"),
        (held("/m/a.gguf", "gguf", architecture="bert",
              properties=(("bert.pooling_type", "4"),)), "reranking"),
        (held("/m/a.gguf", "gguf", architecture="llama",
              properties=(("llama.pooling_type", "0"),)), None),
        (held("/root/.cache/chroma/onnx_models/all-MiniLM-L6-v2/onnx/model.onnx", "onnx"),
         "embedding"),
        (held("/m/model.onnx", "onnx"), None),
        (held("/m/model.safetensors", "safetensors", architecture="BertModel"), None),
    ],
)  # fmt: skip
def test_what_a_model_is_for(use: ModelUse, said: str | None) -> None:
    assert role(use).get("aibom:model:role") == said


def test_how_the_role_is_known() -> None:
    cached = held("/tmp/fastembed_cache/models--a/x/model.onnx", "onnx")
    assert role(cached)["aibom:model:role:claim"] == "inferred from its place"
    header = held("/m/a.gguf", "gguf", architecture="bert")
    assert role(header)["aibom:model:role:claim"] == "its own header"


def test_the_embedding_model_of_the_only_store() -> None:
    model = held("/m/a.gguf", "gguf", "77" * 32, architecture="nomic-bert")
    alone = found(one(["chromadb", "onnxruntime"], model))
    assert links(alone, "pkg:pypi/chromadb@2.0") == {"model:sha256:7777777777777777"}
    both = found(one(["chromadb", "faiss-cpu"], model))
    assert not links(both, "pkg:pypi/chromadb@2.0")


def test_a_client_of_a_database_elsewhere() -> None:
    cloud = Connection("10.0.0.5:41000", "192.0.2.1:443", "api.pinecone.io", "SNI")
    inventory = found(one(["pinecone"], connections=(cloud,)))
    (service,) = inventory.services
    assert service.role == "vector-database"
    assert links(inventory, "pkg:pypi/pinecone@2.0") == {service.ref}


@pytest.mark.parametrize(
    ("request_", "use"),
    [
        ("POST /v1/embeddings", True),
        ("POST /v1beta/models/text-embedding-004:batchEmbedContents", True),
        ("POST /api/embed", True),
        ("POST /v1/chat/completions", False),
        ("GET /v1/embeddings", False),
    ],
)
def test_an_api_that_was_asked_for_vectors(request_: str, use: bool) -> None:
    asked = Connection("", "192.0.2.1:443", "api.openai.com", "request", request=request_)
    (service,) = found(one(["openai"], connections=(asked,))).services
    assert (("aibom:api:use", "embedding") in service.properties) is use


def test_a_library_in_a_program_that_listens_does_not_reach_for_the_program() -> None:
    listening = Connection("0.0.0.0:8000")
    cloud = Connection("10.0.0.5:41000", "192.0.2.1:443", "api.openai.com", "SNI")
    store = held("/data/chroma.sqlite3", "chroma-sqlite")
    inventory = found(one(["faiss-cpu"], store, connections=(listening, cloud)))
    assert not links(inventory, "pkg:pypi/faiss-cpu@2.0")
