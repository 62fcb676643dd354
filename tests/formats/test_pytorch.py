import json
import zipfile
from typing import Any

import pytest
from builders_a import each_spoiled, spoiled
from builders_b import (
    EVIL,
    Made,
    Name,
    attempt,
    estimator,
    pickled,
    state_dict,
    tensor,
    tensor_v3,
    torch_legacy,
    torch_members,
    torch_zip,
    zipped,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.formats.models import pytorch
from aibom.formats.models.examine import examine
from aibom.formats.source import FormatError, MemorySource
from aibom.rulebook.load import load
from aibom.types.model import ModelHeader

RULES = load()
STATE = state_dict({"a.weight": tensor("0", elements=6), "a.bias": tensor("1", elements=2)})
STORAGES = {"0": 24, "1": 8}
GLOBALS = (
    "collections.OrderedDict",
    "torch.FloatStorage",
    "torch._utils._rebuild_tensor_v2",
)
HEADER = ModelHeader(
    format="pytorch",
    format_version="3",
    parameters=8,
    quantization="float32",
    tensors=2,
    globals=GLOBALS,
)


def parse(data: bytes) -> ModelHeader | None:
    header = pytorch.parse(MemorySource(data))
    assert header is None or pytorch.recognise(data[:4096], len(data))
    return header


def parsed(data: bytes) -> ModelHeader:
    header = parse(data)
    assert header is not None
    return header


def _dangers(data: bytes) -> set[str]:
    """Return the formats that a whole look at a file gives, where it is dangerous."""
    found = examine(MemorySource(data, budget=1 << 24), RULES)
    assert found is not None
    assert any(c.level == "dangerous" for c in found.header.concerns)
    return {found.header.format}


def legacy(value: Any, storages: dict[str, int]) -> bytes:
    return torch_legacy(value, storages)


def test_state_dict() -> None:
    assert parse(torch_zip(STATE, STORAGES)) == HEADER


def test_deflated_and_with_other_case() -> None:
    """PyTorch's reader inflates, and finds records without regard to case."""
    members = torch_members(STATE, STORAGES)
    assert parse(zipped(members, zipfile.ZIP_DEFLATED)) == HEADER
    upper = [(name.replace("data.pkl", "DATA.PKL"), data) for name, data in members]
    assert parse(zipped(upper)) == HEADER


def test_legacy_state_dict() -> None:
    value = state_dict(
        {
            "a.weight": tensor("0", elements=6, legacy=True),
            "a.bias": tensor("1", elements=2, legacy=True),
        }
    )
    header = parsed(torch_legacy(value, STORAGES))
    assert (header.format, header.format_version) == ("pytorch", None)
    assert (header.parameters, header.quantization, header.tensors) == (8, "float32", 2)
    assert header.globals == GLOBALS
    assert header.properties == ()


DTYPES = [
    ("DoubleStorage", 8, "float64"),
    ("FloatStorage", 4, "float32"),
    ("HalfStorage", 2, "float16"),
    ("BFloat16Storage", 2, "bfloat16"),
    ("LongStorage", 8, "int64"),
    ("CharStorage", 1, "int8"),
    ("QInt8Storage", 1, "qint8"),
    ("ComplexFloatStorage", 8, "complex64"),
]


@pytest.mark.parametrize(("storage", "width", "dtype"), DTYPES)
def test_dtypes(storage: str, width: int, dtype: str) -> None:
    header = parsed(torch_zip({"w": tensor("0", storage, 10)}, {"0": 10 * width}))
    assert (header.parameters, header.quantization) == (10, dtype)


def test_new_dtypes_and_the_dominating_one() -> None:
    value = {"a": tensor_v3("0", "float8_e4m3fn", 9), "b": tensor("1", "HalfStorage", 5)}
    header = parsed(torch_zip(value, {"0": 9, "1": 10}))
    assert (header.parameters, header.quantization, header.tensors) == (14, "float8_e4m3fn", 2)


def test_shared_storage_counts_once() -> None:
    header = parsed(torch_zip({"a": tensor("0"), "b": tensor("0")}, {"0": 16}))
    assert (header.parameters, header.tensors) == (4, 2)


def test_unknown_storage_type() -> None:
    header = parsed(
        torch_zip({"a": tensor("0", "NewStorage"), "b": tensor("1")}, {"0": 9, "1": 16})
    )
    assert (header.parameters, header.quantization, header.tensors) == (None, "float32", 2)


def test_storages_without_a_known_tensor_are_counted() -> None:
    header = parsed(torch_zip({"a": 1}, {"0": 8, "1": 8}))
    assert (header.parameters, header.tensors) == (None, 2)


@pytest.mark.parametrize(
    ("value", "storages"),
    [
        ({"lr": 1}, {}),
        (Made(Name("transformers.training_args", "TrainingArguments"), new=True), {}),
        ({"state": {0: {"exp_avg": tensor("0")}}, "param_groups": []}, {"0": 16}),
        ({"python": (3, 1), "numpy": 1, "cpu": tensor("0"), "cuda": tensor("0")}, {"0": 16}),
    ],
)
def test_what_a_training_leaves_is_no_model(value: object, storages: dict[str, int]) -> None:
    assert parse(torch_zip(value, storages)) is None
    if not storages:
        assert parse(torch_legacy(value, {})) is None


def test_whole_module() -> None:
    net = Made(
        Name("transformers.models.llama.modeling_llama", "LlamaForCausalLM"),
        new=True,
        state={"weight": Made(Name("torch._utils", "_rebuild_parameter"), (tensor("0"), True))},
    )
    header = parsed(torch_zip(net, {"0": 16}))
    assert header.architecture == "LlamaForCausalLM"
    assert header.properties == (("library", "transformers"),)
    assert (header.tensors, header.parameters) == (1, 4)


def test_legacy_whole_module() -> None:
    """The legacy form wraps classes into persistent ids, with their source."""
    module = b"".join(
        (
            b"(" + b"".join(b"X" + len(t).to_bytes(4, "little") + t for t in (b"module",)),
            b"c__main__\nNet\n" + b"NN" + b"tQ",
        )
    )
    weights = pickled({"w": tensor("0", elements=2, legacy=True)})[2:-1]
    value = b"\x80\x02" + module + b")\x81" + weights + b"b."
    parts = [pickled(part) for part in (pytorch.LEGACY_MAGIC, 1001, {})]
    header = parsed(b"".join([*parts, value, pickled(["0"]), bytes(16)]))
    assert header.architecture == "Net"
    assert header.globals[0] == "__main__.Net"


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["base_model.model.q.lora_A.weight", "base_model.model.q.lora_B.weight"], "adapter"),
        (["unet.q.lora_down.weight", "unet.q.lora_up.weight", "unet.q.alpha"], "adapter"),
        (["q.weight", "q.lora_A.weight"], "model"),
        (["q.weight", "v.weight"], "model"),
    ],
)
def test_adapter(names: list[str], kind: str) -> None:
    tensors = {name: tensor(str(at)) for at, name in enumerate(names)}
    assert parsed(torch_zip(tensors, dict.fromkeys(map(str, range(len(names))), 16))).kind == kind


