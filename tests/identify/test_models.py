"""Model files to components: one model is one component, however often it is held."""

from dataclasses import replace

import pytest

from aibom.identify.features import Witness
from aibom.identify.models.shelf import ModelShelf
from aibom.types.inventory import Component
from aibom.types.modelfiles import HubPlace, HubSource, ModelConfig, ModelUse
from aibom.types.processes import Container
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


COREML = "Data/com.apple.CoreML"
COMMIT, OTHER = "c" * 40, "d" * 40
SOURCE = HubSource("org/name", (COMMIT,), "model.gguf", ("main",))
REPO = HubPlace("huggingface", (SOURCE,), promised=f"sha256:{make.DIGEST}", verified=True)
CLAIM = replace(REPO, promised=f"sha256:{'ee' * 32}", verified=False)
FOLDERS = HubPlace("huggingface", (HubSource("org/name"),), claim="names")
NAMELESS = HubPlace("huggingface", (HubSource("", (COMMIT,), "model.gguf"),), verified=True)


@pytest.mark.parametrize(
    ("path", "header", "config", "hub", "name", "claimed"),
    [
        ("/m/x.gguf", "Tiny", None, None, "Tiny", ("name",)),
        ("/m/x.gguf", None, None, None, "x.gguf", ()),
        ("/m/tiny-bert/model.safetensors", None, None, None, "tiny-bert", ()),
        ("/m/x/model.safetensors", None, ModelConfig(name="org/bert"), None, "x", ()),
        ("/models/resnet/1/saved_model.pb", None, None, None, "resnet", ()),
        ("/m/tiny/onnx/model.onnx", None, None, None, "tiny", ()),
        ("/1/model.onnx", None, None, None, "1", ()),
        (f"/m/a.mlpackage/{COREML}/model.mlmodel", None, None, None, "a.mlpackage", ()),
        ("/m/x/model.safetensors", None, ModelConfig(name="/tmp/out"), None, "x", ()),
        ("/h/blob", "Tiny", None, REPO, "org/name", ()),
        ("/h/blob", "Tiny", None, CLAIM, "org/name", ("name",)),
        ("/h/blob", "Tiny", None, FOLDERS, "Tiny", ("name",)),
        ("/h/blob", None, None, FOLDERS, "org/name", ("name",)),
        ("/h/blob", None, None, NAMELESS, "blob", ()),
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
    said = tuple(field for field in found.claimed if field == "name")
    assert (found.name, said) == (name, claimed)


def test_a_commit_is_named_only_when_the_content_agrees() -> None:
    (good,) = components(make.model_use(hub=REPO))
    assert (good.purl, good.version) == (f"pkg:huggingface/org/name@{COMMIT}", COMMIT)
    assert good.evidence[0].technique == "hash-comparison"
    (bad,) = components(make.model_use(hub=CLAIM))
    assert (bad.purl, bad.version) == ("", "")
    assert ("aibom:hub:verified", "false") in bad.properties
    assert ("aibom:hub:commit", COMMIT) in bad.properties
    assert good.concerns == ()
    assert [(c.kind, c.level) for c in bad.concerns] == [("hub-mismatch", "suspicious")]
    (kept,) = components(make.model_use(hub=replace(CLAIM, sources=(HubSource("", (COMMIT,)),))))
    assert [c.level for c in kept.concerns] == ["note"]
    for quiet in (replace(CLAIM, partial=True), replace(CLAIM, claim="names"), FOLDERS):
        assert components(make.model_use(hub=quiet))[0].concerns == ()


def test_all_repositories_that_share_a_content_are_named_and_none_is_chosen() -> None:
    shared = replace(REPO, sources=(SOURCE, HubSource("other/copy", (OTHER,), "model.gguf")))
    (found,) = components(make.model_use(hub=shared))
    assert (found.name, found.claimed) == ("org/name", ("name",))
    assert (found.purl, found.version) == ("", "")
    said = [value for name, value in found.properties if name == "aibom:hub:purl"]
    assert said == [
        f"pkg:huggingface/org/name@{COMMIT}",
        f"pkg:huggingface/other/copy@{OTHER}",
    ]
    repositories = [v for name, v in found.properties if name == "aibom:hub:repository"]
    assert repositories == ["org/name", "other/copy"]


def test_two_copies_of_one_content_join_what_their_places_say() -> None:
    uses = [
        make.model_use(make.file("/a/model.gguf", inode=1), hub=NAMELESS),
        make.model_use(make.file("/h/blob", inode=2), hub=REPO),
        make.model_use(make.file("/x/model.gguf", inode=3)),
    ]
    (found,) = components(*uses)
    assert found.purl == f"pkg:huggingface/org/name@{COMMIT}"


def test_shards_have_the_commit_that_holds_all_of_them() -> None:
    def shard(number: int, *commits: str) -> ModelUse:
        name = f"model-0000{number}-of-00002.gguf"
        source = HubSource("org/name", commits, name)
        hub = HubPlace("huggingface", (source,), verified=True)
        return make.model_use(
            make.file(f"/h/{number}", f"{number}{number}" * 32, inode=number), hub=hub
        )

    (found,) = components(shard(1, COMMIT), shard(2, COMMIT))
    assert found.version == COMMIT
    both = components(shard(1, COMMIT, OTHER), shard(2, COMMIT, OTHER))
    assert [c.version for c in both] == [""]


@pytest.mark.parametrize("hub", ["ollama", "kaggle", "modelscope"])
def test_what_has_no_registered_package_url_gets_none(hub: str) -> None:
    place = replace(REPO, hub=hub)
    (found,) = components(make.model_use(hub=place))
    assert (found.name, found.claimed, found.purl, found.version) == ("org/name", (), "", "")
    assert ("aibom:hub", hub) in found.properties


def test_files_of_a_data_set_are_one_data_component() -> None:
    uses = [
        make.model_use(
            make.file(f"/h/{i}", f"{i}{i}" * 32, inode=i),
            hub=HubPlace(
                "huggingface",
                (HubSource("org/set", (COMMIT,), f"part-{i}.parquet"),),
                kind="dataset",
                verified=True,
            ),
        )
        for i in (1, 2)
    ]
    (found,) = components(*uses)
    assert (found.kind, found.type, found.name) == ("data", "data", "org/set")
    assert (found.version, found.purl, found.model) == (COMMIT, "", None)
    assert len(found.files) == 2


def test_a_crowd_of_commits_is_cut_short_and_says_so() -> None:
    commits = tuple(f"{i:040x}" for i in range(300))
    place = replace(CLAIM, sources=(replace(SOURCE, commits=commits),))
    (found,) = components(make.model_use(hub=place))
    listed = [value for name, value in found.properties if name == "aibom:hub:commit"]
    assert len(listed) == 101
    assert listed[-1] == "and 200 more"


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
