"""sys.modules of real processes, against the list that the process writes itself."""

import glob
import json
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from aibom.observe.host import memory
from aibom.observe.host.live import LiveHost
from aibom.observe.python.interpreters import InterpreterError, Interpreters, ModuleTable

pytestmark = pytest.mark.live

#: What other interpreters are called, and where; AIBOM_TEST_PYTHONS adds to them (colons).
PLACES = (
    "/usr/bin/python3.*",
    "/usr/local/bin/python3.*",
    "~/.pyenv/versions/*/bin/python3.*",
    "~/.local/share/uv/python/*/bin/python3.*",
    "/opt/conda/bin/python3.*",
    "~/miniconda3/bin/python3.*",
)
LIBRARY = "json asyncio email.message unittest.mock xml.dom.minidom logging.config ctypes"

TELL = """
import importlib, json, os, sys, threading, time, types
out = open(sys.argv[1] + ".part", "w")
def tell():
    found = {}
    for name, module in list(sys.modules.items()):
        if module is None:
            continue
        space = module.__dict__ if isinstance(module, types.ModuleType) and "." not in name else {}
        texts = [space.get("__file__"), space.get("__version__")]
        found[name] = [str.__str__(t) if isinstance(t, str) else "" for t in texts]
    out.seek(0)
    out.truncate()
    json.dump(found, out)
    out.flush()
    os.rename(sys.argv[1] + ".part", sys.argv[1])
for name in sys.argv[2].split():
    importlib.import_module(name)
"""
WAIT = "\ntell()\ntime.sleep(600)\n"

Truth = dict[str, list[str]]


class Target(NamedTuple):
    pid: int
    truth: Truth
    process: "subprocess.Popen[bytes]"


Run = Callable[..., Target]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Start a Python program that tells its modules and stays."""
    started: list[subprocess.Popen[bytes]] = []

    def start(body: str = "", python: str = sys.executable, **options: Any) -> Target:
        told = tmp_path / f"told-{len(started)}"
        program = tmp_path / f"program-{len(started)}.py"
        program.write_text(TELL + body + ("" if "tell()" in body else WAIT))
        arguments = [python, str(program), str(told), LIBRARY]
        process = subprocess.Popen(arguments, **options)
        started.append(process)
        until = time.monotonic() + 60
        while not told.exists() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        assert told.exists(), "the target ended or said nothing"
        return Target(process.pid, json.loads(told.read_text()), process)

    yield start
    for process in started:
        process.kill()
        process.wait()


def read(pid: int) -> ModuleTable:
    table = Interpreters(LiveHost()).modules(pid)
    assert table is not None
    return table


def seen(table: ModuleTable) -> Truth:
    return {module.name: [module.file, module.version] for module in table.modules}


def test_the_running_interpreter(run: Run) -> None:
    target = run()
    table = read(target.pid)
    assert seen(table) == target.truth
    assert table.version == "{}.{}".format(*sys.version_info)
    assert table.layout != "scan"


def pythons() -> list[str]:
    places = [*PLACES, *os.environ.get("AIBOM_TEST_PYTHONS", "").split(":")]
    paths = [path for place in places for path in glob.glob(os.path.expanduser(place))]
    # not python3.11-config and the like; each binary once
    real = {os.path.realpath(path) for path in paths if not path.endswith(("config", "gdb.py"))}
    return sorted(real) or ["none"]


@pytest.mark.parametrize("python", pythons())
def test_other_interpreters(run: Run, python: str) -> None:
    if not os.access(python, os.X_OK):
        pytest.skip("no other interpreter on this machine")
    says = "import sys; print(*sys.version_info[:2])"
    answer = subprocess.run([python, "-c", says], capture_output=True, text=True, check=False)
    version = tuple(map(int, answer.stdout.split()))
    if version < (3, 7):
        pytest.skip(f"{python} is older than 3.7, or does not run")
    target = run(python=python)
    table = read(target.pid)
    assert seen(table) == target.truth
    assert table.version == "{}.{}".format(*version)
    assert table.layout == ("table" if version < (3, 13) else "debug-offsets")


def test_an_unchanged_table_is_the_same_object_and_a_changed_one_is_not(run: Run) -> None:
    body = """
import zipfile
sys.modules["late"] = late = types.ModuleType("late")
late.__file__ = "/late.py"
tell()
sys.stdin.readline()
late.__version__ = "1.0"
print("set", flush=True)
sys.stdin.readline()
import plistlib
print("imported", flush=True)
time.sleep(600)
"""
    target = run(body, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    stdin, stdout = target.process.stdin, target.process.stdout
    assert stdin
    assert stdout
    interpreters = Interpreters(LiveHost())

    def after_a_step() -> Truth:
        stdin.write(b"\n")
        stdin.flush()
        stdout.readline()
        table = interpreters.modules(target.pid)
        assert table is not None
        return seen(table)

    first = interpreters.modules(target.pid)
    assert first is not None
    assert seen(first) == target.truth
    assert interpreters.modules(target.pid) is first
    assert after_a_step()["late"] == ["/late.py", "1.0"]
    assert "plistlib" in after_a_step()


def test_modules_in_all_forms(run: Run) -> None:
    body = """
class Name(str):
    pass
