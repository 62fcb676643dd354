"""LightGBM and CatBoost."""

import pytest
from builders_b import attempt
from hypothesis import given, settings
from samples import bear_each_spoiled_byte, benign, sample, spoiled_samples

from aibom.formats.models import catboost, lightgbm
from aibom.formats.source import FormatError, MemorySource
from aibom.types.model import ModelHeader

TREES = 20_000
LARGE = (
    b"tree\nversion=v3\nnum_class=3\nmax_feature_idx=9\nobjective=multiclass num_class:3\n"
    b"feature_names=objective=x num_class=7\ntree_sizes=" + b"447 " * TREES + b"\n\nTree=0\n"
    b"num_class=8\n" + b"leaf_value=1\n" * 100_000 + b"\nend of trees\n\nparameters:\n"
    b"[boosting: dart]\n[objective: multiclass]\nend of parameters\n\npandas_categorical:null\n"
)


def test_lightgbm_file_of_the_library() -> None:
    header = lightgbm.parse(MemorySource(sample("lightgbm")))
    assert header == ModelHeader(
        format="lightgbm",
        format_version="v4",
        properties=(
            ("num_class", "1"),
            ("num_feature", "3"),
            ("num_trees", "2"),
            ("objective", "binary sigmoid:1"),
        ),
    )


@pytest.mark.parametrize("data", [LARGE, LARGE.replace(b"\n", b"\r\n")])
def test_large_lightgbm_is_read_at_both_ends_only(data: bytes) -> None:
    header = lightgbm.parse(MemorySource(data, budget=300_000))
    assert header is not None
    assert (header.format_version, header.architecture) == ("v3", "dart")
    assert dict(header.properties) == {
        "num_class": "3",
        "num_feature": "10",
        "num_trees": str(TREES),
        "objective": "multiclass num_class:3",
    }


@pytest.mark.parametrize("data", benign("lightgbm"))
def test_benign_lightgbm(data: bytes) -> None:
    assert lightgbm.parse(MemorySource(data)) is None


def test_truncated_lightgbm() -> None:
    with pytest.raises(FormatError, match="without number of classes"):
        lightgbm.parse(MemorySource(LARGE[:25]))


def test_catboost_file_of_the_library() -> None:
    header = catboost.parse(MemorySource(sample("catboost")))
    assert header is not None
    assert header.format_version == "FlabuffersModel_v1"
    shown = dict(header.properties)
    assert shown.pop("model_guid")
    assert shown.pop("train_finish_time").endswith("Z")
    assert shown == {
        "approx_dimension": "1",
        "catboost_version": "1.2.10",
        "categorical_features": "0",
        "classes": "2",
        "float_features": "2",
        "loss_function": "Logloss",
        "text_features": "0",
        "trees": "1",
    }


def test_truncated_catboost() -> None:
    with pytest.raises(FormatError, match="truncated model"):
        catboost.parse(MemorySource(sample("catboost")[:-1]))


@pytest.mark.parametrize("data", benign("catboost"))
def test_benign_catboost(data: bytes) -> None:
    assert not catboost.recognise(data, len(data))
    assert catboost.parse(MemorySource(data)) is None


def test_every_spoiled_byte() -> None:
    bear_each_spoiled_byte(lightgbm, sample("lightgbm"), 400)
    bear_each_spoiled_byte(catboost, sample("catboost"), 100)


@settings(max_examples=200, deadline=None)
@given(spoiled_samples("lightgbm", "catboost"))
def test_spoiled(data: bytes) -> None:
    attempt(lightgbm, data)
    attempt(catboost, data)
