"""An adapter's base: what it names, and what is loaded beside it."""

from dataclasses import replace

import pytest

from aibom.identify.models.bases import with_bases
from aibom.types.inventory import Component, Evidence, ModelDetails
from aibom.types.model import BaseModel, Width
from tests import make

RECORDED = (
    ("aibom:hub", "huggingface"),
    ("aibom:hub:repository", "org/Tiny"),
    ("aibom:hub:claim", "records"),
)
NAMED = (*RECORDED[:2], ("aibom:hub:claim", "names"))


def seen(pid: int) -> tuple[Evidence, ...]:
    return (Evidence("mapped", "/m", "python3", pid, "binary-analysis", 100),)


def base(path: str = "/models/tiny/model.safetensors", pid: int = 7, **fields: object) -> Component:
    details = ModelDetails("safetensors", widths=(Width("q_proj", 64, 64),))
    values: dict[str, object] = {
        "ref": f"model:{path}",
        "name": path.split("/")[-2],
        "files": (make.file(path),),
        "evidence": seen(pid),
        "model": details,
    }
    return make.component("model", **(values | fields))


SMALL = Width("q_proj", 64, 64)


def adapter(reference: str, width: Width = SMALL, pid: int = 7) -> Component:
    details = ModelDetails(
        "safetensors",
        base_models=(BaseModel(reference, reference),) if reference else (),
        widths=(width,),
    )
    return make.component("adapter", ref="adapter:a", model=details, evidence=seen(pid), files=())


def judged(*components: Component) -> tuple[Component, set[str]]:
    found, links = with_bases(components)
    return found[0], {link.target for link in links}


@pytest.mark.parametrize(
    ("reference", "loaded", "by"),
    [
        ("org/Tiny", base(properties=RECORDED), "repository"),
        ("https://huggingface.co/ORG/tiny", base(properties=RECORDED), "repository"),
        ("/models/tiny", base(), "path"),
        ("/models/tiny/", base(), "path"),
        ("org/tiny", base(), "name"),
        ("org/tiny", base("/m/Tiny-GGUF/model.gguf"), "name"),
        ("org/tiny", base("/m/x/tiny.gguf", name="Tiny"), "name"),
    ],
)
def test_a_base_that_agrees_is_no_concern(reference: str, loaded: Component, by: str) -> None:
    found, targets = judged(adapter(reference), loaded)
    assert found.concerns == ()
    assert ("aibom:base:agrees-by", by) in found.properties
    assert ("aibom:base:loaded", loaded.name) in found.properties
    assert targets == {loaded.ref}


@pytest.mark.parametrize(
    ("reference", "loaded", "level"),
    [
        ("org/other", base(properties=RECORDED), "suspicious"),
        ("org/other", base(properties=NAMED), "note"),
        ("org/other", base(), "note"),
        ("/home/me/other", base(properties=RECORDED), "note"),
    ],
)
def test_a_base_that_disagrees_is_a_concern(reference: str, loaded: Component, level: str) -> None:
    found, targets = judged(adapter(reference), loaded)
    ((concern,)) = found.concerns
    assert (concern.kind, concern.level) == ("base-mismatch", level)
    assert reference in concern.detail
    assert targets == {loaded.ref}


def test_weights_that_cannot_fit_are_a_concern_whatever_is_named() -> None:
    found, _ = judged(adapter("org/Tiny", Width("q_proj", 4096, 4096)), base(properties=RECORDED))
    ((concern,)) = found.concerns
    assert concern.level == "suspicious"
    assert "q_proj" in concern.detail


def test_a_model_of_another_process_is_no_base_unless_it_is_the_one_named() -> None:
    found, targets = judged(adapter("org/other"), base(pid=8))
    assert (found.concerns, targets) == ((), set())
    _, targets = judged(adapter("/models/tiny"), base(pid=8))
    assert targets == {"model:/models/tiny/model.safetensors"}


def test_of_several_models_the_one_that_fits_is_the_base() -> None:
    other = base("/m/embedder/model.safetensors")
    details = ModelDetails("safetensors", widths=(Width("query", 384, 384),))
    other = replace(other, model=details)
    found, targets = judged(adapter("org/unknown"), base(), other)
    assert targets == {"model:/models/tiny/model.safetensors"}
    assert found.concerns[0].level == "note"


def test_of_several_that_fit_none_is_chosen() -> None:
    found, targets = judged(adapter("org/unknown"), base(), base("/models/twin/model.safetensors"))
    assert targets == set()
    ((concern,)) = found.concerns
    assert "tiny" in concern.detail
    assert "twin" in concern.detail


def test_of_several_where_none_fits_all_are_told() -> None:
    embedder = base("/m/embedder/model.safetensors", properties=RECORDED)
    embedder = replace(embedder, model=ModelDetails("safetensors"))
    unlike = replace(base(), model=ModelDetails("gguf"))
    found, targets = judged(adapter("org/unknown"), embedder, unlike)
    ((concern,)) = found.concerns
    assert (concern.level, targets) == ("note", set())
    assert "embedder, tiny" in concern.detail


def test_weights_that_fit_none_of_several() -> None:
    wide = adapter("org/unknown", Width("q_proj", 4096, 4096))
    found, targets = judged(wide, base(), base("/models/twin/model.safetensors"))
    ((concern,)) = found.concerns
    assert (concern.level, targets) == ("suspicious", set())
    assert "tiny, twin" in concern.detail


@pytest.mark.parametrize(
    ("configured", "noted"), [("meta-llama/Llama-3.1-8B", True), ("/models/tiny", False)]
)
def test_a_configuration_that_only_the_card_contradicts_is_noted(
    configured: str, *, noted: bool
) -> None:
    named = tuple(BaseModel(name, name) for name in (configured, "/models/tiny"))
    lora = adapter("")
    assert lora.model is not None
    details = replace(lora.model, base_models=named, properties=(("peft.type", "LORA"),))
    found, targets = judged(replace(lora, model=details), base())
    assert targets == {"model:/models/tiny/model.safetensors"}
    assert [(c.level, configured in c.detail) for c in found.concerns] == [("note", True)] * noted


def test_an_adapter_that_names_nothing_is_no_concern() -> None:
    found, targets = judged(adapter(""), base())
    assert found.concerns == ()
    assert targets == {"model:/models/tiny/model.safetensors"}
