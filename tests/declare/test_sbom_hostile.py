"""Whatever is in an SBOM: what it claims, or a clear error."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.compare.compare import compare
from aibom.declare import observed, recognise
from aibom.formats.documents import jsondoc
from aibom.formats.source import FormatError
from aibom.types.inventory import Inventory, Workload
from tests.declare.test_sbom_cyclonedx import XML
from tests.declare.test_sbom_spdx import AS_JSON, SPDX_3, SYFT, TAG_VALUE

CYCLONEDX = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "metadata": {"component": {"type": "container", "name": "a"}, "tools": {"components": []}},
    "components": [
        {
            "type": "machine-learning-model",
            "name": "m",
            "bom-ref": "m",
            "purl": "pkg:huggingface/a/b@1",
            "licenses": [{"license": {"id": "MIT"}}, {"expression": "MIT"}],
            "hashes": [{"alg": "SHA-256", "content": "a" * 64}],
            "pedigree": {"ancestors": [{"name": "b", "purl": "pkg:huggingface/a/c@1"}]},
            "modelCard": {
                "modelParameters": {"task": "t", "datasets": [{"name": "d"}]},
                "properties": [{"name": "aibom:parameters", "value": "7"}],
            },
            "components": [{"type": "file", "name": "/m/a", "hashes": []}],
            "evidence": {"occurrences": [{"location": "/m/a"}]},
            "properties": [{"name": "aibom:kind", "value": "model"}],
        }
    ],
    "services": [{"name": "s", "endpoints": ["https://h"], "provider": {"name": "p"}}],
    "dependencies": [{"ref": "m", "dependsOn": ["m"]}],
}
DOCUMENTS = [CYCLONEDX, AS_JSON, SPDX_3, SYFT]
TEXTS = [XML.encode(), TAG_VALUE.encode(), *(json.dumps(d).encode() for d in DOCUMENTS)]
ODD = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just([]) | st.just({})
INVENTORY = Inventory(Workload("processes", "x"))


def check(data: bytes) -> None:
    said, error = None, ""
    try:
        said = recognise.document(data, "x")
    except FormatError as caught:
        error = str(caught)
    assert "\n" not in error
    if said is not None:
        assert compare(INVENTORY, [said]).verdicts == ()


def check_observed(data: bytes) -> None:
    try:
        observed.inventory(data)
    except FormatError:
        return


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children: Any = ()
    if isinstance(value, dict):
        children = value.items()
    elif isinstance(value, list):
        children = enumerate(value)
    return [path, *(p for key, child in children for p in _paths(child, (*path, key)))]


PLACES = [(i, path) for i, d in enumerate(DOCUMENTS) for path in _paths(d) if path]


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(PLACES), ODD)
def test_a_value_of_another_type_anywhere(place: tuple[int, tuple[Any, ...]], odd: Any) -> None:
    index, path = place
    document = json.loads(json.dumps(DOCUMENTS[index]))
    parent = document
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = odd
    data = json.dumps(document).encode()
    check(data)
    check_observed(data)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(TEXTS), st.data())
def test_truncated_and_mutated(text: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    middle = data.draw(st.binary(max_size=6))
    rest = text[at + data.draw(st.integers(0, 6)) :] if data.draw(st.booleans()) else b""
    check(text[:at] + middle + rest)
    check_observed(text[:at] + middle + rest)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b'{"bomFormat": "CycloneDX", "x": [' + b"{}," * 6_000_000 + b"1]}", "6,000,000 values"),
        (b'{"bomFormat": "CycloneDX", "x": ' + b"9" * 5_000 + b"}", "a number of thousands"),
        (b'<?xml version="1.0" encoding="utf-7"?><bom/>', "an encoding"),
        (b'<?xml version="1.0" encoding="no-such"?><bom/>', "an encoding"),
        (b"SPDXVersion: SPDX-2.3\n" + b"a\n" * 2_000_000, "2,000,000 lines"),
        (b"SPDXVersion: SPDX-2.3\n" + b"PackageName: a\n" * 500_001, "500,000 packages"),
        (b"services:\n a: [" + b"a," * 1_000_000 + b"a]\n", "1,000,000 values"),
    ],
    ids=["values", "digits", "two-byte", "unknown", "lines", "packages", "yaml"],
)
def test_more_than_is_read(data: bytes, error: str) -> None:
    with pytest.raises(FormatError, match=error):
        recognise.document(data, "x")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (r"a\ud800b", "a\ufffdb"),
        (r"\udfff\ud83d\ude00\ud83d", "\ufffd\U0001f600\ufffd"),
        (r"\\ud800", r"\ud800"),
        (r"\uD800\u0041", "\ufffdA"),
        (r"\\\ud800\\ud800", "\\\ufffd\\ud800"),
    ],
)
def test_half_of_a_character_is_none(written: str, name: str) -> None:
    component = f'{{"type": "library", "name": "{written}", "purl": "pkg:pypi/{written}@1"}}'
    data = f'{{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{component}]}}'
    check(data.encode())
    check_observed(data.encode())
    assert jsondoc.load(data.encode())["components"][0]["name"] == name


def test_millions_of_halves_are_refused() -> None:
    with pytest.raises(FormatError, match="surrogates"):
        jsondoc.load(b'{"x": "' + rb"\ud800" * (jsondoc.MAX_SURROGATES + 1) + b'"}')
