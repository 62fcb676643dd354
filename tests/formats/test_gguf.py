import hashlib
from dataclasses import replace
from typing import Any

import pytest
from builders_a import (
    ARRAY,
    BOOL,
    F32,
    I32,
    ORDINARY,
    STRING,
    U8,
    U16,
    U32,
    U64,
    Gguf,
    Metered,
    attempt,
    each_spoiled,
    spoiled,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.formats.models import gguf
from aibom.formats.models.gguf_cursor import CHUNK
from aibom.formats.source import FormatError
from aibom.types.model import BaseModel, ChatTemplate, ModelHeader, Width

TEMPLATE = "{% for m in messages %}{{ m.content }} é{% endfor %}"
TYPICAL = Gguf(
    pairs=(
        ("general.architecture", STRING, "llama"),
        ("general.name", STRING, "Tiny"),
        ("general.file_type", U32, 15),
        ("llama.context_length", U32, 8192),
        ("tokenizer.ggml.tokens", ARRAY, (STRING, ["a", "bc", "é", ""])),
        ("tokenizer.ggml.scores", ARRAY, (F32, [0.5, 1.0, 2.0, 3.0])),
        ("tokenizer.chat_template", STRING, TEMPLATE),
    ),
    tensors=(("a.weight", (256, 2), 12, 288), ("b.bias", (3,), 0, 12)),
)


def parse(file: Gguf) -> ModelHeader:
    data = file.build()
    assert gguf.recognise(data[:4096], len(data))
    header = gguf.parse(Metered(data))
    assert header is not None
    return header


def of(*pairs: tuple[str, int, Any]) -> ModelHeader:
    return parse(Gguf(pairs))


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("order", ["<", ">"])
def test_typical_file_in_every_version_and_byte_order(version: int, order: str) -> None:
    header = parse(replace(TYPICAL, version=version, order=order))
    digest = hashlib.sha256(TEMPLATE.encode()).hexdigest()
    assert header == ModelHeader(
        format="gguf",
        format_version=str(version),
        name="Tiny",
        architecture="llama",
        parameters=515,
        quantization="Q4_K_M",
        tensors=2,
        context_length=8192,
        properties=(
            ("chat_template", digest),
            ("chat_template_length", str(len(TEMPLATE.encode()))),
            ("tokenizer.ggml.tokens.length", "4"),
        ),
        templates=(ChatTemplate("default", digest, len(TEMPLATE.encode())),),
        widths=(Width("a", 2, 256),),
    )


@pytest.mark.parametrize(
    ("key", "value", "attribute", "expected"),
    [
        ("general.name", "Llama 3 8B", "name", "Llama 3 8B"),
        ("general.name", "  two\n lines\t", "name", "two lines"),
        ("general.name", "", "name", None),
        ("general.name", b"caf\xff", "name", "caf\ufffd"),
        ("general.name", "\x1b[31mred", "name", "\\x1b[31mred"),
        ("general.name", "x" * 5000, "name", "x" * 1000 + "…"),
        ("general.architecture", "qwen2", "architecture", "qwen2"),
        ("general.author", "someone", "producer", "someone"),
        ("general.organization", "An Org", "producer", "An Org"),
        ("general.description", "What it is", "description", "What it is"),
        ("general.description", "d" * 9000, "description", "d" * 4000 + "…"),
        ("general.license", "apache-2.0", "licence", "apache-2.0"),
    ],
)
def test_text_fields(key: str, value: str | bytes, attribute: str, expected: str | None) -> None:
    assert getattr(of((key, STRING, value)), attribute) == expected


@pytest.mark.parametrize(
    "key",
    [
        "general.basename",
        "general.finetune",
        "general.license.link",
        "general.license.name",
        "general.organization",
        "general.quantized_by",
        "general.size_label",
        "general.source.huggingface.repository",
        "general.source.repo_url",
        "general.source.url",
        "general.type",
        "general.url",
        "general.version",
        "tokenizer.ggml.model",
        "tokenizer.ggml.pre",
        "adapter.type",
        "general.base_model.0.organization",
    ],
)
def test_text_properties(key: str) -> None:
    assert dict(of((key, STRING, "said")).properties) == {key: "said"}


@pytest.mark.parametrize(
    ("pair", "shown"),
    [
        (("adapter.lora.alpha", F32, 16.0), "16"),
        (("adapter.lora.alpha", F32, 0.5), "0.5"),
        (("split.tensors.count", I32, 291), "291"),
        (("general.version", BOOL, True), "true"),
        (("general.version", U64, 2**64 - 1), str(2**64 - 1)),
    ],
)
def test_number_properties(pair: tuple[str, int, Any], shown: str) -> None:
    assert dict(of(pair).properties) == {pair[0]: shown}


@pytest.mark.parametrize(
    "key", ["general.unheard_of", "tokenizer.ggml.merges", "llama.block_count"]
)
def test_other_keys_are_passed_over(key: str) -> None:
    assert of((key, STRING, "x"), ("general.name", STRING, "n")).properties == ()


def test_organization_goes_before_author() -> None:
    header = of(("general.author", STRING, "a"), ("general.organization", STRING, "o"))
    assert header.producer == "o"


@pytest.mark.parametrize(
    ("number", "kind", "name"),
    [
        (0, U32, "F32"),
        (1, U32, "F16"),
        (3, U32, "Q4_1"),
        (15, I32, "Q4_K_M"),
        (18, U8, "Q6_K"),
        (32, U32, "BF16"),
        (38, U32, "MXFP4_MOE"),
        (15 | 1024, U32, "Q4_K_M"),
        (777, U32, None),
        (-1, I32, None),
    ],
)
def test_file_type(number: int, kind: int, name: str | None) -> None:
    assert of(("general.file_type", kind, number)).quantization == name


@pytest.mark.parametrize(
    ("tensors", "quantization", "parameters"),
    [
        ([("a", (256, 4), 12, 576), ("b", (8,), 0, 32)], "Q4_K", 1032),
        ([("a", (4, 4), 0, 64), ("b", (4, 5), 1, 40)], "F16", 36),
        ([("a", (), 0, 4)], "F32", 1),
        ([("a", (0, 7), 0, 0)], "F32", 0),
        ([("a", (5,), 30, 10)], "BF16", 5),
        ([("new", (64, 64), 99, 1)], "ggml_type_99", 4096),
        ([("a", (1, 2, 3, 4), 24, 24)], "I8", 24),
    ],
)
def test_tensors(tensors: Any, quantization: str, parameters: int) -> None:
    header = parse(Gguf(tensors=tensors))
    assert (header.quantization, header.parameters, header.tensors) == (
        quantization,
        parameters,
        len(tensors),
    )


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("model", "model"), ("adapter", "adapter"), ("mmproj", "model")],
)
def test_kind(kind: str, expected: str) -> None:
    header = of(("general.type", STRING, kind), ("adapter.type", STRING, "lora"))
    assert header.kind == expected
    assert ("general.type", kind) in header.properties


