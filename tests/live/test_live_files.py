"""Model files that real processes hold in every way that hides them."""

import hashlib
import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.live.conftest import components, scan

pytestmark = pytest.mark.live
Hold = Callable[[list[dict[str, Any]]], int]


def gguf(name: str, size: int = 64) -> bytes:
    """A small valid GGUF with one tensor."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value.encode())) + value.encode()

    pairs = {"general.architecture": "llama", "general.name": name}
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, len(pairs))
    for key, value in pairs.items():
        head += text(key) + struct.pack("<I", 8) + text(value)
    head += text("t") + struct.pack("<IQIQ", 1, size // 4, 0, 0)
    return head + bytes(-len(head) % 32) + os.urandom(size)


def safetensors(names: list[str]) -> bytes:
    header = {
        name: {"dtype": "F32", "shape": [4], "data_offsets": [16 * i, 16 * i + 16]}
        for i, name in enumerate(names)
    }
    raw = json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + os.urandom(16 * len(names))


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("name", "step", "origin", "how"),
    [
        ("model.gguf", {"map": True, "close": True}, "host", "mapped"),
        ("model.gguf", {}, "host", "open"),
        ("notes.txt", {"map": True, "close": True}, "host", "mapped"),
        ("libssl.so.3", {"map": True, "close": True}, "host", "mapped"),
        ("model.gguf", {"map": True, "close": True, "delete": True}, "deleted", "mapped"),
        ("model.gguf", {"delete": True}, "deleted", "open"),
        ("model.gguf", {"memfd": "weights"}, "memory", "open"),
        ("model.gguf", {"memfd": "weights", "map": True, "close": True}, "memory", "mapped"),
        ("with space (deleted)", {"map": True, "close": True}, "host", "mapped"),
        ("line\nbreak\x1b[2J", {}, "host", "open"),
    ],
)
def test_whatever_it_is_called(
    tmp_path: Path, hold: Hold, name: str, step: dict[str, Any], origin: str, how: str
) -> None:
    if os.geteuid() != 0 and (step.get("delete") or step.get("memfd")) and step.get("map"):
        pytest.skip("reading a deleted file through map_files takes CAP_CHECKPOINT_RESTORE")
    data = gguf("hidden")
    path = write(tmp_path / name, data)
    (workload,) = scan("--pid", hold([{"path": path, **step}]))
    (model,) = components(workload, "model").values()
    assert model["name"] == "hidden"
    assert model["sha256"] == hashlib.sha256(data).hexdigest()
    assert model["origin"]["kind"] == origin
    assert [e["how"] for e in model["evidence"]] == [how]


def test_bytes_that_are_no_text_in_a_name(tmp_path: Path, hold: Hold) -> None:
    path = os.fsencode(tmp_path) + b"/\xff\xfe.gguf"
    with open(path, "wb") as file:
        file.write(gguf("odd"))
    step = {"path": path.decode("utf-8", "surrogateescape"), "map": True}
    (workload,) = scan("--pid", hold([step]))
    assert components(workload, "model")["odd"]["evidence"][0]["path"].endswith("/\\xff\\xfe.gguf")


def test_hard_links_and_copies_are_one_model_and_others_are_not(tmp_path: Path, hold: Hold) -> None:
    first = write(tmp_path / "a.gguf", gguf("one"))
    os.link(first, tmp_path / "b.txt")
    shutil.copy(first, tmp_path / "c.gguf")
    other = write(tmp_path / "d.gguf", gguf("other"))
    paths = [first, tmp_path / "b.txt", tmp_path / "c.gguf", other]
    (workload,) = scan("--pid", hold([{"path": p, "map": True} for p in paths]))
    assert set(components(workload, "model")) == {"one", "other"}


def test_a_model_replaced_after_it_was_opened_is_the_one_that_is_held(
    tmp_path: Path, hold: Hold
) -> None:
    path = write(tmp_path / "m.gguf", gguf("before"))
    pid = hold([{"path": path, "map": True}])
    write(tmp_path / "new", gguf("after")).rename(path)
    (workload,) = scan("--pid", pid)
    assert set(components(workload, "model")) == {"before"}


def test_an_adapter_with_its_base_and_a_sharded_model(tmp_path: Path, hold: Hold) -> None:
    adapter = write(
        tmp_path / "lora/adapter_model.safetensors",
        safetensors([f"base.{i}.q_proj.lora_{ab}.weight" for i in range(4) for ab in "AB"]),
    )
    (tmp_path / "lora/adapter_config.json").write_text(
        json.dumps({"peft_type": "LORA", "base_model_name_or_path": str(tmp_path / "base")})
    )
    base = write(tmp_path / "base/model.safetensors", safetensors(["a.weight"]))
    shards = [
        write(tmp_path / f"big/model-0000{i}-of-00002.safetensors", safetensors([f"l{i}.weight"]))
        for i in (1, 2)
    ]
    steps = [{"path": p, "map": True} for p in (adapter, base, *shards)]
    (workload,) = scan("--pid", hold(steps))
    models = components(workload, "model")
    assert set(models) == {"base", "big"}
    assert len(models["big"]["files"]) == 2
    lora = components(workload, "adapter")["lora"]
    assert lora["model"]["base_models"][0]["reference"] == str(tmp_path / "base")
    assert {"source": lora["ref"], "target": models["base"]["ref"]} in workload["inventory"][
        "links"
    ]


def test_a_hub_cache_names_repository_and_commit_only_when_the_content_agrees(
    tmp_path: Path, hold: Hold
) -> None:
    data, commit = gguf("x"), "c" * 40
    repo = tmp_path / "hub/models--org--tiny"
    digest = hashlib.sha256(data).hexdigest()
    blob = write(repo / "blobs" / digest, data)
    link = repo / "snapshots" / commit / "tiny.gguf"
    link.parent.mkdir(parents=True)
    link.symlink_to(f"../../blobs/{digest}")
    pid = hold([{"path": link, "map": True, "close": True}])
    (workload,) = scan("--pid", pid)
    model = components(workload, "model")["org/tiny"]
    assert model["purl"] == f"pkg:huggingface/org/tiny@{commit}"
    blob.write_bytes(gguf("y"))  # in place, as people do: the name now promises what is not there
    (workload,) = scan("--pid", pid)
    model = components(workload, "model")["org/tiny"]
    assert (model["purl"], model["claimed"]) == ("", ["name", "publisher"])


def test_what_is_no_model_and_what_lies(tmp_path: Path, hold: Hold) -> None:
    sound = gguf("sound")
    lying = bytearray(sound)
    lying[8:16] = struct.pack("<Q", 1 << 63)
    huge = struct.pack("<Q", 1 << 30) + b"{" + bytes(100)
    files = {
        "sound.gguf": sound,
        "cut.gguf": sound[:40],
        "lying.gguf": bytes(lying),
        "huge.safetensors": huge,
        "text.gguf": b"just some text",
        "empty.gguf": b"",
    }
    steps: list[dict[str, Any]] = [
        {"path": write(tmp_path / name, data)} for name, data in files.items()
    ]
    steps.append({"path": tmp_path / "fifo.gguf", "fifo": True})
    (workload,) = scan("--pid", hold(steps))
    names = set(components(workload, "model"))
    assert names >= {"sound", "cut.gguf", "lying.gguf"}
    assert not names & {"text.gguf", "empty.gguf", "fifo.gguf"}
    unseen = {Path(u["subject"]).name: u["reason"] for u in workload["inventory"]["unseen"]}
    assert unseen["cut.gguf"] == unseen["lying.gguf"] == "damaged"
    assert unseen["fifo.gguf"] == "not-regular"


def test_a_file_above_the_limit_has_a_fingerprint(tmp_path: Path, hold: Hold) -> None:
    path = write(tmp_path / "big.gguf", gguf("big", 4096))
    (workload,) = scan("--pid", hold([{"path": path}]), "--hash-limit", "1K")
    big = components(workload, "model")["big"]
    assert big["sha256"] == ""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()  # smaller than what is covered
    assert ["aibom:fingerprint", f"sha256-of-first-mebibyte:{digest}"] in big["properties"]
    (unseen,) = workload["inventory"]["unseen"]
    assert unseen["reason"] == "too-large"
