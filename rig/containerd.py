"""A containerd of our own: its programs, its configuration, its life. Nothing is installed."""

import json
import logging
import os
import resource
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from rig import network
from rig.cache import key
from rig.debs import unpacked
from rig.errors import RigError
from rig.images import PAUSE

_LOG = logging.getLogger(__name__)
_PACKAGES = ("containerd", "runc", "busybox-static")
_LONGEST_SOCKET = 100  # the kernel takes 107 bytes; containerd appends ".ttrpc" to some
_DISABLED = (
    "io.containerd.internal.v1.opt",  # would make /opt/containerd
    "io.containerd.internal.v1.tracing",
    "io.containerd.snapshotter.v1.aufs",
    "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.zfs",
    "io.containerd.tracing.processor.v1.otlp",
)


@dataclass(frozen=True, slots=True)
class Programs:
    """Where the unpacked programs are."""

    containerd: Path
    runc: Path
    busybox: Path

    @property
    def ctr(self) -> Path:
        """The client that imports images."""
        return self.containerd.with_name("ctr")

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that hold nothing but these programs."""
        return self.containerd.parent, self.runc.parent


def programs(cache: Path) -> Programs:
    """Return the programs, downloaded and unpacked below ``cache`` when they are missing."""
    containerd, runc, busybox = (deb.root for deb in unpacked(_PACKAGES, cache))
    return Programs(
        containerd / "usr/bin/containerd", runc / "usr/sbin/runc", busybox / "bin/busybox"
    )


@dataclass(frozen=True, slots=True)
class Places:
    """Where one node keeps what. ``run`` leaves ``folder`` only when its path is too long."""

    folder: Path

    @property
    def run(self) -> Path:
        """The folder of sockets and running tasks."""
        inside = self.folder / "run"
        fits = len(os.fsencode(inside / "containerd.sock.ttrpc")) <= _LONGEST_SOCKET
        return inside if fits else Path(f"/run/aibom-rig-{key(str(self.folder))}")

    @property
    def socket(self) -> Path:
        """The socket of containerd and of CRI."""
        return self.run / "containerd.sock"

    @property
    def state(self) -> Path:
        """The state: the bundle of each task, with its config.json."""
        return self.run / "state"

    @property
    def root(self) -> Path:
        """The content: images, snapshots."""
        return self.folder / "root"

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "containerd.toml"

    @property
    def log(self) -> Path:
        """What containerd says."""
        return self.folder / "containerd.log"

    @property
    def pods(self) -> Path:
        """A folder per pod, named by its uid, as kubelet has it."""
        return self.folder / "kubelet" / "pods"

    @property
    def pod_logs(self) -> Path:
        """A folder per pod with its containers' output, as kubelet has it."""
        return self.folder / "logs"


def start(places: Places, tools: Programs) -> subprocess.Popen[bytes]:
    """Start containerd; it may not answer yet. The folders of ``places`` must be empty."""
    places.root.mkdir(parents=True, exist_ok=True)
    places.run.mkdir(parents=True, mode=0o700)
    places.log.unlink(missing_ok=True)
    places.config.write_text(_config(places, tools))
    return start_again(places, tools)


def start_again(places: Places, tools: Programs) -> subprocess.Popen[bytes]:
    """Start containerd where one was stopped; the pods that still run are its own again."""
    environment = {"PATH": os.pathsep.join([*map(str, tools.folders), os.environ["PATH"]])}
    with places.log.open("ab") as log:
        process = subprocess.Popen(
            [str(tools.containerd), "--config", str(places.config)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a Ctrl-C is for us; we stop it in order
        )
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (most, most))
    return process


def stop(process: subprocess.Popen[bytes], patience: float = 2.0) -> None:
    """End containerd, by force after ``patience`` seconds: none of its content is kept anyway."""
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def load(archive: Path, places: Places, tools: Programs) -> None:
    """Import the image in ``archive`` and unpack its layers."""
    started = time.monotonic()
    command = [str(tools.ctr), "--address", str(places.socket), "--namespace", "k8s.io"]
    done = subprocess.run(
        [*command, "images", "import", str(archive)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise RigError(f"containerd refused the image {archive}: {last}; more in {places.log}")
    _LOG.debug("imported %s in %.1f s", archive.name, time.monotonic() - started)


def last_words(places: Places, lines: int = 3) -> str:
    """Return the end of containerd's log, for an error message."""
    text = places.log.read_text(errors="replace") if places.log.exists() else ""
    return "\n".join(text.strip().splitlines()[-lines:])


def _config(places: Places, tools: Programs) -> str:
    plugins, networks = network.write(places.run / "cni", tools.busybox)
    quoted = json.dumps  # a TOML basic string is written like a JSON string
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    return f"""version = 2
root = {quoted(str(places.root))}
state = {quoted(str(places.state))}
oom_score = 0
disabled_plugins = {quoted(list(_DISABLED))}

[grpc]
  address = {quoted(str(places.socket))}

[{cri}]
  sandbox_image = {quoted(PAUSE)}
  disable_apparmor = true
  enable_selinux = false
  # without CAP_SYS_RESOURCE a pod could not be made less likely to be killed than we are
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true

[{cri}.cni]
  bin_dir = {quoted(str(plugins))}
  conf_dir = {quoted(str(networks))}

[{cri}.containerd]
  snapshotter = "overlayfs"
  default_runtime_name = "runc"

[{cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[{cri}.containerd.runtimes.runc.options]
  BinaryName = {quoted(str(tools.runc))}
  Root = {quoted(str(places.run / "runc"))}
  SystemdCgroup = false
"""
