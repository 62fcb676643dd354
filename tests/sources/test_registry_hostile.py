"""What a bad registry does: each is one line of trouble, and nothing of it is believed."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aibom.cli.main import main
from aibom.formats.containers import oci
from aibom.sources import transport
from aibom.sources.registry import body, neighbourhood
from tests.sources.images import DSSE, OTHER, bom, digest_of, dump, envelope, statement
from tests.sources.registry_server import Answer, Handler, Registry, serving

MANIFEST = "/v2/team/app/manifests/latest"
LAYER = dump(bom("numpy"))


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving(Registry()) as served:
        root = served.manifest([], "latest")
        layer = served.put(LAYER, "application/vnd.cyclonedx+json")
        served.manifest([layer], root["digest"].replace(":", "-") + ".sbom")
        yield served


@pytest.fixture
def observed(tmp_path: Path) -> Path:
    path = tmp_path / "observed.json"
    path.write_bytes(dump(bom("numpy")))
    return path


@pytest.fixture
def said(
    registry: Registry,
    observed: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., str]:
    """Run ``aibom diff`` on the registry's image; return the one line that it says."""
    for name in ("HOME", "DOCKER_CONFIG", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(observed.parent))
    monkeypatch.setenv("no_proxy", "*")

    def run(*options: str, code: int = 2) -> str:
        insecure = ["--registry-insecure", registry.host, *options]
        assert main(["diff", registry.name(), str(observed), "--format", "json", *insecure]) == code
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        if code == 2:
            assert out == ""
            assert err.startswith(f"aibom: {registry.name()}: ")
            assert err.count("\n") == 1
        return err or out

    return run


def reply(status: int = 200, data: bytes = b"", **headers: str) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: handler.reply(status, data, sent)


def cut_off(handler: Handler) -> None:
    handler.reply(200, LAYER[:-1], {"Content-Length": str(len(LAYER))})
    handler.close_connection = True


def endless(*, chunked: bool, status: int = 200) -> Answer:
    def answer(handler: Handler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", oci.MANIFEST)
        handler.send_header("Location", "http://storage.example/")
        handler.send_header(*(("Transfer-Encoding", "chunked") if chunked else ("X", "y")))
        handler.end_headers()
        handler.close_connection = True
        block = b"x" * 65536
        while True:
            handler.wfile.write(b"10000\r\n" + block + b"\r\n" if chunked else block)

    return answer


def test_a_good_one_is_read(said: Callable[..., str]) -> None:
    report = json.loads(said(code=0))
    assert [verdict["declared"] for verdict in report["verdicts"]] == ["true"]
    assert "its signature was not checked" in json.dumps(report)


@pytest.mark.parametrize("chunked", [True, False])
def test_endless_data(registry: Registry, said: Callable[..., str], chunked: bool) -> None:
    registry.answers[MANIFEST] = endless(chunked=chunked)
    assert "more than 4194304 bytes" in said()
    del registry.answers[MANIFEST]
    registry.answers[f"/v2/team/app/blobs/{digest_of(LAYER)}"] = endless(chunked=chunked)
    assert "longer than" in said()


def test_a_redirect_with_endless_data(registry: Registry, said: Callable[..., str]) -> None:
    registry.answers[MANIFEST] = endless(chunked=False, status=302)
    assert "storage.example, and not by https" in said()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (reply(data=LAYER[::-1]), "another digest"),
        (reply(data=LAYER + b" "), "bytes there"),
        (reply(data=LAYER, Content_Length=str(len(LAYER) + 9)), "bytes there"),
        (cut_off, "ended too early"),
        (reply(data=LAYER, Content_Encoding="gzip"), "encoded as gzip"),
        (reply(206, LAYER), "status 206"),
        (reply(204), "status 204"),
        (reply(500, b'{"errors": [{"code": "UNKNOWN"}]}'), "status 500 (UNKNOWN)"),
        (reply(403, b'{"errors": [{"code": "DENIED"}]}'), "(DENIED)"),
        (reply(302), "circles"),
        (reply(302, Location="https://[::1/x"), "sends us to no URL"),
        (reply(302, Location="http://storage.example/x"), "storage.example, and not by https"),
        (reply(302, Location="file:///etc/passwd"), "no host, and not by https"),
        (reply(302, Location="https://user:secret@storage.example/"), "storage.example, and not"),
        (reply(307, Location="https://169.254.169.254/latest"), "a link-local address"),
        (reply(307, Location="https://[fe80::1]/latest"), "a link-local address"),
        (reply(307, Location="https://10.0.0.1/"), "a private address"),
        (reply(307, Location="https://[::ffff:192.168.0.1]/"), "a private address"),
        (reply(307, Location="https://[64:ff9b::a00:1]/"), "a private address"),
        (reply(307, Location=f"https://{'a' * 70}.example/"), "a.example"),
    ],
)
def test_a_bad_blob(
    registry: Registry, said: Callable[..., str], answer: Answer, words: str
) -> None:
    registry.answers[f"/v2/team/app/blobs/{digest_of(LAYER)}"] = answer
    line = said()
    assert words in line
    assert "secret" not in line


