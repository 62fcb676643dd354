import contextlib
import json
import struct
from typing import Any

import pytest
from builders_b import attempt
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import bear_each_spoiled_byte, benign, sample, spoiled_samples

from aibom.formats.models import ubjson, xgboost, xgboost_binary
from aibom.formats.source import FormatError, MemorySource
from aibom.types.model import ModelHeader

RULES = ("xgboost-json", "xgboost-ubj")


def parsed(data: bytes) -> ModelHeader | None:
    return xgboost.parse(MemorySource(data))


def document(**changes: Any) -> dict[str, Any]:
    model = {"gbtree_model_param": {"num_parallel_tree": "1", "num_trees": "300"}, "trees": []}
    learner = {
        "attributes": {"note": 'has "version":[9,9,9] and \\"name\\":\\"x\\" in it'},
        "feature_names": ["a", 'b"},"learner_model_param":{"num_feature":"9"}', "c"],
        "feature_types": [],
        "gradient_booster": {"model": model, "name": "gbtree"},
        "learner_model_param": {"num_class": "5", "num_feature": "3", "num_target": "1"},
        "objective": {"name": "multi:softprob"},
    }
    return {"learner": learner | changes, "version": [2, 1, 0]}


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def packed(value: Any) -> bytes:
    """UBJSON as XGBoost writes it."""
    if isinstance(value, dict):
        return b"{" + b"".join(ubjson.key(k.encode()) + packed(v) for k, v in value.items()) + b"}"
    if isinstance(value, list):
        return b"[#" + packed(len(value)) + b"".join(map(packed, value))
    if isinstance(value, int):
        return b"L" + struct.pack(">q", value)
    return b"S" + ubjson.key(value.encode())


EXPECTED = {
    "feature_names": "3",
    "num_class": "5",
    "num_feature": "3",
    "num_target": "1",
    "num_trees": "300",
    "objective": "multi:softprob",
    "xgboost_version": "2.1.0",
}


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (compact(document()), "xgboost-json"),
        (json.dumps(document(), indent=2).encode(), "xgboost-json"),
        (packed(document()), "xgboost-ubj"),
    ],
)
def test_header(data: bytes, encoding: str) -> None:
    header = parsed(data)
    assert header is not None
    assert (header.format, header.architecture) == (encoding, "gbtree")
    assert dict(header.properties) == EXPECTED


@pytest.mark.parametrize("rule", RULES)
def test_file_of_the_library(rule: str) -> None:
    header = parsed(sample(rule))
    assert header is not None
    assert dict(header.properties)["objective"] == "reg:squarederror"
    assert dict(header.properties)["num_trees"] == "2"


@pytest.mark.parametrize("write", [compact, packed])
def test_dart_is_not_the_booster_inside_it(write: Any) -> None:
    inner = {"model": {}, "name": "gbtree"}
    dart = {"gbtree": inner, "name": "dart", "weight_drop": [1, 1]}
    header = parsed(write(document(gradient_booster=dart)))
    assert header is not None
    assert header.architecture == "dart"


@pytest.mark.parametrize("write", [compact, packed])
def test_large_file_is_read_at_both_ends_only(write: Any) -> None:
    trees = ["t" * 100] * 100_000
    booster = {
        "model": {"gbtree_model_param": {"num_trees": "7"}, "trees": trees},
        "name": "gbtree",
    }
    source = MemorySource(write(document(gradient_booster=booster)), budget=200_000)
    header = xgboost.parse(source)
    assert header is not None
    assert dict(header.properties) == EXPECTED | {"num_trees": "7"}


@pytest.mark.parametrize("write", [compact, packed])
def test_names_beyond_the_window_are_not_counted(write: Any) -> None:
    header = parsed(write(document(feature_names=["n" * 50] * 5_000)))
    assert header is not None
    assert "feature_names" not in dict(header.properties)
    assert dict(header.properties)["num_feature"] == "3"


