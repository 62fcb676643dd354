"""A hub asked through huggingface_hub: a real client, and a hub on loopback that may be hostile."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from huggingface_hub import constants

from aibom.formats.hubs.reference import parse
from aibom.sources import hub as asked
from aibom.sources.errors import SourceError
from rig.hub import Files, commit_of, hub

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES: Files = {"model.safetensors": b"weights", "config.json": b"{}"}
ABOUT = {
    "cardData": {"license": "mit", "base_model": "acme/base"},
    "tags": ["base_model:adapter:acme/base", "base_model:acme/base", "license:mit"],
    "gated": "auto",
    "securityRepoStatus": {
        "scansDone": True,
        "filesWithIssues": [{"path": "x.pkl", "level": "unsafe"}],
    },
}


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_thisisatoken")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


def ask(url: str, monkeypatch: pytest.MonkeyPatch, text: str = "hf://acme/tiny") -> object:
    monkeypatch.setattr(constants, "ENDPOINT", url)
    reference = parse(text)
    assert reference is not None
    return asked.repository(reference)


def test_what_a_hub_says(monkeypatch: pytest.MonkeyPatch) -> None:
    with hub({"acme/tiny": FILES}, {"acme/tiny": ABOUT}) as url:
        found = ask(url, monkeypatch)
        assert isinstance(found, asked.HubRepository)
        assert found.commit == commit_of(FILES)
        assert [name for name, _ in found.sha256] == ["model.safetensors"]
        assert (found.others, found.licence, found.access) == (1, "mit", "gated")
        assert (found.base_models, found.adapter) == (("acme/base",), True)
        assert (found.scanned, found.unsafe) == (True, (("x.pkl", "unsafe"),))
        data = ask(url, monkeypatch, "hf://datasets/acme/tiny@main")
        assert isinstance(data, asked.HubRepository)
        assert data.reference.kind == "dataset"
        with pytest.raises(SourceError, match="acme/none is not on http://127"):
            ask(url, monkeypatch, "hf://acme/none")


def test_offline_and_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceError, match=r"http://127.0.0.1:1 cannot be asked: "):
        ask("http://127.0.0.1:1", monkeypatch)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(SourceError, match="HF_HUB_OFFLINE"):
        ask("http://127.0.0.1:1", monkeypatch)


Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def serving(answer: Answer) -> Iterator[tuple[str, list[str]]]:
    """Serve what ``answer`` writes; yield the address and the tokens that came."""
    tokens: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            tokens.append(self.headers.get("Authorization", ""))
            answer(self)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", tokens
    finally:
        server.shutdown()
        server.server_close()


def text(body: bytes, code: int = 200, **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b" " * (1 << 16))
    except OSError:
        return


def saying(**fields: object) -> Answer:
    return text(json.dumps({"id": "acme/tiny", "sha": COMMIT} | fields).encode())


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (text(b"<html>"), "gives no answer of a hub"),
        (text(b"[]"), "gives no answer of a hub"),
        (text(b"[" * 30_000), "gives no answer of a hub"),
        (text(b"{}"), "gives no answer of a hub"),
        (saying(siblings=[1]), "gives no answer of a hub"),
        (saying(siblings=7), "gives no answer of a hub"),
        (saying(sha="../x"), "names no commit"),
        (saying(sha=[]), "names no commit"),
        (text(b"", 403, X_Error_Code="GatedRepo"), "is gated"),
        (text(b"", 404, X_Error_Code="RevisionNotFound"), "no such revision"),
        (text(b"", 401), "answers with 401"),
        (text(b"", 500), "answers with 500"),
        (text(b"", 302, Location="/again"), "cannot be asked: .*redirects"),
        (text(b"x", Content_Encoding="gzip"), "compressed"),
        (text(b"", Content_Length="10"), "cannot be asked"),
        (endless, "more than 65536 bytes"),
    ],
)
def test_hostile_hubs(answer: Answer, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked, "MAX_ANSWER", 1 << 16)
    with serving(answer) as (url, _), pytest.raises(SourceError, match=said) as raised:
        ask(url, monkeypatch)
    assert "\n" not in str(raised.value)
    assert "hf_this" not in str(raised.value)


def test_an_answer_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked, "PATIENCE", -1.0)
    with serving(saying()) as (url, _), pytest.raises(SourceError, match="took more than"):
        ask(url, monkeypatch)


def test_odd_members_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [{"rfilename": "a", "lfs": {"sha256": 5, "size": 1, "pointerSize": 1}}]
    status = {"scansDone": "yes", "filesWithIssues": {"a": 1}}
    odd = saying(siblings=files, tags=[1, "license:mit"], securityRepoStatus=status)
    with serving(odd) as (url, _):
        found = ask(url, monkeypatch)
    assert isinstance(found, asked.HubRepository)
    assert (found.sha256, found.others, found.licence) == ((), 1, "mit")
    assert (found.scanned, found.unsafe) == (False, ())


def test_another_commit_than_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(saying()) as (url, _), pytest.raises(SourceError, match="another commit"):
        ask(url, monkeypatch, f"hf://acme/tiny@{'f' * 40}")


def test_a_redirect_elsewhere_gets_neither_a_request_nor_the_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving(saying()) as (other, others):
        away = text(b"", 302, Location=f"{other}/api/models/acme/tiny")
        with serving(away) as (url, tokens), pytest.raises(SourceError, match="sends elsewhere"):
            ask(url, monkeypatch)
    assert tokens == ["Bearer hf_thisisatoken"]
    assert others == []
