"""The sensor's probes: which files they stand in, and that none of them stays behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tls_processes import CLIENT, Stage, client, definitions, environment, sensor, stage

from aibom.observe.events.errors import SensorError
from aibom.observe.events.tlsrequests import Request, TlsRequests
from aibom.observe.events.tracefs import sweep_leftovers

pytestmark = pytest.mark.live

#: Another aibom; tells for each line of its input how many requests it saw.
AGENT = """
import sys
from aibom.observe.events.tlsrequests import TlsRequests
sensor = TlsRequests(sys.argv[1])
sensor.watch(sys.argv[2])
print("ready", flush=True)
for line in sys.stdin:
    print(len(sensor.read()), flush=True)
"""

OVERLAYS = """
mount -t tmpfs none "$0" && cd "$0" && mkdir lower upper work one two &&
cp "$1" lower/libssl.so.3 &&
mount -t overlay none -o lowerdir=lower,upperdir=upper,workdir=work one &&
mount -t overlay none -o lowerdir=lower:work two &&
LD_LIBRARY_PATH="$0/one" exec "${@:2}"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture
def on(folder: Path) -> Iterator[Stage]:
    with stage(folder) as made:
        yield made


def paths(requests: TlsRequests) -> list[str]:
    return sorted(request.path for request in requests.read())


def command(tracefs: str, line: str) -> None:
    descriptor = os.open(f"{tracefs}/uprobe_events", os.O_WRONLY | os.O_APPEND)
    try:
        os.write(descriptor, line.encode() + b"\n")
    finally:
        os.close(descriptor)


def test_the_same_file_is_probed_once(on: Stage) -> None:
    library = on.python.library()
    on.requests.watch(library)
    before = definitions(on.tracefs)
    on.requests.watch(library)
    on.requests.watch(os.path.realpath(library))
    assert definitions(on.tracefs) == before
    assert on.python.ask("GET /once 0") == "200"
    assert paths(on.requests) == ["/once"]


def test_a_library_is_free_when_its_last_path_is_unwatched(on: Stage) -> None:
    library = on.python.library()
    before = definitions(on.tracefs)
    on.requests.watch(library)
    on.requests.watch(os.path.realpath(library))
    on.requests.unwatch(library)
    assert on.python.ask("GET /still 0") == "200"
    on.requests.unwatch(os.path.realpath(library))
    assert definitions(on.tracefs) == before
    assert on.python.ask("GET /unseen 0") == "200"
    assert paths(on.requests) == ["/still"]
    on.requests.watch(library)
    assert on.python.ask("GET /again 0") == "200"
    assert paths(on.requests) == ["/again"]


def test_two_sensors_do_not_disturb_each_other(on: Stage) -> None:
    library = on.python.library()
    on.requests.watch(library)
    with client(on.folder, AGENT, on.tracefs, library) as other, sensor(on.tracefs) as third:
        third.watch(library)
        assert on.python.ask("GET /a 0") == "200"
        assert other.ask("read") == "1"
        third.close()
        sweep_leftovers(on.tracefs)
        assert on.python.ask("GET /b 0") == "200"
        assert other.ask("read") == "1"
        assert paths(on.requests) == ["/a", "/b"]
    assert on.python.ask("GET /c 0") == "200"
    assert paths(on.requests) == ["/c"]
    sweep_leftovers(on.tracefs)


def test_what_a_killed_run_left_is_swept_and_nothing_else(on: Stage) -> None:
    library = on.python.library()
    foreign = f"aibom_test_{os.getpid()}/other"
    command(on.tracefs, f"p:{foreign} {os.path.realpath(sys.executable)}:0x0")
    try:
        on.requests.watch(library)
        kept = definitions(on.tracefs)
        with client(on.folder, AGENT, on.tracefs, library) as other:
            os.kill(other.pid, signal.SIGKILL)
        assert definitions(on.tracefs, other.pid)
        assert sweep_leftovers(on.tracefs) >= 1
        assert not definitions(on.tracefs, other.pid)
        assert definitions(on.tracefs) == kept
        assert on.python.ask("GET /alive 0") == "200"
        assert paths(on.requests) == ["/alive"]
        on.requests.close()
        assert [line.split()[0] for line in definitions(on.tracefs)] == [f"p:{foreign}"]
    finally:
        command(on.tracefs, f"-:{foreign}")


def test_a_process_id_that_is_used_again_is_another_run(on: Stage) -> None:
    on.requests.watch(on.python.library())
    mine = definitions(on.tracefs)[-1].removeprefix("p:")
    space, pid, start = (int(part) for part in mine.partition("/")[0].split("_")[1:4])
    program = os.path.realpath(sys.executable)
    groups = (f"aibom_{space}_{pid}_{start + 1}_0", f"aibom_{space + 1}_{pid}_{start + 1}_0")
    for group in groups:
        command(on.tracefs, f"p:{group}/tls0 {program}:0x0")
    try:
        assert sweep_leftovers(on.tracefs) >= 1
        assert not any(groups[0] in line for line in definitions(on.tracefs))
        # one of another pid namespace may be alive
        assert f"p:{groups[1]}/tls0" in [line.split()[0] for line in definitions(on.tracefs)]
        assert f"p:{mine}" in definitions(on.tracefs)
    finally:
        command(on.tracefs, f"-:{groups[1]}/tls0")


def test_a_layer_s_file_is_one_in_all_overlays(on: Stage, tmp_path: Path) -> None:
    library = str(next(Path(environment(on.folder)["LD_LIBRARY_PATH"]).iterdir()))
    wrapper = ("unshare", "-m", "bash", "-c", OVERLAYS, str(tmp_path), library)
    tried = subprocess.run([*wrapper, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no overlay here: {tried.stderr.strip()}")
    with client(on.folder, CLIENT, str(on.port), wrapper=wrapper) as contained:
        root = f"/proc/{contained.pid}/root{tmp_path}"
        on.requests.watch(f"{root}/two/libssl.so.3")
        before = definitions(on.tracefs)
        for path in ("one/libssl.so.3", "lower/libssl.so.3"):
            on.requests.watch(f"{root}/{path}")
        on.requests.watch(contained.library())
        assert definitions(on.tracefs) == before
        assert contained.ask("GET /contained 0") == "200"
        sent = Request(contained.pid, "GET", "localhost", "/contained")
        assert on.requests.read() == [sent]


@pytest.mark.parametrize("path", ["/bin/ls", "/etc/passwd", "/dev/null", "/etc", "/none"])
def test_files_without_openssl_are_refused(on: Stage, path: str) -> None:
    before = definitions(on.tracefs)
    with pytest.raises(OSError, match=r".+"):
        on.requests.watch(path)
    assert definitions(on.tracefs) == before


def test_without_tracefs_the_remedy_is_told(tmp_path: Path) -> None:
    with pytest.raises(SensorError) as caught:
        TlsRequests(str(tmp_path))
    assert "mount -t tracefs" in caught.value.remedy
