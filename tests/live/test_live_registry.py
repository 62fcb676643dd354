"""Debian's registry server: logins, TLS, tokens, and SBOMs attached in each of the usual ways."""

import base64
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aibom.formats.containers import oci, reference
from aibom.formats.containers.contents import Image
from aibom.formats.containers.oci import Platform
from aibom.sources.blobs import read
from aibom.sources.image import unpack
from aibom.sources.lineage import trace
from aibom.sources.registry.client import Client
from aibom.sources.registry.registry import Registry
from aibom.sources.registry.sender import Options
from tests.imagemaking import GZIP_LAYER, digest, layer
from tests.live.registryd import (
    HTPASSWD,
    PASSWORD,
    USER,
    Authority,
    Json,
    Running,
    authority,
    registry,
    token,
    token_server,
)
from tests.sources.images import CYCLONEDX, DSSE, IN_TOTO, bom, dump, envelope, statement

pytestmark = pytest.mark.live

REPOSITORY = "team/app"
MODEL = b"GGUF" + b"\0" * 60
LAYER = gzip.compress(layer({"models/tiny.gguf": MODEL}), mtime=0)
BOM_TYPE = "application/vnd.cyclonedx+json"


@pytest.fixture
def tls(tmp_path: Path) -> Authority:
    return authority(tmp_path)


@pytest.fixture
def running(tmp_path: Path, tls: Authority) -> Iterator[Running]:
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "test", "path": str(tmp_path / "htpasswd")}}
    with registry(tmp_path, tls, auth) as server:
        server.session.auth = (USER, PASSWORD)
        yield server


def put(server: Running, layers: list[Json], tag: str = "", **more: object) -> Json:
    config = server.blob(REPOSITORY, b"{}", oci.CONFIG)
    content = {
        "schemaVersion": 2,
        "mediaType": oci.MANIFEST,
        "config": config,
        "layers": layers,
    }
    return server.manifest(REPOSITORY, content | more, tag)


def image(server: Running, tag: str) -> Json:
    """Push an image of one layer."""
    config = {"rootfs": {"type": "layers", "diff_ids": [digest(gzip.decompress(LAYER))]}}
    described = server.blob(REPOSITORY, dump(config), oci.CONFIG)
    return put(server, [server.blob(REPOSITORY, LAYER, GZIP_LAYER)], tag, config=described)


def index(server: Running, entries: list[Json], tag: str) -> Json:
    content = {"schemaVersion": 2, "mediaType": oci.INDEX, "manifests": entries}
    return server.manifest(REPOSITORY, content, tag)


