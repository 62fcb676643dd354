"""What a path says of a hub's cache: real layouts, look-alikes, and anything at all."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.formats.hubs import huggingface, kaggle, llamacpp, modelscope, named, ollama, records
from aibom.formats.hubs.paths import RepositoryPath
from aibom.types.modelfiles import HubSource

COMMIT, SHA1, SHA256 = "c" * 40, "ab" * 20, "ab" * 32


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            f"/h/models--o--n/blobs/{SHA256}",
            RepositoryPath("/h/models--o--n", "model", "o/n", promised=f"sha256:{SHA256}"),
        ),
        (
            f"/h/models--gpt2/blobs/{SHA1}",
            RepositoryPath("/h/models--gpt2", "model", "gpt2", promised=f"git-sha1:{SHA1}"),
        ),
        (
            f"/h/datasets--o--n/blobs/{SHA256}.0123abcd.incomplete",
            RepositoryPath(
                "/h/datasets--o--n", "dataset", "o/n", promised=f"sha256:{SHA256}", partial=True
            ),
        ),
        (
            f"/h/models--o--n/blobs/{SHA1}.incomplete",
            RepositoryPath(
                "/h/models--o--n", "model", "o/n", promised=f"git-sha1:{SHA1}", partial=True
            ),
        ),
        (
            f"/h/spaces--o--n-x/snapshots/{COMMIT}/sub/f.gguf",
            RepositoryPath("/h/spaces--o--n-x", "space", "o/n-x", COMMIT, filename="sub/f.gguf"),
        ),
        (
            f"/models--a--b/snapshots/{SHA1}/models--o--n/snapshots/{COMMIT}/f",
            RepositoryPath(
                f"/models--a--b/snapshots/{SHA1}/models--o--n", "model", "o/n", COMMIT, filename="f"
            ),
        ),
        ("/h/models--o--n/blobs/short", None),
        (f"/h/models--o--n/blobs/{SHA256}.lock", None),
        (f"/h/models--o--n/blobs/{SHA256}.shared", None),
        (f"/h/models--o--n/blobs/x/{SHA256}", None),
        ("/h/models--o--n/snapshots/main/f", None),
        (f"/h/models--o--n--x/blobs/{SHA256}", None),
        (f"/h/models----n/blobs/{SHA256}", None),
        (f"/h/models--o--../blobs/{SHA256}", None),
        (f"/h/models--o n/blobs/{SHA256}", None),
        (f"/h/others--o--n/blobs/{SHA256}", None),
        ("/h/model.gguf", None),
    ],
)
def test_repositories_of_hugging_face(path: str, expected: RepositoryPath | None) -> None:
    assert huggingface.parse(path) == expected


def test_the_store_that_repositories_share() -> None:
    found = huggingface.parse_shared(f"/h/blobs/ab/{SHA256}")
    assert found == huggingface.SharedBlob("/h", f"/h/blobs/ab/{SHA256}")
    assert huggingface.parse_shared(f"/h/blobs/cd/{SHA256}") is None
    assert huggingface.parse_shared(f"/h/blobs/ab/{SHA1}") is None
    lines = (
        f"models--o--n/blobs/{SHA256}\nmodels--p--q/blobs/{SHA256}\nmodels--o--n/blobs/{SHA256}\n"
        f"../models--o--n/blobs/{SHA256}\n/models--o--n/blobs/{SHA256}\n\nmodels--o--n/blobs/x\n"
    )
    assert huggingface.parse_references(lines.encode()) == [
        f"models--o--n/blobs/{SHA256}",
        f"models--p--q/blobs/{SHA256}",
    ]


def test_listing_of_a_commit() -> None:
    files = {"a.gguf": {"blob_id": SHA1, "lfs_sha256": SHA256}, "b": {"blob_id": SHA1}, "c": 1}
    data = json.dumps({"format_version": 1, "files": files}).encode()
    assert huggingface.parse_tree(data, "a.gguf") == f"sha256:{SHA256}"
    assert huggingface.parse_tree(data, "b") == f"git-sha1:{SHA1}"
    assert huggingface.parse_tree(data, "c") == huggingface.parse_tree(data, "d") == ""
    assert huggingface.parse_tree(b"[]", "a") == ""


def test_metadata_of_a_local_download() -> None:
    data = f"{COMMIT}\n{SHA256}\n1712656091.123\n".encode()
    assert huggingface.parse_metadata(data) == (COMMIT, f"sha256:{SHA256}")
    assert huggingface.parse_metadata(f"{COMMIT}\nsome-etag\n".encode()) is None
    assert huggingface.parse_metadata(b"main\n") is None
    folder = "/d/.cache/huggingface/download"
    partial = f"{folder}/sub/0GZQxB2Z6vO9nE5nqzfPLn_XZ-0=.{SHA256}.0123abcd.incomplete"
    assert huggingface.parse_local_partial(partial) == f"sha256:{SHA256}"
    assert huggingface.parse_local_partial(f"{folder}/model.gguf.metadata") == ""
    assert huggingface.parse_local_partial(f"/d/x.{SHA256}.incomplete") == ""


def test_code_and_data_sets_that_libraries_keep() -> None:
    top = "/r/.cache/huggingface/modules/transformers_modules"
    found = huggingface.parse_module(f"{top}/my_hyphen_org/phi_dot_3/{COMMIT}/modeling.py")
    assert found is not None
    assert (found.kind, found.repository, found.commit) == ("code", "my-org/phi.3", COMMIT)
    assert found.filename == "modeling.py"
    assert huggingface.parse_module(f"{top}/folder/modeling.py") is None
    arrow = f"/r/datasets/org___set/default/0.0.0/{COMMIT}/set-train-00000-of-00002.arrow"
    prepared = huggingface.parse_arrow(arrow)
    assert prepared is not None
    assert (prepared.kind, prepared.repository) == ("dataset", "org/set")
    assert huggingface.parse_arrow(arrow.replace("___", "_")) is None


def test_ollama() -> None:
    upper = SHA256.upper()
    assert ollama.parse(f"/m/blobs/sha256-{upper}") == ollama.Blob("/m", SHA256, partial=False)
    assert ollama.parse(f"/m/blobs/sha256-{SHA256}-partial-3") == ("/m", SHA256, True)
    assert ollama.parse(f"/m/blobs/sha256-{SHA256}.json") is None
    assert ollama.parse(f"/m/other/sha256-{SHA256}") is None
    layers = [{"digest": f"sha256:{upper}"}, {"digest": 1}, "x"]
    listed = {"manifests": [{"digest": f"sha256:{'1' * 64}"}, {"layers": layers}]}
    found = ollama.parse_manifest(json.dumps(listed).encode())
    assert found == ({SHA256}, {"1" * 64})
    assert ollama.parse_manifest(b"no") == (frozenset(), frozenset())
    assert ollama.repository("registry.ollama.ai", "library", "llama3") == "llama3"
    assert ollama.repository("hf.co", "org", "x-GGUF") == "hf.co/org/x-GGUF"


def test_modelscope() -> None:
    newer = modelscope.parse("/ms/models/Qwen--Qwen3-0.6B/snapshots/master/model.safetensors")
    assert newer is not None
    assert (newer.repository, newer.revision, newer.commit) == ("Qwen/Qwen3-0.6B", "master", "")
    assert newer.filename == "model.safetensors"
    data = modelscope.parse(f"/ms/datasets/o--n/snapshots/{COMMIT}/sub/x")
    assert data is not None
    assert (data.kind, data.commit, data.filename) == ("dataset", COMMIT, "sub/x")
    assert modelscope.parse("/ms/models/o--n/other/master/x") is None
    (older,) = modelscope.candidates("/ms/hub/models/Qwen/Qwen3-0___6B/sub/model.safetensors")
    assert (older.folder, older.repository) == (
        "/ms/hub/models/Qwen/Qwen3-0___6B",
        "Qwen/Qwen3-0.6B",
    )
    assert older.filename == "sub/model.safetensors"
    (flight,) = modelscope.candidates("/ms/hub/models/._____temp/o/n/model.safetensors")
    assert (flight.repository, flight.partial) == ("o/n", True)
    assert list(modelscope.candidates("/ms/models/model.gguf")) == []
    assert modelscope.parse_version(b"Revision:v1.0.2,CreatedAt:1700000000") == "v1.0.2"
    assert modelscope.parse_version(b"\xff\n") == ""


def test_kaggle() -> None:
    path = "/c/kagglehub/models/google/gemma/keras/gemma_2b/3/sub/model.weights.h5"
    found = kaggle.parse(path)
    assert found is not None
    assert found.found.repository == "google/gemma/keras/gemma_2b"
    assert (found.found.commit, found.found.filename) == ("3", "sub/model.weights.h5")
    base = "/c/kagglehub/models/google/gemma/keras/gemma_2b"
    assert found.markers == (
        f"{base}/3.complete",
        f"{base}/.complete/3/sub/model.weights.h5.complete",
    )
    data = kaggle.parse("/x/datasets/owner/name/versions/7/a.csv")
    assert data is not None
    assert (data.found.kind, data.found.commit, data.named) == ("dataset", "7", False)
    assert kaggle.parse("/x/datasets/owner/name/other/7/a.csv") is None
    assert kaggle.parse("/x/models/a/b/c/d/e/f") is None
    assert kaggle.parse("/x/models/a/b/c/d/1") is None


def test_llama_cpp() -> None:
    url = "https://huggingface.co/org/x-GGUF/resolve/main/sub/x-Q4.gguf?download=1"
    said = llamacpp.parse_download(json.dumps({"url": url, "etag": f'"{SHA256}"'}).encode())
    assert said is None  # a query is no part of a file's name
    url = url.partition("?")[0]
    said = llamacpp.parse_download(json.dumps({"url": url, "etag": f'"{SHA256}"'}).encode())
    assert said is not None
    host, found = said
    assert (host, found.repository, found.revision) == ("huggingface.co", "org/x-GGUF", "main")
    assert (found.filename, found.promised) == ("sub/x-Q4.gguf", f"sha256:{SHA256}")
    assert llamacpp.manifest_of("manifest=org=x=latest.json", "org_x_a.gguf") == ("org/x", "latest")
    assert llamacpp.manifest_of("manifest=org=x=latest.json", "org_y_a.gguf") is None
    entry = {"rfilename": "sub/a.gguf", "lfs": {"sha256": SHA256}}
    listed = llamacpp.parse_manifest(
        json.dumps({"ggufFile": entry}).encode(), "org/x", "org_x_sub_a.gguf"
    )
    assert listed is not None
    assert (listed.filename, listed.promised) == ("sub/a.gguf", f"sha256:{SHA256}")
    assert llamacpp.parse_manifest(b"{}", "org/x", "org_x_a.gguf") is None


@pytest.mark.parametrize(
    ("path", "hub", "source", "promised"),
    [
        (
            "/r/.cache/torch/hub/checkpoints/resnet50-0676ba61.pth",
            "torchhub",
            HubSource("", (), "resnet50-0676ba61.pth"),
            "sha256-prefix:0676ba61",
        ),
        (
            "/t/hub/checkpoints/plain.pth",
            "torchhub",
            HubSource("", (), "plain.pth"),
            "",
        ),
        ("/r/.keras/models/resnet.h5", "keras", HubSource("", (), "resnet.h5"), ""),
        (
            "/r/.cache/chroma/onnx_models/all-MiniLM-L6-v2/onnx/model.onnx",
            "chroma",
            HubSource("all-MiniLM-L6-v2", (), "onnx/model.onnx"),
            "",
        ),
        (
            "/tmp/fastembed_cache/fast-bge-small-en-v1.5/model.onnx",
            "fastembed",
            HubSource("bge-small-en-v1.5", (), "model.onnx"),
            "",
        ),
        (
            "/r/.cache/torch/sentence_transformers/sentence-transformers_all-MiniLM-L6-v2/a.bin",
            "huggingface",
            HubSource("sentence-transformers/all-MiniLM-L6-v2", (), "a.bin"),
            "",
        ),
        (
            "/a/node_modules/@huggingface/transformers/.cache/Xenova/bert/onnx/model.onnx",
            "huggingface",
            HubSource("Xenova/bert", (), "onnx/model.onnx"),
            "",
        ),
        (
            f"/a/node_modules/@xenova/transformers/.cache/Xenova/bert/{COMMIT}/model.onnx",
            "huggingface",
            HubSource("Xenova/bert", (COMMIT,), "model.onnx"),
            "",
        ),
    ],
)
def test_caches_of_names_only(path: str, hub: str, source: HubSource, promised: str) -> None:
    found = named.find(path)
    assert found is not None
    assert (found.hub, found.sources, found.promised) == (hub, (source,), promised)
    assert (found.claim, found.verified) == ("names", False)


@pytest.mark.parametrize(
    "path",
    [
        "/srv/.cache/org/repo/model.onnx",
        "/srv/models/model.gguf",
        "/a/sentence_transformers/plain/model.bin",
        "/a/node_modules/@huggingface/transformers/.cache/model.onnx",
        "/r/.cache/chroma/onnx_models/onnx.tar.gz",
    ],
)
def test_folders_that_only_look_like_a_cache_say_nothing(path: str) -> None:
    assert named.find(path) is None


_FOLDERS = (
    "models datasets hub blobs snapshots models--o--n versions 1 .. checkpoints ._____temp"
    f" transformers_modules {COMMIT} sha256-{SHA256} {SHA256} kagglehub .keras fastembed_cache"
    " @xenova transformers .cache ab"
)
_PARTS = st.one_of(st.sampled_from(_FOLDERS.split()), st.text(max_size=10))


@given(st.lists(_PARTS, max_size=14))
def test_any_path_is_read_and_no_name_is_made_up(parts: list[str]) -> None:
    path = "/" + "/".join(parts)
    found = [huggingface.parse(path), huggingface.parse_module(path), huggingface.parse_arrow(path)]
    found += [modelscope.parse(path), *modelscope.candidates(path)]
    kaggled = kaggle.parse(path)
    for place in [*found, kaggled.found if kaggled else None]:
        if place is not None:
            assert place.repository
            assert path.startswith(place.folder)
            assert ".." not in place.repository.split("/")
    ollama.parse(path)
    huggingface.parse_shared(path)
    huggingface.parse_local_partial(path)
    named.find(path)


@given(st.binary(max_size=300))
def test_records_of_any_kind(data: bytes) -> None:
    huggingface.parse_references(data)
    huggingface.parse_tree(data, "x")
    huggingface.parse_metadata(data)
    huggingface.parse_commit(data)
    ollama.parse_manifest(data)
    modelscope.parse_version(data)
    llamacpp.parse_download(data)
    llamacpp.parse_manifest(data, "o/n", "o_n_x")


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/h/models--o--n/refs/main", True),
        ("/h/models--o--n/refs/pr/1", True),
        (f"/h/datasets--o--n/trees/{COMMIT}.json", True),
        (f"/h/blobs/ab/{SHA256}.refs", True),
        ("/d/.cache/huggingface/download/sub/a.gguf.metadata", True),
        ("/m/manifests/registry.ollama.ai/library/x/latest", True),
        ("/l/org_x_a.gguf.json", True),
        ("/l/manifest=org=x=latest.json", True),
        ("/ms/hub/models/o/n/.mv", True),
        (f"/h/models--o--n/blobs/{SHA256}", False),
        (f"/h/models--o--n/snapshots/{COMMIT}/refs/main.py", False),
        ("/srv/app/main.py", False),
        ("/srv/settings.json", False),
    ],
)
def test_which_files_are_records_of_a_hub(path: str, kept: bool) -> None:
    assert records.is_record(path) == kept
