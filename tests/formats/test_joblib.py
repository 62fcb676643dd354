import bz2
import gzip
import lzma
import pickle
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from builders_a import each_spoiled, spoiled
from builders_b import (
    EVIL,
    Made,
    Name,
    attempt,
    estimator,
    joblib_array,
    lz4_frame,
    lz4_literals,
    pickled,
    state_dict,
    tensor,
    torch_legacy,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.formats.models import joblib
from aibom.formats.models.lz4_frame import unpack as unpack_lz4
from aibom.formats.source import MemorySource
from aibom.types.model import ModelHeader

FOREST = "sklearn.ensemble._forest.RandomForestClassifier"
STATE = {"n_estimators": 10, "_sklearn_version": "1.9.1"}


def parse(data: bytes) -> ModelHeader | None:
    header = joblib.parse(MemorySource(data))
    assert header is None or joblib.recognise(data[:4096], len(data))
    return header


def parsed(data: bytes) -> ModelHeader:
    header = parse(data)
    assert header is not None
    return header


@pytest.mark.parametrize("protocol", [2, 4])
def test_estimator(protocol: int) -> None:
    assert parse(pickled(estimator(FOREST, STATE), protocol)) == ModelHeader(
        format="pickle",
        format_version=str(protocol),
        architecture="RandomForestClassifier",
        globals=(FOREST,),
        properties=(("library", "sklearn"), ("sklearn_version", "1.9.1")),
    )


def test_protocol_0() -> None:
    data = b"ccopy_reg\n_reconstructor\n(csklearn.svm._classes\nSVC\nc__builtin__\nobject\nNtR."
    header = parsed(data)
    assert (header.format_version, header.architecture) == (None, "SVC")


ARRAYS: list[tuple[str, Made]] = [
    ("floats", joblib_array("f8", (2, 3), bytes(48))),
    ("scalar", joblib_array("i4", (), bytes(4))),
    ("nothing in it", joblib_array("i4", (5, 0), b"")),
    ("text", joblib_array("U5", (2,), bytes(40))),
    ("bytes", joblib_array("S7", (2,), bytes(14))),
    ("records", joblib_array("V64", (3,), bytes(192))),
    ("no padding to skip", joblib_array("f8", (2,), bytes(16), padding=0)),
    ("joblib before 1.2", joblib_array("f8", (2,), bytes(16), padding=None)),
    ("bytes that look like opcodes", joblib_array("S1", (12,), b"cos\nremove\n.")),
    (
        "objects, in a pickle of their own",
        joblib_array("O8", (1,), pickled([1, "x"]), padding=None),
    ),
]


@pytest.mark.parametrize("array", [a[1] for a in ARRAYS], ids=[a[0] for a in ARRAYS])
@pytest.mark.parametrize("protocol", [2, 4])
def test_what_follows_an_array_is_seen(array: Made, protocol: int) -> None:
    state = {"coef_": array, "evil": EVIL, "_sklearn_version": "1.9.1"}
    header = parsed(pickled(estimator("sklearn.svm.SVC", state), protocol))
    assert (header.format, header.architecture) == ("joblib", "SVC")
    assert "posix.system" in header.globals
    assert header.properties == (("library", "sklearn"), ("sklearn_version", "1.9.1"))


def test_what_pickle_load_takes_for_opcodes() -> None:
    """Opcodes in the place of an array's bytes: joblib.load skips them, pickle.load runs them."""
    array = joblib_array("S1", (12,), b"cos\nremove\n.", padding=None)
    header = parsed(pickled(estimator("sklearn.svm.SVC", {"a": array, "b": EVIL})))
    assert {"os.remove", "posix.system"} <= set(header.globals)
    floats = joblib_array("f8", (2,), b"c\xff\n\xff\n" + bytes(11), padding=None)
    assert (
        "\ufffd.\ufffd" not in parsed(pickled(estimator("sklearn.svm.SVC", {"a": floats}))).globals
    )


def test_objects_nested_in_an_array_are_seen() -> None:
    array = joblib_array("O8", (1,), pickled([EVIL], 4), padding=None)
    assert "posix.system" in parsed(pickled(estimator("sklearn.svm.SVC", {"a": array}))).globals


@pytest.mark.parametrize(
    "array",
    [
        joblib_array("f8", (2**40,), bytes(8)),
        joblib_array("f8", (2**70, 2**70), bytes(8)),
        joblib_array("f99999999999", (1,), bytes(8)),
        joblib_array("?", (1,), bytes(8)),
        joblib_array("f8", ("many",), bytes(8)),
        joblib_array("f8", (-1,), bytes(8)),
        joblib_array("f8", (1,), b"", padding=200),
    ],
)
def test_arrays_that_lie_end_the_walk(array: Made) -> None:
    header = parsed(pickled(estimator("sklearn.svm.SVC", {"coef_": array})))
    assert header.architecture == "SVC"
    assert [name for name, _ in header.properties] == ["damage", "library"]


def test_opcodes_behind_an_array_wrapper_in_one_frame() -> None:
    """joblib reads raw bytes from behind the frame, so these are opcodes, not an array."""
    wrapper = joblib_array("S1", (50,), b"", padding=None)
    inner = pickled([estimator("sklearn.svm.SVC"), wrapper, EVIL], 4)[2:]
    framed = b"\x80\x04\x95" + len(inner).to_bytes(8, "little") + inner + bytes(50)
    assert "posix.system" in parsed(framed).globals


COMPRESSORS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("zlib", zlib.compress),
    ("gzip", gzip.compress),
    ("bz2", bz2.compress),
    ("xz", lzma.compress),
    ("lzma", lambda data: lzma.compress(data, lzma.FORMAT_ALONE)),
    ("lz4", lambda data: lz4_frame([lz4_literals(data[:70]), lz4_literals(data[70:])])),
]


