"""What the bench says of a watch is read from the BOMs that the watch wrote."""

import json
from pathlib import Path

from rig.benchcounts import Counts, counts_of
from rig.benchloads import models


def test_counts_are_those_of_the_sensors_property(tmp_path: Path) -> None:
    said = "opens, writes; 66166 seen, 10018 of model files (3 not attributed), 1 losses"
    sensor = {"name": "aibom:sensor:file events", "value": said}
    bom = {"metadata": {"properties": [{"name": "other", "value": "1"}, sensor]}}
    (tmp_path / "node.cdx.json").write_text(json.dumps(bom))
    assert counts_of(tmp_path) == Counts(66166, 10018, 3, 1)


def test_without_a_watch_nothing_was_counted(tmp_path: Path) -> None:
    (tmp_path / "one.cdx.json").write_text(json.dumps({"metadata": {}}))
    assert counts_of(tmp_path) == Counts()


def test_the_models_of_the_storm_are_valid_and_different() -> None:
    made = models(3)
    assert len(set(made.values())) == len(made) == 3
    for data in made.values():
        size = int.from_bytes(data[:8], "little")
        (tensor,) = json.loads(data[8 : 8 + size]).values()
        assert len(data) == 8 + size + tensor["data_offsets"][1]
