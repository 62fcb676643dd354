"""The agent's log: one line each, whatever is in it, and nothing raised whatever takes it."""

import io
import json
import os
import re
import threading
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aibom.agent.config.settings import Logging
from aibom.agent.log import MOST, Log
from aibom.agent.logline import MAX_LINE, line_of
from aibom.agent.streams import write_line

NOW = 1795252578.9  # 2026-11-21T09:16:18Z
TEXT = Logging()
JSON = Logging(format="json", level="debug")
HOSTILE = [
    "a\nb",
    "a\r\n2026-11-21T09:16:18Z error forged",
    "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg",
    "\u202egnp.exe",
    "\x1b[2J\x9b",
    "\ud800\udcff",
    "x" * 10_000,
    "\U0001f600" * 5000,
    "\u2028" * 5000,
    '"quoted" \\ key=value',
    "",
    "##[error]x ##vso[task]",
]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def log_to(stream: io.StringIO, settings: Logging = TEXT) -> tuple[Log, Clock]:
    clock = Clock()
    return Log(settings, stream, clock=lambda: NOW, monotonic=clock), clock


def test_lines_for_people_and_for_programs() -> None:
    stream = io.StringIO()
    log, _ = log_to(stream)
    log.warning("message", key="value", other=3, why="disk full", empty="", share=0.5, yes=True)
    log.debug("not told")
    log.reload(JSON)
    log.debug("message", key="value", other=3, ok=True, time="x", message="y", level="z")
    text, program = stream.getvalue().splitlines()
    assert text == (
        "2026-11-21T09:16:18Z warning message"
        ' key=value other=3 why="disk full" empty="" share=0.5 yes=true'
    )
    assert json.loads(program) == {
        "time": "2026-11-21T09:16:18Z",
        "level": "debug",
        "message": "message",
        "key": "value",
        "other": 3,
        "ok": True,
        "time_": "x",
        "message_": "y",
        "level_": "z",
    }


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("form", ["text", "json"])
def test_no_text_makes_a_line_or_a_field(text: str, form: Literal["text", "json"]) -> None:
    line = line_of(form, NOW, "info", text, {"a": text, text or "b": text, "z": 1})
    assert len(line.splitlines()) == 1
    assert len(line.encode()) <= MAX_LINE
    assert line.endswith("\n")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]|##\[|##vso", line)
    if form == "json":
        assert json.loads(line)["z"] == 1
    else:
        assert line.endswith(" z=1\n")


FIELDS = st.dictionaries(
    st.text(max_size=100), st.text() | st.integers() | st.floats(), max_size=20
)


@given(st.sampled_from(["text", "json"]), st.text(), FIELDS, st.floats())
def test_any_line(
    form: Literal["text", "json"], message: str, fields: dict[str, str], now: float
) -> None:
    line = line_of(form, now, "info", message, fields)
    assert len(line.splitlines()) == 1
    assert len(line.encode()) <= MAX_LINE
    if form == "json":
        assert {"time", "level", "message"} <= json.loads(line, parse_constant=pytest.fail).keys()


def test_numbers_that_json_has_not() -> None:
    line = line_of("json", NOW, "info", "m", {"a": float("nan"), "b": float("inf"), "c": 2**70})
    assert json.loads(line, parse_constant=pytest.fail)["a"] == "nan"


def test_what_comes_too_often_is_kept_back_and_counted() -> None:
    stream = io.StringIO()
    log, clock = log_to(stream)
    for number in range(MOST + 7):
        log.warning("full", n=number)
    log.warning("something else")
    assert len(stream.getvalue().splitlines()) == MOST + 1
    clock.now += 61
    log.warning("full", n=99)
    assert stream.getvalue().splitlines()[-2:] == [
        "2026-11-21T09:16:18Z warning full kept_back=7",
        "2026-11-21T09:16:18Z warning full n=99",
    ]
    for _ in range(MOST + 1):
        log.warning("full")
    log.close()
    assert stream.getvalue().endswith("warning full kept_back=2\n")


def test_what_lasts_is_told_once_until_it_is_over() -> None:
    stream = io.StringIO()
    log, _ = log_to(stream)
    log.clear("disk")
    for _ in range(3):
        log.once("disk", "the disk is full", as_="error", free=0)
    log.once("sink", "the sink is down")
    log.clear("disk", after="3s")
    log.clear("disk")
    log.once("disk", "the disk is full")
    assert [line.split("Z ")[1] for line in stream.getvalue().splitlines()] == [
        "error the disk is full free=0",
        "warning the sink is down",
        "info over: the disk is full after=3s",
        "warning the disk is full",
    ]


def test_memory_is_bounded() -> None:
    log, _ = log_to(io.StringIO())
    for number in range(5000):
        message = f"message {number}"
        log.info(message)
        log.once(message, message)
    assert len(log._windows) <= 500
    assert len(log._standing) <= 500


def test_a_closed_a_full_and_a_missing_stream(tmp_path: Path) -> None:
    closed = (tmp_path / "log").open("w")
    closed.close()
    in_memory = io.StringIO()
    in_memory.close()
    with Path("/dev/full").open("w") as full:
        for stream in (closed, in_memory, full, None):
            assert not write_line(stream, "line\n")


def test_a_pipe_that_nobody_reads_is_not_waited_for() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream:
        log = Log(TEXT, stream, clock=lambda: NOW)
        for number in range(100):
            message = f"{number}: {'x' * 900}"
            log.info(message)
        assert log.lost > 0
        taken = os.read(reader, 1 << 20).decode()
        lost = log.lost
        log.info("again")
        assert log.lost == 0
        rest = os.read(reader, 1 << 20).decode()
    os.close(reader)
    assert all(line.startswith("2026-11-21T09:16:18Z info ") for line in taken.splitlines())
    assert rest == f"2026-11-21T09:16:18Z info again lines_lost={lost}\n"
    assert len(taken.splitlines()) + lost == 100


def test_a_pipe_without_a_reader() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as stream:
        assert not write_line(stream, "line\n")


def test_a_log_goes_to_the_stderr_of_the_time(capsys: pytest.CaptureFixture[str]) -> None:
    Log(TEXT, clock=lambda: NOW).info("here")
    assert capsys.readouterr().err == "2026-11-21T09:16:18Z info here\n"


def test_an_encoding_that_lacks_a_character(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w", encoding="ascii") as stream:
        assert write_line(stream, "é\n")
    assert (tmp_path / "log").read_text() == "é\n"


def test_threads_do_not_mix_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w") as stream:
        log = Log(JSON, stream)

        def tell(name: str) -> None:
            for number in range(200):
                message = f"{name} {number}"
                log.info(message, text="x" * 500)

        threads = [threading.Thread(target=tell, args=(f"t{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    told = {json.loads(line)["message"] for line in path.read_text().splitlines()}
    assert len(told) == 800