class Modules(dict):
    pass
for name in ("módulo", "模块", "\\U0001d4b3", "x" * 900, Name("sub"), Name("模")):
    sys.modules[name] = module = types.ModuleType(name)
    module.__file__ = "/tmp/" + name + "\\udcff.py"
    module.__version__ = Name("1." + name[:9])
sys.modules["blocked"] = None
"""
    target = run(body)
    assert len(target.truth) > 50
    assert seen(read(target.pid)) == target.truth


def test_a_rebound_sys_modules(run: Run) -> None:
    target = run('sys.modules = dict(sys.modules, mine=types.ModuleType("mine"))\n')
    assert "mine" in target.truth
    assert seen(read(target.pid)) == target.truth


def test_threads_that_import_meanwhile(run: Run) -> None:
    body = """
def churn():
    number = 0
    while True:
        names = ["churn_%d_%d" % (number, index) for index in range(400)]
        for name in names:
            sys.modules[name] = types.ModuleType(name)
            time.sleep(0)
        for name in names:
            del sys.modules[name]
        number += 1
tell()
for _ in range(2):
    threading.Thread(target=churn, daemon=True).start()
time.sleep(600)
"""
    target = run(body)
    interpreters = Interpreters(LiveHost())
    read_well = 0
    for _ in range(60):
        try:
            table = interpreters.modules(target.pid)
        except InterpreterError:
            continue
        assert table is not None
        names = {module.name for module in table.modules}
        assert target.truth.keys() <= names
        assert all(name.startswith("churn_") for name in names - target.truth.keys())
        read_well += 1
    assert read_well > 30


def test_subinterpreters(run: Run) -> None:
    body = """
try:
    import _interpreters as made
except ImportError:
    import _xxsubinterpreters as made
ids = [made.create() for _ in range(3)]
made.run_string(ids[0], "import sys; sys.modules['only in a subinterpreter'] = sys")
"""
    target = run(body)
    table = read(target.pid)
    assert seen(table) == target.truth
    assert table.subinterpreters == 3


def test_a_virtual_environment(run: Run, tmp_path: Path) -> None:
    venv.create(tmp_path / "env", with_pip=False)
    (package,) = (tmp_path / "env" / "lib").glob("python3*/site-packages")
    (package / "mine.py").write_text('__version__ = "0.1"\n')
    target = run("import mine\n", str(tmp_path / "env" / "bin" / "python"))
    assert target.truth["mine"] == [str(package / "mine.py"), "0.1"]
    assert seen(read(target.pid)) == target.truth


def test_a_deleted_executable(run: Run, tmp_path: Path) -> None:
    copy = tmp_path / "renamed-program"
    shutil.copy(os.path.realpath(sys.executable), copy)
    library = os.path.join(sys.base_prefix, "lib")
    environment = os.environ | {"PYTHONHOME": sys.base_prefix, "LD_LIBRARY_PATH": library}
    target = run(python=str(copy), env=environment)
    copy.unlink()
    assert seen(read(target.pid)) == target.truth


def test_without_the_system_call(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    target = run()
    by_call = read(target.pid)
    monkeypatch.setattr(memory, "_is_our_namespace", lambda _: False)
    assert read(target.pid) == by_call


def test_a_process_that_is_no_python() -> None:
    process = subprocess.Popen(["sleep", "600"])
    try:
        interpreters = Interpreters(LiveHost())
        assert interpreters.modules(process.pid) is None
        assert interpreters.modules(process.pid) is None
    finally:
        process.kill()
        process.wait()


def test_a_kernel_thread_has_none() -> None:
    if not os.path.exists("/proc/2/stat") or os.path.exists("/proc/2/exe"):
        pytest.skip("process 2 is no kernel thread here")
    assert Interpreters(LiveHost()).modules(2) is None


@pytest.mark.parametrize("reaped", [False, True])
def test_a_process_that_has_ended(run: Run, reaped: bool) -> None:
    target = run()
    interpreters = Interpreters(LiveHost())
    interpreters.modules(target.pid)
    target.process.kill()
    if reaped:
        target.process.wait()
    else:
        os.waitid(os.P_PID, target.pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises((ProcessLookupError, FileNotFoundError)):
        interpreters.modules(target.pid)
    assert target.pid not in interpreters._known


def test_another_program_in_the_same_process(run: Run) -> None:
    again = f"os.execv({sys.executable!r}, [{sys.executable!r}, '-S', '-c', 'input()'])"
    body = f"tell()\nsys.stdin.readline()\n{again}\n"
    target = run(body, stdin=subprocess.PIPE)
    interpreters = Interpreters(LiveHost())
    first = interpreters.modules(target.pid)
    assert first is not None
    assert target.process.stdin
    target.process.stdin.write(b"\n")
    target.process.stdin.flush()
    names = wait_for(lambda: interpreters.modules(target.pid), lambda t: "asyncio" not in seen(t))
    assert "asyncio" not in names


def wait_for(
    get: Callable[[], ModuleTable | None], good: Callable[[ModuleTable], bool]
) -> Sequence[str]:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            table = get()
        except (OSError, InterpreterError):
            table = None
        if table is not None and good(table):
            return sorted(seen(table))
        time.sleep(0.05)
    raise AssertionError("never came")