@pytest.mark.parametrize(("method", "compress"), COMPRESSORS, ids=[c[0] for c in COMPRESSORS])
def test_compressed(method: str, compress: Callable[[bytes], bytes]) -> None:
    plain = pickled(estimator(FOREST, STATE | {"array": ARRAYS[0][1]}), 4)
    expected = parsed(plain)
    header = parsed(compress(plain))
    assert header.properties == (("compression", method), *expected.properties)
    assert (header.architecture, header.globals) == (expected.architecture, expected.globals)
    assert parse(compress(pickled([1, 2, 3]))) is None
    assert parse(compress(b"just a log file\n" * 100)) is None
    assert parse(compress(b"")) is None


@pytest.mark.parametrize(("method", "compress"), COMPRESSORS, ids=[c[0] for c in COMPRESSORS])
def test_cut_off_while_compressed(method: str, compress: Callable[[bytes], bytes]) -> None:
    junk = bytes(range(256)) * 8
    data = compress(pickled([estimator(FOREST), junk, EVIL], 4))
    header = parse(data[: len(data) * 9 // 10])
    if method != "bz2":  # which gives nothing before a whole block is there
        assert header is not None
        assert ("damage", "only its start was decompressed") in header.properties


@pytest.mark.parametrize(
    "compress", [c[1] for c in COMPRESSORS[:5]], ids=[c[0] for c in COMPRESSORS[:5]]
)
def test_bombs(compress: Callable[[bytes], bytes]) -> None:
    """64 MB of zeros behind a model: only a few are made, and fewer read."""
    start = pickled([estimator(FOREST)], 4)[:-2]
    data = compress(start + b"B" + (1 << 26).to_bytes(4, "little") + bytes(1 << 26) + b"e.")
    header = parsed(data)
    assert ("damage", "only its start was decompressed") in header.properties


def test_lz4_matches() -> None:
    """'abcabcabcab' + 'X' * 40: a match that overlaps, and one with a length of several bytes."""
    block = b"\x34abc\x03\x00" + b"\x1fX\x01\x00\x14" + b"\x20.."
    content = b"abc" + b"abcabcab" + b"X" + b"X" * 39 + b".."
    assert unpack_lz4(MemorySource(lz4_frame([block])), 1000) == (content, True)
    assert unpack_lz4(MemorySource(lz4_frame([block])), 10) == (content[:10], False)
    raw = b"\x04\x22\x4d\x18\x60\x40\x82\x03\0\0\x80abc\0\0\0\0"
    assert unpack_lz4(MemorySource(raw), 1000) == (b"abc", True)
    assert unpack_lz4(MemorySource(lz4_frame([b"\x10a\x09\x00"])), 1000) == (b"a", False)


LIBRARIES = [
    ("sklearn.pipeline.Pipeline", "Pipeline"),
    ("xgboost.sklearn.XGBClassifier", "XGBClassifier"),
    ("lightgbm.sklearn.LGBMRegressor", "LGBMRegressor"),
    ("catboost.core.CatBoostClassifier", "CatBoostClassifier"),
    ("torch.nn.modules.linear.Linear", "Linear"),
    ("transformers.models.bert.modeling_bert.BertModel", "BertModel"),
    ("statsmodels.regression.linear_model.OLS", "OLS"),
    ("spacy.lang.en.English", "English"),
    ("gensim.models.word2vec.Word2Vec", "Word2Vec"),
    ("keras.src.models.sequential.Sequential", "Sequential"),
]


@pytest.mark.parametrize(("path", "name"), LIBRARIES)
def test_libraries(path: str, name: str) -> None:
    header = parsed(pickled({"model": estimator(path), "columns": ["a"]}))
    assert header.architecture == name
    assert ("library", path.partition(".")[0]) in header.properties


def test_the_outermost_model_names_it() -> None:
    inner = {"steps": [estimator("sklearn.svm.SVC"), estimator("sklearn.decomposition.PCA")]}
    header = parsed(pickled(estimator("sklearn.pipeline.Pipeline", inner)))
    assert header.architecture == "Pipeline"


def test_a_function_is_no_architecture() -> None:
    maker = Made(Name("keras.src.saving", "unpickle_model"), (b"zip",))
    header = parsed(pickled(maker))
    assert (header.architecture, header.properties) == (None, (("library", "keras"),))


def test_torch_tensors_are_a_model_only_by_their_names() -> None:
    plain = Made(Name("torch._utils", "_rebuild_tensor_v2"), (1,))
    assert parse(pickled({"features": plain})) is None
    header = parsed(pickled(state_dict({"layer.weight": plain})))
    assert (header.architecture, header.properties) == (None, (("library", "torch"),))


def path_value(path: str) -> Made:
    module, _, name = path.rpartition(".")
    return Made(Name(module, name), (1,), state={"a": 1})


BENIGN: dict[str, Any] = {
    "list": [1, 2, 3],
    "dict": {"a": {"b": (1, 2)}},
    "number": 3,
    "numpy array": path_value("numpy._core.multiarray._reconstruct"),
    "pandas frame": [
        path_value("pandas.core.frame.DataFrame"),
        path_value("pandas.core.internals.managers.BlockManager"),
    ],
    "datetime": path_value("datetime.datetime"),
    "class of one's own": path_value("myapp.sklearn_like.Thing"),
    "similar top module": path_value("sklearnex.svm.SVC"),
    "dataset of scikit-learn": path_value("sklearn.utils._bunch.Bunch"),
    "tensor": {"x": tensor("0")},
    "encoded text": path_value("transformers.tokenization_utils_base.BatchEncoding"),
    "array in joblib": joblib_array("f8", (2,), bytes(16)),
    "an evil pickle that is no model": EVIL,
}


@pytest.mark.parametrize("value", BENIGN.values(), ids=BENIGN)
def test_benign(value: Any) -> None:
    for protocol in (2, 4):
        plain = pickled(value, protocol)
        assert parse(plain) is None
        assert parse(zlib.compress(plain)) is None


def test_other_files() -> None:
    for data in (
        b"",
        b"\x80",
        b"\x80\x09x",
        b"PK\x03\x04" + bytes(30),
        b"x\x9c",
        b"BZh9",
        b"\x1f\x8b\x08",
    ):
        assert parse(data) is None
    legacy = torch_legacy(state_dict({"a.weight": tensor("0")}), {"0": 16})
    assert parse(legacy) is None  # pytorch.py reads it
    assert not joblib.recognise(b"MZ", 100)


def test_broken_pickle_keeps_what_stands_before() -> None:
    header = parsed(pickled([estimator(FOREST, STATE), EVIL])[:-2] + b"\xff")
    assert "posix.system" in header.globals
    assert ("damage", "pickle read in part: unknown opcode") in header.properties


SAMPLE = pickled(estimator(FOREST, STATE | {"a": ARRAYS[0][1], "b": EVIL}), 4)


@pytest.mark.parametrize("compress", [bytes, zlib.compress, COMPRESSORS[5][1]])
def test_every_spoiled_byte(compress: Callable[[bytes], bytes]) -> None:
    for data in each_spoiled(compress(SAMPLE)):
        attempt(joblib, data)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes(data: bytes) -> None:
    magics = (
        b"\x80\x04",
        b"x\x9c",
        b"\x1f\x8b\x08",
        b"BZh",
        b"\xfd7zXZ\0",
        b"]\0\0",
        b'\x04"M\x18',
    )
    for magic in (b"", *magics):
        attempt(joblib, magic + data)


@settings(max_examples=200, deadline=None)
@given(st.one_of(spoiled(SAMPLE), *(spoiled(compress(SAMPLE)) for _, compress in COMPRESSORS)))
def test_spoiled(data: bytes) -> None:
    attempt(joblib, data)


@settings(deadline=None)
@given(
    st.recursive(st.integers() | st.text(), st.lists, max_leaves=9),
    st.integers(2, 5),
)
def test_ordinary_pickles_are_no_models(value: Any, protocol: int) -> None:
    assert parse(pickle.dumps(value, protocol)) is None


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["f8", "i4", "U3"]), st.integers(0, 9)), max_size=5))
def test_what_was_written_is_read(arrays: list[tuple[str, int]]) -> None:
    widths = {"f8": 8, "i4": 4, "U3": 12}
    state: dict[str, Any] = {
        f"a{at}": joblib_array(kind, (count,), b"\xff" * widths[kind] * count)
        for at, (kind, count) in enumerate(arrays)
    }
    header = parsed(pickled(estimator(FOREST, state | STATE), 4))
    assert header.format == ("joblib" if arrays else "pickle")
    assert header.properties == (("library", "sklearn"), ("sklearn_version", "1.9.1"))
