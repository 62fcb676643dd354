"""Watching real processes as root: loads of a millisecond, arrivals, imports, whole nodes."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from aibom.observe.events.errors import SensorError
from aibom.observe.events.files import FileEvents
from aibom.observe.events.processes import ProcessEvents
from rig import images
from rig.cache import cache_folder, key
from rig.errors import RigError
from rig.node import Node
from rig.pods import Container, Pod, Volume
from tests.live.conftest import components
from tests.live.test_live_files import gguf, safetensors, write

pytestmark = pytest.mark.live

AIBOM = [sys.executable, "-m", "aibom", "watch", "--no-cache", "--format", "json"]


@pytest.fixture(scope="module", autouse=True)
def _events() -> None:
    """Skip where the kernel tells nothing: there the watch is only as good as its sweeps."""
    try:
        FileEvents().close()
        ProcessEvents().close()
    except SensorError as error:
        pytest.skip(f"{error.detail}: {error.remedy}")


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def report(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "out.json").read_text())["workloads"]
    return found


def watched(*command: object, before: Sequence[str] = (), **fields: Any) -> dict[str, Any]:
    """Watch a command in the current folder; return its workload's inventory."""
    argv = [*before, *AIBOM, "-o", "out.json", "--", *map(str, command)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300, **fields)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    (workload,) = report(Path.cwd())
    inventory: dict[str, Any] = workload["inventory"]
    return inventory