@pytest.mark.parametrize(
    ("number", "count", "shard"),
    [(0, 3, (1, 3)), (2, 3, (3, 3)), (0, 1, (1, 1)), (3, 3, None), (0, 0, None)],
)
def test_shard(number: int, count: int, shard: tuple[int, int] | None) -> None:
    assert of(("split.no", U16, number), ("split.count", U16, count)).shard == shard


def test_shard_needs_both() -> None:
    assert of(("split.no", U16, 0)).shard is None
    assert of(("split.no", STRING, "0"), ("split.count", STRING, "2")).shard is None


def test_base_models() -> None:
    key = "general.base_model"
    header = of(
        (f"{key}.count", U32, 2**31),
        (f"{key}.10.name", STRING, "Ten"),
        (f"{key}.2.repo_url", STRING, "https://huggingface.co/org/two"),
        (f"{key}.0.name", STRING, "Zero"),
        (f"{key}.0.repo_url", STRING, "https://huggingface.co/org/zero"),
        (f"{key}.1.organization", STRING, "only an organization"),
    )
    assert header.base_models == (
        BaseModel("Zero", "https://huggingface.co/org/zero"),
        BaseModel("https://huggingface.co/org/two", "https://huggingface.co/org/two"),
        BaseModel("Ten"),
    )


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [(U32, 4096, 4096), (U64, 2**40, 2**40), (BOOL, True, None), (I32, -1, None), (F32, 1.0, None)],
)
def test_context_length(kind: int, value: Any, expected: int | None) -> None:
    header = of(("a-b.context_length", kind, value), ("general.architecture", STRING, "a-b"))
    assert header.context_length == expected


