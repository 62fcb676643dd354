"""Helm, for the tests of the chart."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rig.cache import cache_folder, filling
from rig.deploy import chart
from rig.errors import RigError
from rig.helm import program

Objects = dict[str, dict[str, Any]]
Render = Callable[..., Objects]

DEFAULT = chart.CHART / "ci" / "default-values.yaml"


@pytest.fixture(scope="session")
def helm() -> Path:
    try:
        with filling(cache_folder()):
            return program("helm", cache_folder())
    except RigError as error:
        pytest.skip(f"needs Helm: {error}")


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
