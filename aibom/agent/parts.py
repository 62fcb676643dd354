"""What an agent is put together from."""

from collections.abc import Callable
from dataclasses import dataclass

from aibom.agent.config.reload import Reloader
from aibom.agent.config.settings import Settings
from aibom.agent.images.own import OwnImages
from aibom.agent.log import Log
from aibom.agent.output.output import Output
from aibom.agent.sinks.sinks import Sinks
from aibom.agent.state.store import State
from aibom.asking import Asker
from aibom.observe.files.background import BackgroundDigests
from aibom.observe.watch.watcher import Watcher
from aibom.pipeline import Comparer
from aibom.types.rules import RuleSet


@dataclass(frozen=True, slots=True)
class Parts:
    """What the loop joins.

    ``promised`` gives what workloads are compared with by the settings, or raises AgentError;
    ``asker`` asks MCP servers for their tools, where anybody may; ``images`` has the images that
    containers run, which are asked for only where the settings say so.
    """

    watcher: Watcher
    digests: BackgroundDigests
    rules: RuleSet
    state: State
    output: Output
    sinks: Sinks
    promised: Callable[[Settings], Comparer]
    reloader: Reloader
    log: Log
    asker: Asker | None = None
    images: OwnImages | None = None