def test_context_length_of_another_architecture_is_not_taken() -> None:
    pairs = (("general.architecture", STRING, "llama"), ("clip.context_length", U32, 7))
    assert of(*pairs).context_length is None


def test_named_chat_templates() -> None:
    found = dict(
        of(
            ("tokenizer.chat_template", STRING, "a"),
            ("tokenizer.chat_template.tool_use", STRING, "bb"),
            ("tokenizer.chat_templates", ARRAY, (STRING, ["tool_use"])),
        ).properties
    )
    assert found["chat_template"] == hashlib.sha256(b"a").hexdigest()
    assert found["chat_template.tool_use"] == hashlib.sha256(b"bb").hexdigest()
    assert found["chat_template_length.tool_use"] == "2"


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("tokenizer.chat_template.v1.1", "chat_template.v1.1"),
        ("tokenizer.chat_template.\x1b[2J", "chat_template.\\x1b[2J"),
        ("tokenizer.chat_template.a\nb", "chat_template.a b"),
        ("tokenizer.chat_template." + "n" * 500, "chat_template." + "n" * 186 + "…"),
    ],
)
def test_names_of_chat_templates_are_fit_to_be_shown(key: str, shown: str) -> None:
    assert shown in dict(of((key, STRING, "x")).properties)


def test_long_keys_are_not_kept() -> None:
    assert of(("general.source." + "k" * 101, STRING, "x")).properties == ()


def test_chat_template_is_hashed_whole_and_as_it_is() -> None:
    template = b"\xff{{" + b"x" * 3 * CHUNK
    found = dict(of(("tokenizer.chat_template", STRING, template)).properties)
    assert found["chat_template"] == hashlib.sha256(template).hexdigest()
    assert found["chat_template_length"] == str(len(template))


def test_chat_templates_are_examined() -> None:
    header = of(
        ("tokenizer.chat_template", STRING, "{{ messages }}"),
        ("tokenizer.chat_template.rag", STRING, "{{ cycler.__init__.__globals__ }}"),
        ("tokenizer.chat_template.big", STRING, "x" * (1 << 18)),
    )
    assert [(t.name, t.length) for t in header.templates] == [
        ("big", 1 << 18),
        ("default", 14),
        ("rag", 33),
    ]
    assert [(c.level, c.detail) for c in header.concerns] == [
        ("dangerous", "the attribute __globals__"),
        ("dangerous", "the attribute __init__"),
        ("suspicious", "not examined: 262144 bytes"),
    ]


def test_templates_that_are_examined_are_so_many_bytes_in_all() -> None:
    template = "{{ x.__class__ }}" + "x" * 60_000
    keys = [(f"tokenizer.chat_template.{n}", STRING, template) for n in range(9)]
    header = of(*keys)
    assert len(header.templates) == 9
    assert {c.level for c in header.concerns} == {"dangerous", "note"}


def test_vocabulary_longer_than_a_chunk() -> None:
    words = [b"w" * (number % 40) for number in range(20_000)]
    words[500] = b"l" * 3 * CHUNK
    header = of(
        ("tokenizer.ggml.tokens", ARRAY, (STRING, words)), ("general.name", STRING, "behind")
    )
    assert dict(header.properties) == {
        "tokenizer.ggml.tokens.length": "20000",
        "vocab_only": "true",
    }
    assert header.name == "behind"


def test_weights_are_not_read() -> None:
    file = replace(TYPICAL, tensors=(("a", (1024, 1024), 0, 4 << 20),))
    source = Metered(file.build())
    assert gguf.parse(source)
    assert source.end <= len(file.header()) + CHUNK


def test_alignment_of_the_file_counts() -> None:
    pair = ("general.alignment", U32, 4096)
    tensors = (("a", (4,), 0, 16),)
    whole = Gguf((pair,), tensors, alignment=4096).build()
    assert gguf.parse(Metered(whole))
    with pytest.raises(FormatError, match="tensor data beyond the file"):
        gguf.parse(Metered(whole[:-1]))


