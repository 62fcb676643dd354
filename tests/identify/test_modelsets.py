"""One model is one component: pipelines, indexes, shards, and parts of a set seen alone."""

from dataclasses import replace

from aibom.identify.features import Witness
from aibom.identify.models.shelf import ModelShelf
from aibom.types.concerns import Concern
from aibom.types.inventory import Component
from aibom.types.model import BaseModel, ChatTemplate
from aibom.types.modelfiles import (
    Companion,
    HubPlace,
    HubSource,
    ModelCard,
    ModelConfig,
    ModelFile,
    ModelPipeline,
    ModelUse,
)
from aibom.types.processes import Container
from aibom.types.rules import RuleSet
from tests import make

PAINTER = ModelPipeline("/m/painter", "diffusers", "FluxPipeline")
SHARDS = ("a.safetensors", "b.safetensors")


def use(path: str, digest: str, **fields: object) -> ModelUse:
    held = make.model_use(make.file(path, digest * 32, inode=int(digest, 16)), parameters=5)
    model = replace(held.model, folder=path.rpartition("/")[0], **fields)
    return replace(held, model=model)


def components(*seen: tuple[str, ModelUse]) -> list[Component]:
    shelf = ModelShelf(RuleSet((), ()))
    for container, held in seen:
        shelf.add([held], Witness(make.seen(), Container("c" * 64, name=container)))
    return shelf.components()


def test_an_index_makes_one_model_of_files_with_any_names() -> None:
    one, two = (use(f"/m/tiny/{n}", d, shards=SHARDS) for n, d in zip(SHARDS, "12", strict=True))
    (found,) = components(("app", one), ("app", two))
    assert found.name == "tiny"
    assert len(found.files) == 2
    assert ("aibom:shards", "2 of 2 seen") in found.properties
    assert found.model is not None
    assert found.model.parameters == 10


def test_a_missing_shard_of_an_index_makes_no_sum() -> None:
    (found,) = components(("app", use("/m/tiny/a.safetensors", "1", shards=SHARDS)))
    assert ("aibom:shards", "1 of 2 seen") in found.properties
    assert found.model is not None
    assert found.model.parameters is None


def test_the_parts_of_a_pipeline_are_one_model_with_its_folders_name() -> None:
    unet = use("/m/painter/unet/diffusion_pytorch_model.safetensors", "1", pipeline=PAINTER)
    vae = use("/m/painter/vae/diffusion_pytorch_model.safetensors", "2", pipeline=PAINTER)
    (found,) = components(("app", unet), ("app", vae))
    assert found.name == "painter"
    assert ("aibom:pipeline", "diffusers") in found.properties
    assert found.model is not None
    assert found.model.architecture == "FluxPipeline"


def test_two_containers_with_one_model_have_one_component_also_when_one_saw_a_part() -> None:
    one, two = (use(f"/m/tiny/{n}", d, shards=SHARDS) for n, d in zip(SHARDS, "12", strict=True))
    (found,) = components(("app", one), ("app", two), ("side", one))
    assert found.containers == ("app", "side")


def test_two_folders_with_one_name_stay_two() -> None:
    one = use("/a/tiny/a.safetensors", "1", shards=SHARDS)
    two = use("/b/tiny/a.safetensors", "2", shards=SHARDS)
    assert len(components(("app", one), ("app", two))) == 2


def cached(name: str, digest: str, *commits: str) -> ModelUse:
    source = HubSource("org/tiny", commits, name)
    folder = f"/hub/models--org--tiny/snapshots/{commits[0]}"
    held = use(f"/hub/models--org--tiny/blobs/{digest * 64}", digest, shards=SHARDS)
    hub = HubPlace("huggingface", (source,), verified=True)
    return replace(held, model=replace(held.model, folder=folder, hub=hub))


def test_a_shard_that_two_commits_share_is_of_the_model_beside_it() -> None:
    shared, newer = cached(SHARDS[0], "1", "c1", "c2"), cached(SHARDS[1], "2", "c2")
    (found,) = components(("app", shared), ("app", newer))
    assert ("aibom:shards", "2 of 2 seen") in found.properties
    assert found.version == "c2"


def test_two_commits_of_one_repository_stay_two() -> None:
    shared = cached(SHARDS[0], "1", "c1", "c2")
    both = (shared, cached(SHARDS[1], "2", "c2"), cached(SHARDS[1], "3", "c1"))
    found = components(*(("app", one) for one in both))
    assert sorted(c.version for c in found) == ["c1", "c2"]
    assert all(("aibom:shards", "2 of 2 seen") in c.properties for c in found)


def test_what_the_card_and_the_configuration_say_is_a_claim() -> None:
    card = ModelCard(
        licence="Apache-2.0",
        base_models=(BaseModel("org/base", "org/base", "quantized"),),
        datasets=("org/words",),
        task="text-generation",
    )
    config = ModelConfig(base_model="org/base", architecture="LlamaForCausalLM")
    (found,) = components(("app", use("/m/t/model.safetensors", "1", card=card, config=config)))
    assert found.licence == "Apache-2.0"
    assert "licence" in found.claimed
    assert found.model is not None
    assert found.model.base_models == (BaseModel("org/base", "org/base", "quantized"),)
    assert (found.model.datasets, found.model.task) == (("org/words",), "text-generation")


def test_companions_templates_and_concerns_come_along_once() -> None:
    template = ChatTemplate("default", "cd" * 32, 10, "/m/t/chat_template.jinja")
    beside = Companion("tokenizer", make.file("/m/t/tokenizer.json", "ee" * 32))
    where = "/m/t/chat_template.jinja"
    concern = Concern("chat-template", "suspicious", "reads __class__", where)
    model: dict[str, object] = {
        "companions": (beside,),
        "templates": (template,),
        "concerns": (concern,),
    }
    one = use("/m/t/a.safetensors", "1", shards=SHARDS, **model)
    two = use("/m/t/b.safetensors", "2", shards=SHARDS, **model)
    (found,) = components(("app", one), ("app", two))
    assert found.companions == (beside,)
    assert found.concerns == (concern,)
    assert found.model is not None
    assert found.model.templates == (template,)


def test_a_file_too_large_to_hash_is_known_by_its_head() -> None:
    large = make.file("/m/big.gguf", "")
    uses = [
        make.model_use(replace(large, path=path, head_sha256="aa" * 32)) for path in ("/a", "/b")
    ]
    (found,) = components(*(("app", one) for one in uses))
    assert ("aibom:fingerprint", f"sha256-of-first-mebibyte:{'aa' * 32}") in found.properties
    assert isinstance(uses[0].model, ModelFile)


def test_the_variables_of_a_graph_are_no_model_of_their_own() -> None:
    variables = use("/m/nmp/variables/variables.index", "1")
    checkpoint = replace(variables.model.header, format="tensorflow-checkpoint")
    variables = replace(variables, model=replace(variables.model, header=checkpoint))
    graph = use("/m/nmp/saved_model.pb", "2", companions=(Companion("part", variables.model.file),))
    assert [c.name for c in components(("app", variables), ("app", graph))] == ["nmp"]
    assert len(components(("app", variables))) == 1


def test_a_whole_model_that_another_names_as_its_part_stays_one() -> None:
    hidden = use("/m/hidden.gguf", "1")
    other = use("/m/other.xml", "2", companions=(Companion("part", hidden.model.file),))
    assert len(components(("app", hidden), ("app", other))) == 2
