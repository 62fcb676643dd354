import io
import pickle
import re
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from builders_a import Metered, spoiled
from builders_b import EVIL, Made, Name, pickled
from hypothesis import given, settings
from hypothesis import strategies as st

from aibom.formats.models.examine import examine
from aibom.formats.source import MemorySource
from aibom.rulebook.load import load
from aibom.types.concerns import Concern
from rig.picklecorpus import called, tricks

RULES = load()
ESTIMATOR = Made(Name("sklearn.svm._classes", "SVC"), (), new=True)


def concerns(data: bytes) -> list[tuple[str, str]]:
    found = examine(MemorySource(data), RULES)
    return [(c.level, c.detail) for c in found.header.concerns] if found else []


@pytest.mark.parametrize("name", sorted(tricks()))
def test_no_trick_hides_the_payload(name: str) -> None:
    levels = {level for level, _ in concerns(tricks()[name])}
    assert levels & {"dangerous", "suspicious"}


def test_what_is_odd_about_a_zip_is_said() -> None:
    made = tricks()
    for name, words in (
        ("torch-crc.pt", "wrong checksum"),
        ("torch-encrypted-flag.pt", "encrypted"),
        ("torch-other-local-name.pt", "another name"),
        ("torch-twice.pt", "there twice"),
    ):
        assert any(words in detail for _, detail in concerns(made[name]))


@pytest.mark.parametrize("protocol", range(6))
def test_an_evil_pickle_without_a_model_is_named(protocol: int) -> None:
    data = pickle.dumps(_Evil(), protocol)
    found = examine(MemorySource(data), RULES)
    assert found is not None
    assert found.header.format == "pickle"
    assert found.header.concerns == (Concern("pickle-code", "dangerous", "imports posix.system"),)


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os  # noqa: PLC0415 - only its name is pickled

        return os.system, ("echo",)


@pytest.mark.parametrize(
    "value", [{"a": [1, 2.5, b"x", None]}, {1, 2}, Path("x"), re.compile("a"), 1 << 80]
)
def test_plain_data_is_no_model(value: object) -> None:
    for protocol in range(6):
        assert examine(MemorySource(pickle.dumps(value, protocol)), RULES) is None


def test_levels_of_unknown_names() -> None:
    mine = Name("mine.layers", "Net")
    assert concerns(pickled(ESTIMATOR)) == []
    built = pickled([ESTIMATOR, Made(mine, (), new=True)])
    assert concerns(built) == [("note", "needs code of its own: mine.layers.Net")]
    run = pickled([ESTIMATOR, Made(mine, ())])
    assert concerns(run) == [("suspicious", "calls mine.layers.Net")]
    evil = pickled([ESTIMATOR, EVIL])
    assert concerns(evil) == [("dangerous", "imports posix.system")]
    gadget = pickled([ESTIMATOR, Made(Name("pty", "spawn"), ("sh",))])
    assert concerns(gadget) == [("dangerous", "imports pty.spawn")]


@pytest.mark.parametrize(
    "name",
    [
        "cPickle.loads",
        "copy_reg.add_extension",
        "copyreg.add_extension",
        "thread.start_new_thread",
        "commands.getoutput",
        "sklearn.utils._testing.subprocess.Popen",
    ],
)
def test_other_ways_to_a_dangerous_name(name: str) -> None:
    module, _, last = name.rpartition(".")
    called = "(S'x'\ntR."
    text = f"c{module}\n{last}\n{called}"
    frame = f"\x80\x04\x8c{chr(len(module))}{module}\x8c{chr(len(last))}{last}\x93{called}"
    for pickled_name in (text, frame):
        assert concerns(pickled_name.encode("latin-1")) == [("dangerous", f"imports {name}")]


