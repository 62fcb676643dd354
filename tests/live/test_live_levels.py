"""A pod that watches another one, with all that it may have and without each of it in turn."""

import json
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aibom.observe.host.place import kernel_version
from rig import agentimage, images
from rig.cache import cache_folder, key
from rig.errors import RigError
from rig.node import Node
from rig.pods import Container, HostNamespace, Mount, Pod, Running, Security, Volume
from tests.live.conftest import components
from tests.live.test_live_files import gguf

pytestmark = pytest.mark.live

#: What each level together needs: see docs/deployment.md.
FULL = (
    "CHECKPOINT_RESTORE",
    "DAC_READ_SEARCH",
    "NET_ADMIN",
    "NET_RAW",
    "PERFMON",
    "SYS_ADMIN",
    "SYS_PTRACE",
)
LOOKS = ("CHECKPOINT_RESTORE", "DAC_READ_SEARCH", "SYS_PTRACE")
MODEL = gguf("in image")
#: Holds models as another user than root, and opens one for a moment again and again.
TARGET = """
import ctypes, os, ssl, sys, time
if os.getuid() == 0:
    os.setgid(1000)
    os.setuid(1000)
    os.execv("/usr/bin/python3", ["python3", "-c", sys.argv[1], sys.argv[1]])
import tinyllm
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
model = open("/models/model.gguf", "rb").read()
def put(name):
    path = f"/tmp/{name}.gguf"
    with open(path, "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(model.replace(b"in image", name.encode().ljust(8)))
    return path
def hold(path):
    # without the second descriptor that Python's mmap keeps
    file = os.open(path, os.O_RDONLY)
    assert libc.mmap(None, 4096, 1, 2, file, 0) > 0
    os.close(file)
hold(put("mapped"))
hold(put("gone"))
os.unlink("/tmp/gone.gguf")
request = b"GET /v1/models HTTP/1.1\\r\\nHost: models.example.test\\r\\n\\r\\n"
client = ssl._create_unverified_context().wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO())
print("ready", flush=True)
while True:
    open("/models/model.gguf", "rb").read()
    try:
        client.write(request)  # begins by asking for a handshake that nobody answers
    except ssl.SSLError:
        pass
    time.sleep(0.2)
"""
PACKAGE = {
    f"{images.SITE_PACKAGES}/tinyllm/__init__.py": b"",
    f"{images.SITE_PACKAGES}/tinyllm-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\n"
    b"Name: tinyllm\nVersion: 1.0\n",
    f"{images.SITE_PACKAGES}/tinyllm-1.0.dist-info/RECORD": b"tinyllm/__init__.py,,\n",
}
HELD, GONE, BRIEF = {"mapped"}, {"gone"}, {"in image"}
#: Gives up what a watch needs no more, then watches.
DROPPING = """
import sys
from aibom.cli.main import main
from aibom.observe.host.place import kernel_version
from aibom.observe.host.privileges import drop
from aibom.observe.levels import needed
drop(needed(names=True, requests=True, kernel=kernel_version()))
sys.exit(main(sys.argv[1:]))
"""
#: Makes a cgroup namespace, as containerd does on cgroup v2, then scans from inside of it.
APART = """
import ctypes, sys
from aibom.cli.main import main
assert ctypes.CDLL(None).unshare(0x02000000) == 0
sys.exit(main(sys.argv[1:]))
"""


@dataclass(frozen=True)
class Seen:
    """What a report says of the target, and what it says that could not be seen, node-wide too."""

    models: set[str]
    packages: set[str]
    requests: bool
    unseen: list[dict[str, Any]]

    def said(self, words: str) -> str:
        """Return the remedy of what could not be seen of a subject that begins so, or "-"."""
        return next((u["remedy"] for u in self.unseen if u["subject"].startswith(words)), "-")


Look = Callable[..., Seen]


@pytest.fixture(scope="module")
def agent(rig_node: Node) -> str:
    try:
        return rig_node.load(agentimage.image(cache_folder()))
    except RigError as error:
        pytest.skip(f"needs aibom's dependencies for the image's Python: {error}")


