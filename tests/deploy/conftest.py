"""What the chart renders, for its tests."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rig.deploy import chart

Objects = dict[str, dict[str, Any]]
Render = Callable[..., Objects]

DEFAULT = chart.CHART / "ci" / "default-values.yaml"


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.import_plugin("rig.pytest_plugin")


@pytest.fixture
def render(helm: Path) -> Render:
    """Render the chart with values as after --set; return the first object of each kind."""

    def rendering(values: Path = DEFAULT, **options: Any) -> Objects:
        sets = {name.replace("__", "."): value for name, value in options.pop("sets", {}).items()}
        text = chart.rendered(helm, [values], sets=sets, **options)
        objects: Objects = {}
        for found in chart.documents(text):
            objects.setdefault(found["kind"], found)
        return objects

    return rendering