def test_torchscript() -> None:
    net = Made(Name("__torch__", "Net"), new=True, state={"w": tensor("0")})
    members = torch_members(net, {"0": 16})
    script = [("m/constants.pkl", pickled(())), ("m/code/__torch__.py", b"class Net: ...")]
    header = parsed(zipped(members + script))
    assert (header.format, header.architecture, header.parameters) == ("torchscript", "Net", 4)
    assert parsed(zipped([*members, script[0]])).format == "pytorch"


def exported(dtype: int = 7, sizes: tuple[Any, ...] = (3, 4)) -> list[tuple[str, bytes]]:
    meta = {"dtype": dtype, "sizes": [{"as_int": size} for size in sizes]}
    config = {"config": {"w": {"path_name": "weight_0", "tensor_meta": meta}}}
    return [
        ("m/archive_format", b"pt2"),
        ("m/archive_version", b"0"),
        ("m/models/model.json", b"{}"),
        ("m/data/weights/weight_0", bytes(48)),
        ("m/data/weights/model_weights_config.json", json.dumps(config).encode()),
    ]


def test_exported_program() -> None:
    assert parse(zipped(exported())) == ModelHeader(
        format="pytorch",
        format_version="0",
        parameters=12,
        quantization="float32",
        tensors=1,
        properties=(("archive", "pt2"),),
    )
    lie = parsed(zipped(exported(sizes=(2**31, 2**31))))
    assert (lie.parameters, lie.tensors) == (None, 1)
    with pytest.raises(FormatError, match="overflow"):
        parse(zipped(exported(sizes=(2**62, 2**62))))
    for sizes in ((-3, 4), ("x",), (None, 2)):
        assert parsed(zipped(exported(sizes=sizes))).parameters is None