@pytest.fixture(scope="module")
def target(rig_node: Node) -> Iterator[Pod]:
    layer = {"/models/model.gguf": MODEL, **PACKAGE}
    name = "local.test/watched:1"
    version = key(*layer, *layer.values())
    image = images.python_with(cache_folder(), name, version, lambda: [layer], ("python3",))
    rig_node.load(image)
    argv = ["python3", "-c", TARGET, TARGET]
    pod = rig_node.run_pod("watched", [Container("main", name, argv)], namespace="levels")
    for _ in range(600):
        if "ready" in pod.containers[0].output():
            break
        time.sleep(0.05)
    yield pod
    rig_node.stop_pod(pod)


@pytest.fixture
def watcher(rig_node: Node, agent: str) -> Iterator[Callable[..., Running]]:
    """Start pods that may watch; each waits for what is run in it."""
    started: list[Pod] = []

    def start(
        capabilities: Sequence[str],
        host: Collection[HostNamespace],
        *,
        seccomp: bool | Path = True,
        user: int = 0,
        mounts: Sequence[Mount] = (),
        argv: Sequence[str] = ("python3", "-c", "import time; time.sleep(600)"),
    ) -> Running:
        security = Security(capabilities, seccomp=seccomp, user=user)
        container = Container("main", agent, argv, mounts=mounts, security=security)
        pod = rig_node.run_pod("watcher", [container], volumes=[Volume("none")], host=host)
        started.append(pod)
        return pod.containers[0]

    yield start
    for pod in started:
        rig_node.stop_pod(pod)


@pytest.fixture
def look(rig_node: Node, target: Pod, watcher: Callable[..., Running]) -> Look:
    def looked(
        capabilities: Sequence[str] = FULL,
        host: Collection[HostNamespace] = ("pid", "network"),
        *,
        program: Sequence[str] = ("-m", "aibom"),
        command: Sequence[str] = ("watch", "--seconds", "1.5", "--names", "--requests"),
        **options: Any,
    ) -> Seen:
        inside = watcher(capabilities, host, **options)
        argv = ["python3", *program, *command, "--no-cache", "--format", "json"]
        done = rig_node.exec(inside, argv, 240)
        said = done.stderr.decode()
        assert "Traceback" not in said
        assert done.code == 0, said
        return _seen(json.loads(done.stdout), target)

    return looked


def _seen(report: dict[str, Any], target: Pod) -> Seen:
    inventories = [w["inventory"] for w in report["workloads"]]
    found = [w for w in report["workloads"] if w["inventory"]["workload"]["uid"] == target.uid]
    # what a sensor does not see is said of each workload, of which others may run here
    elsewhere = [u for i in inventories for u in i["unseen"] if u["pid"] is None]
    own = [u for w in found for u in w["inventory"]["unseen"]]
    unseen = [*own, *report["unseen"], *elsewhere]
    if not found:
        return Seen(set(), set(), requests=False, unseen=unseen)
    (workload,) = found
    return Seen(
        {name.strip() for name in components(workload, "model")},
        set(components(workload, "package")),
        "/v1/models" in json.dumps(workload),
        unseen,
    )


def test_with_everything_everything_is_seen(look: Look) -> None:
    seen = look()
    assert seen.models == HELD | GONE | BRIEF
    assert "tinyllm" in seen.packages
    assert seen.requests
    for sensor in ("file events", "process events", "host names", "TLS requests"):
        assert seen.said(sensor) == "-", sensor


def test_its_bom_is_written(
    rig_node: Node, target: Pod, watcher: Callable[..., Running], tmp_path: Path
) -> None:
    inside = watcher(FULL, ("pid",), mounts=[Mount(tmp_path, "/output")])
    argv = ["python3", "-m", "aibom", "watch", "--seconds", "1.5", "--no-cache", "-o", "/output/"]
    done = rig_node.exec(inside, [*argv, "--pod", f"levels/{target.name}"], 240)
    assert done.code == 0, done.stderr
    bom = json.loads((tmp_path / "levels_watched.cdx.json").read_text())
    names = {c["name"].strip() for c in bom["components"]}
    assert names >= HELD | GONE | BRIEF | {"tinyllm"}


