"""How long it takes from a load to its finding on disk, by kind of load, by processes and pods.

Everything that is loaded was made before the agent starts. The loader stamps the wall clock right
before a load; the journal is read every 20 milliseconds, and a finding's line is known by the
thing's name in it. Nothing is declared, so each load is a finding of its own.
"""

import contextlib
import itertools
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from rig.node import Node, may_not_run
from rig.nodeagent import load, running
from rig.pods import Container, Mount

KINDS = ("opened", "mapped", "adapter", "downloaded", "framework", "script", "server")
#: Loads of each kind in each place, and seconds between two of them, at least and at most.
EACH = 16
PAUSE = (0.1, 0.9)
POLL_SECONDS = 0.02
#: Seconds after the last load in which a finding may still come.
PATIENCE = 20.0
_PODS = 4
_NAME = re.compile(rb"thing[0-9]{4}x")
_LOADER = Path(__file__).with_name("benchloader.py")


@dataclass(frozen=True, slots=True)
class Told:
    """One load: its kind, where it was, and the seconds until its finding; None when none came."""

    kind: str
    place: str
    seconds: float | None


def telling(cache: Path) -> None:
    """Measure, and print a table by kind and by place."""
    with tempfile.TemporaryDirectory(prefix="aibom-bench-") as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)
        plan = _made(folder)
        with _loaders(folder, cache) as loaders:
            began = load()
            with running() as agent:
                agent.ready()
                time.sleep(5)
                found = _measured(folder, agent.journal, plan, loaders)
    _tell(found, began)


def _made(folder: Path) -> list[tuple[str, str]]:
    """Make everything that will be loaded; return (kind, name) of each."""
    (folder / "stamps").mkdir(mode=0o777)
    kinds = [kind for kind in KINDS for _ in range(EACH * 2)]
    plan = [(kind, f"thing{number:04}x") for number, kind in enumerate(kinds)]
    for kind, name in plan:
        thing = folder / "things" / name
        thing.mkdir(parents=True)
        if kind == "framework":
            _package(thing, name, "transformers", "transformers")
        elif kind == "server":
            _package(thing, name, "mcp-server-time", "mcp_server_time")
        elif kind == "adapter":
            (thing / "adapter_model.safetensors").write_bytes(_model(name))
            text = {"peft_type": "LORA", "r": 8, "base_model_name_or_path": f"bench/{name}"}
            (thing / "adapter_config.json").write_text(json.dumps(text))
        else:
            ending = "bytes" if kind == "downloaded" else "safetensors"
            (thing / f"{name}.{ending}").write_bytes(_model(name))
    return plan


def _model(name: str) -> bytes:
    tensor = {"dtype": "U8", "shape": [8], "data_offsets": [0, 8]}
    header = json.dumps({f"{name}.weight": tensor}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(8)


def _package(thing: Path, name: str, project: str, module: str) -> None:
    """Put a package into a folder of its own; its version is as good as its name."""
    version = f"1.0.{int(name[5:9])}"
    site = thing / "site-packages"
    info = site / f"{module}-{version}.dist-info"
    info.mkdir(parents=True)
    (site / module).mkdir()
    (site / module / "__init__.py").write_text("")
    (site / module / "__main__.py").write_text("import sys\nsys.stdin.read()\n")
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n")
    (info / "RECORD").write_text(f"{module}/__init__.py,,\n{module}/__main__.py,,\n")


@contextlib.contextmanager
def _loaders(folder: Path, cache: Path) -> Iterator[dict[str, list[TextIO]]]:
    """Run loaders as a process and, where that is allowed, in pods; yield their orders."""
    loader = folder / "loader.py"
    loader.write_bytes(_LOADER.read_bytes())
    with contextlib.ExitStack() as stack:
        orders: dict[str, list[TextIO]] = {}
        fifo = _fifo(folder, "process")
        process = subprocess.Popen([sys.executable, str(loader), str(folder), str(fifo)])
        stack.callback(process.wait)
        orders["process"] = [stack.enter_context(fifo.open("w", buffering=1))]
        if not may_not_run():
            node = stack.enter_context(Node(cache / "bench-node", cache))
            image = node.load_python()
            orders["pod"] = []
            for number in range(_PODS):
                fifo = _fifo(folder, f"pod{number}")
                argv = ["python3", "/bench/loader.py", "/bench", f"/bench/{fifo.name}"]
                mount = Mount(folder, "/bench")
                node.run_pod(f"loader-{number}", [Container("main", image, argv, mounts=[mount])])
                orders["pod"].append(stack.enter_context(fifo.open("w", buffering=1)))
        yield orders


def _fifo(folder: Path, name: str) -> Path:
    path = folder / name
    os.mkfifo(path)
    return path


def _measured(
    folder: Path,
    journal: Path,
    plan: Sequence[tuple[str, str]],
    loaders: dict[str, list[TextIO]],
) -> list[Told]:
    ended, came = threading.Event(), defaultdict[str, list[float]](list)
    reader = threading.Thread(target=_read, args=(journal, came, ended))
    reader.start()
    places = itertools.cycle(loaders)
    where = {name: next(places) for _, name in plan}
    turns = {place: itertools.cycle(orders) for place, orders in loaders.items()}
    order = list(plan)
    random.Random(1).shuffle(order)  # noqa: S311 - an order, no secret
    try:
        for kind, name in order:
            print(kind, name, file=next(turns[where[name]]), flush=True)
            time.sleep(random.uniform(*PAUSE))  # noqa: S311
        deadline = time.monotonic() + PATIENCE
        while len(came) < len(plan) and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        ended.set()
        reader.join()
    found = []
    for kind, name in plan:
        stamp = folder / "stamps" / name
        begun = float(stamp.read_text()) if stamp.exists() else None
        # others may have looked at the thing before, which is a finding of theirs
        times = [at - begun for at in came.get(name, ()) if begun is not None and at >= begun]
        found.append(Told(kind, where[name], min(times, default=None)))
    return found


def _read(journal: Path, came: dict[str, list[float]], ended: threading.Event) -> None:
    """Note when each line with a name is there."""
    with journal.open("rb") as file:
        file.seek(0, os.SEEK_END)
        while not ended.is_set():
            data = file.read()
            now = time.time()
            for line in data.splitlines():
                for name in set(_NAME.findall(line)):
                    came[name.decode()].append(now)
            time.sleep(POLL_SECONDS)


def _tell(found: Sequence[Told], began: float) -> None:
    print(f"from load to finding, {len(found)} loads (load {began:.1f} before, {load():.1f} after)")
    groups = {kind: [one for one in found if one.kind == kind] for kind in KINDS}
    groups |= {place: [one for one in found if one.place == place] for place in ("process", "pod")}
    groups["all"] = list(found)
    print(f"  {'':12} {'loads':>6} {'missed':>6} {'median':>8} {'99%':>8} {'most':>8}  seconds")
    for what, ones in groups.items():
        times = sorted(one.seconds for one in ones if one.seconds is not None)
        if times:
            late = times[min(len(times) - 1, int(len(times) * 0.99))]
            row = (statistics.median(times), late, times[-1])
            missed = len(ones) - len(times)
            numbers = " ".join(f"{value:8.2f}" for value in row)
            print(f"  {what:12} {len(ones):6} {missed:6} {numbers}")
