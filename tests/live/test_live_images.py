"""Images that other programs wrote: skopeo, umoci, containerd; and a pod against its own image."""

import hashlib
import json
import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from aibom.cli.images import Choice, read_image
from aibom.types.declared import Document
from rig import images, oci
from rig.cache import cache_folder, filling
from rig.debs import unpacked
from rig.errors import RigError
from rig.node import Node
from rig.pods import Container
from tests.live.conftest import HOLDER, aibom
from tests.live.test_live_files import gguf
from tests.live.test_live_pods import await_ready

pytestmark = pytest.mark.live

#: What Debian's skopeo is linked with and a bare Debian lacks.
LIBRARIES = ("libgpgme11", "libassuan0", "libdevmapper1.02.1")
MODEL = gguf("in image")

Run = Callable[..., None]


def read(name: object, choice: Choice | None = None) -> Document:
    found = read_image(str(name), choice or Choice())
    assert found is not None
    return found[0]


@pytest.fixture(scope="module")
def image() -> oci.Image:
    """Give Debian's Python with a model on top of it."""
    cache = cache_folder()
    try:
        with filling(cache):
            layer = {"/models/m.gguf": MODEL, "/models/link.gguf": images.Link("m.gguf")}
            return images.python_with(
                cache, "local.test/promised:1", "1", lambda: [layer], ("python3",)
            )
    except RigError as error:
        pytest.skip(f"needs packages of Debian: {error}")


