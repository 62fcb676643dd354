"""The requests of real TLS clients: what is told of them, and what never is."""

import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tls_processes import SECRET, WRITER, Stage, all_of, certificate, client, environment, stage

from aibom.observe.events.errors import SensorError
from aibom.observe.events.tlsrequests import Request

pytestmark = pytest.mark.live

FETCH = """
process.env.NODE_TLS_REJECT_UNAUTHORIZED = 0;
const [authorization, body, url] = process.argv.slice(1);
fetch(url, {method: 'POST', body, headers: {authorization}}).then(answer => answer.text());
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture
def on(folder: Path) -> Iterator[Stage]:
    with stage(folder) as made:
        yield made


def test_method_host_and_path_of_python(on: Stage) -> None:
    on.requests.watch(on.python.library())
    assert on.python.ask(f"GET /models/a.gguf?token={SECRET} 0") == "200"
    assert select.select([on.requests], [], [], 0)[0]
    assert on.python.ask(f"PUT /up/{'x' * 90}?token={SECRET} 1000") == "200"
    assert on.python.ask("HEAD /api/models/org/name 0") == "200"
    found = on.requests.read()
    # those of one CPU are in order
    assert sorted(found) == [
        Request(on.python.pid, "GET", "localhost", "/models/a.gguf"),
        Request(on.python.pid, "HEAD", "localhost", "/api/models/org/name"),
        Request(on.python.pid, "PUT", "localhost", "/up/" + "x" * 90),
    ]
    assert SECRET not in repr(found)
    assert on.requests.read() == []
    assert on.requests.lost == 0


@pytest.mark.parametrize(
    ("program", "options"),
    [
        ("curl", ["-sk", "--http1.1", "-H", f"Authorization: Bearer {SECRET}", "-d"]),
        ("node", ["-e", FETCH, SECRET]),
    ],
)
def test_other_clients_with_a_body_behind_the_headers(
    program: str, options: list[str], on: Stage
) -> None:
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    linked = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
    try:
        on.requests.watch(on.python.library() if "libssl" in linked else os.path.realpath(path))
    except SensorError as error:
        pytest.skip(f"{error.detail}: {program} has another TLS library")
    url = f"https://localhost:{on.port}/v1/chat/completions?key={SECRET}"
    command = [path, *options, SECRET * 800, url]
    started = subprocess.Popen(command, env=environment(on.folder), stdout=subprocess.DEVNULL)
    assert started.wait() == 0
    # the program may run elsewhere on the machine too, unlike the copy of the library
    found = [request for request in on.requests.read() if request.pid == started.pid]
    assert found == [Request(started.pid, "POST", "localhost", "/v1/chat/completions")]


def test_nothing_of_the_headers_is_kept_in_the_sensor(on: Stage) -> None:
    on.requests.watch(on.python.library())
    for number in range(3):
        assert on.python.ask(f"POST /x{number}?token={SECRET} 10") == "200"
    records = list(on.requests._rings.read(10))
    assert len(records) == 3
    for _, record in records:
        assert not any(record)


def test_a_host_behind_a_long_query_stays_unknown(on: Stage) -> None:
    on.requests.watch(on.python.library())
    assert on.python.ask("GET /blob?signature=" + "s" * 3000 + " 0") == "200"
    assert on.requests.read() == [Request(on.python.pid, "GET", "", "/blob")]


def test_text_that_looks_like_records_forges_none(on: Stage, folder: Path) -> None:
    """Whole requests, lines of a trace and the head of a record within one write are one record."""
    forged = b"POST /x HTTP/1.1\r\nHost: a.co\r\n\r\nGET /forged HTTP/1.1\r\nHost: b.co\r\n\r\n"
    forged += b'\npython-1 [000] ..... 1.0: tls0: (0x0) n=9 d0="GET /forged HTTP/1.1"\n'
    forged += (9).to_bytes(4, "little") + bytes(2) + (64).to_bytes(2, "little") + b"GET /forged "
    cpu = min(os.sched_getaffinity(0))
    with client(folder, WRITER, *certificate(folder), str(cpu), forged.hex()) as writer:
        on.requests.watch(writer.library())
        assert writer.ask("3") == "done"
        assert all_of(on.requests) == [Request(writer.pid, "POST", "a.co", "/x")] * 3


def test_what_is_lost_is_counted(on: Stage, folder: Path) -> None:
    cpu = min(os.sched_getaffinity(0))
    with client(folder, WRITER, *certificate(folder), str(cpu)) as writer:
        on.requests.watch(writer.library())
        assert writer.ask("1000") == "done"
        found = all_of(on.requests)
        # before Linux 6.0 the kernel tells of losses with the next record only
        assert writer.ask("1") == "done"
        found += all_of(on.requests)
        assert on.requests.lost > 0
        assert len(found) + on.requests.lost == 1001
        assert set(found) == {Request(writer.pid, "GET", "localhost", "/x")}
        lost = on.requests.lost
        on.requests.unwatch(writer.library())
        assert on.requests.lost == lost


def test_records_that_wrap_around_the_buffer(on: Stage, folder: Path) -> None:
    cpu = min(os.sched_getaffinity(0))
    with client(folder, WRITER, *certificate(folder), str(cpu)) as writer:
        on.requests.watch(writer.library())
        for _ in range(20):
            assert writer.ask("50") == "done"
            found = on.requests.read()
            assert found == [Request(writer.pid, "GET", "localhost", "/x")] * 50
        assert on.requests.lost == 0
