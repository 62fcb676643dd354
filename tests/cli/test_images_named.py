"""Images on the command line: compared with a BOM, and trouble in one line."""

import json
from pathlib import Path

import pytest

from aibom.sources.containerd import Containerd
from aibom.sources.errors import SourceError
from tests.cli.test_commands import MODEL, aibom, document
from tests.formats.test_bolt import database, image, leaf
from tests.imagemaking import Store, digest, layer

GGUF = b"GGUF\3\0\0\0" + bytes(16)


def made(folder: Path) -> tuple[str, dict[str, str]]:
    store = Store()
    entry = store.image([layer({"m.gguf": GGUF})], name="app:1")
    return store.write(folder / "image"), entry


@pytest.mark.parametrize(
    ("content", "code"), [(GGUF, 0), (GGUF + b"changed", 1)], ids=["same", "changed"]
)
def test_diff_against_an_image(content: bytes, code: int, tmp_path: Path) -> None:
    path, _ = made(tmp_path)
    hashes = [{"alg": "SHA-256", "content": digest(content)[7:]}]
    observed = document(tmp_path / "o.json", MODEL | {"hashes": hashes})
    done = aibom("diff", "--format", "json", path, observed)
    assert (done.returncode, done.stderr) == (code, "")
    (verdict,) = json.loads(done.stdout)["verdicts"]
    assert verdict["declared"] == ("true" if content == GGUF else "false")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{}:other"], "no image other; there is app:1"),
        (["--platform", "linux/s390x", "{}"], "is for linux/amd64, not for linux/s390x"),
        (["--platform", "?", "{}"], "--platform: ? is no platform; linux/amd64 would be one"),
        (["--containerd-root", "/none", "containerd://app"], "meta.db: No such file or directory"),
    ],
)
def test_trouble_is_one_line(arguments: list[str], message: str, tmp_path: Path) -> None:
    path, _ = made(tmp_path)
    observed = document(tmp_path / "o.json", MODEL)
    done = aibom("diff", *(a.format(path) for a in arguments), observed)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("aibom: ")
    assert done.stderr.count("\n") == 1
    assert message in done.stderr


def test_an_image_of_containerd(tmp_path: Path) -> None:
    path, entry = made(tmp_path)
    target = image(entry["digest"], int(entry["size"]))
    root = tmp_path / "containerd"
    (root / "io.containerd.metadata.v1.bolt").mkdir(parents=True)
    stored = {b"k8s.io": {b"images": {b"docker.io/library/app:1": target}}}
    (root / "io.containerd.metadata.v1.bolt" / "meta.db").write_bytes(
        database(leaf(3, {b"v1": stored}))
    )
    (root / "io.containerd.content.v1.content").mkdir()
    (root / "io.containerd.content.v1.content" / "blobs").symlink_to(f"{path}/blobs")
    store = Containerd(str(root))
    for reference in ("app:1", entry["digest"], f"app@{entry['digest']}"):
        assert store.resolve(reference).digest == entry["digest"]
    with pytest.raises(SourceError, match=r"no image other; it has docker.io/library/app:1"):
        store.resolve("other")
    with pytest.raises(SourceError, match="no image"):
        store.resolve("sha256:" + "0" * 64)


def test_a_password_in_a_name_is_not_repeated(tmp_path: Path) -> None:
    observed = document(tmp_path / "o.json", MODEL)
    done = aibom("diff", "docker://user:hidden-word@localhost/a", observed)
    assert (done.returncode, done.stdout) == (2, "")
    assert "hidden-word" not in done.stderr
