"""Which names may be a model's: a table of real ones, and what must hold of all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.modelnames import ModelNames

EXTENSIONS = (".safetensors", ".gguf", ".onnx", ".pt", ".bin", ".keras")
NAMES = ModelNames(EXTENSIONS)
SHA1, SHA256 = "a1" * 20, "b2" * 32


@pytest.mark.parametrize(
    "name",
    [
        "model.gguf",
        "Model.GGUF",
        "MODEL.SafeTensors",
        ".onnx",
        "model-00001-of-00003.gguf",
        "model.gguf.part1of2",
        "model.gguf.part-a",
        "model.gguf-split-a",
        "model.safetensors.part",
        "model.gguf.downloadInProgress",
        "model.safetensors.incomplete",
        "model.onnx.tmp",
        "model.onnx.8f3a.crdownload",
        SHA256,
        SHA1,
        f"{SHA256}.incomplete",
        f"{SHA256}.0123abcd.incomplete",
        f"{SHA1}.0123abcd.incomplete",
        f"0GZQxB2Z6vO9nE5nqzfPLn_XZ-0=.{SHA256}.incomplete",
        f"0GZQxB2Z6vO9nE5nqzfPLn_XZ-0=.{SHA256}.0123abcd.incomplete",
        f"sha256-{SHA256}",
        f"sha256:{SHA256}",
        f"sha256-{SHA256.upper()}",
        f"sha256-{SHA256}-partial",
        f"sha256-{SHA256}-partial-12",
    ],
)
def test_names_of_models(name: str) -> None:
    assert NAMES.may_be_model(name.encode())


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "gguf",
        "__init__.cpython-311.pyc",
        "libfoo.so",
        "libfoo.so.1.2.3",
        "model.gguf.json",
        "model.gguf.metadata",
        "model.gguf.lock",
        "notes.txt.part",
        "a-file-with-a-long-name-and-many-hyphens-in-it.pyc",
        "x.some-odd-ending",
        SHA256[:-1],
        f"{SHA256}a",
        f"{SHA256}.refs",
        f"{SHA256}.lock",
        f"{SHA1}.json",
        f"{'g' * 64}",
        f"sha256-{SHA1[:-2]}",
        f"{SHA256[:32]}\n{SHA256[33:]}",
    ],
)
def test_names_of_other_files(name: str) -> None:
    assert not NAMES.may_be_model(name.encode())


@given(st.binary(max_size=300), st.sampled_from(EXTENSIONS))
def test_an_extension_is_enough_whatever_stands_before_it(stem: bytes, extension: str) -> None:
    assert NAMES.may_be_model(stem + extension.swapcase().encode())


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_the_answer_does_not_depend_on_what_was_asked_before(names: list[bytes]) -> None:
    asked = ModelNames(EXTENSIONS)
    first = [asked.may_be_model(name) for name in names]
    assert first == [ModelNames(EXTENSIONS).may_be_model(name) for name in names]
    assert first == [asked.may_be_model(name) for name in names]
    assert all(not yes for name, yes in zip(names, first, strict=True) if b"." not in name)


def test_what_is_remembered_has_an_end() -> None:
    asked = ModelNames(EXTENSIONS)
    for number in range(10_000):
        asked.may_be_model(b"x.%d" % number)
    assert len(asked._endings) == 4096
    assert asked.may_be_model(b"x.gguf")


@pytest.mark.parametrize(
    ("name", "known"),
    [
        (b"chroma.sqlite3", True),
        (b"db.sqlite3", False),
        (b"Chroma.sqlite3", False),
        (b"chroma.sqlite3-wal", False),
        (b"model.gguf", True),
    ],
)
def test_whole_names_whose_endings_say_too_little(name: bytes, known: bool) -> None:
    assert ModelNames(EXTENSIONS, ["chroma.sqlite3"]).may_be_model(name) is known


def test_a_whole_name_may_have_no_ending() -> None:
    names = ModelNames([".gguf"], ["model", "chroma.sqlite3"])
    assert names.may_be_model(b"model")
    assert not names.may_be_model(b"label")
    assert not names.may_be_model(b"model.txt")
    assert not names.may_be_model(b"el")
