import json
import zipfile
from typing import Any

import pytest
from builders_a import each_spoiled, spoiled
from builders_b import LAMBDA, Hdf5, attempt, keras_config, keras_zip, torch_zip, zipped
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.formats.models import keras
from aibom.formats.source import FormatError, MemorySource
from aibom.types.model import ModelHeader


def parse(data: bytes) -> ModelHeader | None:
    header = keras.parse(MemorySource(data))
    assert header is None or keras.recognise(data[:4096], len(data))
    return header


def parsed(data: bytes) -> ModelHeader:
    header = parse(data)
    assert header is not None
    return header


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_keras_zip(method: int) -> None:
    assert parse(keras_zip(keras_config("tiny_net"), method=method)) == ModelHeader(
        format="keras",
        name="tiny_net",
        architecture="Sequential",
        properties=(("date_saved", "2026-01-02@03:04:05"), ("keras_version", "3.15.1")),
    )


def hdf5(*, links: tuple[str, ...] = ("model_weights",), **attributes: Any) -> bytes:
    return Hdf5(attributes, links).build()


@pytest.mark.parametrize("modern", [False, True])
@pytest.mark.parametrize("user_block", [0, 512, 1024])
def test_hdf5_model(user_block: int, *, modern: bool) -> None:
    attributes = {
        "backend": "tensorflow",
        "keras_version": "2.15.0",
        "model_config": json.dumps(keras_config()),
    }
    data = Hdf5(attributes, ["model_weights"], modern, user_block=user_block).build()
    assert parse(data) == ModelHeader(
        format="keras-hdf5",
        name="net",
        architecture="Sequential",
        properties=(("backend", "tensorflow"), ("keras_version", "2.15.0")),
    )


def test_hdf5_model_with_fixed_strings() -> None:
    header = parsed(hdf5(keras_version=b"2.2.4", model_config=json.dumps(keras_config()).encode()))
    assert (header.name, header.properties) == ("net", (("keras_version", "2.2.4"),))


def test_hdf5_weights() -> None:
    header = parsed(hdf5(keras_version="2.3.0", backend="theano", layer_names=3))
    assert (header.format, header.name, header.architecture) == ("keras-hdf5", None, None)


@pytest.mark.parametrize(
    "links",
    [
        ("layers", "vars"),
        ("layers", "optimizer", "vars"),
        ("_layer_checkpoint_dependencies", "vars"),
    ],
)
def test_keras_3_weights(links: tuple[str, ...]) -> None:
    assert parse(hdf5(links=links)) == ModelHeader(format="keras-hdf5")


LAMBDAS = [
    ("a Lambda layer", [LAMBDA], "twice"),
    ("none", [], None),
    ("one in a nested model", [keras_config("inner", LAMBDA)], "twice"),
    ("a lambda as an activation", [{"config": {"a": {"class_name": "__lambda__"}}}], "?"),
    ("without a name", [{"class_name": "Lambda", "config": {}}], "?"),
    ("without a config", [{"class_name": "Lambda"}], "?"),
    (
        "several, sorted",
        [LAMBDA, {"class_name": "Lambda", "config": {"name": "a\x1b"}}],
        "a\\x1b, twice",
    ),
]


@pytest.mark.parametrize(
    ("layers", "expected"), [x[1:] for x in LAMBDAS], ids=[x[0] for x in LAMBDAS]
)
def test_lambda_layers(layers: list[Any], expected: str | None) -> None:
    config = keras_config("net", *layers)
    old = hdf5(keras_version="2.1", model_config=json.dumps(config))
    for data in (keras_zip(config), old):
        assert dict(parsed(data).properties).get("lambda_layers") == expected


def layer(**fields: Any) -> dict[str, Any]:
    return {"module": "keras.layers", "class_name": "Dense", "config": {}} | fields


OLD_LAMBDA = {"class_name": "Lambda", "config": {"function": ["4wEAAAA=", None, None]}}
RUNS = [
    ("an ordinary layer", layer(registered_name=None), []),
    ("CVE-2025-1550", layer(module="os", class_name="system"), ["dangerous"]),
    ("a function", layer(module="subprocess", class_name="function", config="run"), ["dangerous"]),
    ("CVE-2025-8747", layer(module="keras.utils", class_name="get_file"), ["dangerous"]),
    (
        "CVE-2025-9906",
        layer(module="keras.config", class_name="enable_unsafe_deserialization"),
        ["dangerous"],
    ),
    ("CVE-2025-12058", layer(config={"vocabulary": "/etc/passwd"}), ["dangerous"]),
    ("an address", layer(config={"vocabulary": "http://x.example/a"}), ["dangerous"]),
    ("a vocabulary of its own", layer(config={"vocabulary": "vocabulary.txt"}), []),
    ("words", layer(config={"vocabulary": ["a", "/b"]}), []),
    ("a class of one's own", layer(module="mine", class_name="Net"), ["note"]),
    ("registered", layer(module=None, registered_name="mine>Net"), ["note"]),
    ("an activation", layer(module="builtins", class_name="function", config="relu"), []),
    ("odd types", layer(module=3, class_name=["x"]), []),
]