def manifest(**members: object) -> bytes:
    return dump({"schemaVersion": 2, "mediaType": oci.MANIFEST, "layers": []} | members)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (reply(data=b"x" * (oci.MAX_DOCUMENT + 1), Content_Type=oci.MANIFEST), "more than 4194304"),
        (reply(data=b"{}", Content_Type="text/html"), "text/html"),
        (reply(data=b"<html>", Content_Type=oci.MANIFEST), "not JSON"),
        (reply(data=manifest(), Content_Type=oci.INDEX), "announced as"),
        (reply(data=manifest(manifests=[]), Content_Type=oci.MANIFEST), "as well"),
        (reply(data=manifest(), Content_Type=oci.MANIFEST, Docker_Content_Digest=OTHER), "another"),
        (reply(data=b"[" * 100_000, Content_Type=oci.MANIFEST), "too deeply"),
    ],
)
def test_a_bad_manifest(
    registry: Registry, said: Callable[..., str], answer: Answer, words: str
) -> None:
    registry.answers[MANIFEST] = answer
    assert words in said()


def test_indexes_in_indexes(registry: Registry, said: Callable[..., str]) -> None:
    inner = registry.manifest([])
    for _ in range(9):
        inner = registry.index([inner])
    registry.names["latest"] = inner["digest"]
    assert "more than 4 indexes" in said()


def challenge(text: str) -> Answer:
    return reply(401, b"{}", WWW_Authenticate=text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "does not know"),
        ("Negotiate", "does not know"),
        ('Bearer realm="http://tokens.example/"', "tokens.example, and not by https"),
        ('Bearer realm="https://10.0.0.1/token"', "a private address"),
        ("Bearer service=x", "not by https"),
        ('Bearer realm="https://[::"', "no URL"),
    ],
)
def test_a_bad_challenge(
    registry: Registry, said: Callable[..., str], text: str, words: str
) -> None:
    registry.guard = challenge(text)
    assert words in said()


@pytest.mark.parametrize(
    "answer",
    [
        reply(data=b"{}"),
        reply(data=b"token"),
        reply(data=dump({"token": "a\r\nX: y"})),
        reply(data=dump({"token": 5})),
    ],
)
def test_a_bad_token(registry: Registry, said: Callable[..., str], answer: Answer) -> None:
    registry.guard = challenge(f'Bearer realm="http://{registry.host}/token"')
    registry.answers["/token"] = answer
    assert "gave no token" in said()


def test_a_token_is_asked_for_once(registry: Registry, said: Callable[..., str]) -> None:
    registry.guard = challenge(f'Bearer realm="http://{registry.host}/token"')
    registry.answers["/token"] = reply(data=dump({"token": "t"}))
    assert "does not let us read" in said()
    assert [path.partition("?")[0] for path in registry.paths()] == [MANIFEST, "/token", MANIFEST]


def test_a_token_server_that_wants_a_login_itself(
    registry: Registry, said: Callable[..., str]
) -> None:
    registry.guard = challenge(f'Bearer realm="http://{registry.host}/token"')
    registry.answers["/token"] = registry.guard
    assert "does not let us" in said()
    assert len(registry.asked) == 2


def test_a_login_stays_with_the_registry(
    registry: Registry, said: Callable[..., str], observed: Path
) -> None:
    auth = {"auths": {registry.host: {"username": "ann", "password": "secret"}}}
    (observed.parent / "config.json").write_text(json.dumps(auth))
    with serving(Registry()) as storage:
        storage.answers["/blob"] = reply(data=LAYER)
        elsewhere = reply(307, Location=f"http://{storage.host}/blob", Set_Cookie="a=b")

        def guard(handler: Handler) -> None:
            if "Authorization" not in handler.headers:
                challenge("Basic")(handler)
            elif handler.path.endswith(digest_of(LAYER)):
                elsewhere(handler)
            else:
                handler.serve()

        registry.guard = guard
        said("--registry-insecure", storage.host, code=0)
    ((_, path, headers),) = storage.asked
    assert path == "/blob"
    assert not {"Authorization", "Cookie"} & headers.keys()


