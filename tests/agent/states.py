"""States with clocks that a test moves, and workloads with findings in them."""

import io
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aibom.agent.config.settings import Logging
from aibom.agent.log import Log
from aibom.agent.state.ages import Clocks
from aibom.agent.state.keeper import Bounds, Keeper
from aibom.agent.state.place import Place
from aibom.agent.state.store import State
from aibom.compare import kinds
from aibom.types.files import Origin
from aibom.types.findings import Assessment, Finding
from aibom.types.inventory import Component, Evidence, Inventory, Workload
from tests.make import component

DAY = 86_400.0
NOW = 1_800_000_000.0


class Told(Log):
    """A log that a test reads."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        super().__init__(Logging(), self.stream)

    @property
    def said(self) -> list[str]:
        return self.stream.getvalue().splitlines()


@dataclass
class Node:
    """A node's clocks and a folder; ``run`` begins the agent's memory on it, again and again."""

    folder: Path
    wall: float = NOW
    passed: float = 0.0
    days: float = 30.0
    max_bytes: int = 64 * 2**20
    log: Told = field(default_factory=Told)

    def run(self) -> State:
        clocks = Clocks(lambda: self.wall, lambda: self.passed)
        limits = Bounds(self.days * DAY, self.max_bytes)
        return State(Keeper(Place(str(self.folder)), self.log, clocks, limits))

    def wait(self, seconds: float) -> None:
        self.wall += seconds
        self.passed += seconds


def finding(name: str = "f", severity: Any = "high", **fields: Any) -> Finding:
    return Finding(
        **(
            {
                "kind": kinds.OUTSIDE_IMAGE,
                "severity": severity,
                "ref": "model:x",
                "component": "some model",
                "evidence": "/m/a.gguf mapped",
                "reason": "it arrived late",
                "remedy": "build it in",
                "fingerprint": name,
            }
            | fields
        )
    )


def findings(*found: Finding) -> Assessment:
    return Assessment((), found)


def pod(uid: str = "uid", *components: Component, name: str = "chat") -> Inventory:
    return Inventory(Workload("pod", name, "default", uid), components or (component(),))


def image(digest: str = "sha256:" + "1" * 64, *containers: str) -> Component:
    return component(
        "image",
        ref="image:chat",
        purl="",
        files=(),
        sha256="",
        containers=containers or ("app",),
        properties=(("aibom:image:reference", f"registry/chat@{digest}"),),
    )


def package(name: str, *containers: str, last: float | None = None) -> Component:
    path = f"/usr/lib/python3/site-packages/{name}/__init__.py"
    origin = Origin("image-layer")
    seen = Evidence("imported", path, "python3", 7, "dynamic-analysis", 95, "app", origin)
    return component(
        "package",
        ref=f"pkg:pypi/{name}@1.0",
        name=name,
        purl=f"pkg:pypi/{name}@1.0",
        evidence=(replace(seen, first_seen=last, last_seen=last),),
        containers=containers or ("app",),
    )
