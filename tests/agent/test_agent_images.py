"""The loop publishes a workload once its images are read, and nothing of it before."""

from pathlib import Path
from typing import Any

import pytest

from aibom.agent import agent as module
from aibom.agent import tracking
from aibom.agent.config.settings import Comparing
from aibom.pipeline import Own
from aibom.types.facts import NodeFacts
from aibom.types.inventory import Inventory
from aibom.types.policy import Promised
from aibom.types.unseen import Unseen
from tests.agent.agents import Rig, holder, pod
from tests.agent.test_agent import boms, findings, models, nothing
from tests.make import claim, sbom


class Images:
    """Images of which a test says when they are read."""

    def __init__(self) -> None:
        self.own = Own((), (Unseen("pending", "image app"),), pending=True)
        self.closed = self.has_news = False

    def reads(self, *documents: Any) -> None:
        self.own, self.has_news = Own(documents), True

    def __call__(self, _: Inventory) -> Own:
        return self.own

    def identified(self, facts: NodeFacts) -> NodeFacts:
        return facts

    def is_due(self) -> bool:
        return False

    def news(self) -> frozenset[str] | None:
        news, self.has_news = self.has_news, False
        return frozenset() if news else None

    def keep(self, _: object) -> None:
        pass

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def images() -> Images:
    return Images()


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, images: Images) -> Rig:
    for pause in ("STEP_SECONDS", "NAME_SECONDS", "NAME_REST", "BURY_SECONDS", "HOUSE_SECONDS"):
        monkeypatch.setattr(module, pause, 0.0)
    monkeypatch.setattr(tracking, "GONE_SECONDS", 0.0)
    rig = Rig(tmp_path, compare=Comparing(images=True))
    # what the image has is not in the SBOM
    rig.promised = Promised((sbom(claim(name="other", purl="pkg:pypi/other@1")),))
    rig.images = images  # type: ignore[assignment]
    rig.watch.containers = pod()
    return rig


def declares(path: str) -> Any:
    return sbom(claim(name="a", component="model", paths=frozenset({path})))


def test_a_workload_is_told_of_once_its_images_are_read(rig: Rig, images: Images) -> None:
    before: list[list[str]] = []
    rig.run(
        lambda: rig.watch.sees(holder()),
        nothing,
        lambda: before.append(boms(rig)),
        lambda: images.reads(declares("/m/a.gguf")),
        nothing,
    )
    assert before == [[]]
    assert models(rig, "default_chat.cdx.json") == ["a.gguf"]
    assert images.closed


def test_one_that_ended_meanwhile_is_told_of_as_well(rig: Rig, images: Images) -> None:
    rig.run(
        lambda: rig.watch.sees(holder()),
        nothing,
        lambda: rig.watch.loses(7),
        nothing,
        nothing,
        lambda: images.reads(declares("/m/a.gguf")),
        nothing,
        nothing,
    )
    assert boms(rig) == []
    assert len(boms(rig, "ended")) == 1


def test_what_was_told_stays_while_images_are_read_again(rig: Rig, images: Images) -> None:
    def evicted() -> None:
        images.own = images.own._replace(documents=(), pending=True)
        rig.watch.sees(holder(8, "/m/b.gguf"))

    images.reads(declares("/m/a.gguf"))
    rig.run(lambda: rig.watch.sees(holder()), nothing, evicted, nothing, images.reads, nothing)
    # when its BOM is written after that is the writer's to say
    assert "b.gguf" in [one["component"]["name"] for one in findings(rig)]
    assert "a.gguf" in models(rig, "default_chat.cdx.json")
