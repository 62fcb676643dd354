import json
from typing import Any

import pytest
from builders_b import attempt, keras_config, keras_zip, torch_zip, zipped
from hypothesis import given, settings
from samples import bear_each_spoiled_byte, benign, sample, spoiled_samples

from aibom.formats.models import skops
from aibom.formats.source import MemorySource
from aibom.types.concerns import Concern
from aibom.types.model import ModelHeader


def node(name: str, loader: str = "ObjectNode", **members: Any) -> dict[str, Any]:
    module, _, cls = name.rpartition(".")
    return {"__class__": cls, "__module__": module, "__loader__": loader, **members}


def file(root: dict[str, Any], **members: Any) -> bytes:
    schema = root | {"protocol": 2, "_skops_version": "0.16.0"} | members
    return zipped([("1.npy", b"\x93NUMPY"), ("schema.json", json.dumps(schema, indent=2).encode())])


def parsed(data: bytes) -> ModelHeader | None:
    return skops.parse(MemorySource(data))


def test_files_of_the_library() -> None:
    assert parsed(sample("skops")) == ModelHeader(
        format="skops",
        format_version="2",
        architecture="LogisticRegression",
        properties=(("library", "sklearn"), ("skops_version", "0.16.0")),
    )
    evil = parsed(sample("skops", 1))
    assert evil is not None
    assert (evil.architecture, evil.globals) == ("FunctionTransformer", ("posix.system",))
    assert evil.concerns == (
        Concern("custom-code", "note", "imports more than estimators: posix.system"),
    )


@pytest.mark.parametrize(
    ("name", "loader", "listed"),
    [
        ("builtins.str", "JsonNode", False),
        ("builtins.eval", "FunctionNode", True),
        ("builtins.eval", "TypeNode", True),
        ("sklearn.tree._tree.Tree", "TreeNode", False),
        ("sklearn.utils.load", "FunctionNode", True),
        ("numpy.ndarray", "NdArrayNode", False),
        ("numpy.load", "FunctionNode", True),
        ("sklearnx.Model", "ObjectNode", True),
        ("my.Model", "ObjectNode", True),
    ],
)
def test_globals(name: str, loader: str, *, listed: bool) -> None:
    root = node(
        "sklearn.a.B", content=node("builtins.dict", "DictNode", content=[node(name, loader)])
    )
    header = parsed(file(root))
    assert header is not None
    assert header.globals == ((name,) if listed else ())
    assert bool(header.concerns) == listed


def test_model_within_a_dictionary() -> None:
    inside = {"model": node("sklearn.linear_model.Ridge")}
    header = parsed(file(node("builtins.dict", "DictNode", content=inside)))
    assert header is not None
    assert header.architecture == "Ridge"


def test_large_schema_gives_its_root_only() -> None:
    content = [node("os.system", "FunctionNode", doc="x" * 1000)] * 5_000
    header = parsed(file(node("sklearn.ensemble.Forest", content=content)))
    assert header is not None
    assert (header.architecture, header.globals) == ("Forest", ())
    assert dict(header.properties)["damage"] == "schema larger than 4 MiB, not read"


BENIGN = {
    "keras": keras_zip(keras_config()),
    "pytorch": torch_zip({}, {}),
    "a schema of something else": zipped([("schema.json", b'{"type": "object"}')]),
    "without a version": file(node("a.B"), _skops_version=None),
    "containers only": file(node("builtins.dict", "DictNode", content={})),
    "broken": zipped([("schema.json", b'{"__class__": "A"')]),
    "large and of something else": zipped([("schema.json", b'{"a": "' + b"x" * (5 << 20) + b'"}')]),
    "deep": zipped([("schema.json", b'{"__class__": ' + b"[" * 100_000)]),
    "no zip": b"PK\x03\x04" + bytes(100),
}


@pytest.mark.parametrize("data", [*BENIGN.values(), *benign("skops")])
def test_benign(data: bytes) -> None:
    assert parsed(data) is None


@pytest.mark.parametrize("value", [None, 3, [], {}, "x\x1b", "y" * 5_000])
@pytest.mark.parametrize("key", ["__module__", "__class__", "protocol", "content"])
def test_members_of_other_shapes(key: str, value: Any) -> None:
    attempt(skops, file(node("a.B") | {key: value}, **{key: value}))


def test_every_spoiled_byte() -> None:
    bear_each_spoiled_byte(skops, file(node("sklearn.a.B")))


@settings(max_examples=100, deadline=None)
@given(spoiled_samples("skops"))
def test_spoiled(data: bytes) -> None:
    attempt(skops, data)
