"""Forks, execs and exits of real processes."""

import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from aibom.formats.events.proc import ProcessEvent
from aibom.observe.events.errors import SensorError
from aibom.observe.events.processes import ProcessEvents

pytestmark = pytest.mark.live

#: Runs as ``python -c`` in namespaces that unshare made; prints what becomes of the sensor.
SENSOR = """
import subprocess, sys
from aibom.observe.events.errors import SensorError
from aibom.observe.events.processes import ProcessEvents
try:
    events = ProcessEvents(*sys.argv[1:])
except SensorError as error:
    print(f"{error.detail}; {error.remedy}")
    sys.exit()
started = subprocess.Popen(["true"])
started.wait()
print(sorted({event.kind for event in events.read() if event.pid == started.pid}))
"""


@pytest.fixture
def events() -> Iterator[ProcessEvents]:
    try:
        sensor = ProcessEvents()
    except SensorError as error:
        pytest.skip(f"{error.detail}: {error.remedy}")
    yield sensor
    sensor.close()


def until(events: ProcessEvents, done: Callable[[list[ProcessEvent]], bool]) -> list[ProcessEvent]:
    """Read until the list is complete, or nothing more has come for five seconds."""
    found: list[ProcessEvent] = []
    while not done(found):
        ready, _, _ = select.select([events], [], [], 5)
        assert ready, "no more events"
        found += events.read()
    return found


def test_each_short_process_is_told_in_order(events: ProcessEvents) -> None:
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    started = [subprocess.Popen(["true"]) for _ in range(50)]
    for process in started:
        process.wait()
    last = started[-1].pid
    pids = {process.pid for process in started}

    def complete(found: list[ProcessEvent]) -> bool:
        return {event.pid for event in found if event.kind == "exit"} >= pids

    found = until(events, complete)
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    for pid in pids:
        own = [event for event in found if event.pid == pid]
        assert [event.kind for event in own] == ["fork", "exec", "exit"]
        assert own[0].parent == os.getpid()
        assert before < own[0].when_ns < own[1].when_ns < own[2].when_ns < after
    assert last in pids
    assert events.lost == 0


def test_threads_are_not_processes(events: ProcessEvents) -> None:
    threads = [threading.Thread(target=int) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    child = subprocess.Popen(["true"])
    child.wait()
    found = until(events, lambda found: any(e[:2] == ("exit", child.pid) for e in found))
    assert [e.pid for e in found if e.kind == "fork" and e.parent == os.getpid()] == [child.pid]
    assert not [event for event in found if event.pid == os.getpid()]


def test_nothing_waits_and_nothing_blocks(events: ProcessEvents) -> None:
    for _ in range(100):
        events.read()
    assert events.lost == 0


def test_what_is_lost_is_counted(events: ProcessEvents) -> None:
    # without a reader some 10,000 events fit, three for each process
    storm = "import os\nfor _ in range(7000):\n pid = os.fork() or os._exit(0)\n os.waitpid(pid, 0)"
    child = subprocess.Popen([sys.executable, "-S", "-c", storm])
    child.wait()
    found = 0
    while batch := events.read():
        found += len(batch)
    assert events.lost > 0
    assert found + events.lost >= 2 * 7000


def test_a_closed_sensor_leaves_no_descriptor() -> None:
    before = os.listdir("/proc/self/fd")
    try:
        sensor = ProcessEvents(f"/proc/{os.getpid()}/ns/net")
    except SensorError as error:
        pytest.skip(f"{error.detail}: {error.remedy}")
    sensor.read()
    sensor.close()
    sensor.close()
    assert sensor.lost == 0
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.parametrize(
    ("namespaces", "arguments", "expected"),
    [
        ("--net", (), "not the host's network namespace; give it"),
        ("--net", ("/proc/{pid}/ns/net",), "['exec', 'exit', 'fork']"),
        ("--pid --fork --mount-proc", (), "the kernel does not answer: not its first pid"),
        ("--user --map-root-user", (), "the kernel does not answer: not its first pid"),
        ("--net", ("/proc/self/ns/nothing",), "process events: No such file"),
    ],
)
@pytest.mark.usefixtures("events")
def test_namespaces(namespaces: str, arguments: tuple[str, ...], expected: str) -> None:
    where = [argument.format(pid=os.getpid()) for argument in arguments]
    inside = [sys.executable, "-c", SENSOR, *where]
    done = subprocess.run(
        ["unshare", *namespaces.split(), *inside], capture_output=True, text=True, check=False
    )
    if "unshare" in done.stderr:
        pytest.skip(f"no such namespace here: {done.stderr.strip()}")
    assert done.stdout.startswith(expected), done.stderr
