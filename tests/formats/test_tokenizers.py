import base64
import json
from typing import Any

import pytest
from builders_a import pb, spoiled
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.formats.modelfolder.tokenizers import Tokenizer, parse
from aibom.formats.models.detect import PARSERS
from aibom.formats.source import MemorySource

ADDED = [{"id": 0, "content": '","model":{"type":"Unigram","vocab":[', "special": True}]


def tokenizer_json(model: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {
        "version": "1.0",
        "truncation": None,
        "added_tokens": ADDED,
        "pre_tokenizer": {"type": "ByteLevel", "vocab": {}},
        "model": model,
    } | members


TOKENS = {'"': 0, "\\": 1, '{"a": 1, ': 2, "ü\n": 3, "]": 4}
MODELS = [
    ({"type": "BPE", "dropout": None, "vocab": TOKENS, "merges": [["a", "b"]]}, 5),
    ({"type": "WordPiece", "unk_token": "[UNK]", "vocab": TOKENS}, 5),
    ({"type": "WordLevel", "vocab": TOKENS, "unk_token": "[UNK]"}, 5),
    ({"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ['"]', -1.5e-7]]}, 2),
]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("escaped", [True, False])
@pytest.mark.parametrize(("model", "size"), MODELS)
def test_tokenizer_json(
    model: dict[str, Any], size: int, indent: int | None, *, escaped: bool
) -> None:
    data = json.dumps(tokenizer_json(model), indent=indent, ensure_ascii=escaped).encode()
    assert parse("tokenizer.json", data) == Tokenizer("huggingface", model["type"], size, 1)


def test_cut_off_tokenizer_json() -> None:
    vocabulary = {f"token{n}": n for n in range(1000)}
    data = json.dumps(tokenizer_json({"type": "BPE", "vocab": vocabulary})).encode()
    assert parse("tokenizer.json", data[:-500]) == Tokenizer("huggingface", "BPE", None, 1)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"model": {"type": "BPE"}},
        {"version": "1.0", "model": {"type": "llama"}},
        ["version"],
        {"version": "1.0", "name": "a package", "dependencies": {}},
    ],
)
def test_other_json(document: Any) -> None:
    assert parse("tokenizer.json", json.dumps(document).encode()) is None


def sentencepiece(kind: int | None, pieces: list[str]) -> bytes:
    data = b"".join(pb(1, pb(1, piece) + pb(3, 1)) for piece in pieces)
    spec = pb(1, "corpus.txt") + (b"" if kind is None else pb(3, kind)) + pb(4, len(pieces))
    return data + pb(2, spec) + pb(3, pb(1, "nmt_nfkc"))


@pytest.mark.parametrize(
    ("kind", "name"), [(None, "Unigram"), (1, "Unigram"), (2, "BPE"), (3, "word"), (4, "char")]
)
@pytest.mark.parametrize("pieces", [["<unk>", "a"], ["<unk>", "long" * 50, "b"]])
def test_sentencepiece(kind: int | None, name: str, pieces: list[str]) -> None:
    data = sentencepiece(kind, pieces)
    assert parse("tokenizer.model", data) == Tokenizer("sentencepiece", name, len(pieces))


@pytest.mark.parametrize("pieces", [1, 2000])
def test_sentencepiece_is_no_model(pieces: int) -> None:
    data = sentencepiece(1, [f"piece{n}" for n in range(pieces)])
    for parser in PARSERS.values():
        known = parser.recognise(data[:4096], len(data))
        assert not known or parser.parse(MemorySource(data)) is None


def tiktoken(count: int) -> bytes:
    tokens = (base64.b64encode(str(n).encode()).decode() for n in range(count))
    return "".join(f"{token} {n}\n" for n, token in enumerate(tokens)).encode()


@pytest.mark.parametrize("name", ["o200k.tiktoken", "tokenizer.model"])
def test_tiktoken(name: str) -> None:
    assert parse(name, tiktoken(1000)) == Tokenizer("tiktoken", "BPE", 1000)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\n\n\n",
        b"a 0\nb 1\n" * 20,
        b"two words\n" * 30,
        sentencepiece(9, ["a"]),
        sentencepiece(1, []),
        b"YQ== 0\n",
        bytes(99),
        b"\n\x05",
    ],
)
@pytest.mark.parametrize("name", ["x.model", "x.tiktoken", "x.json", "x.bin", ""])
def test_other_files(name: str, data: bytes) -> None:
    assert parse(name, data) is None


SAMPLES = [
    ("x.json", json.dumps(tokenizer_json(MODELS[0][0])).encode()),
    ("x.json", json.dumps(tokenizer_json(MODELS[3][0])).encode()),
    ("x.model", sentencepiece(2, ["a", "b"])),
    ("x.tiktoken", tiktoken(25)),
]


@settings(max_examples=200, deadline=None)
@given(st.data(), st.sampled_from(SAMPLES))
def test_spoiled(data: st.DataObject, case: tuple[str, bytes]) -> None:
    parse(case[0], data.draw(spoiled(case[1])))