def models(inventory: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return components({"inventory": inventory}, "model", "adapter")


def shown(component: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {(e["how"], e["process"], Path(e["path"]).name) for e in component["evidence"]}


def told(component: dict[str, Any], *expected: tuple[str, str, str]) -> bool:
    """Say whether a component was seen in these ways and no others.

    Of a process that ended before it could be asked only the name may be missing.
    """
    seen = shown(component)
    exact = {(how, "", path) for how, _, path in seen} == {(how, "", p) for how, _, p in expected}
    return exact and all(e in expected for e in seen if e[1])


def arrivals(component: dict[str, Any]) -> list[str]:
    return [value for name, value in component["properties"] if name == "aibom:arrival"]


def test_a_model_that_is_opened_and_closed_at_once() -> None:
    data = gguf("brief")
    path = write(Path.cwd() / "m.gguf", data)
    inventory = watched("sh", "-c", "( : < m.gguf ); true")
    (model,) = models(inventory).values()
    assert model["sha256"] == hashlib.sha256(data).hexdigest()
    (evidence,) = model["evidence"]
    assert (evidence["how"], evidence["path"]) == ("opened", str(path))
    assert evidence["origin"]["kind"] == "host"


def test_whatever_opens_it_is_named() -> None:
    write(Path("a.gguf"), gguf("a"))
    write(Path("b.safetensors"), safetensors(["x.weight"]))
    found = models(watched("sh", "-c", "cat a.gguf b.safetensors >/dev/null"))
    assert told(found["a"], ("opened", "cat", "a.gguf"))
    assert told(found["b.safetensors"], ("opened", "cat", "b.safetensors"))


def test_a_copy_is_written_by_who_copied_it() -> None:
    write(Path("a.gguf"), gguf("a"))
    (model,) = models(watched("sh", "-c", "cp a.gguf b.gguf; cat b.gguf >/dev/null")).values()
    assert told(
        model,
        ("opened", "cp", "a.gguf"),
        ("written", "cp", "b.gguf"),
        ("opened", "cat", "b.gguf"),
    )


def test_a_model_that_arrives_is_linked_to_its_writer() -> None:
    write(Path("source"), gguf("arrived"))  # no name of a model: only what it becomes is one
    # a Python that writes lives long enough to be asked who it is
    argv = [sys.executable, "-c", "import shutil; shutil.copyfile('source', 'm.gguf')"]
    script = '"$@"; cat m.gguf >/dev/null; sleep 1'
    (model,) = models(watched("sh", "-c", script, "sh", *argv)).values()
    (arrival,) = arrivals(model)
    assert arrival.startswith("written by python")
    assert arrival.endswith(": " + " ".join(argv))
    assert told(
        model,
        ("written", arrival.split()[2], "m.gguf"),
        ("opened", "cat", "m.gguf"),
    )


def test_a_download_that_is_renamed_when_it_is_complete() -> None:
    write(Path("source"), gguf("arrived"))
    name = "ab" * 32
    script = f"cat source > {name}.incomplete; sleep 0.5; mv {name}.incomplete {name}; sleep 1"
    (model,) = models(watched("sh", "-c", script)).values()
    assert ("written", name) in {(how, path) for how, _, path in shown(model)}
    assert any(a.endswith(f"; renamed from {name}.incomplete") for a in arrivals(model))


def test_a_file_that_is_gone_before_it_could_be_looked_at_is_said() -> None:
    write(Path("m.gguf"), gguf("gone"))
    write(Path("kept.gguf"), gguf("kept"))
    inventory = watched("sh", "-c", "cat m.gguf kept.gguf > /dev/null; rm m.gguf")
    assert "kept" in models(inventory)
    # its descriptor is closed and its name is gone: whether it was read in time is luck
    said = {u["subject"]: u["reason"] for u in inventory["unseen"]}
    assert "gone" in models(inventory) or said["file m.gguf"] == "vanished"


def test_content_that_changes_between_two_readers_is_two_models() -> None:
    first, second = gguf("first!"), gguf("second")
    write(Path("new"), second)
    write(Path("m.gguf"), first)
    script = "cat m.gguf >/dev/null; sleep 1; cat new > m.gguf; sleep 1; tail -c1 m.gguf >/dev/null"
    found = models(watched("sh", "-c", script))
    assert set(found) == {"first!", "second"}
    assert told(found["first!"], ("opened", "cat", "m.gguf"))


def test_a_daemons_grandchild_is_the_commands() -> None:
    write(Path("m.gguf"), gguf("late"))
    daemon = """
import os, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
time.sleep(0.3)
os.execvp("cat", ["cat", "m.gguf"])
"""
    script = '"$0" -c "$1" >/dev/null; sleep 2'
    (model,) = models(watched("sh", "-c", script, sys.executable, daemon)).values()
    assert told(model, ("opened", "cat", "m.gguf"))


def test_only_the_commands_own_processes_are_told_of() -> None:
    write(Path("m.gguf"), gguf("mine"))
    write(Path("other.gguf"), gguf("other"))
    script = "echo begun; read answer; cat m.gguf >/dev/null"
    process = subprocess.Popen(
        [*AIBOM, "-o", "out.json", "--", "sh", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    subprocess.run(["cat", "other.gguf"], check=True, capture_output=True)
    process.communicate(b"\n")
    assert set(models(report(Path.cwd())[0]["inventory"])) == {"mine"}


PACKAGE = {
    "smolagents/__init__.py": "import time\n",
    "smolagents/tools.py": "",
    "smolagents-9.9.9.dist-info/METADATA": "Name: smolagents\nVersion: 9.9.9\n",
    "smolagents-9.9.9.dist-info/RECORD": "smolagents/__init__.py,,\nsmolagents/tools.py,,\n",
    "openai/__init__.py": "",
    "openai-8.8.8.dist-info/METADATA": "Name: openai\nVersion: 8.8.8\n",
    "openai-8.8.8.dist-info/RECORD": "openai/__init__.py,,\n",
}


@pytest.mark.parametrize("compiled", [False, True])
def test_imports_of_a_python_that_ends_at_once(tmp_path: Path, compiled: bool) -> None:
    site = tmp_path / "lib/python3/site-packages"
    for name, text in PACKAGE.items():
        write(site / name, text.encode())
    if compiled:
        subprocess.run([sys.executable, "-m", "compileall", "-q", str(site)], check=True)
    command = [sys.executable, "-c", "import smolagents"]
    environment = os.environ | {"PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    inventory = watched("sh", "-c", '"$@"; sleep 1', "sh", *command, env=environment)
    found = {c["name"]: c["version"] for c in inventory["components"]}
    assert found.get("smolagents") == "9.9.9"
    assert "openai" not in found  # installed beside it, and not imported


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Path]:
    point = tmp_path / "tmpfs"
    point.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "aibom-test", str(point)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"no file system of one's own here: {done.stderr.strip()}")
    yield point
    subprocess.run(["umount", str(point)], check=False, capture_output=True)


def test_a_file_system_can_be_unmounted_while_it_is_watched_and_after_a_kill(
    tmpfs: Path,
) -> None:
    write(tmpfs / "m.gguf", gguf("on tmpfs"))
    script = f"cat {tmpfs}/m.gguf >/dev/null; echo $$; exec sleep 600"
    process = subprocess.Popen(
        [*AIBOM, "-o", "out.json", "--", "sh", "-c", script], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    left = int(process.stdout.readline())
    try:
        process.kill()
        process.wait()
        # marks end with the descriptor, which ended with the process
        subprocess.run(["umount", str(tmpfs)], check=True)
        assert not list(Path("/proc/mounts").read_text().count(str(tmpfs)) * "x")
    finally:
        os.kill(left, signal.SIGKILL)
    assert not list(Path("/").glob("*aibom-self-test*"))
    assert not list(tmpfs.parent.glob("*aibom*"))


def test_a_watched_file_system_can_be_unmounted_by_the_command(tmpfs: Path) -> None:
    write(tmpfs / "m.gguf", gguf("on tmpfs"))
    inventory = watched("sh", "-c", f"cat {tmpfs}/m.gguf >/dev/null; sleep 1; umount {tmpfs}")
    (model,) = models(inventory).values()
    assert model["name"] == "on tmpfs"
    assert model["origin"]["detail"] == str(tmpfs)


class Following:
    """A watch of the node, and what it has announced so far."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder = folder
        self._said = folder / "said.txt"
        argv = [*AIBOM, "-o", str(folder / "out.json"), *options]
        with self._said.open("w") as said:
            self.process = subprocess.Popen(argv, stderr=said, cwd=folder)

    def until(self, words: str) -> None:
        """Return when ``words`` were announced."""
        for _ in range(1200):  # a minute, so that a failure is one and does not hang
            if words in self._said.read_text(errors="replace"):
                return
            assert self.process.poll() is None, self._said.read_text()
            time.sleep(0.05)
        raise AssertionError(f"{words!r} was not announced: {self._said.read_text()}")

    def end(self) -> list[dict[str, Any]]:
        """End it in order; return what it wrote."""
        self.process.terminate()
        assert self.process.wait() == 0, self._said.read_text()
        return report(self._folder)


Follow = Callable[..., Following]


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Follow]:
    """Watch the node until told to end; returns when ``ready`` was announced."""
    started: list[Following] = []

    def begin(ready: str, *options: str) -> Following:
        following = Following(tmp_path, *options)
        started.append(following)
        following.until(ready)
        return following

    yield begin
    for following in started:
        if following.process.poll() is None:
            following.process.kill()
        following.process.wait()


def test_a_node_for_some_seconds(hold: Callable[[list[dict[str, Any]]], int]) -> None:
    path = write(Path.cwd() / "m.gguf", gguf("held here"))
    pid = hold([{"path": path, "map": True}])
    done = subprocess.run(
        [*AIBOM, "-o", "out.json", "--seconds", "2"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = [
        e
        for w in report(Path.cwd())
        for c in w["inventory"]["components"]
        if c["name"] == "held here"
        for e in c["evidence"]
    ]
    assert ("mapped", pid) in {(e["how"], e["pid"]) for e in found}
    assert "held here" in done.stderr


def test_a_load_on_the_node_is_announced_and_kept(
    tmp_path: Path, hold: Callable[[list[dict[str, Any]]], int], follow: Follow
) -> None:
    hold([{"path": write(tmp_path / "first.gguf", gguf("first one")), "map": True}])
    following = follow("first one")
    write(tmp_path / "second.gguf", gguf("second one"))
    subprocess.run(["cat", "second.gguf"], check=True, capture_output=True)
    following.until("second one  opened by ")
    names = {c["name"] for w in following.end() for c in w["inventory"]["components"]}
    assert {"first one", "second one"} <= names


# Opens each of its arguments, one short process each; cc -static keeps them short.
STORM = """
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
int main(int argc, char **argv) {
    if (argc == 3 && !strcmp(argv[1], "open"))
        return open(argv[2], O_RDONLY) < 0;
    int times = atoi(argv[1]), failed = 0;
    for (int i = 0; i < times; i++) {
        char *child[] = {argv[0], "open", argv[2 + i % (argc - 2)], NULL};
        pid_t pid; int status;
        if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, child, environ)) return 9;
        waitpid(pid, &status, 0);
        failed |= status;
    }
    return failed != 0;
}
"""


@pytest.fixture(scope="session")
def storm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that starts many processes, each of which opens a file and ends."""
    folder = tmp_path_factory.mktemp("storm")
    (folder / "storm.c").write_text(STORM)
    try:
        subprocess.run(
            ["cc", "-O1", "-static", "-o", "storm", "storm.c"],
            check=True,
            capture_output=True,
            cwd=folder,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"needs a C compiler: {error}")
    return folder / "storm"


def opens(inventory: dict[str, Any]) -> int:
    return sum(
        e["times"]
        for c in inventory["components"]
        if c["kind"] == "model"
        for e in c["evidence"]
        if e["how"].startswith("opened")
    )


def test_a_storm_of_short_processes_loses_nothing(storm: Path) -> None:
    names = [f"m{n}.gguf" for n in range(10)]
    for name in names:
        write(Path(name), gguf(name))
    inventory = watched(storm, "1000", *names)
    assert opens(inventory) == 1000
    assert set(models(inventory)) == set(names)
    assert not [u for u in inventory["unseen"] if u["reason"] in ("lost", "unattributed")]


# an unmapped part of the tree that only its owner may pass hides a Python from other users
_AS_NOBODY = """
set -e
BASE=$1 TOP=$2; shift 2
if [ -n "$TOP" ]; then
    mkdir "$PWD/python"
    mount --bind "$BASE" "$PWD/python"
    mount -t tmpfs -o mode=755 aibom-test "$TOP"
    mkdir -p "$BASE"
    mount --bind "$PWD/python" "$BASE"
fi
exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
"""


def as_nobody() -> list[str]:
    """Return what runs a command as an ordinary user who can reach this Python; or skip."""
    base = Path(sys.base_prefix)
    hidden = next((p for p in [*base.parents][::-1] if not p.stat().st_mode & 0o001), "")
    enter = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _AS_NOBODY, "sh"]
    found = [*enter, str(base), str(hidden)]
    tried = subprocess.run(
        [*found, sys.executable, "-c", "import aibom.cli.watch"],
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode:
        pytest.skip(f"an ordinary user cannot run this Python: {tried.stderr.strip()[-200:]}")
    for made in Path.cwd().glob("python"):
        made.rmdir()
    return found


def test_an_ordinary_user_sees_what_is_held_and_is_told_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o777)
        monkeypatch.chdir(folder)
        write(folder / "held.gguf", gguf("held")).chmod(0o644)
        before = as_nobody()
        argv = [*AIBOM, "-o", "out.json", "--", "sh", "-c", "exec 5<held.gguf; sleep 1; exit 7"]
        done = subprocess.run([*before, *argv], capture_output=True, text=True, check=False)
        assert done.returncode == 7, done.stderr
        assert "blind: file events" in done.stderr
        (workload,) = report(folder)
        inventory = workload["inventory"]
        (model,) = models(inventory).values()
        assert {e["how"] for e in model["evidence"]} == {"open"}
        sensors = dict(inventory["sensors"])
        assert sensors["file events"].startswith("blind: ")
        assert ("sensor", "file events") in {
            (u["reason"], u["subject"]) for u in inventory["unseen"]
        }


IN_IMAGE, IN_VOLUME = gguf("in image"), gguf("in volume")
HELD = gguf("held in pod")
PATHS = {
    "in image": "/models/in-image.gguf",
    "in volume": "/data/in-volume.gguf",
    "late one": "/tmp/late.gguf",
}


@pytest.fixture(scope="module")
def image(rig_node: Node) -> str:
    layer = {"/models/in-image.gguf": IN_IMAGE, "/models/held.gguf": HELD}
    name = "local.test/watched:1"
    version = key(IN_IMAGE, HELD)
    found = images.python_with(cache_folder(), name, version, lambda: [layer], ("python3",))
    return rig_node.load(found)


@pytest.fixture
def pod(rig_node: Node, image: str) -> Iterator[Pod]:
    """A pod with two containers that hold a model, one of them with a volume."""
    argv = ["sh", "-c", "exec 5</models/held.gguf; exec busybox sleep 600"]
    found = rig_node.run_pod(
        "watched",
        [Container("main", image, argv, volumes={"data": "/data"}), Container("side", image, argv)],
        namespace="models",
        volumes=[Volume("data", files={"in-volume.gguf": IN_VOLUME})],
    )
    yield found
    rig_node.stop_pod(found)


def pod_of(workloads: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (found,) = [w["inventory"] for w in workloads if w["inventory"]["workload"]["name"] == name]
    assert found["workload"]["kind"] == "pod"
    assert found["workload"]["namespace"] == "models"
    return found


def test_loads_of_a_millisecond_inside_a_pod(rig_node: Node, pod: Pod, follow: Follow) -> None:
    main, side = pod.container("main"), pod.container("side")
    following = follow("held in pod", "--pod", "models/watched")
    copied = "busybox sed 's/in image/late one/' /models/in-image.gguf > /tmp/late.gguf"
    opened = "; ".join(f"( : < {path} )" for path in PATHS.values())
    # what the runtime itself starts stays, so that it can be asked where it is; its child is quick
    rig_node.exec(main, ["sh", "-c", f"{copied}; {opened}; busybox sleep 1"])
    rig_node.exec(side, ["sh", "-c", "( : < /models/in-image.gguf ); busybox sleep 1"])
    for name in PATHS:
        following.until(f"model {name}  opened")
    (workload,) = following.end()
    inventory = pod_of([workload], "watched")
    found = models(inventory)
    assert {n: m["origin"]["kind"] for n, m in found.items()} == {
        "held in pod": "image-layer",
        "in image": "image-layer",
        "in volume": "volume",
        "late one": "writable-layer",
    }
    users = {
        (name, e["path"], e["container"])
        for name, m in found.items()
        for e in m["evidence"]
        if e["how"].startswith("opened") and name != "held in pod"
    }
    assert users == {(name, path, "main") for name, path in PATHS.items()} | {
        ("in image", PATHS["in image"], "side")
    }
    assert found["in image"]["sha256"] == hashlib.sha256(IN_IMAGE).hexdigest()
    assert found["in volume"]["origin"]["detail"] == "empty-dir data"
    assert any("in container main" in a for a in arrivals(found["late one"]))
    assert not [u for u in inventory["unseen"] if u["reason"] in ("lost", "unattributed")]


def test_a_container_that_lives_half_a_second(
    rig_node: Node, image: str, pod: Pod, follow: Follow
) -> None:
    assert pod.name == "watched"
    following = follow("held in pod")
    argv = ["sh", "-c", ": < /models/in-image.gguf; exec busybox sleep 0.5"]
    made = None
    with suppress(RigError):  # it may have ended before its first program was seen
        made = rig_node.run_pod("brief", [Container("only", image, argv)], namespace="models")
    following.until("model in image  opened")
    workloads = following.end()
    if made is not None:
        rig_node.stop_pod(made)
    model = models(pod_of(workloads, "brief"))["in image"]
    assert {(e["path"], e["container"]) for e in model["evidence"]} == {(PATHS["in image"], "only")}
    assert model["origin"]["kind"] == "image-layer"


def test_a_storm_inside_a_container_is_the_containers(
    rig_node: Node, pod: Pod, follow: Follow, storm: Path
) -> None:
    main = pod.container("main")
    write(pod.folder / "volumes/kubernetes.io~empty-dir/data/storm", storm.read_bytes())
    rig_node.exec(main, ["busybox", "chmod", "755", "/data/storm"])
    following = follow("held in pod", "--pod", "models/watched")
    files = [PATHS["in image"], PATHS["in volume"]]
    rig_node.exec(main, ["/data/storm", "1000", *files], timeout=120)
    end = "busybox cp /models/held.gguf /tmp/end.gguf; busybox sleep 1"
    rig_node.exec(main, ["sh", "-c", end])
    following.until("held in pod  written")
    inventory = pod_of(following.end(), "watched")
    mine = [e for m in models(inventory).values() for e in m["evidence"] if e["path"] in files]
    assert sum(e["times"] for e in mine if e["how"].startswith("opened")) == 1000
    assert {e["container"] for e in mine} == {"main"}


def test_another_aibom_looks_at_models_and_loads_none(
    tmp_path: Path, hold: Callable[[list[dict[str, Any]]], int], follow: Follow
) -> None:
    hold([{"path": write(tmp_path / "first.gguf", gguf("held before")), "map": True}])
    write(tmp_path / "models/looked-at.gguf", gguf("looked at"))
    loading = "import sys; open(sys.argv[1], 'rb').read()"
    following = follow("held before")
    scan = [sys.executable, "-m", "aibom", "inspect", str(tmp_path / "models/looked-at.gguf")]
    subprocess.run(scan, check=True, capture_output=True)
    write(tmp_path / "models/loaded.gguf", gguf("loaded"))
    subprocess.run([sys.executable, "-c", loading, tmp_path / "models/loaded.gguf"], check=True)
    following.until("loaded  opened by ")
    found = {c["name"] for w in following.end() for c in w["inventory"]["components"]}
    assert "loaded" in found
    assert "looked at" not in found


def test_what_one_workload_breaks_is_said_of_that_one_alone(
    tmp_path: Path, hold: Callable[[list[dict[str, Any]]], int], follow: Follow
) -> None:
    hold([{"path": write(tmp_path / "first.gguf", gguf("held before")), "map": True}])
    for name in ("broken", "whole"):
        write(tmp_path / f"{name}.gguf", gguf(name))
    with (tmp_path / "broken.gguf").open("r+b") as file:
        file.truncate(100)
    following = follow("held before")
    reading = "import sys; open(sys.argv[1], 'rb').read(); input()"
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", reading, tmp_path / f"{name}.gguf"],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        for name in ("broken", "whole")
    ]
    following.until("whole  ")
    time.sleep(1)  # until the looks at both are done
    workloads = following.end()
    for reader in readers:
        reader.communicate(b"\n")
    (other,) = (w for w in workloads if str(readers[1].pid) in w["inventory"]["workload"]["name"])
    assert "whole" in {c["name"] for c in other["inventory"]["components"]}
    assert not [u for u in other["inventory"]["unseen"] if "broken.gguf" in u["subject"]]
