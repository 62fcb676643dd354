"""SBOMs and the runtime's answers: whatever is in them, a clear error or a result."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.compare.compare import compare
from aibom.declare import observed, recognise
from aibom.formats.containers import cri
from aibom.formats.documents import bomjson
from aibom.formats.packages import purl
from aibom.formats.source import FormatError
from tests import make

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
NAMES = ["name", "version", "purl", "hashes", "properties", "evidence", "components", "type"]
COMPONENT = st.dictionaries(st.sampled_from([*NAMES, "bom-ref", "alg", "content"]), JSON)


def document(**fields: Any) -> bytes:
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6"} | fields).encode()


@settings(max_examples=300)
@given(st.lists(COMPONENT | JSON, max_size=4), JSON, JSON)
def test_wrong_types_everywhere(components: list[Any], metadata: Any, properties: Any) -> None:
    data = document(components=components, metadata=metadata, properties=properties)
    try:
        said = recognise.document(data, "x.json")
        inventory = observed.inventory(data)
    except FormatError:
        return
    compare(inventory, [said])


@given(st.binary(max_size=200))
def test_any_bytes_as_a_document(data: bytes) -> None:
    with pytest.raises(FormatError):
        bomjson.load(data)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_any_bytes_as_an_answer_of_cri(containers: bytes, sandboxes: bytes) -> None:
    try:
        cri.parse(containers, sandboxes)
    except FormatError:
        return


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("pkg:pypi/My_Pkg@1.0", "pkg:pypi/my-pkg@1.0"),
        ("pkg:pypi/a@1?x=y#z", "pkg:pypi/a@1"),
        ("pkg:npm/%40Scope/name@1", "pkg:npm/%40scope/name@1"),
        ("pkg:huggingface/Org/Name@ABC", "pkg:huggingface/org/name@abc"),
    ],
)
def test_purls_that_mean_the_same(one: str, other: str) -> None:
    assert purl.comparable(one) == purl.comparable(other) != ""


@pytest.mark.parametrize("text", ["", "pkg:pypi/a", "not a purl", "pkg:", "pkg:pypi/@1", "pkg://@"])
def test_purls_that_name_nothing(text: str) -> None:
    assert purl.comparable(text) == ""


@given(st.text(max_size=40))
def test_any_text_as_a_purl(text: str) -> None:
    purl.comparable(text)
    purl.comparable("pkg:" + text)


def test_nested_components_and_the_places_where_tools_say_paths() -> None:
    inner = {
        "type": "file",
        "name": "/m/a.gguf",
        "hashes": [{"alg": "SHA-256", "content": "AB" * 32}],
    }
    outer = {
        "type": "library",
        "name": "n",
        "purl": "pkg:pypi/N@1",
        "components": [inner],
        "properties": [{"name": "syft:location:0:path", "value": "/usr/lib/n"}],
        "evidence": {"occurrences": [{"location": "/usr/share/n"}, {"location": "relative"}]},
    }
    first, second = recognise.document(document(components=[outer]), "s.json").claims
    assert first.paths == {"/usr/lib/n", "/usr/share/n"}
    assert (second.sha256, second.paths) == ({"ab" * 32}, {"/m/a.gguf"})
    assert first.document == "s.json"


def test_too_deep_and_no_list() -> None:
    nested: dict[str, Any] = {"name": "x"}
    for _ in range(100):
        nested = {"name": "x", "components": [nested]}
    for components in ([nested], {"name": "x"}, [{"name": "x", "components": {}}]):
        with pytest.raises(FormatError):
            recognise.document(document(components=components), "x")


def test_the_bom_of_another_tool_on_the_observed_side() -> None:
    data = document(
        components=[
            {"type": "library", "name": "torch", "purl": "pkg:pypi/torch@2.0"},
            {"type": "machine-learning-model", "name": "m"},
            {"type": "operating-system", "name": "debian"},
        ]
    )
    found = observed.inventory(data)
    assert [c.kind for c in found.components] == ["package", "model"]
    result = compare(found, make.given([make.claim(purl="pkg:pypi/torch@2.0")]))
    assert [f.kind.name for f in result.findings] == ["undeclared-model"]
