"""Caches that huggingface_hub itself wrote, from a hub on loopback, as a process holds them."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from rig.hub import commit_of, hub
from tests.live.conftest import scan
from tests.live.test_live_files import gguf

pytestmark = pytest.mark.live
Hold = Callable[[list[dict[str, Any]]], int]
Site = Callable[[Sequence[str]], Path]

SHARED = gguf("shared")
REPOSITORIES = {
    "org/tiny": {"tiny.gguf": gguf("tiny"), "sub/shared.gguf": SHARED, "config.json": b"{}"},
    "other/copy": {"sub/shared.gguf": SHARED},
    "org/small": {"small.weights": gguf("small")},
    "org/set": {"data.gguf": gguf("data")},
}
DOWNLOAD = """
import hashlib, sys
import huggingface_hub as hub
from huggingface_hub.utils import _shared_blobs as shared
folder, local = sys.argv[1:]
for name in ("org/tiny", "other/copy", "org/small"):
    hub.snapshot_download(name, cache_dir=folder)
hub.snapshot_download("org/set", repo_type="dataset", cache_dir=folder)
hub.snapshot_download("org/tiny", local_dir=local)
from pathlib import Path
for blob in Path(folder).glob("models--*/blobs/*"):
    if blob.name == hashlib.sha256(Path(sys.argv[2], "sub/shared.gguf").read_bytes()).hexdigest():
        size, digest = blob.stat().st_size, hashlib.blake2s(blob.name.encode()).hexdigest()
        assert shared.publish_blob_to_shared_store(
            blob_path=str(blob), xet_hash=digest, cache_dir=folder, expected_size=size
        )
"""


@pytest.fixture(scope="module")
def caches(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Download everything in every way, and return the folder of the caches."""
    folder = tmp_path_factory.mktemp("caches")
    library = site(["huggingface_hub==2.4.0"])
    with hub(REPOSITORIES) as address:
        own = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        done = subprocess.run(
            [sys.executable, "-c", DOWNLOAD, folder / "hub", folder / "local"],
            env=own | {"HF_ENDPOINT": address, "HF_HOME": str(folder), "PYTHONPATH": str(library)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    return folder


def found(hold: Hold, path: Path) -> dict[str, Any]:
    """Hold one file and return the component that it is found to be."""
    (workload,) = scan("--pid", hold([{"path": path, "map": True, "close": True}]))
    (component,) = [
        c for c in workload["inventory"]["components"] if c["kind"] in ("model", "data")
    ]
    said: dict[str, list[str]] = {}
    for name, value in component["properties"]:
        said.setdefault(name.removeprefix("aibom:hub:"), []).append(value)
    return component | {"said": said}


def snapshot(caches: Path, folder: str, repository: str, name: str) -> Path:
    return caches / "hub" / folder / "snapshots" / commit_of(REPOSITORIES[repository]) / name


def test_a_file_of_a_snapshot(caches: Path, hold: Hold) -> None:
    model = found(hold, snapshot(caches, "models--org--tiny", "org/tiny", "tiny.gguf"))
    commit = commit_of(REPOSITORIES["org/tiny"])
    assert (model["name"], model["claimed"]) == ("org/tiny", [])
    assert model["purl"] == f"pkg:huggingface/org/tiny@{commit}"
    assert model["said"]["file"] == ["tiny.gguf"]
    assert model["said"]["revision"] == ["main"]


def test_a_file_that_repositories_share(caches: Path, hold: Hold) -> None:
    model = found(hold, snapshot(caches, "models--other--copy", "other/copy", "sub/shared.gguf"))
    assert "/hub/blobs/" in model["evidence"][0]["path"]
    assert model["said"]["repository"] == ["org/tiny", "other/copy"]
    assert model["said"]["verified"] == ["true"]
    assert (model["purl"], model["claimed"]) == ("", ["name"])
    assert len(model["said"]["purl"]) == 2


def test_a_small_file_is_proven_by_its_git_hash(caches: Path, hold: Hold) -> None:
    path = snapshot(caches, "models--org--small", "org/small", "small.weights")
    model = found(hold, path)
    assert model["said"]["promised"] == [f"git-sha1:{path.resolve().name}"]
    commit = commit_of(REPOSITORIES["org/small"])
    assert model["purl"] == f"pkg:huggingface/org/small@{commit}"


def test_a_data_set(caches: Path, hold: Hold) -> None:
    data = found(hold, snapshot(caches, "datasets--org--set", "org/set", "data.gguf"))
    assert (data["kind"], data["name"], data["purl"]) == ("data", "org/set", "")
    assert data["version"] == commit_of(REPOSITORIES["org/set"])


def test_a_download_to_a_folder_of_the_users_own(caches: Path, hold: Hold) -> None:
    model = found(hold, caches / "local/tiny.gguf")
    assert (model["name"], model["purl"]) == ("tiny", "")
    assert model["said"]["commit"] == [commit_of(REPOSITORIES["org/tiny"])]
    assert model["said"]["verified"] == ["true"]
    assert "repository" not in model["said"]
