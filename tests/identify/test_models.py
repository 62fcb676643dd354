"""Model files to components: one model is one component, however often it is held."""

import pytest

from aibom.identify.features import Witness
from aibom.identify.models import ModelShelf
from aibom.types.facts import Container, HubPlace, ModelConfig, ModelUse
from aibom.types.inventory import Component
from aibom.types.rules import RuleSet
from tests import make


def components(*uses: ModelUse, container: str = "") -> list[Component]:
    shelf = ModelShelf(RuleSet((), ()))
    described = Container("c" * 64, name=container) if container else None
    shelf.add(uses, Witness(make.seen(), described))
    return shelf.components()


def test_one_content_in_two_places_is_one_model() -> None:
    uses = [
        make.model_use(make.file("/a.gguf", inode=1), parameters=100),
        make.model_use(make.file("/dev/shm/x", origin="memory", inode=2), parameters=100),
    ]
    (found,) = components(*uses)
    assert found.sha256 == make.DIGEST
    assert found.model is not None
    assert found.model.parameters == 100
    assert found.origin.kind == "memory"
    assert {e.path for e in found.evidence} == {"/a.gguf", "/dev/shm/x"}


def test_two_models_of_one_name_stay_two() -> None:
    uses = [
        make.model_use(make.file("/a/model.safetensors", "aa" * 32), name="m"),
        make.model_use(make.file("/b/model.safetensors", "bb" * 32), name="m"),
    ]
    assert len(components(*uses)) == 2


def test_shards_are_one_model() -> None:
    uses = [
        make.model_use(
            make.file(f"/m/tiny/model-0000{i}-of-00002.safetensors", f"{i}{i}" * 32, inode=i),
            parameters=10 * i,
            tensors=i,
        )
        for i in (1, 2)
    ]
    (found,) = components(*uses)
    assert found.name == "tiny"
    assert found.sha256 == ""
    assert [f.sha256[0] for f in found.files] == ["1", "2"]
    assert found.model is not None
    assert (found.model.parameters, found.model.tensors) == (30, 3)


def test_a_missing_number_makes_no_sum() -> None:
    uses = [
        make.model_use(make.file("/m/a-00001-of-00002.gguf", "11" * 32, inode=1), parameters=5),
        make.model_use(make.file("/m/a-00002-of-00002.gguf", "22" * 32, inode=2)),
    ]
    (found,) = components(*uses)
    assert found.model is not None
    assert found.model.parameters is None


REPO = HubPlace("org/name", ("c" * 40,), "model.gguf", make.DIGEST, verified=True)
CLAIM = HubPlace("org/name", ("c" * 40,), "model.gguf", "ee" * 32, verified=False)


@pytest.mark.parametrize(
    ("path", "header", "config", "hub", "name", "claimed"),
    [
        ("/m/x.gguf", "Tiny", None, None, "Tiny", ("name",)),
        ("/m/x.gguf", None, None, None, "x.gguf", ()),
        ("/m/tiny-bert/model.safetensors", None, None, None, "tiny-bert", ()),
        ("/m/x/model.safetensors", None, ModelConfig(name="org/bert"), None, "x", ()),
        ("/m/x/model.safetensors", None, ModelConfig(name="/tmp/out"), None, "x", ()),
        ("/h/blob", "Tiny", None, REPO, "org/name", ()),
        ("/h/blob", "Tiny", None, CLAIM, "org/name", ("name",)),
    ],
)
def test_names_and_who_vouches_for_them(
    path: str,
    header: str | None,
    config: ModelConfig | None,
    hub: HubPlace | None,
    name: str,
    claimed: tuple[str, ...],
) -> None:
    (found,) = components(make.model_use(make.file(path), name=header, config=config, hub=hub))
    assert (found.name, found.claimed) == (name, claimed)


def test_a_commit_is_named_only_when_the_content_agrees() -> None:
    (good,) = components(make.model_use(hub=REPO))
    assert (good.purl, good.version) == (f"pkg:huggingface/org/name@{'c' * 40}", "c" * 40)
    (bad,) = components(make.model_use(hub=CLAIM))
    assert (bad.purl, bad.version) == ("", "")
    assert ("aibom:hub:verified", "false") in bad.properties


def test_adapters_by_configuration_and_by_header() -> None:
    config = ModelConfig(peft_type="LORA", base_model="org/base")
    (by_config,) = components(make.model_use(config=config, format="safetensors"))
    (by_header,) = components(make.model_use(kind="adapter"))
    assert (by_config.kind, by_header.kind) == ("adapter", "adapter")
    assert by_config.model is not None
    assert by_config.model.base_models[0].reference == "org/base"


def test_the_container_is_named_in_the_evidence() -> None:
    (found,) = components(make.model_use(), container="app")
    assert (found.containers, found.evidence[0].container) == (("app",), "app")