def test_storage_that_wants_the_login(
    registry: Registry, said: Callable[..., str], observed: Path
) -> None:
    auth = {"auths": {registry.host: {"username": "ann", "password": "secret"}}}
    (observed.parent / "config.json").write_text(json.dumps(auth))
    with serving(Registry()) as storage:
        storage.guard = challenge(f'Basic, Bearer realm="http://{storage.host}/token"')
        path = f"/v2/team/app/blobs/{digest_of(LAYER)}"
        registry.answers[path] = reply(307, Location=f"http://{storage.host}/blob")
        assert "does not let us" in said("--registry-insecure", storage.host)
    ((_, path, headers),) = storage.asked
    assert path == "/blob"
    assert "Authorization" not in headers


def test_a_proxy_is_asked_where_the_environment_names_one(
    registry: Registry, said: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Registry()) as proxy:
        monkeypatch.delenv("no_proxy")
        monkeypatch.setenv("http_proxy", f"http://{proxy.host}")
        assert "not there" in said()
    assert registry.asked == []
    assert proxy.paths() == [f"http://{registry.host}{MANIFEST}"]


def serve_and_close(handler: Handler) -> None:
    handler.serve()
    handler.close_connection = True


def test_a_name_that_begins_to_mean_another_place(
    registry: Registry, said: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    area_of, look_up = neighbourhood.area_of, socket.getaddrinfo
    meanings = iter(["127.0.0.1", "127.0.0.2"])

    def rebinding(host: str, *rest: Any, **more: Any) -> Any:
        return look_up(next(meanings) if host == "registry.test" else host, *rest, **more)

    monkeypatch.setattr(
        neighbourhood, "area_of", lambda a: "public" if a == "127.0.0.1" else area_of(a)
    )
    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    registry.guard = serve_and_close
    registry.host = registry.host.replace("127.0.0.1", "registry.test")
    assert "a loopback address (127.0.0.2)" in said()


def trickle(handler: Handler, begin: bytes) -> None:
    handler.close_connection = True
    handler.wfile.write(begin)
    while True:
        handler.wfile.write(b"x")
        time.sleep(0.02)


def test_headers_that_trickle(
    registry: Registry, said: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "ANSWER", 0.3)
    registry.answers[MANIFEST] = lambda handler: trickle(handler, b"HTTP/1.1 200 OK\r\nX: ")
    assert "did not answer in time" in said()


def test_a_body_that_trickles(
    registry: Registry, said: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "_SLOWEST", 1 << 40)
    monkeypatch.setattr(transport, "ANSWER", 2.0)
    path = f"/v2/team/app/blobs/{digest_of(LAYER)}"
    registry.answers[path] = lambda handler: trickle(handler, b"HTTP/1.1 200 OK\r\n\r\n")
    assert "too slowly" in said()


def test_referrers_without_an_end(registry: Registry, said: Callable[..., str]) -> None:
    path = f"/v2/team/app/referrers/{registry.names['latest']}"
    listed = dump({"schemaVersion": 2, "manifests": []})
    registry.answers[path] = reply(
        data=listed, Content_Type=oci.INDEX, Link=f'<{path}>; rel="next"'
    )
    assert "without an end" in said()


def test_referrers_of_another_place(registry: Registry, said: Callable[..., str]) -> None:
    path = f"/v2/team/app/referrers/{registry.names['latest']}"
    listed = dump({"schemaVersion": 2, "manifests": []})
    for place in ("https://other.example/", "https://[::1/", "/v2/team/other/x"):
        link = f'<{place}>; rel="next"'
        registry.answers[path] = reply(data=listed, Content_Type=oci.INDEX, Link=link)
        line = said()
        assert "out of its own repository" in line or "to no URL" in line


def test_an_attestation_of_another_image(registry: Registry, said: Callable[..., str]) -> None:
    root = registry.names.pop("latest")
    registry.names = {"latest": root}
    attested = dump(envelope(statement(bom("numpy"), OTHER)))
    layer = registry.put(attested, DSSE)
    registry.manifest([layer], root.replace(":", "-") + ".att")
    report = json.loads(said(code=1))
    assert [verdict["declared"] for verdict in report["verdicts"]] == ["false"]
    assert "not about this image" in json.dumps(report)


@pytest.mark.parametrize(
    "name", ["docker://", "docker://team/App", "docker://localhost:x/a", "docker://a:1:2"]
)
def test_a_bad_name(name: str, observed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", name, str(observed)]) == 2
    assert capsys.readouterr().err.startswith(f"aibom: {name}: ")


def test_plain_http_only_where_it_was_named(
    registry: Registry, observed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", registry.name(), str(observed)]) == 2
    assert "TLS failed" in capsys.readouterr().err
    assert registry.asked == []