def test_evil_pickles_are_listed_and_not_run() -> None:
    """Everywhere: beside tensors, instead of them, behind a break, in a duplicate record."""
    beside = {"w": tensor("0"), "e": EVIL}
    assert "posix.system" in parsed(torch_zip(beside, {"0": 16})).globals
    assert "posix.system" in parsed(torch_zip(EVIL, {"0": 16})).globals
    assert "posix.system" in parsed(torch_legacy(beside, {})).globals
    for alone in (torch_legacy(EVIL, {}), torch_zip(EVIL, {})):  # no model, and dangerous
        assert parse(alone) is None
        assert _dangers(alone) == {"pickle"}
    broken = pickled([EVIL])[:-2] + b"\xff"
    header = parsed(zipped([("m/data.pkl", broken), ("m/version", b"3")]))
    assert header.globals == ("posix.system",)
    assert header.properties == (("damage", "pickle read in part: unknown opcode"),)
    members = torch_members(STATE, STORAGES)
    dressed = zipped([("m/data.pkl", pickled(EVIL)), ("m/version", b"3"), *exported()])
    assert _dangers(dressed)
    with pytest.warns(UserWarning, match="Duplicate"):
        hidden = zipped([("m/data.pkl", pickled(EVIL)), *members])
    assert parsed(hidden).globals == ("collections.OrderedDict", "posix.system", *GLOBALS[1:])
    assert parsed(hidden).parameters == 8


BENIGN = {
    "wheel": [
        ("pkg/__init__.py", b""),
        ("pkg-1.0.dist-info/METADATA", b""),
        ("pkg/data.pkl", b"x"),
    ],
    "jar": [("META-INF/MANIFEST.MF", b""), ("com/x/A.class", b"\xca\xfe\xba\xbe")],
    "docx": [("[Content_Types].xml", b""), ("word/document.xml", b""), ("_rels/.rels", b"")],
    "one folder": [("project/readme.txt", b""), ("project/version", b"1")],
    "only the pickle": [("m/data.pkl", pickled({}))],
    "records at the top": [("data.pkl", pickled({})), ("version", b"3")],
    "two folders": [("a/data.pkl", pickled({})), ("a/version", b"3"), ("b/x", b"")],
    "numpy archive": [("w.npy", b"\x93NUMPY"), ("b.npy", b"\x93NUMPY")],
    "keras": [("config.json", b"{}"), ("metadata.json", b"{}"), ("model.weights.h5", b"")],
    "empty": [],
}


@pytest.mark.parametrize("members", BENIGN.values(), ids=BENIGN)
def test_benign_zips(members: list[tuple[str, bytes]]) -> None:
    assert parse(zipped(members)) is None


def test_benign_pickles() -> None:
    for value in (1, {"a": [1, 2]}, pytorch.LEGACY_PROTOCOL, estimator("sklearn.svm.SVC")):
        data = pickled(value)
        assert not pytorch.recognise(data, len(data))
        assert parse(data) is None
    nested = pickled([pytorch.LEGACY_MAGIC])  # the number in a list is not the first object
    assert parse(nested + bytes(50)) is None


