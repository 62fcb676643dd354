"""All sinks together: what is off costs nothing, what is down loses nothing."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aibom.agent.config.settings import DependencyTrack, Stdout, Webhook
from aibom.agent.config.settings import Sinks as Settings
from aibom.agent.errors import AgentError
from aibom.agent.sinks import backoff, sender
from aibom.agent.sinks.backoff import Backoff, asked_for
from aibom.agent.sinks.sinks import Sinks
from aibom.agent.sinks.stdout import StdoutSink
from aibom.agent.sinks.webhook import WebhookSink
from tests.agent.sinks.receiver import Receiver, Said, bom, finding, receiving, status, until


def webhook(url: str, **settings: Any) -> Settings:
    return Settings(webhook=Webhook(url=url, **settings))


def threads() -> list[str]:
    return sorted(t.name for t in threading.enumerate() if t.name.startswith("aibom-"))


def test_what_is_off_costs_nothing(tmp_path: Path) -> None:
    code = """
        import sys, threading
        from pathlib import Path
        from aibom.agent.config.settings import Sinks as Settings
        from aibom.agent.sinks.sinks import Sinks
        sinks = Sinks(Settings(), Path(sys.argv[1]), "node", None)
        sinks.offer([])
        assert sinks.statuses() == ()
        sinks.close(1)
        assert threading.active_count() == 1
        assert "requests" not in sys.modules and "urllib3" not in sys.modules
        assert not Path(sys.argv[1]).exists()
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "spool")]
    subprocess.run(command, check=True)


def test_a_sink_that_is_down_while_a_thousand_come(tmp_path: Path, said: Said) -> None:
    with receiving() as first:
        url = first.url
    sinks = Sinks(webhook(url), tmp_path, "node-1", said)
    for begin in range(0, 1000, 50):
        sinks.offer([finding(n) for n in range(begin, begin + 50)])
    (how,) = sinks.statuses()
    assert how.waiting == 1000
    assert how.waiting_bytes == 1000 * 4096
    until(lambda: "refused" in sinks.statuses()[0].failing)
    with receiving(Receiver(), port=int(url.rpartition(":")[2])) as back:
        until(lambda: sinks.statuses()[0].delivered == 1000)
        assert back.ids == [f"id-{n}" for n in range(1000)]
    assert len(said.lines) == 2
    assert sinks.statuses()[0].failing == ""
    sinks.close(1)


def test_a_restart_takes_up_what_waits(tmp_path: Path, said: Said) -> None:
    with receiving() as down:
        down.always = status(503)
        sinks = Sinks(webhook(down.url), tmp_path, "node-1", said)
        sinks.offer([finding(n) for n in range(5)])
        sinks.close(0)
        until(lambda: not threads())
    with receiving() as up:
        again = Sinks(webhook(up.url), tmp_path, "node-1", said)
        until(lambda: again.statuses()[0].delivered == 5)
        assert up.ids == [f"id-{n}" for n in range(5)]
        again.close(1)
    assert list((tmp_path / "webhook").iterdir()) == []


def test_the_end_waits_for_what_is_taken(tmp_path: Path, said: Said, receiver: Receiver) -> None:
    sinks = Sinks(webhook(receiver.url), tmp_path, "node-1", said)
    sinks.offer([finding(n) for n in range(100)])
    sinks.close(30)
    assert receiver.ids == [f"id-{n}" for n in range(100)]
    assert threads() == []


def test_the_end_does_not_wait_for_one_that_is_down(
    tmp_path: Path, said: Said, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Backoff, "next", lambda *_: 3600.0)
    receiver.always = status(503)
    sinks = Sinks(webhook(receiver.url), tmp_path, "node-1", said)
    sinks.offer([finding(1), finding(2)])
    until(lambda: sinks.statuses()[0].failing)
    sinks.close(3600)
    assert threads() == []
    assert receiver.ids == ["id-1", "id-1"]  # one last try
    assert len(list((tmp_path / "webhook").iterdir())) == 2


