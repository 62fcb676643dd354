"""Which opens are loads of npm packages: by who opens what, each folder asked once."""

from typing import cast

import pytest

from aibom.observe.watch.filesystems import FileSystems, Stored
from aibom.observe.watch.scripts import ScriptFolders, ScriptUse, is_script, loads_of, may_load
from tests import make
from tests.observe.watch.folders import Systems, opening

MODULES = "/srv/app/node_modules"


@pytest.mark.parametrize(
    ("folder", "name", "expected"),
    [
        (f"{MODULES}/openai", b"package.json", ("openai", "manifest")),
        (f"{MODULES}/openai", b"index.js", ("openai", "code")),
        (f"{MODULES}/@ai-sdk/core/dist", b"index.mjs", ("@ai-sdk/core", "code")),
        (f"{MODULES}/openai/dist", b"package.json", None),
        (f"{MODULES}/a/node_modules/b", b"i.cjs", ("a/node_modules/b", "code")),
        (f"{MODULES}/.pnpm/b@1/node_modules/b", b"i.js", (".pnpm/b@1/node_modules/b", "code")),
        (f"{MODULES}/.bin", b"x.js", None),
        (MODULES, b"package.json", None),
        (f"{MODULES}/@ai-sdk", b"package.json", None),
        ("/srv/app", b"package.json", None),
        ("/gone/node_modules/a", b"package.json", None),
    ],
)
def test_the_package_whose_file_it_is(
    folder: str, name: bytes, expected: tuple[str, str] | None
) -> None:
    systems = Systems()
    folders = ScriptFolders(cast("FileSystems", systems))
    found = folders.use(opening(folder, name))
    assert (found and (found[0].path.removeprefix(f"{MODULES}/"), found[1])) == expected
    folders.use(opening(folder, name))
    assert len(systems.asked) == (2 if folder.startswith("/gone") else 1)


def test_only_a_package_json_tells_of_writing() -> None:
    folders = ScriptFolders(cast("FileSystems", Systems()))
    assert folders.use(opening(f"{MODULES}/a", b"index.js"), changed=True) is None
    written = folders.use(opening(f"{MODULES}/a", b"package.json"), changed=True)
    assert written == (Stored("8:1", f"{MODULES}/a"), "written")


A, B = Stored("8:1", f"{MODULES}/a"), Stored("8:1", f"{MODULES}/b")


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        ({(A, "manifest"), (A, "code"), (B, "manifest")}, {A}),
        ({(A, "code"), (B, "code")}, set()),
        ({(A, "manifest"), (A, "code"), (B, "written")}, set()),
        (set(), set()),
    ],
)
def test_loading_opens_both_and_writes_none(uses: set[ScriptUse], expected: set[Stored]) -> None:
    assert loads_of(uses) == expected


@pytest.mark.parametrize(
    ("executable", "argv", "expected"),
    [
        ("/usr/bin/node", ("node", "server.js"), True),
        ("/usr/bin/node-22", ("node", "--import", "tsx", "src/x.ts"), True),
        ("/usr/bin/node", ("next-server (v14)",), True),
        ("/usr/bin/node", ("node", "/usr/bin/npm", "install"), False),
        ("/usr/bin/node", ("npm install",), False),
        ("/usr/bin/node", ("node", "/l/npm/bin/npm-cli.js", "ci"), False),
        ("/usr/bin/node", ("node", "/a/.yarn/releases/yarn-4.1.0.cjs"), False),
        ("/usr/bin/node", ("node", f"{MODULES}/.bin/webpack"), False),
        ("/usr/bin/node", ("node", f"{MODULES}/typescript/bin/tsc"), False),
        ("/usr/bin/bun", ("bun", "run", "x.ts"), True),
        ("/usr/bin/bun", ("bun", "x.ts"), True),
        ("/m/bun/bin/bun.exe", ("bun", "install"), False),
        ("/usr/bin/deno", ("deno", "run", "-A", "x.ts"), True),
        ("/usr/bin/deno", ("deno", "cache", "x.ts"), False),
        ("/usr/bin/grep", ("grep", "-r", "x", "node_modules"), False),
        ("", (), False),
    ],
)
def test_who_may_load(executable: str, argv: tuple[str, ...], expected: bool) -> None:
    assert may_load(make.process(executable=executable, argv=argv)) is expected


def test_names_of_scripts() -> None:
    assert all(map(is_script, (b"a.js", b"a.mjs", b"a.cjs", b"package.json")))
    assert not any(map(is_script, (b"a.json", b"a.ts", b"xpackage.json", b"js")))