def test_certain_and_broken() -> None:
    whole = torch_zip(STATE, STORAGES)
    with pytest.raises(FormatError, match="directory"):
        parse(whole[:-30])
    members = torch_members(STATE, STORAGES)
    assert parse(zipped([("x/other", b"1"), *members])[:-30]) is None


def test_damaged_legacy_file_says_so() -> None:
    whole = torch_legacy({"w": tensor("0", legacy=True)}, {"0": 16})
    header = parsed(whole[:-20])
    assert header.properties == (("damage", "truncated in the tensors"),)
    assert (header.parameters, header.tensors) == (None, 1)
    other = parsed(torch_legacy([EVIL], {}, version=1002))
    assert other.properties == (("damage", "unknown version of the legacy form"),)
    assert "posix.system" in other.globals
    assert parsed(whole[:150]).properties == (("damage", "pickle read in part: truncated"),)


def test_storages_that_share_bytes_of_the_file() -> None:
    """Records may overlap; their sizes are not added up to more than there is."""
    tensors = {str(at): tensor(str(at), "ByteStorage", 4000) for at in range(5)}
    data = torch_zip(tensors, {"0": 4000} | dict.fromkeys("1234", 0))
    at = data.index(b"m/data/0", data.index(b"PK\x01\x02")) - 46
    sizes, offset = data[at + 20 : at + 28], data[at + 42 : at + 46]
    for key in b"1234":
        entry = data.index(b"m/data/" + bytes([key]), at) - 46
        data = (
            data[: entry + 20] + sizes + data[entry + 28 : entry + 42] + offset + data[entry + 46 :]
        )
    header = parsed(data)
    assert (header.parameters, header.tensors) == (None, 5)
    assert header.properties == (("damage", "tensors larger than the file"),)


@pytest.mark.parametrize("elements", [2**31, 2**63, 2**70, -5])
def test_claimed_numbers_are_not_believed(elements: int) -> None:
    value = {"w": tensor("0", elements=elements, legacy=True)}
    header = parsed(torch_legacy(value, {"0": 16}))
    assert header.parameters in (None, 0)
    assert parsed(torch_zip({"w": tensor("0", elements=elements)}, {"0": 16})).parameters == 4


SAMPLES = {
    "zip": torch_zip({"w": tensor("0"), "e": EVIL}, {"0": 16}),
    "legacy": torch_legacy({"w": tensor("0", legacy=True), "e": EVIL}, {"0": 16}),
    "exported": zipped(exported()),
}


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_spoiled_byte(sample: str) -> None:
    for data in each_spoiled(SAMPLES[sample]):
        attempt(pytorch, data)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes(data: bytes) -> None:
    for prefix in (b"", b"PK\x03\x04", pickled(pytorch.LEGACY_MAGIC), SAMPLES["legacy"][:30]):
        attempt(pytorch, prefix + data)


@settings(max_examples=200, deadline=None)
@given(st.one_of(map(spoiled, SAMPLES.values())))
def test_spoiled(data: bytes) -> None:
    attempt(pytorch, data)


@settings(deadline=None)
@given(
    tensors=st.dictionaries(
        st.text(min_size=1, max_size=8),
        st.tuples(st.sampled_from(DTYPES), st.integers(0, 50)),
        min_size=1,
        max_size=6,
    ),
    legacy=st.booleans(),
)
def test_what_was_written_is_read(
    tensors: dict[str, tuple[tuple[str, int, str], int]], *, legacy: bool
) -> None:
    value, storages = {}, {}
    for at, (name, ((storage, width, _), count)) in enumerate(tensors.items()):
        value[name] = tensor(str(at), storage, count, legacy=legacy)
        storages[str(at)] = width * count
    header = parsed((torch_legacy if legacy else torch_zip)(state_dict(value), storages))
    assert header.tensors == len(tensors)
    assert header.parameters == sum(n for _, n in tensors.values())
    assert header.properties == ()