def test_without_ptrace_nobody_is_looked_into_and_that_is_said(look: Look, target: Pod) -> None:
    seen = look([c for c in FULL if c != "SYS_PTRACE"])
    assert not seen.models & (HELD | GONE)
    assert "tinyllm" not in seen.packages
    assert "CAP_SYS_PTRACE" in seen.said(f"process {target.pid}")


def test_without_reading_rights_other_users_are_not_seen_and_that_is_said(
    look: Look, target: Pod
) -> None:
    seen = look([c for c in FULL if c != "DAC_READ_SEARCH"])
    assert not seen.models
    assert "CAP_DAC_READ_SEARCH" in seen.said(f"process {target.pid}")
    assert "CAP_DAC_READ_SEARCH" in seen.said("file events")


@pytest.mark.parametrize("seccomp", [True, False])
def test_without_admin_what_is_open_for_a_moment_is_lost_and_that_is_said(
    look: Look, seccomp: bool
) -> None:
    seen = look([c for c in FULL if c != "SYS_ADMIN"], seccomp=seccomp)
    assert seen.models >= HELD | GONE
    assert not seen.models & BRIEF
    assert "tinyllm" in seen.packages
    assert "CAP_SYS_ADMIN" in seen.said("file events")
    assert "CAP_SYS_ADMIN" in seen.said("host names")
    assert "CAP_SYS_ADMIN" in seen.said("TLS requests")
    assert seen.said("process events") == "-"


def test_admin_stands_for_what_is_split_off_it(look: Look) -> None:
    seen = look([c for c in FULL if c not in ("CHECKPOINT_RESTORE", "PERFMON")])
    assert seen.models == HELD | GONE | BRIEF
    assert seen.requests