HEAD = b"GGUF\x03\x00\x00\x00"
LONG = b"\xff" * 7 + b"\x7f"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (HEAD, "truncated in the header"),
        (HEAD + bytes(15), "truncated in the header"),
        (b"GGUF\x04\x00\x00\x00" + bytes(16), "GGUF version 4"),
        (b"GGUF\x00\x00\x00\x04" + bytes(16), "GGUF version 4"),
        (HEAD + LONG + bytes(8), r"\d+ tensors"),
        (HEAD + bytes(8) + LONG, r"\d+ metadata pairs"),
        (Gguf(counts=(2, 0)).build() + bytes(30), "2 tensors"),
        (Gguf(counts=(0, 2)).build() + bytes(10), "2 metadata pairs"),
        (Gguf(counts=(0, 65_537)).build() + bytes(10**6), "65537 metadata pairs"),
        (Gguf(counts=(0, 1)).build() + LONG + bytes(20), "count or length beyond the file"),
        (Gguf((("a", 13, None),)), "metadata value of type 13"),
        (Gguf((("general.name", 13, None),)), "metadata value of type 13"),
        (Gguf((("a", ARRAY, (ARRAY, [(U8, [1])])),)), "metadata value of type 9"),
        (Gguf((("general.name", STRING, "a"), ("general.name", STRING, "b"))), "twice"),
        (Gguf((("general.name", STRING, ""), ("general.name", STRING, "b"))), "twice"),
        (Gguf((("tokenizer.chat_template", STRING, ""),) * 2), "twice"),
        (Gguf((("general.alignment", U32, 0),)), "alignment is no positive number"),
        (Gguf((("general.alignment", STRING, "x"),)), "alignment is no positive number"),
        (Gguf(tensors=(("a", (2**62, 4), 0, 0),)), "tensor dimensions overflow"),
        (Gguf(tensors=(("a", (2**62,), 99, 0), ("b", (2**62,), 99, 0))), "overflows"),
        (Gguf(tensors=(("a", (1,) * 9, 0, 4),)), "tensor of 9 dimensions"),
        (Gguf(tensors=(("a", (100,), 0, 399),)), "tensor data beyond the file"),
        (Gguf(tensors=(("a", (10**12,), 12, 10),)), "tensor data beyond the file"),
    ],
)
def test_lies(data: bytes | Gguf, message: str) -> None:
    if isinstance(data, Gguf):
        data = _built(data)
    assert gguf.recognise(data[:4096], len(data))
    with pytest.raises(FormatError, match=message):
        gguf.parse(Metered(data, limit=10**7))


def _built(file: Gguf) -> bytes:
    """Build a file whose values may be of a type that is none."""
    unknown = [pair for pair in file.pairs if pair[2] is None]
    if not unknown:
        return file.build()
    start = Gguf(counts=(0, 1)).build()
    return start + file.string(unknown[0][0]) + file.pack("I", unknown[0][1]) + bytes(64)


def test_string_array_longer_than_the_file() -> None:
    start = Gguf(counts=(0, 1))
    for length in (2**60, 2**32, 100):
        data = start.build() + start.string("a") + start.pack("IIQ", ARRAY, STRING, length)
        with pytest.raises(FormatError, match="count or length beyond the file"):
            gguf.parse(Metered(data + bytes(100)))


def test_too_many_kept_keys() -> None:
    pairs = [(f"general.base_model.{number}.name", STRING, "x") for number in range(1001)]
    with pytest.raises(FormatError, match="too many general keys"):
        gguf.parse(Metered(Gguf(pairs).build()))


def test_header_larger_than_the_cap() -> None:
    data = Gguf((("a", ARRAY, (STRING, [b"x" * 2 * CHUNK])),)).build()
    source = Metered(data)
    assert gguf.parse(source)
    assert source.total < len(data)  # a long string is passed over
    head = Gguf(counts=(0, 1))
    count = 9_000_000
    flood = head.build() + head.string("a") + head.pack("IIQ", ARRAY, STRING, count)
    with pytest.raises(FormatError, match="header larger than 64 MiB"):
        gguf.parse(Metered(flood + bytes(8 * count)))


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_files(name: str) -> None:
    data = ORDINARY[name]
    assert not gguf.recognise(data[:4096], len(data))
    assert gguf.parse(Metered(data)) is None


def test_every_truncation_and_flipped_byte() -> None:
    valid = TYPICAL.build()
    for data in each_spoiled(valid):
        header = attempt(gguf, data)
        assert header is None or len(data) == len(valid), "a truncated file passes"