def test_picklescan_is_asked_about_what_the_rules_do_not_know() -> None:
    known = "idlelib.calltip", "get_entity"  # by a rule
    asked = "_osx_support2", "x"
    assert concerns(called(*known))
    assert not concerns(called(*asked))
    rules = load()
    rules.imports = ()
    found = examine(MemorySource(called("asyncio", "run")), rules)
    assert found is not None
    assert found.header.concerns[0].detail == "imports asyncio.run"


def test_a_pickled_tensor_is_looked_into() -> None:
    inner = pickle.dumps({"weight": 1}, 2)
    data = b"\x80\x03csklearn.svm\nSVC\n)\x81}X\x01\0\0\0wctorch.storage\n_load_from_bytes\nB"
    end = b"\x85Rsb."
    assert concerns(data + struct.pack("<I", len(inner)) + inner + end) == []
    inner = called("os", "system")
    assert concerns(data + struct.pack("<I", len(inner)) + inner + end) == [
        ("dangerous", "imports os.system")
    ]


def test_bytes_that_protocol_2_writes_as_text_are_looked_into() -> None:
    start = b"\x80\x02csklearn.svm\nSVC\n)\x81}X\x01\0\0\0w"
    for inner, expected in (
        (pickle.dumps({"weight": "x" * 2_000}, 2), []),
        (called("os", "system"), [("dangerous", "imports os.system")]),
        (
            b"\x80\x02" + b"N0" * 1_000 + called("os", "system")[2:],
            [("dangerous", "imports os.system")],
        ),
    ):
        text = inner.decode("latin-1").encode()
        written = b"c_codecs\nencode\nX" + struct.pack("<I", len(text)) + text
        nested = b"ctorch.storage\n_load_from_bytes\n" + written + b"X\x06\0\0\0latin1\x86R\x85R"
        assert concerns(start + nested + b"sb.") == expected


@pytest.mark.parametrize("protocol", [2, 4])
def test_padding_hides_nothing(protocol: int) -> None:
    start, padding = b"\x80\x02csklearn.svm\nSVC\n)\x81", b"N0" * 1_200_000
    evil = called("os", "system", protocol=protocol)[2:]
    levels = [level for level, _ in concerns(start + padding + evil)]
    assert levels == ["dangerous", "note"]
    assert concerns(b"\x80\x02" + padding + evil)[0][0] == "dangerous"


def test_compressed_and_nested_archives() -> None:
    evil = called("os", "system")
    assert concerns(zlib.compress(evil)) == [("dangerous", "imports os.system")]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.mar/weights.pt", tricks()["torch.pt"])
    ((level, detail),) = concerns(out.getvalue())
    assert (level, detail) == (
        "dangerous",
        "model.mar/weights.pt/a/data.pkl imports os.system",
    )


def test_torchscript_names_what_its_code_calls() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("m/data.pkl", b"\x80\x02c__torch__.M\nNet\n)\x81}b.")
        archive.writestr("m/constants.pkl", b"\x80\x02).")
        archive.writestr("m/version", b"6\n")
        code = "x = torch.add(a, b)\ny = ops.torchvision.nms(x)\nz = ops.prim.data(x)\n"
        archive.writestr("m/code/__torch__/M.py", code + "torch.save(x, 'f')\n")
    assert concerns(out.getvalue()) == [
        ("note", "its code calls operators of libraries: torchvision.nms"),
        ("suspicious", "its code opens files by torch.save"),
    ]


def test_names_are_fit_to_be_shown() -> None:
    data = b"\x80\x02csklearn.svm\nSVC\n)\x81cos\x1b[2J\nsystem\n0."
    for _, detail in concerns(data):
        assert detail.isprintable()


SEEDS = [*tricks().values(), pickled([ESTIMATOR, EVIL])]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(range(len(SEEDS))).flatmap(lambda n: spoiled(SEEDS[n])))
def test_spoiled_files_are_read_within_bounds(data: bytes) -> None:
    source = Metered(data, limit=40 * len(data) + 2_000_000)
    examine(source, RULES)