def test_the_end_leaves_one_that_hangs(tmp_path: Path, said: Said, receiver: Receiver) -> None:
    go_on = threading.Event()
    receiver.answers.append(lambda handler: (go_on.wait(30), status(204)(handler)))  # type: ignore[arg-type]
    sinks = Sinks(webhook(receiver.url), tmp_path, "node-1", said)
    sinks.offer([finding(1)])
    until(lambda: receiver.requests)
    sinks.close(0.05)
    assert threads() == ["aibom-webhook"]
    go_on.set()
    until(lambda: not threads())


def test_other_settings(tmp_path: Path, said: Said, receiver: Receiver) -> None:
    with receiving() as old:
        old.always = status(503)
        sinks = Sinks(webhook(old.url), tmp_path, "node-1", said)
        sinks.offer([finding(1)])
        until(lambda: old.requests)
        sinks.reload(replace(webhook(receiver.url), stdout=Stdout(enabled=True)))
        until(lambda: receiver.requests)
        assert [s.name for s in sinks.statuses()] == ["webhook", "stdout"]
        assert threads() == ["aibom-stdout", "aibom-webhook"]
        sinks.reload(webhook("https://user:secret@host/"))
        assert "keeps its old settings" in said.text
        assert "secret" not in said.text
        until(lambda: threads() == ["aibom-webhook"])
        sinks.offer([finding(2)])
        until(lambda: receiver.ids == ["id-1", "id-2"])
        sinks.reload(Settings())
        until(lambda: not threads())
        assert sinks.statuses() == ()
        sinks.close(1)


def test_wrong_settings_start_nothing(tmp_path: Path, said: Said) -> None:
    wrong = replace(webhook("gopher://x/"), stdout=Stdout(enabled=True))
    with pytest.raises(AgentError, match=r"sinks\.webhook\.url"):
        Sinks(wrong, tmp_path / "spool", "node-1", said)
    assert threads() == []
    assert not (tmp_path / "spool").exists()


