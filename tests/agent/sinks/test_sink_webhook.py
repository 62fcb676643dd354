"""What a webhook is sent, and what becomes of it when the receiver is bad."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aibom.agent.config.settings import Sinks as Settings
from aibom.agent.config.settings import Webhook
from aibom.agent.destinations import METADATA
from aibom.agent.errors import AgentError
from aibom.agent.findingline import finding_line
from aibom.agent.sinks import backoff, posting
from aibom.agent.sinks.cloudevents import finding_event
from aibom.agent.sinks.sinks import Sinks
from aibom.sources import transport
from aibom.types.inventory import Workload
from tests.agent.sinks.receiver import (
    Handler,
    Receiver,
    Said,
    bom,
    finding,
    receiving,
    status,
    until,
)
from tests.live.registryd import Authority, authority

Start = Callable[..., Sinks]


@pytest.fixture
def start(tmp_path: Path, receiver: Receiver, said: Said) -> Iterator[Start]:
    begun: list[Sinks] = []

    def make(**settings: Any) -> Sinks:
        webhook = Webhook(**({"url": f"{receiver.url}/in?key=hidden"} | settings))
        begun.append(Sinks(Settings(webhook=webhook), tmp_path / "spool", "node-1", said))
        return begun[-1]

    yield make
    for sinks in begun:
        sinks.close(0)


def delivered(sinks: Sinks) -> int:
    return sinks.statuses()[0].delivered


def test_a_finding_is_a_cloudevent(start: Start, receiver: Receiver) -> None:
    sinks = start()
    sinks.offer([finding(1)])
    until(lambda: delivered(sinks) == 1)
    (request,) = receiver.requests
    assert request.path == "/in?key=hidden"
    assert request.headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert request.headers["Idempotency-Key"] == "id-1"
    assert request.headers["User-Agent"].startswith("aibom/")
    event = request.event
    assert {k: v for k, v in event.items() if k != "data"} == {
        "specversion": "1.0",
        "id": "id-1",
        "source": "/aibom/nodes/node-1",
        "type": "aibom.finding",
        "time": "2026-09-21T14:13:21Z",
        "subject": "pod/shop/chat-7f",
        "datacontenttype": "application/json",
        "severity": "high",
    }
    assert "undeclared-model" in json.dumps(event["data"])


def test_lesser_findings_are_left_out(start: Start, receiver: Receiver) -> None:
    sinks = start(min_severity="medium")
    sinks.offer([finding(1, "info"), finding(2, "low"), finding(3, "medium"), bom(1)])
    until(lambda: delivered(sinks) == 1)
    assert receiver.ids == ["id-3"]


def test_boms_when_they_are_wanted(start: Start, receiver: Receiver) -> None:
    sinks = start(boms=True)
    sinks.offer([bom(7)])
    until(lambda: delivered(sinks) == 1)
    event = receiver.requests[0].event
    assert event["type"] == "aibom.bom"
    assert event["datacontenttype"] == "application/vnd.cyclonedx+json; version=1.6"
    assert event["status"] == "running"
    assert event["data"]["version"] == 7


def test_order_is_kept_and_connections_too(start: Start, receiver: Receiver) -> None:
    sinks = start()
    sinks.offer([finding(n) for n in range(50)])
    until(lambda: delivered(sinks) == 50)
    assert receiver.ids == [f"id-{n}" for n in range(50)]
    assert receiver.connections <= 2


@pytest.mark.parametrize("number", [408, 429, 500, 502, 503, 504, 401, 403, 404, 307])
def test_what_is_tried_again(start: Start, receiver: Receiver, said: Said, number: int) -> None:
    receiver.answers.extend([status(number)] * 3)
    sinks = start()
    sinks.offer([finding(1), finding(2)])
    until(lambda: delivered(sinks) == 2)
    assert receiver.ids == ["id-1"] * 4 + ["id-2"]
    assert len({r.headers["Idempotency-Key"] for r in receiver.requests}) == 2
    assert said.text.count("is tried again") == 1
    assert f"status {number}" in said.text
    assert said.lines[-1] == "over: sink-webhook-down"
    assert "hidden" not in said.text


@pytest.mark.parametrize("number", [400, 409, 410, 413, 415, 422])
def test_what_is_refused_is_put_aside(
    start: Start, receiver: Receiver, said: Said, tmp_path: Path, number: int
) -> None:
    receiver.answers.extend([status(number)] * 2)
    sinks = start()
    sinks.offer([finding(n) for n in range(3)])
    until(lambda: delivered(sinks) == 1)
    assert receiver.ids == ["id-0", "id-1", "id-2"]
    assert sinks.statuses()[0].failed == 2
    assert len(list((tmp_path / "spool/webhook/aside").iterdir())) == 2
    assert said.text.count("refuses") == 1


def test_redirects_are_not_followed(start: Start, receiver: Receiver) -> None:
    with receiving() as other:
        receiver.always = status(307, Location=f"{other.url}/there")
        sinks = start()
        sinks.offer([finding(1)])
        until(lambda: len(receiver.requests) > 3)
        assert "redirects are not followed" in sinks.statuses()[0].failing
        receiver.always = status(302, Location="/elsewhere")
        until(lambda: len(receiver.requests) > 6)
        assert other.requests == []
        assert {request.path for request in receiver.requests} == {"/in?key=hidden"}


def test_a_receiver_says_when(
    start: Start, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[float] = []
    usual = backoff.Backoff.next
    monkeypatch.setattr(
        backoff.Backoff, "next", lambda self, after=0.0: asked.append(after) or usual(self, 0.0)
    )
    receiver.answers.append(status(429, Retry_After="7"))
    sinks = start()
    sinks.offer([finding(1)])
    until(lambda: delivered(sinks) == 1)
    assert asked == [7.0]


def hang(_: Handler) -> None:
    time.sleep(3)


def half(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 2")
    handler.close_connection = True


def trickle(handler: Handler) -> None:
    handler.close_connection = True
    handler.wfile.write(b"HTTP/1.1 204 ")
    for _ in range(500):
        handler.wfile.write(b"x")
        time.sleep(0.01)


def close(handler: Handler) -> None:
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def garbage(handler: Handler) -> None:
    handler.close_connection = True
    handler.wfile.write(b"\x00\xff" * 1000 + b"\r\n\r\n")


@pytest.mark.parametrize("bad", [hang, half, trickle, close, garbage])
def test_no_answer(
    start: Start, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, bad: Any
) -> None:
    monkeypatch.setattr(posting, "READ", 0.1)
    monkeypatch.setattr(transport, "ANSWER", 0.2)
    receiver.answers.extend([bad, bad])
    sinks = start()
    sinks.offer([finding(1)])
    until(lambda: delivered(sinks) == 1)
    assert receiver.ids == ["id-1"] * 3


def test_ten_megabytes_are_not_read(start: Start, receiver: Receiver) -> None:
    receiver.always = status(400, b"x" * (10 << 20))
    sinks = start()
    sinks.offer([finding(1), finding(2)])
    until(lambda: sinks.statuses()[0].failed == 2)
    poster = posting.Poster(receiver.url, "", "url")
    assert len(poster.post(b"{}", {}).body) == posting.MAX_BODY
    poster.rest()


def test_a_body_that_trickles_is_left(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(handler: Handler) -> None:
        handler.close_connection = True
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(300):
            handler.wfile.write(b"x")
            time.sleep(0.01)

    monkeypatch.setattr(posting, "BODY", 0.1)
    receiver.always = slowly
    poster = posting.Poster(receiver.url, "", "url")
    answer = poster.post(b"{}", {})
    assert answer.status == 200
    assert len(answer.body) < 300
    poster.rest()


def test_a_token_is_read_again_and_never_told(
    start: Start, receiver: Receiver, said: Said, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("first-secret\n")
    sinks = start(token_file=str(token))
    sinks.offer([finding(1)])
    until(lambda: delivered(sinks) == 1)
    token.write_text("second-secret")
    receiver.answers.append(status(401))
    sinks.offer([finding(2)])
    until(lambda: delivered(sinks) == 2)
    assert [r.headers["Authorization"] for r in receiver.requests] == [
        "Bearer first-secret",
        "Bearer second-secret",
        "Bearer second-secret",
    ]
    assert "secret" not in said.text
    assert "secret" not in sinks.statuses()[0].failing


@pytest.mark.parametrize("content", [b"", b" \n", b"a\r\nX-Evil: 1", b"\xff\xfe", b"x" * 20_000])
def test_what_is_no_token(start: Start, receiver: Receiver, tmp_path: Path, content: bytes) -> None:
    token = tmp_path / "token"
    token.write_bytes(content)
    sinks = start(token_file=str(token))
    sinks.offer([finding(1)])
    until(lambda: "holds no token" in sinks.statuses()[0].failing)
    assert receiver.requests == []
    token.write_text("good")
    until(lambda: delivered(sinks) == 1)


def test_a_token_that_is_not_there_yet(start: Start, tmp_path: Path) -> None:
    token = tmp_path / "token"
    sinks = start(token_file=str(token))
    sinks.offer([finding(1)])
    until(lambda: "No such file" in sinks.statuses()[0].failing)
    token.write_text("good")
    until(lambda: delivered(sinks) == 1)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://user:pass@host/", "credentials"),
        ("ftp://host/", "neither https"),
        ("host/path", "neither https"),
        ("https://", "without a host"),
        ("https://host:99999/", "port is none"),
        ("https://ho st/", "no URL"),
        ("https://[::1/", "host or port is none"),
        ("http://169.254.169.254/latest", "link-local"),
        ("http://[fe80::1%25eth0]/", "link-local"),
        ("http://[::ffff:169.254.169.254]/", "link-local"),
        ("http://[fd00:ec2::254]/", "keeps credentials"),
        ("http://100.100.100.200/", "keeps credentials"),
        ("http://metadata.google.internal/", "keeps credentials"),
        ("http://METADATA.google.internal./", "keeps credentials"),
        ("http://0.0.0.0/", "reserved"),
        ("http://[::]/", "reserved"),
        ("http://224.0.0.1/", "reserved"),
    ],
)
def test_urls_that_are_refused(start: Start, url: str, says: str) -> None:
    with pytest.raises(AgentError, match=says) as caught:
        start(url=url)
    assert "pass" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("169.254.169.254", "link-local"),
        ("fe80::1", "link-local"),
        ("64:ff9b::a9fe:a9fe", "link-local"),
        ("fd00:ec2::254", "keeps credentials"),
        ("168.63.129.16", "keeps credentials"),
        ("::ffff:100.100.100.200", "keeps credentials"),
        ("0.0.0.0", "reserved"),  # noqa: S104 - nothing is bound
        ("ff02::1", "reserved"),
    ],
)
def test_names_that_lead_where_nobody_may(
    start: Start, monkeypatch: pytest.MonkeyPatch, address: str, says: str
) -> None:
    def answer(*_: Any, **__: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80))]

    def connect(*_: Any, **__: Any) -> Any:
        raise AssertionError("it connects")

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    monkeypatch.setattr(transport, "create_connection", connect)
    sinks = start(url="http://hook.test/")
    sinks.offer([finding(1)])
    until(lambda: says in sinks.statuses()[0].failing)
    assert f"hook.test leads to {address}" in sinks.statuses()[0].failing


def test_a_name_that_begins_to_mean_another_place(
    start: Start, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up, meanings = socket.getaddrinfo, iter(["127.0.0.1"])

    def rebinding(host: str, *rest: Any, **more: Any) -> Any:
        known = next(meanings, "169.254.169.254") if host == "hook.test" else host
        return look_up(known, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    receiver.always = lambda handler: (status(204)(handler), close(handler))  # type: ignore[assignment]
    sinks = start(url=receiver.url.replace("127.0.0.1", "hook.test"))
    sinks.offer([finding(1)])
    until(lambda: delivered(sinks) == 1)
    sinks.offer([finding(2)])
    until(lambda: "link-local" in sinks.statuses()[0].failing)
    assert receiver.ids == ["id-1"]


def test_plain_http_to_others_is_told(start: Start, said: Said) -> None:
    start()
    assert said.lines == []
    start(url="http://hook.example/")
    assert "without TLS" in said.text


def tls_of(made: Authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    return context


def test_tls_is_verified(start: Start, tmp_path: Path) -> None:
    (tmp_path / "good").mkdir()
    (tmp_path / "other").mkdir()
    good, other = authority(tmp_path / "good"), authority(tmp_path / "other")
    ca = tmp_path / "ca.pem"
    ca.write_bytes(other.ca.read_bytes())
    with receiving(Receiver(), tls_of(good)) as served:
        for file in ("", str(ca)):
            sinks = start(url=served.url, ca_file=file)
            sinks.offer([finding(1)])
            until(lambda: "not trusted" in sinks.statuses()[0].failing)  # noqa: B023
            sinks.close(0)
        assert served.requests == []
        # a new authority is mounted in its place
        sinks = start(url=served.url, ca_file=str(ca))
        ca.write_bytes(good.ca.read_bytes() + b"\n")
        until(lambda: delivered(sinks) == 1)
        assert served.ids == ["id-1"]


@pytest.fixture
def proxied(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Receiver:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", receiver.url)
    return receiver


def test_a_proxy_is_heeded(start: Start, proxied: Receiver) -> None:
    sinks = start(url="http://hook.example/in")
    sinks.offer([finding(1)])
    until(lambda: delivered(sinks) == 1)
    assert [request.path for request in proxied.requests] == ["http://hook.example/in"]
    with pytest.raises(AgentError, match="keeps credentials"):
        start(url="http://metadata.google.internal/")


def test_a_proxy_that_trickles(
    start: Start, proxied: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "ANSWER", 0.2)
    proxied.answers.append(trickle)
    sinks = start(url="http://hook.example/in")
    sinks.offer([finding(1)])
    until(lambda: delivered(sinks) == 1)
    assert proxied.ids == ["id-1"] * 2


def test_nothing_is_open_while_nothing_waits(start: Start, receiver: Receiver) -> None:
    sinks = start()
    sinks.offer([finding(1)])
    until(lambda: delivered(sinks) == 1)
    poster = sinks._senders["webhook"]._sink._poster  # type: ignore[attr-defined]
    until(lambda: not poster._session.adapters["http://"].poolmanager.pools.keys())
    sinks.offer([finding(2)])
    until(lambda: delivered(sinks) == 2)
    assert receiver.connections == 2
    assert sum(t.name.startswith("aibom-webhook") for t in threading.enumerate()) == 1


def test_hostile_names(start: Start, receiver: Receiver) -> None:
    name = "a\r\nX-Evil: 1\u2028\udcff" + "b" * 10_000
    workload = Workload("pod", name, name, name)
    sinks = start(boms=True)
    sinks.offer([finding(1, workload=workload), bom(1, workload)])
    until(lambda: delivered(sinks) == 2)
    for request in receiver.requests:
        assert "X-Evil" not in request.headers
        assert len(request.event["subject"]) <= 1001
        assert "\n" not in request.event["subject"]


def test_the_page_shows_what_is_sent() -> None:
    page = (Path(__file__).parents[3] / "docs" / "sinks.md").read_text()
    shown = json.loads(page.split("```json\n")[1].split("```")[0])
    made = json.loads(finding_event(finding(1), finding_line(finding(1), 0)))
    assert shown.pop("data").items() <= made.pop("data").items()
    assert shown == made
    for address in METADATA:
        assert str(address) in page