@pytest.fixture(scope="module")
def run() -> Run:
    """Run a program of Debian that is unpacked and not installed."""
    try:
        debs = {
            deb.name: deb.root for deb in unpacked(["skopeo", "umoci", *LIBRARIES], cache_folder())
        }
    except RigError as error:
        pytest.skip(f"needs packages of Debian: {error}")
    folders = {file.parent for name in LIBRARIES for file in debs[name].rglob("*.so.*")}
    environment = os.environ | {"LD_LIBRARY_PATH": ":".join(sorted(map(str, folders)))}

    def running(program: str, *arguments: object) -> None:
        command = [str(debs[program] / "usr/bin" / program), *map(str, arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    return running


def copy(run: Run, image: oci.Image, target: str, *options: str) -> None:
    # of an archive skopeo gives every member to root, which only root can
    with TemporaryDirectory() as folder, tarfile.open(image.archive) as archive:
        archive.extractall(folder)  # noqa: S202 - an archive of our own
        run("skopeo", "--insecure-policy", "copy", *options, f"oci:{folder}", target)


def same(found: Document, expected: Document) -> None:
    """Compare what two forms of one image promise: their names apart, all of it."""
    assert found.files == expected.files
    assert [(c.purl, c.paths, c.sha256) for c in found.claims] == [
        (c.purl, c.paths, c.sha256) for c in expected.claims
    ]


@pytest.mark.parametrize(
    ("target", "options", "form"),
    [
        ("oci:{}/layout:v1", ("--dest-compress-format", "gzip"), "OCI image layout"),
        ("oci:{}/layout:v1", ("--dest-compress-format", "zstd"), "OCI image layout"),
        ("oci-archive:{}/image.tar:v1", (), "OCI image archive"),
        ("docker-archive:{}/image.tar:local.test/promised:1", (), "docker archive"),
    ],
)
def test_what_skopeo_writes(
    target: str, options: tuple[str, ...], form: str, image: oci.Image, run: Run, tmp_path: Path
) -> None:
    copy(run, image, target.format(tmp_path), *(("--dest-compress", *options) if options else ()))
    (path,) = tmp_path.iterdir()
    found = read(path)
    assert (found.form, found.notes) == (form, ())
    same(found, read(image.archive))


def test_the_files_that_umoci_unpacks(image: oci.Image, run: Run, tmp_path: Path) -> None:
    copy(run, image, f"oci:{tmp_path}/layout:v1")
    run("umoci", "unpack", "--rootless", "--image", f"{tmp_path}/layout:v1", tmp_path / "bundle")
    root = tmp_path / "bundle" / "rootfs"
    files = [p for p in root.rglob("*") if p.is_file() and not p.is_symlink()]
    expected = {
        f"/{path.relative_to(root)}": hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }
    found = read(tmp_path / "layout")
    assert {path: file.sha256 for path, file in found.files.items()} == expected


def test_every_package_that_went_in(image: oci.Image) -> None:
    found = read(image.archive)
    packages = {c.name: c for c in found.claims if c.purl.startswith("pkg:deb/debian/")}
    assert set(packages) == set(images._PYTHON_PACKAGES)
    assert "/usr/bin/python3.11" in packages["python3.11-minimal"].paths
    (model,) = (c for c in found.claims if c.component == "model")
    assert model.paths == {"/models/m.gguf"}
    assert found.files["/models/m.gguf"].layer == image.layers[-1]
    assert found.digests >= {image.digest}


def test_containerds_own_store(image: oci.Image, rig_node: Node) -> None:
    rig_node.load(image)
    choice = Choice(None, str(rig_node.places.root))
    expected = read(image.archive)
    for reference in (image.name, image.digest, f"{image.name}@{image.digest}"):
        found = read(f"containerd://{reference}", choice)
        same(found, expected)
        assert image.digest in found.digests


def test_a_pod_against_the_image_that_it_runs(
    image: oci.Image, rig_node: Node, tmp_path: Path
) -> None:
    name = rig_node.load(image)
    setup = "open('/tmp/late.gguf', 'wb').write(open('/models/m.gguf', 'rb').read() + b'x')\n"
    steps = [{"path": "/models/m.gguf", "map": True}, {"path": "/tmp/late.gguf", "map": True}]
    command = ["python3", "-c", setup + HOLDER, json.dumps(steps)]
    pod = rig_node.run_pod("promised", [Container("main", name, command)], namespace="images")
    try:
        for container in pod.containers:
            await_ready(container.output)
        observed = tmp_path / "observed.cdx.json"
        aibom("scan", "--no-cache", "--pod", "images/promised", "-o", observed)
    finally:
        rig_node.stop_pod(pod)
    root = ("--containerd-root", rig_node.places.root)
    for declared in ((*root, f"containerd://{name}"), (image.archive,)):
        report = json.loads(aibom("diff", "--format", "json", *declared, observed, code=1))
        high = [f for f in report["findings"] if f["severity"] in ("medium", "high", "critical")]
        assert [f["kind"]["name"] for f in high] == ["undeclared-model"], high


def test_each_container_against_its_own_image(
    image: oci.Image, rig_node: Node, tmp_path: Path
) -> None:
    name = rig_node.load(image)
    changed = "open('/models/m.gguf', 'ab').write(b'changed')\n"
    steps = [{"path": "/models/m.gguf", "map": True}]
    containers = [
        Container("sound", name, ["python3", "-c", HOLDER, json.dumps(steps)]),
        Container("changed", name, ["python3", "-c", changed + HOLDER, json.dumps(steps)]),
    ]
    pod = rig_node.run_pod("own", containers, namespace="images")
    options = ("--no-cache", "--pod", "images/own", "--format", "json", "--own-images")
    try:
        for container in pod.containers:
            await_ready(container.output)
        report = json.loads(aibom("scan", *options, "--containerd-root", rig_node.places.root))
        blind = json.loads(aibom("scan", *options, "--containerd-root", tmp_path))
    finally:
        rig_node.stop_pod(pod)
    (workload,) = report["workloads"]
    found = [f for f in workload["findings"] if f["severity"] in ("medium", "high", "critical")]
    assert [f["kind"]["name"] for f in found] == ["modified-in-container"]
    assert "in container changed" in found[0]["evidence"]
    models = {c["ref"] for c in workload["inventory"]["components"] if c["kind"] == "model"}
    said = {v["declared"] for v in workload["verdicts"] if v["ref"] in models}
    assert said == {"true", "false"}
    # an image that cannot be had is said, and makes nothing undeclared
    (workload,) = blind["workloads"]
    assert any(u["subject"].startswith("image ") for u in workload["inventory"]["unseen"])
    assert not [f for f in workload["findings"] if f["kind"]["name"] == "not-in-sbom"]
