"""What Dependency-Track is sent."""

import email
import email.policy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aibom.agent.config.settings import DependencyTrack
from aibom.agent.config.settings import Sinks as Settings
from aibom.agent.sinks.dependencytrack import project_of
from aibom.agent.sinks.sinks import Sinks
from aibom.types.inventory import Workload
from tests.agent.sinks.receiver import POD, Receiver, Request, Said, bom, finding, status, until


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text("odt_secret\n")
    return path


def started(tmp_path: Path, receiver: Receiver, said: Said, **settings: Any) -> Sinks:
    track = DependencyTrack(**({"url": receiver.url} | settings))
    return Sinks(Settings(dependency_track=track), tmp_path / "spool", "node-1", said)


@pytest.fixture
def sinks(tmp_path: Path, receiver: Receiver, said: Said, key: Path) -> Iterator[Sinks]:
    made = started(tmp_path, receiver, said, key_file=str(key), parent="runtime@1")
    yield made
    made.close(0)


def form(request: Request) -> dict[str, Any]:
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + request.body, policy=email.policy.HTTP)
    return {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
        for part in message.iter_parts()
    }


def test_a_bom_is_uploaded(sinks: Sinks, receiver: Receiver) -> None:
    sinks.offer([finding(1), bom(3)])
    until(lambda: sinks.statuses()[0].delivered == 1)
    (request,) = receiver.requests
    assert request.path == "/api/v1/bom"
    assert request.headers["X-Api-Key"] == "odt_secret"
    assert form(request) == {
        "autoCreate": b"true",
        "projectName": b"shop/chat-7f",
        "projectVersion": b"observed",
        "parentName": b"runtime",
        "parentVersion": b"1",
        "bom": bom(3).text.encode(),
    }


def test_only_the_newest_waits(sinks: Sinks, receiver: Receiver) -> None:
    other = Workload("pod", "other", "shop", "uid-2")
    receiver.always = status(503)
    sinks.offer([bom(1), bom(1, other)])
    until(lambda: receiver.requests)
    sinks.offer([bom(2)])
    sinks.offer([bom(3)])
    assert sinks.statuses()[0].waiting == 2
    receiver.always = None
    until(lambda: sinks.statuses()[0].waiting == 0)
    sent = [form(r)["bom"] for r in receiver.requests]
    assert sent[-2:] == [bom(1, other).text.encode(), bom(3).text.encode()]
    assert bom(2).text.encode() not in sent


def test_a_refusal_is_told_without_the_key(
    sinks: Sinks, receiver: Receiver, said: Said, tmp_path: Path
) -> None:
    problem = b'{"status": 400, "title": "The uploaded BOM is invalid", "detail": "odt_secret\\n1"}'
    receiver.answers.append(status(400, problem))
    sinks.offer([bom(1)])
    until(lambda: sinks.statuses()[0].failed == 1)
    assert r"The uploaded BOM is invalid: ***\x0a1" in said.text
    assert "odt_secret" not in said.text
    assert len(list((tmp_path / "spool/dependency-track/aside").iterdir())) == 1


@pytest.mark.parametrize(
    "body", [b"", b"[1]", b"[" * 5000, b'{"title": 1}', b"\xff\x00<html>", b"x" * 100_000]
)
def test_answers_that_make_no_sense(
    sinks: Sinks, receiver: Receiver, said: Said, body: bytes
) -> None:
    receiver.answers.extend([status(401, body), status(400, body)])
    sinks.offer([bom(1)])
    until(lambda: sinks.statuses()[0].failed == 1)
    assert sinks.crashes == 0
    assert max(map(len, said.lines)) < 1200


@pytest.mark.parametrize(("given", "path"), [("/", "/"), ("/api", "/"), ("/dt/api/", "/dt/")])
def test_where_it_is_uploaded(
    tmp_path: Path, receiver: Receiver, said: Said, given: str, path: str
) -> None:
    sinks = started(tmp_path, receiver, said, url=receiver.url + given)
    sinks.offer([bom(1)])
    until(lambda: receiver.requests)
    assert receiver.requests[0].path == f"{path}api/v1/bom"
    assert "X-Api-Key" not in receiver.requests[0].headers
    assert b"parentName" not in receiver.requests[0].body
    sinks.close(1)


def test_a_version_that_it_does_not_know_is_told_once(sinks: Sinks, said: Said) -> None:
    sinks.offer([bom(1)])
    assert said.lines == []
    sinks.offer([bom(2, version="1.7")])
    sinks.offer([bom(3, version="1.7")])
    assert said.text.count("set spec_version to '1.6'") == 1


@pytest.mark.parametrize(
    ("template", "workload", "name"),
    [
        ("{namespace}/{workload}", POD, "shop/chat-7f"),
        ("{namespace}/{workload}", Workload("service", "ollama"), "node-1/ollama"),
        ("{node}:{kind}:{workload}", POD, "node-1:pod:chat-7f"),
        ("{{x}} {workload}", POD, "{x} chat-7f"),
        ("{namespace}", Workload("pod", "x", "{workload}{node}"), "{workload}{node}"),
        ("{workload}", Workload("pod", "a\r\n\u202eb"), r"a\x0d\x0a\u202eb"),
        ("{workload}", Workload("pod", "n" * 999), "n" * 254 + "…"),
        ("", POD, "pod"),
    ],
)
def test_names_of_projects(template: str, workload: Workload, name: str) -> None:
    assert project_of(template, bom(1, workload), "node-1") == name
