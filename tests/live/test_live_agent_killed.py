"""Agents that are killed at any moment while workloads load one model after the other."""

import json
import os
import random
import threading
import time
from pathlib import Path

import pytest

from tests.live.agents import Agents, Holder, Pods, agents, events, pods, told_once

__all__ = ["agents", "events", "pods"]
pytestmark = [pytest.mark.live, pytest.mark.usefixtures("events")]

#: How often it is killed; more for those who have time.
KILLS = int(os.environ.get("AIBOM_KILLS", "5"))
#: How many models each of three pods loads at most: what naming them costs is no matter here.
MOST = 60


def test_no_kill_loses_halves_or_repeats_anything(
    tmp_path: Path, agents: Agents, pods: Pods
) -> None:
    agent = agents()
    holders = [Holder(pods(), tmp_path / f"pod{n}") for n in range(3)]
    ended = threading.Event()

    def load() -> None:
        for count in range(MOST):
            if ended.wait(0.2):
                break
            for holder in holders:
                holder.load(f"m{count}")

    loading = threading.Thread(target=load)
    loading.start()
    before: set[str] = set()
    try:
        for kill in range(KILLS):
            chance = random.Random(kill)  # noqa: S311 - moments, not secrets
            agent.start(ready=False)
            agent.until(lambda: "new finding" in agent.said, "a finding")
            # writing goes on all the time: any moment is in the middle of something
            time.sleep(chance.random())
            agent.kill()
            ids = {finding["id"] for finding in whole(agent.output / "findings.jsonl")}
            assert ids >= before
            before = ids
    finally:
        ended.set()
        loading.join()
    agent.start()
    agent.until(lambda: all(h.is_told(agent) for h in holders), "all findings")
    agent.end()
    assert before <= {finding["id"] for finding in agent.findings()}
    told_once(agent, holders)


def whole(path: Path) -> list[dict[str, str]]:
    """Return the findings that are whole: only the last line may be torn until the next start."""
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]