@pytest.mark.parametrize("rule", RULES)
def test_truncated(rule: str) -> None:
    with pytest.raises(FormatError, match="without its parameters"):
        parsed(sample(rule)[:-400])


@pytest.mark.parametrize("data", [d for rule in RULES for d in benign(rule)])
def test_benign(data: bytes) -> None:
    header = parsed(data)
    assert header is None or header.format == "xgboost-json"  # the benign one of the other rule


@pytest.mark.parametrize(
    "value", [None, [], ["1"], {}, {"num_class": "x" * 99}, {"num_trees": 3}, "text", 3]
)
@pytest.mark.parametrize("key", ["learner_model_param", "gradient_booster", "objective"])
def test_members_of_other_shapes(key: str, value: Any) -> None:
    attempt(xgboost, compact(document(**{key: value})))


@pytest.mark.parametrize("rule", RULES)
def test_every_spoiled_byte(rule: str) -> None:
    bear_each_spoiled_byte(xgboost, sample(rule), 200)


@settings(max_examples=200, deadline=None)
@given(spoiled_samples(*RULES))
def test_spoiled(data: bytes) -> None:
    attempt(xgboost, data)


UBJSON = [
    (b"i\xff", -1),
    (b"U\xff", 255),
    (b"I\x01\x00", 256),
    (b"l\x00\x01\x00\x00", 65536),
    (b"d\x3f\x80\x00\x00", 1.0),
    (b"D\x3f\xf0\x00\x00\x00\x00\x00\x00", 1.0),
    (b"T", True),
    (b"Z", None),
    (b"Ca", "a"),
    (b"SU\x02ab", "ab"),
    (b"[]", []),
    (b"[TF]", [True, False]),
    (b"[#U\x02TF", [True, False]),
    (b"[$U#U\x03\x01\x02\x03", [1, 2, 3]),
    (b"{U\x01aT}", {"a": True}),
    (b"{$U#U\x01U\x01a\x07", {"a": 7}),
]


@pytest.mark.parametrize(("data", "expected"), UBJSON)
def test_ubjson(data: bytes, expected: Any) -> None:
    assert ubjson.value(data, 0) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"i",
        b"SU\xffab",
        b"Si\xffab",
        b"[#L\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"[" * 99,
        b"Q",
        b"[$T#L\x00\x00\x00\x10\x00\x00\x00\x00",
        b"{U\x01aTU\x01aF}",
        b"ST",
        b"[TF",
    ],
)
def test_broken_ubjson(data: bytes) -> None:
    with pytest.raises(FormatError):
        ubjson.value(data, 0)


@given(st.binary(max_size=200))
def test_any_ubjson(data: bytes) -> None:
    with contextlib.suppress(FormatError):
        ubjson.value(data, 0)


def test_binary_files_of_the_library() -> None:
    trees = xgboost_binary.parse(MemorySource(sample("xgboost-binary")))
    assert trees == ModelHeader(
        format="xgboost-binary",
        architecture="gbtree",
        properties=(
            ("num_class", "3"),
            ("num_feature", "6"),
            ("num_target", "1"),
            ("num_trees", "12"),
            ("objective", "multi:softprob"),
            ("xgboost_version", "2.1"),
        ),
    )
    linear = xgboost_binary.parse(MemorySource(sample("xgboost-binary", 1)))
    assert linear is not None
    assert linear.architecture == "gblinear"
    assert "num_trees" not in dict(linear.properties)


@pytest.mark.parametrize("data", [*benign("xgboost-binary"), b"", b"binf"])
def test_benign_binary(data: bytes) -> None:
    assert not xgboost_binary.recognise(data, len(data))
    assert xgboost_binary.parse(MemorySource(data)) is None


def test_every_spoiled_byte_of_a_binary() -> None:
    bear_each_spoiled_byte(xgboost_binary, sample("xgboost-binary"), 400)