@pytest.mark.parametrize(("node", "levels"), [r[1:] for r in RUNS], ids=[r[0] for r in RUNS])
def test_what_a_configuration_runs(node: dict[str, Any], levels: list[str]) -> None:
    config = keras_config("net", node)
    old = hdf5(keras_version="2.1", model_config=json.dumps(config))
    for data in (keras_zip(config), old):
        assert [c.level for c in parsed(data).concerns] == levels


def test_bytecode_runs_where_there_is_no_safe_mode() -> None:
    for node in (LAMBDA, OLD_LAMBDA):
        config = keras_config("net", node)
        assert [c.level for c in parsed(keras_zip(config)).concerns] == ["suspicious"]
        old = hdf5(keras_version="2.1", model_config=json.dumps(config))
        assert [c.level for c in parsed(old).concerns] == ["dangerous"]


def test_configuration_beyond_the_cap() -> None:
    config = keras_config("x" * (2 << 20))
    old = hdf5(keras_version="2.1", model_config=json.dumps(config))
    for data in (keras_zip(config), old):
        header = parsed(data)
        assert (header.name, header.architecture) == (None, None)
        assert dict(header.properties)["damage"] == "configuration larger than 2 MiB, not read"


BENIGN = {
    "zip with a config": zipped([("config.json", b"{}"), ("metadata.json", b"{}")]),
    "metadata of something else": keras_zip(keras_config(), metadata={"version": 1}),
    "one folder down": zipped([("m/" + name, b"{}") for name in ("config.json", "metadata.json")]),
    "wheel": zipped([("pkg/__init__.py", b""), ("pkg-1.dist-info/METADATA", b"")]),
    "docx": zipped([("[Content_Types].xml", b""), ("word/document.xml", b"")]),
    "pytorch": torch_zip({}, {}),
    "truncated zip": keras_zip(keras_config())[:-30],
    "measurements": hdf5(links=("temperature", "pressure"), unit="K", keras="no"),
    "measurements without attributes": hdf5(links=("data",)),
    "empty": hdf5(links=()),
    "only a version": hdf5(keras_version="2.3.0"),
    "groups of a subclassed model": hdf5(links=("vars", "my_layer")),
    "more groups than keras has": hdf5(links=("layers", "vars", "soil")),
    "layers with attributes": hdf5(links=("layers", "vars"), station="north"),
    "vars alone": hdf5(links=("vars",)),
    "no bytes": b"",
    "truncated hdf5": hdf5(keras_version="2.3.0", backend="x")[:200],
}


@pytest.mark.parametrize("data", BENIGN.values(), ids=BENIGN)
def test_benign(data: bytes) -> None:
    assert parse(data) is None


BROKEN = {
    "config is a list": (keras_zip([1]), "config.json"),
    "metadata is a number": (keras_zip(keras_config(), metadata=3), "metadata.json"),
    "deep config": (
        zipped(
            [
                ("metadata.json", b'{"keras_version": "3"}'),
                ("config.json", b"[" * 1_000_000),
                ("model.weights.h5", b""),
            ]
        ),
        "config.json",
    ),
    "hdf5 config": (hdf5(keras_version="2", model_config="{'single': 1}"), "model_config"),
    "hdf5 end": (Hdf5({"keras_version": "2", "backend": "x"}, trailer=99).build(), "truncated"),
}


@pytest.mark.parametrize(("data", "message"), BROKEN.values(), ids=BROKEN)
def test_certain_and_broken(data: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        parse(data)


@pytest.mark.parametrize("value", [None, 3, [], {}, {"name": 3}, "x", {"name": ["a"]}])
def test_config_of_other_shapes(value: Any) -> None:
    header = parsed(keras_zip({"class_name": value, "config": value}))
    assert header.name is None


SAMPLES = {
    "zip": keras_zip(keras_config("n", LAMBDA), method=zipfile.ZIP_DEFLATED),
    "hdf5": hdf5(keras_version="3", model_config=json.dumps({"class_name": "S"})),
}


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_spoiled_byte(sample: str) -> None:
    for data in each_spoiled(SAMPLES[sample]):
        attempt(keras, data)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_arbitrary_bytes(data: bytes) -> None:
    for prefix in (b"", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", SAMPLES["hdf5"][:200]):
        attempt(keras, prefix + data)


@settings(max_examples=200, deadline=None)
@given(st.one_of(map(spoiled, SAMPLES.values())))
def test_spoiled(data: bytes) -> None:
    attempt(keras, data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just("Lambda"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["class_name", "config", "name", "layers"]), inner)
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["class_name", "config", "module"]), JSON))
def test_any_configuration(config: dict[str, Any]) -> None:
    assert attempt(keras, keras_zip(config)) is not None
