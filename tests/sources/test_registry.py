"""Images pulled from a loopback registry: what is asked, how logins are given, what is attached."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from aibom.formats.containers import oci, reference
from aibom.formats.containers.oci import Platform
from aibom.sources.blobs import read
from aibom.sources.errors import MissingError, SourceError
from aibom.sources.lineage import trace
from aibom.sources.registry.client import Client
from aibom.sources.registry.registry import Registry as Source
from aibom.sources.registry.sender import Options
from tests.sources.images import OTHER
from tests.sources.registry_server import Answer, Handler, Registry, serving

AMD64 = Platform("linux", "amd64")


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    monkeypatch.setenv("no_proxy", "*")
    with serving(Registry()) as served:
        layer = served.put(b"a layer", "application/vnd.oci.image.layer.v1.tar")
        served.manifest([layer], "latest")
        yield served


def source(registry: Registry, environment: dict[str, str] | None = None, tag: str = "") -> Source:
    image = reference.parse(f"{registry.host}/{registry.repository}{tag}")
    options = Options(insecure=frozenset({registry.host}))
    waits: list[float] = []
    return Source(image, Client(image, options, environment or {}, waits.append))


def test_an_image_is_pulled(registry: Registry) -> None:
    blobs = source(registry)
    image = trace(blobs, blobs.resolve(""), AMD64)
    assert image.digests == (registry.names["latest"],)
    assert read(blobs, image.manifest.config, 10) == b"{}"
    assert read(blobs, image.manifest.layers[0], 10) == b"a layer"
    # the manifest is asked for by its tag, and by its digest not once more
    assert [path.rpartition("/v2/team/app/")[2].partition("/")[0] for path in registry.paths()] == [
        "manifests",
        "blobs",
        "blobs",
    ]


def test_a_digest_is_held_against_the_manifest(registry: Registry) -> None:
    digest = registry.names["latest"]
    assert source(registry, tag=f"@{digest}").resolve("").digest == digest
    registry.names[OTHER] = digest
    with pytest.raises(SourceError, match="another content"):
        source(registry, tag=f"@{OTHER}").resolve("")


def test_a_platform_is_chosen(registry: Registry) -> None:
    arm = registry.manifest([], annotations={"for": "arm"})
    amd = registry.manifest([], annotations={"for": "amd"})
    entries = [
        arm | {"platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
        amd | {"platform": {"os": "linux", "architecture": "amd64"}},
    ]
    root = registry.index(entries, "latest")
    blobs = source(registry)
    image = trace(blobs, blobs.resolve(""), AMD64)
    assert image.digests == (root["digest"], amd["digest"])
    with pytest.raises(SourceError, match="no image for linux/riscv64"):
        trace(blobs, blobs.resolve(""), Platform("linux", "riscv64"))


def test_what_is_not_there_is_said(registry: Registry) -> None:
    with pytest.raises(MissingError, match=r"team/app has no 2\.0"):
        source(registry, tag=":2.0").resolve("")
    with pytest.raises(SourceError, match="no tag or digest"):
        source(registry).resolve("../../secret")


SECRET = "secret"  # noqa: S105 - it is none


def login(folder: Path, registry: Registry, **entry: str) -> dict[str, str]:
    (folder / "config.json").write_text(json.dumps({"auths": {registry.host: entry}}))
    return {"DOCKER_CONFIG": str(folder), "XDG_RUNTIME_DIR": str(folder), "HOME": str(folder)}


def guarded(challenge: str, right: str) -> Answer:
    def answer(handler: Handler) -> None:
        if handler.headers.get("Authorization") == right:
            handler.serve()
        else:
            handler.reply(401, b"{}", {"WWW-Authenticate": challenge})

    return answer


def test_a_password_is_given_only_when_asked_for(registry: Registry, tmp_path: Path) -> None:
    pair = base64.b64encode(b"ann:secret:1").decode()
    registry.guard = guarded('Basic realm="r"', f"Basic {pair}")
    environment = login(tmp_path, registry, auth=pair)
    assert source(registry, environment).resolve("").size
    assert [headers.get("Authorization") for _, _, headers in registry.asked] == [
        None,
        f"Basic {pair}",
    ]


def test_without_a_login_it_says_what_to_do(registry: Registry, tmp_path: Path) -> None:
    registry.guard = guarded("Basic", "nobody")
    with pytest.raises(SourceError, match=f"docker login {registry.host}"):
        source(registry, {"HOME": str(tmp_path)}).resolve("")


def test_a_wrong_password_is_said_without_it(registry: Registry, tmp_path: Path) -> None:
    registry.guard = guarded("Basic", "nobody")
    environment = login(tmp_path, registry, username="ann", password=SECRET)
    with pytest.raises(SourceError, match="does not let us read team/app") as caught:
        source(registry, environment).resolve("")
    assert "secret" not in str(caught.value)
    assert len(registry.asked) == 2


def token_server(registry: Registry, answer: dict[str, str]) -> None:
    def give(handler: Handler) -> None:
        handler.reply(200, json.dumps(answer).encode())

    registry.answers["/token"] = give
    challenge = f'Bearer realm="http://{registry.host}/token",service="s",scope="repository:x:push"'
    registry.guard = guarded(challenge, "Bearer t0ken")


@pytest.mark.parametrize("member", ["token", "access_token"])
def test_a_token_is_fetched_once_and_used(registry: Registry, tmp_path: Path, member: str) -> None:
    token_server(registry, {member: "t0ken"})
    environment = login(tmp_path, registry, username="ann", password=SECRET)
    blobs = source(registry, environment)
    image = trace(blobs, blobs.resolve(""), AMD64)
    assert read(blobs, image.manifest.layers[0], 10) == b"a layer"
    asked = [(path, h.get("Authorization", "")) for _, path, h in registry.asked]
    tokens = [(path, said) for path, said in asked if path.startswith("/token")]
    # to pull this repository, whatever the challenge wished
    scope = "/token?service=s&scope=repository%3Ateam%2Fapp%3Apull"
    assert tokens == [(scope, "Basic " + base64.b64encode(b"ann:secret").decode())]
    assert [said for path, said in asked if path not in {scope}] == [
        "",
        "Bearer t0ken",
        "Bearer t0ken",
    ]


def test_an_identity_token_is_exchanged(registry: Registry, tmp_path: Path) -> None:
    forms: list[dict[str, str]] = []
    token_server(registry, {"token": "t0ken"})
    give = registry.answers["/token"]

    def noting(handler: Handler) -> None:
        forms.append(handler.form)
        give(handler)

    registry.answers["/token"] = noting
    environment = login(tmp_path, registry, identitytoken="refresh")
    assert source(registry, environment).resolve("").size
    assert forms == [
        {
            "grant_type": "refresh_token",
            "refresh_token": "refresh",
            "service": "s",
            "scope": "repository:team/app:pull",
            "client_id": "aibom",
        }
    ]


def test_an_overload_is_waited_for(registry: Registry) -> None:
    left = ["503", "429"]

    def answer(handler: Handler) -> None:
        if left:
            handler.reply(int(left.pop()), headers={"Retry-After": "86400"})
        else:
            handler.serve()

    registry.guard = answer
    waits: list[float] = []
    image = reference.parse(f"{registry.host}/{registry.repository}")
    options = Options(insecure=frozenset({registry.host}))
    assert Source(image, Client(image, options, {}, waits.append)).resolve("").size
    assert waits == [5.0, 5.0]
    left[:] = ["503"] * 9
    with pytest.raises(SourceError, match="status 503"):
        Source(image, Client(image, options, {}, waits.append)).resolve("")
    assert len(left) == 6


@pytest.mark.parametrize("api", [True, False])
def test_referrers_are_listed(registry: Registry, api: bool) -> None:
    registry.referrers_api = api
    root = registry.names["latest"]
    subject = {"mediaType": oci.MANIFEST, "digest": root, "size": len(registry.blobs[root])}
    one = registry.manifest([], artifactType="application/spdx+json", subject=subject)
    assert source(registry).referrers(OTHER) == ()
    if not api:
        assert source(registry).referrers(root) == ()
        registry.index(registry.attached[root], root.replace(":", "-"))
    (found,) = source(registry).referrers(root)
    assert (found.digest, found.artifact_type) == (one["digest"], "application/spdx+json")


def test_referrers_come_in_pages(registry: Registry) -> None:
    root = registry.names["latest"]
    ones = [registry.manifest([], annotations={"number": str(n)}) for n in range(3)]

    def page(handler: Handler) -> None:
        number = int(handler.path.partition("?n=")[2] or 0)
        listed = {"schemaVersion": 2, "manifests": [ones[number]]}
        path = handler.path.partition("?")[0]
        link = {"Link": f'<{path}?n={number + 1}>; rel="next"'} if number < 2 else {}
        headers = {"Content-Type": oci.INDEX} | link
        handler.reply(200, json.dumps(listed).encode(), headers)

    registry.answers[f"/v2/team/app/referrers/{root}"] = page
    found = source(registry).referrers(root)
    assert [d.digest for d in found] == [one["digest"] for one in ones]
