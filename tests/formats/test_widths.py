"""Shapes by module name, and what does not fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.models import widths
from aibom.types.model import Width

LAYER = "model.layers.0.self_attn"


def test_a_models_matrices_are_known_by_their_last_name() -> None:
    shapes = [
        (f"{LAYER}.q_proj.weight", (64, 32)),
        ("model.layers.1.self_attn.q_proj.weight", (64, 32)),
        (f"{LAYER}.q_proj.bias", (64,)),
        ("model.norm.weight", (32,)),
        ("lm_head.weight", (1000, 32)),
    ]
    assert widths.of_model(shapes) == (Width("lm_head", 1000, 32), Width("q_proj", 64, 32))


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        ("base_model.model.{}.q_proj.lora_A.weight", "base_model.model.{}.q_proj.lora_B.weight"),
        (
            "base_model.model.{}.q_proj.lora_A.default.weight",
            "base_model.model.{}.q_proj.lora_B.default.weight",
        ),
        ("{}.q_proj.lora_down.weight", "{}.q_proj.lora_up.weight"),
        ("{}.q_proj.lora.down.weight", "{}.q_proj.lora.up.weight"),
        ("{}.q_proj.weight.lora_a", "{}.q_proj.weight.lora_b"),
    ],
)
def test_an_adapters_factors_have_the_shape_of_what_they_change(inner: str, outer: str) -> None:
    shapes = {inner.format(LAYER): (8, 32), outer.format(LAYER): (64, 8)}
    assert widths.of_adapter(shapes) == (Width("q_proj", 64, 32),)


def test_half_a_pair_says_nothing() -> None:
    assert widths.of_adapter({"x.q_proj.lora_A.weight": (8, 32)}) == ()


def test_what_does_not_fit_is_named_and_what_has_another_name_is_not() -> None:
    base = [Width("q_proj", 64, 32), Width("v_proj", 16, 32)]
    assert widths.conflicts([Width("q_proj", 64, 32), Width("other", 1, 1)], base) == ()
    assert widths.conflicts([Width("v_proj", 64, 32)], base) == ("v_proj",)


def test_too_many_shapes_are_none() -> None:
    assert widths.of_model((f"m{i}.weight", (i, 1)) for i in range(1000)) == ()


@given(st.dictionaries(st.text(max_size=60), st.tuples(st.integers(0), st.integers(0))))
def test_any_names_are_taken(shapes: dict[str, tuple[int, int]]) -> None:
    assert isinstance(widths.of_adapter(shapes), tuple)
    assert isinstance(widths.of_model(shapes.items()), tuple)
