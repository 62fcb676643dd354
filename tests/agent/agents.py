"""An agent over a watch that a test writes: its state, files and sinks are real."""

import hashlib
from pathlib import Path
from typing import Any

from aibom.agent.agent import Agent
from aibom.agent.config.reload import Reloader
from aibom.agent.config.settings import Settings
from aibom.agent.images.own import OwnImages
from aibom.agent.output.output import Output
from aibom.agent.parts import Parts
from aibom.agent.sinks.sinks import Sinks
from aibom.agent.state.store import State
from aibom.observe.files.background import BackgroundDigests
from aibom.observe.watch.account import Counts
from aibom.pipeline import Comparer
from aibom.rulebook.load import load
from aibom.types.facts import NodeFacts, ProcessFacts
from aibom.types.policy import Promised
from aibom.types.processes import Cgroup, Container, Process
from aibom.types.unseen import Unseen
from tests.agent.outputs import Heard
from tests.make import file, model_use, process, seen

RULES = load()


class Watch:
    """A watch that sees what it is given. ``says`` are exceptions that its next steps raise."""

    def __init__(self) -> None:
        self.processes: dict[int, ProcessFacts] = {}
        self.ended: list[ProcessFacts] = []
        self.containers: dict[str, Container] = {}
        self.unseen: tuple[Unseen, ...] = ()
        self.changes = 0
        self.says: list[Exception] = []
        self.rounds: list[Any] = []
        self.stopped = False
        self.counts, self.sweeps, self.swept_at = Counts(), 1, 0.0

    def sees(self, found: ProcessFacts) -> None:
        self.processes[found.process.pid] = found
        self.changes += 1

    def loses(self, pid: int) -> None:
        self.ended.append(self.processes.pop(pid))

    def start(self, scope: Any) -> None:
        pass

    def step(self, _: float) -> None:
        if self.says:
            raise self.says.pop(0)
        if self.rounds:
            self.rounds.pop(0)()

    def stop(self, *, look: bool) -> None:
        self.stopped = not look

    def told(self) -> float | None:
        return None

    def living(self) -> dict[int, Process]:
        return {pid: found.process for pid, found in self.processes.items()}

    def forget(self, _: float) -> None:
        self.ended.clear()

    def facts(self) -> NodeFacts:
        return NodeFacts(
            (*self.processes.values(), *self.ended), dict(self.containers), self.unseen
        )


def holder(pid: int = 7, path: str = "/m/a.gguf", uid: str = "uid-1") -> ProcessFacts:
    """Return a process in a pod that holds a model which is in no image."""
    digest = hashlib.sha256(path.encode()).hexdigest()
    use = model_use(file(path, digest, "writable-layer", inode=sum(path.encode())))
    of = process(pid, cgroup=Cgroup(f"{uid:0>64}", uid))
    return seen(pid, of=of, models=(use,))


def pod(uid: str = "uid-1", name: str = "chat") -> dict[str, Container]:
    """Return the container of a pod as a runtime tells of it."""
    identifier = f"{uid:0>64}"
    return {
        identifier: Container(
            identifier, name="main", pod_name=name, pod_namespace="default", pod_uid=uid
        )
    }


class Rig:
    """Everything that an agent is made of, in two folders; ``run`` gives it so many rounds."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        (folder / "output").mkdir(mode=0o750, exist_ok=True)
        (folder / "state").mkdir(mode=0o700, exist_ok=True)
        self.settings = Settings(
            output=str(folder / "output"), state=str(folder / "state"), **settings
        )
        self.watch = Watch()
        self.promised: Promised = Promised()
        self.later: Settings | None = None
        self.log = Heard()
        self.agent: Agent | None = None
        self.images: OwnImages | None = None

    def run(self, *rounds: Any) -> Agent:
        """Start an agent, do something in each of its rounds, and end it."""
        log = self.log = Heard()
        state = State.open(self.settings.state, log)
        output = Output(self.settings.output, self.settings.keep, "node-1", log)
        output.check()
        self.watch.rounds = list(rounds)
        self.agent = Agent(
            self.settings,
            "node-1",
            Parts(
                watcher=self.watch,  # type: ignore[arg-type]
                digests=BackgroundDigests(),
                rules=RULES,
                state=state,
                output=output,
                sinks=Sinks(self.settings.sinks, self.folder / "state/spool", "node-1", log),
                promised=self._comparer,
                reloader=Reloader(self._load_again, self.settings, log),
                log=log,
                images=self.images,
            ),
        )
        self.agent.run(lambda: not self.watch.rounds and not self.watch.says)
        return self.agent

    def _comparer(self, _: Settings) -> Comparer:
        return Comparer(self.promised, self.images)

    def _load_again(self) -> Settings:
        assert self.later is not None
        return self.later
