"""An agent gives up what it was given and does not need."""

from aibom.agent.config.settings import Sensing
from aibom.agent.log import Log
from aibom.observe.host.place import kernel_version
from aibom.observe.host.privileges import drop
from aibom.observe.levels import needed


def give_up(sensing: Sensing, log: Log) -> None:
    """Keep only the capabilities that a watch by these settings goes on needing; for good.

    To be called once the sensors are open, some of which are opened better with more, and before
    any thread is started. Raises nothing: what cannot be given up is told, and the agent goes on.
    """
    wanted = needed(names=sensing.names, requests=sensing.requests, kernel=kernel_version())
    try:
        kept = drop(wanted)
    except OSError as error:
        log.warning("privileges were not given up", why=str(error))
        return
    log.info("privileges given up", kept=" ".join(sorted(kept)) or "none")
