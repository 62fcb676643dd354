"""Decoding of sys.modules from memory images of every layout family."""

from cpython_images import BASE, DICT_SUBCLASS, LAYOUTS, UNICODE_SUBCLASS, Process
from cpython_reading import LATEST, every_layout, named, names, read, reading_of

from aibom.formats.cpython import modules
from aibom.formats.cpython.layouts import RuntimeLayout
from aibom.formats.cpython.modules import Module, ModuleTable
from aibom.formats.cpython.site import Symbols


@every_layout
def test_reads_names_files_and_versions(layout: RuntimeLayout) -> None:
    process = Process(layout)
    shared = process.make_str("__file__")
    version = process.make_str("__version__")
    for index, name in enumerate(("torch", "numpy", "yaml", "torch.nn")):
        text = process.make_str(f"/site-packages/{name}/__init__.py")
        number = process.make_str(f"2.{index}")
        space = {"__name__": process.make_str(name), shared: text, version: number}
        process.modules[name] = process.make_module(space)
    process.finish()
    table = read(process)
    assert table == ModuleTable(
        version="{}.{}".format(*layout.version),
        free_threaded=layout.free_threaded,
        layout=layout.source,
        modules=(
            Module("builtins"),
            Module("numpy", "/site-packages/numpy/__init__.py", "2.1"),
            Module("sys"),
            Module("torch", "/site-packages/torch/__init__.py", "2.0"),
            Module("torch.nn"),
            Module("yaml", "/site-packages/yaml/__init__.py", "2.2"),
        ),
        subinterpreters=0,
    )


@every_layout
def test_strings_of_every_form(layout: RuntimeLayout) -> None:
    process = Process(layout)
    subclass = process.make_type("Name", UNICODE_SUBCLASS)
    # one per width, a lone surrogate, and one too long for the first look
    texts = ["módulo", "模块", "\U0001d4b3", "path\udcff", "m" * 300, "n" * 2000]
    for text in texts:
        process.modules[text] = process.builtins
        process.modules[process.make_str("sub" + text, subclass)] = process.builtins
    process.finish()
    assert names(read(process)) == named(*texts, *("sub" + text for text in texts))


@every_layout
def test_a_key_that_is_no_str_is_left_out_and_so_is_a_blocked_import(
    layout: RuntimeLayout,
) -> None:
    process = Process(layout)
    process.modules |= {process.number: process.builtins, "blocked": process.none}
    process.modules["x" * 5000] = process.builtins
    process.finish()
    assert names(read(process)) == named()


@every_layout
def test_types_that_are_not_exported_are_told_by_name(layout: RuntimeLayout) -> None:
    process = Process(layout)
    process.modules["blocked"] = process.none
    process.finish()
    # without PyUnicode_Type it is the flag of the type that tells a str
    table = read(process, Symbols(process.runtime))
    assert names(table) == named()


@every_layout
def test_subinterpreters_are_counted_and_the_main_one_is_read(layout: RuntimeLayout) -> None:
    process = Process(layout).finish(subinterpreters=3)
    assert read(process).subinterpreters == 3


@every_layout
def test_a_replaced_sys_modules_is_read_too(layout: RuntimeLayout) -> None:
    process = Process(layout)
    kind = process.make_type("Modules", DICT_SUBCLASS)
    mine = process.make_dict({"mine": process.builtins, "sys": process.sys}, kind)
    process.sysdict["modules"] = mine
    process.finish()
    assert names(read(process)) == named("mine")


@every_layout
def test_hashes_in_the_entries_of_a_general_dict(layout: RuntimeLayout) -> None:
    process = Process(layout).finish()
    table = process.make_dict({**process.modules, "json": process.builtins}, general=True)
    slot = process.interpreters[0] + layout.modules
    process.image.put(slot, "Q", table)
    assert "json" in names(read(process))


@every_layout
def test_the_structure_alone_is_enough(layout: RuntimeLayout) -> None:
    process = Process(layout).finish(subinterpreters=2)
    process.image.data[process.runtime - BASE : process.runtime - BASE + 24] = bytes(24)
    # an interpreter that is laid out as no table says
    for state in process.interpreters:
        process.image.put(state + layout.threads, "Q", process.builtins)
    table = read(process)
    assert (table.layout, names(table), table.subinterpreters) == ("scan", named(), 2)


@every_layout
def test_version_and_file_under_keys_of_their_own(layout: RuntimeLayout) -> None:
    # as extension modules have them: equal strings, but not the interned ones
    process = Process(layout)
    for name in ("jiter", "orjson"):
        space = {"__file__": process.make_str(name), "__version__": process.make_str("1.0")}
        process.modules[name] = process.make_module(space)
    process.finish()
    found = {module.name: module for module in read(process).modules}
    assert found["jiter"] == Module("jiter", "jiter", "1.0")
    assert found["orjson"] == Module("orjson", "orjson", "1.0")


def test_a_subclass_of_module_has_attributes_and_another_object_has_none() -> None:
    process = Process(LATEST)
    lazy = process.make_type("LazyModule", base=process.module_type)
    space = {"__file__": process.make_str("/a.py"), "__version__": process.number}
    process.modules["lazy"] = process.make_module(space, lazy)
    process.modules["object"] = process.make_module(space, process.make_type("Proxy"))
    process.finish()
    found = {module.name: module for module in read(process).modules}
    assert found["lazy"] == Module("lazy", "/a.py")
    assert found["object"] == Module("object")


def test_a_runtime_that_has_no_interpreter_is_none() -> None:
    for layout in (LAYOUTS[0], LATEST):
        process = Process(layout).finish()
        process.image.put(process.runtime + layout.head, "3Q", 0, 0, 0)
        assert modules.read(process.image, process.symbols) is None


def test_interpreters_that_import_the_same_share_it_unless_it_is_long() -> None:
    tables = []
    for _ in range(2):
        process = Process(LATEST)
        for name in ("short", "long" * 100):
            space = {"__file__": process.make_str(f"/site-packages/{name}.py")}
            process.modules[name] = process.make_module(space)
        process.finish()
        tables.append({module.name: module for module in read(process).modules})
    one, other = tables
    assert one == other
    assert one["short"] is other["short"]
    assert one["long" * 100] is not other["long" * 100]


# what has not changed is known without reading it


@every_layout
def test_a_watch_holds_until_the_table_changes(layout: RuntimeLayout) -> None:
    process = Process(layout)
    space = {"__file__": process.make_str("/late.py")}
    process.modules["late"] = late = process.make_module(space)
    process.finish()
    watch = reading_of(process).watch
    assert watch.holds(process.image)
    objects = layout.objects
    # reference counts change all the time
    process.image.put(process.modules["sys"], "Q", 99)
    assert watch.holds(process.image)
    dictionary = int.from_bytes(process.image.read(late + objects.md_dict, 8), "little")
    process.image.put(dictionary + objects.ma_used, "Q", 2)
    assert not watch.holds(process.image)


def test_a_watch_sees_another_value_and_another_interpreter() -> None:
    for change in ("value", "interpreter", "rebound"):
        process = Process(LATEST).finish()
        watch = reading_of(process).watch
        found = {
            "value": process.image.data.find(process.builtins.to_bytes(8, "little")),
            "interpreter": process.runtime + LATEST.head - BASE,
            "rebound": process.interpreters[0] + LATEST.modules - BASE,
        }
        process.image.put(found[change] + BASE, "Q", process.none)
        assert not watch.holds(process.image)