@settings(deadline=None, max_examples=300)
@given(spoiled(TYPICAL.build()))
def test_spoiled(data: bytes) -> None:
    attempt(gguf, data)


@settings(deadline=None)
@given(st.binary(max_size=400), st.sampled_from((b"", HEAD, Gguf(counts=(2, 3)).build())))
def test_arbitrary_bytes(data: bytes, start: bytes) -> None:
    attempt(gguf, start + data)


_TEXT = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=40)


@settings(deadline=None)
@given(
    name=_TEXT,
    licence=_TEXT,
    words=st.lists(st.binary(max_size=20), max_size=50),
    dims=st.lists(st.lists(st.integers(0, 6), max_size=4), max_size=5),
    context=st.integers(0, 2**32 - 1),
    version=st.sampled_from((1, 2, 3)),
    order=st.sampled_from("<>"),
)
def test_round_trip(
    *,
    name: str,
    licence: str,
    words: list[bytes],
    dims: list[list[int]],
    context: int,
    version: int,
    order: str,
) -> None:
    sizes = []
    for shape in dims:
        size = 1
        for dim in shape:
            size *= dim
        sizes.append(size)
    file = Gguf(
        pairs=(
            ("x.context_length", U32, context),
            ("general.architecture", STRING, "x"),
            ("tokenizer.ggml.tokens", ARRAY, (STRING, words)),
            ("general.name", STRING, name),
            ("general.license", STRING, licence),
        ),
        tensors=[(f"t{i}", shape, 0, 4 * sizes[i]) for i, shape in enumerate(dims)],
        version=version,
        order=order,
    )
    header = parse(file)
    assert (header.name, header.licence, header.context_length) == (name, licence, context)
    assert (header.tensors, header.parameters) == (len(dims), sum(sizes))
    assert dict(header.properties)["tokenizer.ggml.tokens.length"] == str(len(words))


def test_importance_matrix_is_data() -> None:
    matrix = Gguf(
        [("general.type", STRING, "imatrix"), ("imatrix.datasets", ARRAY, (STRING, [b"a.txt"]))]
    ).build()
    assert gguf.parse(Metered(matrix)) is None


def test_importance_matrix_that_llama_cpp_would_load_is_a_model() -> None:
    header = of(("general.type", STRING, "imatrix"), ("general.architecture", STRING, "llama"))
    assert header.kind == "model"


def test_projector() -> None:
    header = of(
        ("general.architecture", STRING, "clip"),
        ("clip.has_vision_encoder", BOOL, True),
        ("clip.vision.projector_type", STRING, "gemma3"),
    )
    assert dict(header.properties) == {
        "clip.has_vision_encoder": "true",
        "clip.vision.projector_type": "gemma3",
        "general.type": "mmproj",
    }


def test_datasets_tags_and_languages() -> None:
    header = of(
        ("general.dataset.0.name", STRING, "C4"),
        ("general.dataset.0.url", STRING, "https://c4.example"),
        ("general.dataset.1.repo_url", STRING, "https://d.example/two"),
        ("general.tags", ARRAY, (STRING, [b"chat\x1b", b"code"])),
        ("general.languages", ARRAY, (STRING, [b"en"] * 1000)),
        ("general.name", STRING, "behind"),
    )
    shown = dict(header.properties)
    assert (shown["dataset.0"], shown["dataset.1"]) == ("C4", "https://d.example/two")
    assert shown["general.tags"] == "chat\\x1b, code"
    assert len(shown["general.languages"]) == 4 * 100 - 2
    assert header.name == "behind"


def test_base_model_by_its_page() -> None:
    header = of(
        ("general.base_model.0.name", STRING, "Llama"),
        ("general.base_model.0.url", STRING, "https://llama.example"),
    )
    assert header.base_models == (BaseModel("Llama", "https://llama.example"),)


def test_vocabulary_alone() -> None:
    tokens = ("tokenizer.ggml.tokens", ARRAY, (STRING, [b"a", b"b"]))
    assert dict(of(tokens).properties)["vocab_only"] == "true"
    first_shard = of(tokens, ("split.no", U16, 0), ("split.count", U16, 2))
    assert "vocab_only" not in dict(first_shard.properties)
    assert first_shard.shard == (1, 2)
