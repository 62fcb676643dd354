import pytest
from builders_a import ORDINARY, Metered, each_spoiled, pb, spoiled
from builders_graphs import attempt, paddle, paddle_variable, read
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.formats.models import paddle as module
from aibom.formats.source import FormatError
from aibom.types.model import ModelHeader

FP16, FP32, FEED = 4, 5, 9
TYPICAL = paddle(
    [
        paddle_variable("w", (4, 2), FP16),
        paddle_variable("b", (2,), FP32),
        paddle_variable("x", (-1, 4), FP32, persistable=0),
        paddle_variable("feed", (), FP32, var_type=FEED),
    ],
    operators=3,
)


def test_typical_file() -> None:
    assert read(module, TYPICAL) == ModelHeader(
        format="paddle",
        parameters=10,
        quantization="FP16",
        tensors=2,
        properties=(("operators", "3"), ("paddle_version", "2.4.2")),
        references=("{stem}.pdiparams",),
    )


def test_a_program_without_weights_needs_no_other_file() -> None:
    assert read(module, paddle([])).references == ()


def test_a_version_that_is_none() -> None:
    assert dict(read(module, paddle([], version=0)).properties) == {"operators": "1"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (paddle([paddle_variable("w", (2**40, 2**40))]), "overflow"),
        (paddle([paddle_variable("w", (1,) * 40)]), "too many dimensions"),
        (paddle([pb(3, b"\x12\x7fab")]), "longer than its message"),
    ],
)
def test_lies(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        module.parse(Metered(data))


@pytest.mark.parametrize(
    "data",
    [
        *ORDINARY.values(),
        paddle([]) + pb(9, "x"),
        paddle([])[:-1],
        pb(1, pb(1, 0) + pb(2, 1) + paddle_variable("w", (1,))),
        pb(1, pb(1, 1) + pb(2, -1) + paddle_variable("w", (1,))),
    ],
)
def test_no_model(data: bytes) -> None:
    assert attempt(module, data) is None


def test_every_truncation_and_flipped_byte() -> None:
    for data in each_spoiled(TYPICAL):
        attempt(module, data)


@settings(deadline=None, max_examples=300)
@given(spoiled(TYPICAL))
def test_spoiled(data: bytes) -> None:
    attempt(module, data)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes(data: bytes) -> None:
    attempt(module, paddle([data]))
    attempt(module, paddle([pb(3, data)]))
