"""npm packages of real JavaScript programs: listed at a look, loaded while watched."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from aibom.observe.events.errors import SensorError
from aibom.observe.events.files import FileEvents
from aibom.observe.events.processes import ProcessEvents
from tests.live.conftest import Start, components, npm_command, scan

pytestmark = pytest.mark.live
PACKAGES = ["openai@4.104.0", "@modelcontextprotocol/sdk@1.20.0"]

# prints as JSON what Node.js itself says it has loaded
LOADED = """
for (const name of process.argv.slice(2)) require(name);
const found = new Set();
for (const file of Object.keys(require.cache)) {
  const folder = file.match(/^.*\\/node_modules\\/(?:@[^/]+\\/)?[^/]+/);
  if (!folder) continue;
  const text = require('fs').readFileSync(folder[0] + '/package.json');
  const {name, version} = JSON.parse(text);
  found.add(name + '@' + version);
}
require('fs').writeFileSync('loaded.json', JSON.stringify([...found]));
"""


@pytest.fixture
def app(npm: Callable[[Sequence[str]], Path], tmp_path: Path) -> Path:
    """Make a private project without a name; its node_modules lies above it."""
    modules = npm(PACKAGES)
    (tmp_path / "node_modules").symlink_to(modules)
    own = tmp_path / "app"
    own.mkdir()
    names = [name.rpartition("@")[0] for name in PACKAGES]
    document = {"private": True, "dependencies": dict.fromkeys([*names, "not-there"], "*")}
    (own / "package.json").write_text(json.dumps(document))
    return own


def test_dependencies_of_what_runs_are_listed(node: Path, app: Path, start: Start) -> None:
    (app / "serve.js").write_text("console.log('ready'); setTimeout(() => {}, 600000)")
    (workload,) = scan("--pid", start([node, app / "serve.js"]).pid)
    found = components(workload, "framework", "package", "mcp-server")
    assert set(found) == {"openai", "@modelcontextprotocol/sdk"}
    assert found["openai"]["purl"] == "pkg:npm/openai@4.104.0"
    assert found["openai"]["inferred"]
    assert [e["how"] for e in found["openai"]["evidence"]] == ["listed"]
    assert dict(found["openai"]["properties"])["aibom:integrity"].startswith("sha512-")
    assert workload["inventory"]["services"] == []


def watched(folder: Path, *command: object) -> dict[str, set[str]]:
    """Watch a command; return by how they were seen the npm packages, as NAME@VERSION."""
    try:
        FileEvents().close()
        ProcessEvents().close()
    except SensorError as error:
        pytest.skip(f"{error.detail}: {error.remedy}")
    argv = [sys.executable, "-m", "aibom", "watch", "--no-cache", "--format", "json"]
    argv += ["-o", "out.json", "--", *map(str, command)]
    done = subprocess.run(
        argv, capture_output=True, text=True, check=False, timeout=300, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    workloads: list[dict[str, Any]] = json.loads((folder / "out.json").read_text())["workloads"]
    found: dict[str, set[str]] = {}
    for component in (c for w in workloads for c in w["inventory"]["components"]):
        for evidence in component["evidence"] if component["purl"].startswith("pkg:npm/") else ():
            named = f"{component['name']}@{component['version']}"
            found.setdefault(evidence["how"], set()).add(named)
    return found


def test_what_a_program_loads_is_what_node_says(node: Path, app: Path) -> None:
    (app / "load.js").write_text(LOADED)
    found = watched(app, node, app / "load.js", "openai")
    loaded = set(json.loads((app / "loaded.json").read_text()))
    assert "openai@4.104.0" in loaded
    assert found["opened"] == loaded
    assert not any(name.startswith("@modelcontextprotocol") for name in found["opened"])


def test_modules_that_are_imported(node: Path, app: Path) -> None:
    (app / "load.mjs").write_text("import '@modelcontextprotocol/sdk/server/index.js'")
    found = watched(app, node, app / "load.mjs")
    assert "@modelcontextprotocol/sdk@1.20.0" in found["opened"]
    assert "openai@4.104.0" not in found["opened"]
    assert "listed" not in found  # the watch saw the loads from the beginning


def test_copying_listing_and_reading_load_nothing(node: Path, app: Path) -> None:
    copy = "require('fs').cpSync('../node_modules/', 'copy/node_modules', {recursive: true})"
    read = "require('fs').readFileSync('../node_modules/openai/package.json')"
    assert "opened" not in watched(app, node, "-e", copy)
    assert "opened" not in watched(app, node, "-e", read)
    assert "opened" not in watched(app, "sh", "-c", "cat ../node_modules/openai/*.js* >/dev/null")
    path = f"{node.parent}:{os.environ['PATH']}"
    listing = [*npm_command(node), "ls", "--prefix", app.parent]
    assert "opened" not in watched(app, "env", f"PATH={path}", *listing)
