"""Facts, components and inventories for tests, with the fields that a test does not care about."""

from collections.abc import Iterable
from typing import Any

from aibom.types.declared import Claim, Document
from aibom.types.facts import NodeFacts, ProcessFacts
from aibom.types.files import FileFacts, FileKey, FileUse, Origin, OriginKind
from aibom.types.inventory import Component, ComponentKind, Evidence, Inventory, Workload
from aibom.types.model import ModelHeader
from aibom.types.modelfiles import ModelFile, ModelUse
from aibom.types.packages import Package, Program
from aibom.types.processes import Cgroup, Container, Process

DIGEST = "ab" * 32


def process(pid: int = 7, **fields: Any) -> Process:
    values: dict[str, Any] = {
        "start_ticks": 1,
        "parent": 1,
        "session": pid,
        "uid": 0,
        "comm": "python3",
        "executable": "/usr/bin/python3.11",
        "argv": ("python3", "app.py"),
        "cwd": "/",
        "root": "/",
        "mount_namespace": "mnt:[1]",
        "network_namespace": "net:[1]",
        "cgroup": Cgroup(),
    }
    return Process(pid=pid, **(values | fields))


def seen(pid: int = 7, *, of: Process | None = None, **fields: Any) -> ProcessFacts:
    found = of or process(pid)
    return ProcessFacts(process=found, **({"program": Program("python3")} | fields))


def file(
    path: str = "/m/a.gguf",
    digest: str = DIGEST,
    origin: OriginKind = "image-layer",
    inode: int = 1,
) -> FileFacts:
    return FileFacts(path, FileKey(1, inode, 10, 0, 0), Origin(origin), digest)


def model_use(
    facts: FileFacts | None = None, *, config: Any = None, hub: Any = None, **header: Any
) -> ModelUse:
    facts = facts or file()
    model = ModelFile(facts, ModelHeader(**({"format": "gguf"} | header)), config, hub)
    return ModelUse(model, FileUse(facts.path, "mapped", "map_files/0-1", "8:1", 1))


def package(
    name: str = "torch", version: str = "2.0", ecosystem: Any = "pypi", **fields: Any
) -> Package:
    return Package(ecosystem, name, version, f"/site-packages/{name}.dist-info", **fields)


def node(
    processes: Iterable[ProcessFacts], containers: Iterable[Container] = (), unseen: Any = ()
) -> NodeFacts:
    return NodeFacts(tuple(processes), {c.id: c for c in containers}, tuple(unseen))


def component(
    kind: ComponentKind = "model", origin: OriginKind = "image-layer", **fields: Any
) -> Component:
    facts = file(origin=origin)
    is_model = kind in ("model", "adapter")
    seen_at = Evidence(
        "mapped", facts.path, "python3", 7, "binary-analysis", 90, "app", facts.origin
    )
    values: dict[str, Any] = {
        "ref": f"{kind}:x",
        "type": "machine-learning-model" if is_model else "library",
        "name": f"some {kind}",
        "evidence": (seen_at,),
        "origin": facts.origin,
        "files": (facts,) if is_model else (),
        "sha256": facts.sha256 if is_model else "",
        "purl": "" if is_model else "pkg:pypi/some@1.0",
    }
    return Component(kind=kind, **(values | fields))


def inventory(*components: Component, **fields: Any) -> Inventory:
    workload = Workload("pod", "chat", "default", "uid", pids=(7,))
    return Inventory(workload, tuple(components), **fields)


def claim(**fields: Any) -> Claim:
    return Claim(**({"document": "sbom.json", "name": "anything"} | fields))


def sbom(*claims: Claim, **fields: Any) -> Document:
    return Document(
        **({"name": "sbom.json", "kind": "sbom", "form": "CycloneDX 1.6 JSON"} | fields),
        claims=claims,
    )


def given(claims: Iterable[Claim] | None) -> list[Document] | None:
    return None if claims is None else [sbom(*claims)]