@pytest.fixture
def tracefs(tmp_path: Path) -> Iterator[Path]:
    """A mount of tracefs, as nodes have it at /sys/kernel/tracing."""
    command = ["mount", "-t", "tracefs", "tracefs", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no tracefs here: {done.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_requests_without_admin_by_a_mount_and_two_lesser_capabilities(
    look: Look, tracefs: Path
) -> None:
    mount = Mount(tracefs, "/sys/kernel/tracing")
    assert look((*LOOKS, "PERFMON"), ["pid"], mounts=[mount]).requests
    lesser = (*LOOKS[1:], "PERFMON")
    seen = look(lesser, ["pid"], mounts=[mount])
    assert not seen.requests
    assert "CAP_CHECKPOINT_RESTORE" in seen.said("TLS requests through ")


def test_without_raw_sockets_names_are_not_heard_and_that_is_said(look: Look) -> None:
    seen = look([c for c in FULL if c != "NET_RAW"])
    assert seen.models == HELD | GONE | BRIEF
    assert "CAP_NET_RAW" in seen.said("host names")


def test_process_events_without_their_capability_on_old_kernels_only(look: Look) -> None:
    seen = look([c for c in FULL if c != "NET_ADMIN"])
    assert seen.models >= HELD | GONE
    assert (seen.said("process events") == "-") == (kernel_version() >= (6, 6))


def test_without_admin_the_hosts_network_has_to_be_shared(look: Look) -> None:
    seen = look(LOOKS, ["pid"])
    assert "hostNetwork: true" in seen.said("process events")
    assert seen.models >= HELD | GONE
    assert "tinyllm" in seen.packages


def test_without_the_right_to_open_what_is_mapped_deleted_files_are_lost_and_said(
    look: Look,
) -> None:
    seen = look([c for c in LOOKS if c != "CHECKPOINT_RESTORE"], command=["scan"])
    assert seen.models == HELD
    assert "CAP_CHECKPOINT_RESTORE" in seen.said("/tmp/gone.gguf")
    assert "tinyllm" in seen.packages


def test_without_the_hosts_processes_nothing_is_seen_and_that_is_said(look: Look) -> None:
    seen = look(host=["network"])
    assert not seen.packages
    assert "hostPID: true" in seen.said("process events")


def test_a_cgroup_namespace_of_its_own_hides_nobodys_name(look: Look) -> None:
    seen = look(FULL, ["pid"], program=["-c", APART], command=["scan"])
    assert seen.models == HELD | GONE


def test_what_is_given_up_is_not_missed_and_the_hosts_network_may_be_entered(look: Look) -> None:
    seen = look(FULL, ["pid"], program=["-c", DROPPING])
    assert seen.models == HELD | GONE | BRIEF
    assert "tinyllm" in seen.packages
    assert seen.requests
    for sensor in ("file events", "process events", "host names", "TLS requests"):
        assert seen.said(sensor) == "-", sensor


def test_images_of_ones_own_by_a_mount_alone(rig_node: Node, look: Look) -> None:
    mount = Mount(rig_node.places.root, "/containerd", readonly=True)
    command = ["scan", "--own-images", "--containerd-root", "/containerd"]
    image = "image local.test/watched"
    assert look(LOOKS, ["pid"], command=command, mounts=[mount]).said(image) == "-"
    assert "--containerd-root" in look(LOOKS, ["pid"], command=command[:2]).said(image)


def doctor(node: Node, inside: Running) -> dict[str, Any]:
    done = node.exec(inside, ["python3", "-m", "aibom", "doctor", "--format", "json"], 60)
    found: dict[str, Any] = json.loads(done.stdout)
    levels = {level["name"]: level["missing"] for level in found["levels"]}
    return {"levels": levels, "sensors": {s["name"]: s for s in found["sensors"]}}


def test_doctor_knows_the_place(rig_node: Node, watcher: Callable[..., Running]) -> None:
    full = doctor(rig_node, watcher(FULL, ("pid",)))["levels"]
    assert {name for name, what in full.items() if what} == {"own images"}
    looks = doctor(rig_node, watcher(LOOKS, ("pid",)))["levels"]
    complete = {name for name, what in looks.items() if not what}
    assert complete == {"processes", "deleted files", "imported modules"}
    assert looks["host names"] == ["CAP_NET_RAW", "CAP_SYS_ADMIN"]
    none = doctor(rig_node, watcher((), ()))["levels"]
    assert "hostPID: true" in none["processes"]
    nobody = doctor(rig_node, watcher(FULL, ("pid",), user=65534))["levels"]
    assert "runAsUser: 0" in nobody["processes"]


def test_doctor_tells_a_seccomp_profile_from_missing_capabilities(
    rig_node: Node, watcher: Callable[..., Running], tmp_path: Path
) -> None:
    profile = tmp_path / "profile.json"
    denied = {"names": ["fanotify_init", "process_vm_readv"], "action": "SCMP_ACT_ERRNO"}
    rules = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [denied]}
    profile.write_text(json.dumps(rules))
    found = doctor(rig_node, watcher(FULL, ("pid",), seccomp=profile))
    assert "seccomp profile" in found["sensors"]["file events"]["remedy"]
    # read from /proc/PID/mem instead
    assert found["sensors"]["imported modules"]["state"] != "blind"
    assert found["levels"]["file events"] == []


def test_the_agent_in_a_pod_writes_what_it_saw(
    target: Pod, watcher: Callable[..., Running], tmp_path: Path
) -> None:
    mounts = []
    for name in ("output", "state"):
        (tmp_path / name).mkdir(mode=0o700)
        mounts.append(Mount(tmp_path / name, f"/{name}"))
    argv = ["python3", "-m", "aibom", "agent", "--output", "/output", "--state", "/state"]
    inside = watcher(FULL, ("pid",), mounts=mounts, argv=argv)
    wanted = HELD | GONE | BRIEF | {"tinyllm"}
    for _ in range(1200):  # a minute, so that a failure is one and does not hang
        if written(tmp_path / "output", target) >= wanted:
            break
        time.sleep(0.05)
    assert written(tmp_path / "output", target) >= wanted, inside.output()
    assert "privileges given up" in inside.output()
    assert "Traceback" not in inside.output()


def written(folder: Path, target: Pod) -> set[str]:
    """Return the names in the target's BOM, of which there is none at first."""
    boms = [p for p in folder.rglob("*.cdx.json") if target.name in p.name]
    documents = [json.loads(bom.read_text()) for bom in boms]
    return {c["name"].strip() for document in documents for c in document["components"]}