def diff(folder: Path, server: Running, tag: str, *options: str, code: int = 0) -> Json | str:
    """Run ``aibom diff`` of one package against an image; return its report, or what it says."""
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    config = {"auths": {server.host: {"auth": auth}}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "observed.json").write_bytes(dump(bom("numpy")))
    name = f"docker://{server.host}/{REPOSITORY}:{tag}"
    places = {
        "no_proxy": "*",
        "DOCKER_CONFIG": str(folder),
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder),
    }
    command = [sys.executable, "-m", "aibom", "diff", name, str(folder / "observed.json")]
    done = subprocess.run(
        [*command, "--format", "json", *options],
        env=os.environ | places,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stderr if code == 2 else dict(json.loads(done.stdout))


def declared(report: Json | str) -> list[str]:
    assert isinstance(report, dict)
    return [verdict["declared"] for verdict in report["verdicts"]]


def test_an_image_is_pulled(
    tmp_path: Path, tls: Authority, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed = image(running, "latest")
    config = {"auths": {running.host: {"username": USER, "password": PASSWORD}}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "config.json"))
    named = reference.parse(f"{running.host}/{REPOSITORY}")
    with Client(named, Options(ca=str(tls.ca))) as client:
        blobs = Registry(named, client)
        found = trace(blobs, blobs.resolve(""), Platform("linux", "amd64"))
        assert found.digests == (pushed["digest"],)
        assert [read(blobs, one, 1000) for one in found.manifest.layers] == [LAYER]
        everything = unpack(blobs, found, "latest", "registry", lambda *_: False)
        assert isinstance(everything, Image)
        ((path, file),) = everything.tree.files()
        assert (path, file.sha256) == ("/models/tiny.gguf", digest(MODEL).removeprefix("sha256:"))


def attach_by_fallback_tag(server: Running, root: Json) -> None:
    bill = server.blob(REPOSITORY, dump(bom("numpy")), BOM_TYPE)
    one = put(server, [bill], subject=root, artifactType=BOM_TYPE)
    index(server, [one | {"artifactType": BOM_TYPE}], root["digest"].replace(":", "-"))


def attach_by_cosign(server: Running, root: Json) -> None:
    bill = server.blob(REPOSITORY, dump(bom("numpy")), BOM_TYPE)
    put(server, [bill], root["digest"].replace(":", "-") + ".sbom")


def attest_by_cosign(server: Running, root: Json) -> None:
    signed = envelope(statement(bom("numpy"), root["digest"]))
    bill = server.blob(REPOSITORY, dump(signed), DSSE)
    bill["annotations"] = {"predicateType": CYCLONEDX}
    put(server, [bill], root["digest"].replace(":", "-") + ".att")


@pytest.mark.parametrize(
    "attach", [attach_by_fallback_tag, attach_by_cosign, attest_by_cosign], ids=lambda f: f.__name__
)
def test_an_attached_sbom_declares(
    tmp_path: Path, tls: Authority, running: Running, attach: Callable[[Running, Json], None]
) -> None:
    root = image(running, "1.0")
    before = diff(tmp_path, running, "1.0", "--registry-ca", str(tls.ca), code=1)
    assert declared(before) == ["false"]
    attach(running, root)
    assert declared(diff(tmp_path, running, "1.0", "--registry-ca", str(tls.ca))) == ["true"]


def test_what_buildkit_attests(tmp_path: Path, tls: Authority, running: Running) -> None:
    own = image(running, "") | {"platform": {"os": "linux", "architecture": "riscv64"}}
    bill = running.blob(REPOSITORY, dump(statement(bom("numpy"), own["digest"])), IN_TOTO)
    bill["annotations"] = {"in-toto.io/predicate-type": CYCLONEDX}
    attested = put(running, [bill]) | {
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": own["digest"],
        },
    }
    index(running, [own, attested], "2.0")
    options = ["--registry-ca", str(tls.ca), "--platform"]
    assert declared(diff(tmp_path, running, "2.0", *options, "linux/riscv64")) == ["true"]
    said = diff(tmp_path, running, "2.0", *options, "linux/s390x", code=2)
    assert "no image for linux/s390x; it has linux/riscv64" in said


def test_a_certificate_that_nobody_knows(tmp_path: Path, running: Running) -> None:
    image(running, "latest")
    said = diff(tmp_path, running, "latest", code=2)
    assert "its certificate is not trusted" in said


def test_a_token_server(tmp_path: Path, tls: Authority) -> None:
    scopes: list[str] = []
    with token_server(tls, scopes) as tokens:
        auth = {
            "token": {
                "realm": f"http://{tokens}/token",
                "service": "registry of the test",
                "issuer": "tokens of the test",
                "rootcertbundle": str(tls.ca),
            }
        }
        with registry(tmp_path, tls, auth) as server:
            bearer = token(tls, REPOSITORY, ["pull", "push"])
            server.session.headers["Authorization"] = f"Bearer {bearer}"
            attach_by_cosign(server, image(server, "latest"))
            options = ["--registry-ca", str(tls.ca)]
            said = diff(tmp_path, server, "latest", *options, code=2)
            assert "127.0.0.1, and not by https" in said
            options += ["--registry-insecure", tokens]
            assert declared(diff(tmp_path, server, "latest", *options)) == ["true"]
    assert scopes == [f"repository:{REPOSITORY}:pull"]
