"""An agent that is killed at any moment: nothing is half, nothing is lost, nothing is twice."""

import json
import os
import random
import re
import signal
import time
from pathlib import Path

import pytest

from aibom.agent.output import journal
from aibom.types.inventory import Workload
from tests.agent.outputs import bom, finding, new, output

KILLS = 60
SEED = 20261121
PODS = [Workload("pod", f"p-{n}", "default", f"{n:08}-0") for n in range(3)]
KEEP = {"findings_bytes": 4 * 2**20, "findings_files": 400, "versions": 2}


class State:
    """What was taken and what was told, in a file of lines, as the agent's state remembers it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
        if path.exists():
            os.truncate(path, sum(len(line) + 1 for line in lines))
        self.taken = [int(line[1:]) for line in lines if line.startswith(b"+")]
        self.told = {int(line[1:]) for line in lines if line.startswith(b"-")}

    def note(self, sign: str, numbers: list[int]) -> None:
        with self.path.open("ab", buffering=0) as file:
            file.write("".join(f"{sign}{n}\n" for n in numbers).encode())

    @property
    def untold(self) -> list[int]:
        return [n for n in self.taken if n not in self.told]


class Slow:
    """Writes in many small steps, so that a kill falls between them."""

    @staticmethod
    def write(descriptor: int, data: bytes) -> int:
        return os.write(descriptor, data[:512])

    def __getattr__(self, name: str) -> object:
        return getattr(os, name)


def _finding(number: int) -> object:
    return new(number, finding=finding(evidence="x" * (number * 7919 % 3900)))


def _start(folder: Path, state: State):  # type: ignore[no-untyped-def]
    out = output(folder, **KEEP)
    out.check()
    missing = out.reconcile([_finding(n) for n in state.untold])  # type: ignore[misc]
    out.append(missing)
    state.note("-", state.untold)
    return out


def _agent(folder: Path, state: State, texts: list[str], chance: random.Random) -> None:
    """Do what an agent does, until it is killed."""
    journal.os = Slow()  # type: ignore[attr-defined,assignment]
    out = _start(folder, state)
    number = max(state.taken, default=0)
    while True:
        batch = list(range(number + 1, number + 1 + chance.randint(1, 120)))
        number = batch[-1]
        state.note("+", batch)
        done = out.append([_finding(n) for n in batch])  # type: ignore[misc]
        state.note("-", [int(name.partition("-")[2]) for name in done])
        pod = chance.choice(PODS)
        text = chance.choice(texts).replace("default_pod", f"v{number}")
        out.bom(pod, text, status=chance.choice(["running", "running", "ended"]))
        out.summary({"number": number})


def _lines(folder: Path) -> list[str]:
    """Return the ids in the order of writing; only the very last line may be torn."""
    parts = sorted(
        folder.glob("findings.jsonl*"),
        key=lambda p: -int(re.sub(r"\D", "", p.name.rpartition("jsonl")[2]) or 0),
    )
    found = []
    for part in parts:
        *lines, last = part.read_bytes().split(b"\n")
        assert not last or part.name == "findings.jsonl"
        found += [json.loads(line)["id"] for line in lines]
    return found


@pytest.mark.live
def test_killed_at_any_moment(tmp_path: Path) -> None:
    chance = random.Random(SEED)  # noqa: S311
    folder, memory = tmp_path / "o", tmp_path / "state"
    texts = []
    for pod in PODS:
        document = json.loads(bom(workload=pod))
        document["components"][0]["description"] = "default_pod" + "x" * 700_000
        texts.append(json.dumps(document))
    torn = leftovers = 0
    for _ in range(KILLS):
        child = os.fork()
        if not child:
            try:
                _agent(folder, State(memory), texts, chance)
            finally:
                os._exit(1)
        chance.random()  # the next one does something else
        time.sleep(chance.uniform(0.005, 0.12))
        os.kill(child, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        for path in folder.rglob("*.json"):
            if path.name.startswith(".tmp-"):
                continue
            json.loads(path.read_bytes())
        leftovers += len(list(folder.rglob(".tmp-*")))
        if folder.exists():
            ids = _lines(folder)
            assert len(ids) == len(set(ids))
            assert {f"finding-{n}" for n in State(memory).told} <= set(ids)
        text = folder / "findings.jsonl"
        torn += text.exists() and text.stat().st_size > 0 and text.read_bytes()[-1:] != b"\n"
    state = State(memory)
    _start(folder, state).close()
    ids = _lines(folder)
    assert len(ids) == len(set(ids))
    assert set(ids) == {f"finding-{n}" for n in state.taken}
    assert not list(folder.rglob(".tmp-*"))
    assert len(state.taken) > KILLS
    print(f"{len(ids)} findings; {torn} torn lines and {leftovers} files half written were mended")