def test_a_crash_is_contained(
    tmp_path: Path, said: Said, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver, times = WebhookSink.deliver, iter(range(100))

    def crash(self: WebhookSink, item: Any) -> None:
        if next(times) < 3:
            raise RecursionError("too deep")
        deliver(self, item)

    monkeypatch.setattr(WebhookSink, "deliver", crash)
    sinks = Sinks(webhook(receiver.url), tmp_path, "node-1", said)
    sinks.offer([finding(1)])
    until(lambda: receiver.requests)
    assert sinks.crashes == 3
    assert said.text.count("RecursionError") == 1
    monkeypatch.setattr(WebhookSink, "items", crash)
    monkeypatch.setattr(WebhookSink, "items", lambda *_: 1 / 0)
    sinks.offer([finding(2)])
    assert sinks.crashes == 4
    sinks.close(1)
    assert sinks.crashes == 4


def test_one_that_fails_alone_lets_the_others_go_first(
    tmp_path: Path, said: Said, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "MOST_TRIES", 25)

    def picky(handler: Any) -> None:
        status(500 if receiver.ids[-1] == "id-0" else 204)(handler)

    receiver.always = picky
    sinks = Sinks(webhook(receiver.url), tmp_path, "node-1", said)
    sinks.offer([finding(n) for n in range(4)])
    until(lambda: sinks.statuses()[0].failed == 1)
    assert receiver.ids == ["id-0"] * 10 + ["id-1", "id-2", "id-3"] + ["id-0"] * 15
    assert sinks.statuses()[0].waiting == 0
    sinks.close(1)


KILLED = """
    import sys
    from pathlib import Path
    from aibom.agent.config.settings import Sinks as Settings, Webhook
    from aibom.agent.sinks.sinks import Sinks
    from tests.agent.sinks.receiver import Said, finding
    sinks = Sinks(Settings(webhook=Webhook(url=sys.argv[1])), Path(sys.argv[2]), "node-1", Said())
    first = int(sys.argv[3])
    for number in range(first, 10**9):
        sinks.offer([finding(number)])
        print(number, flush=True)
"""


@pytest.mark.live
def test_killed_while_it_sends(tmp_path: Path, receiver: Receiver, said: Said) -> None:
    offered = -1
    root = Path(__file__).parents[3]
    environment = os.environ | {"PYTHONPATH": str(root)}
    for patience in range(12):
        command = [sys.executable, "-c", textwrap.dedent(KILLED), receiver.url, str(tmp_path)]
        with subprocess.Popen(
            [*command, str(offered + 1)], stdout=subprocess.PIPE, env=environment
        ) as child:
            assert child.stdout is not None
            lines = [child.stdout.readline()]
            time.sleep(0.013 * patience)
            child.send_signal(signal.SIGKILL)
            lines += child.stdout.readlines()
        offered = max(int(line) for line in lines if line.endswith(b"\n"))
    sinks = Sinks(webhook(receiver.url), tmp_path, "node-1", said)
    until(lambda: sinks.statuses()[0].waiting == 0, 120)
    sinks.close(10)
    assert {f"id-{n}" for n in range(offered + 1)} <= set(receiver.ids)
    for request in receiver.requests:
        assert request.headers["Idempotency-Key"] == request.event["id"]
    assert list((tmp_path / "webhook").iterdir()) == []


def test_stdout_is_whole_lines() -> None:
    reader, writer = os.pipe()
    sink = StdoutSink(writer)
    items = sink.items([finding(1), bom(1), finding(2)])
    for item in items:
        sink.deliver(item)
    os.close(writer)
    with os.fdopen(reader) as lines:
        assert [json.loads(line)["id"] for line in lines] == ["id-1", "id-2"]


def test_a_line_that_was_cut_is_ended_first() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    sink = StdoutSink(writer)
    (item,) = sink.items([finding(1)])
    large = replace(item, body=b"x" * 100_000)
    with pytest.raises(Exception, match="stdout"):
        sink.deliver(large)
    with os.fdopen(reader, "rb", buffering=0) as lines:
        lines.read(1 << 20)
        sink.deliver(item)
        os.close(writer)
        assert json.loads(lines.read(1 << 20).split(b"\n")[1])["id"] == "id-1"


def test_stdout_that_is_closed(tmp_path: Path, said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    monkeypatch.setattr(StdoutSink.__init__, "__defaults__", (writer, time.time))
    sinks = Sinks(Settings(stdout=Stdout(enabled=True)), tmp_path, "node-1", said)
    sinks.offer([finding(1)])
    until(lambda: "Broken pipe" in sinks.statuses()[0].failing)
    sinks.close(1)
    os.close(writer)
    assert len(list((tmp_path / "stdout").iterdir())) == 1


def test_backoff_grows_and_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "SHORTEST", 1.0)
    monkeypatch.setattr(backoff, "LONGEST", 300.0)
    most = Backoff(lambda most: most)
    assert [most.next() for _ in range(11)] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    most.reset()
    assert most.next() == 1
    none = Backoff(lambda _: 0.0)
    assert none.next(17.0) == 17
    assert none.next(1e12) == 900
    usual = Backoff()
    for _ in range(2000):
        assert 0 <= usual.next() <= 300


@pytest.mark.parametrize(
    ("said_by", "seconds"),
    [
        ({"Retry-After": "120"}, 120),
        ({"Retry-After": "-1"}, 0),
        ({"Retry-After": "9" * 30}, 0),
        ({"Retry-After": "soon"}, 0),
        ({"Retry-After": "\u0661\u0662"}, 0),
        (
            {
                "Date": "Wed, 21 Oct 2015 07:28:00 GMT",
                "Retry-After": "Wed, 21 Oct 2015 07:30:00 GMT",
            },
            120,
        ),
        ({"Retry-After": "Wed, 21 Oct 2015 07:30:00 GMT"}, 0),
        ({}, 0),
    ],
)
def test_what_an_answer_asks_for(said_by: dict[str, str], seconds: float) -> None:
    assert asked_for(said_by) == seconds


def test_dependency_track_and_webhook_at_once(
    tmp_path: Path, said: Said, receiver: Receiver
) -> None:
    with receiving() as track:
        settings = replace(
            webhook(receiver.url, boms=True), dependency_track=DependencyTrack(url=track.url)
        )
        sinks = Sinks(settings, tmp_path, "node-1", said)
        sinks.offer([finding(1), bom(1)])
        until(lambda: len(receiver.requests) == 2 and len(track.requests) == 1)
        sinks.close(5)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dependency-track", "webhook"]
