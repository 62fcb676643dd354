"""One server with its workers, and what it serves: trees of processes as they are seen."""

from typing import Any

import pytest

from aibom.identify.inventory import identify
from aibom.rulebook.load import load
from aibom.types.facts import ProcessFacts
from aibom.types.inventory import Inventory, Service
from aibom.types.modelfiles import HubPlace, HubSource
from aibom.types.packages import LoadedPackage, Program
from aibom.types.processes import Connection
from tests import make

RULES = load()
PYTHON = "/usr/bin/python3.11"
LLAMA = "/usr/bin/llama-server"
SPAWN = ("-c", "from multiprocessing.spawn import spawn_main; spawn_main(tracker_fd=5, pipe=7)")
FORKSERVER = ("-c", "from multiprocessing.forkserver import main; main(5, 6, ['__main__'])")


def running(pid: int, *argv: str, parent: int = 1, **fields: Any) -> ProcessFacts:
    """Return a Python process; ``loads`` and ``runs`` name packages, ``ports`` where it listens."""
    loads, runs = fields.pop("loads", ()), fields.pop("runs", "")
    ports, executable = fields.pop("ports", ()), fields.pop("executable", PYTHON)
    name = executable.rpartition("/")[2]
    own = make.process(
        pid, parent=parent, session=1, argv=argv or (name,), executable=executable, comm=name[:15]
    )
    program = Program(name, executable)
    if runs:
        program = Program(runs, f"/usr/bin/{runs}", package=make.package(runs))
    packages = tuple(
        LoadedPackage(make.package(one), make.file(f"/site-packages/{one}/a.py"), "imported")
        for one in loads
    )
    return make.seen(
        of=own,
        program=program,
        packages=packages,
        connections=tuple(Connection(f"0.0.0.0:{port}") for port in ports),
        **fields,
    )


def llama(pid: int, *argv: str, port: int = 8080, **fields: Any) -> ProcessFacts:
    command = ("llama-server", *argv)
    return running(pid, *command, executable=LLAMA, ports=(port,), **fields)


def holding(path: str, digest: str = make.DIGEST, **header: Any) -> Any:
    return make.model_use(make.file(path, digest), **header)


def found(*processes: ProcessFacts) -> Inventory:
    (inventory,) = identify(make.node(processes), RULES, as_one=True)
    return inventory


def own_services(inventory: Inventory) -> list[Service]:
    return [service for service in inventory.services if service.component]


def one_service(*processes: ProcessFacts) -> Service:
    (service,) = own_services(found(*processes))
    return service


def told(service: Service, name: str) -> list[str]:
    return [value for key, value in service.properties if key == f"aibom:{name}"]


def links_of(inventory: Inventory, ref: str) -> set[str]:
    return {link.target for link in inventory.links if link.source == ref}


def vllm(*argv: str, **fields: Any) -> ProcessFacts:
    own = (PYTHON, "/usr/bin/vllm", "serve", *argv)
    return running(7, *own, runs="vllm", loads=("vllm",), ports=(8000,), **fields)


def test_renamed_workers_belong_to_the_server_that_began_them() -> None:
    titles = ("VLLM::EngineCore", "VLLM::Worker_TP0", "VLLM::Worker_TP1")
    engine = running(8, titles[0], parent=7, loads=("vllm",), ports=(41001,))
    workers = [
        running(9 + n, title, parent=8, loads=("vllm",), models=(holding("/m/a.safetensors"),))
        for n, title in enumerate(titles[1:])
    ]
    inventory = found(vllm("/m"), engine, *workers)
    (service,) = own_services(inventory)
    assert service.ref == "service:pkg:pypi/vllm@2.0"
    assert service.endpoints == ("tcp://0.0.0.0:41001", "tcp://0.0.0.0:8000")
    assert told(service, "worker") == [
        "engine: VLLM::EngineCore",
        "worker: VLLM::Worker_TP0",
        "worker: VLLM::Worker_TP1",
    ]
    (model,) = [c for c in inventory.components if c.kind == "model"]
    assert {e.pid for e in model.evidence} == {9, 10}
    assert model.ref in links_of(inventory, service.ref)
    assert len([c for c in inventory.components if c.rule == "inference-server/vllm"]) == 1
    assert told(service, "serves:agrees") == ["true"]


def test_workers_that_share_a_socket_are_one_server_with_their_master() -> None:
    master = running(7, "gunicorn: master [app:app]", ports=(8000,))
    workers = [
        running(pid, "gunicorn: worker [app:app]", parent=7, loads=("mlserver",), ports=(8000,))
        for pid in (8, 9)
    ]
    service = one_service(master, *workers)
    assert service.ref == "service:pkg:pypi/mlserver@2.0"
    assert told(service, "worker") == ["worker: gunicorn: worker [app:app] (2 processes)"]


def test_children_of_multiprocessing_are_told_by_what_they_are_for() -> None:
    head = running(7, "python", "s.py", loads=("litserve",), ports=(8000,))
    tracker = "from multiprocessing.resource_tracker import main;main(3)"
    children = [
        running(8, PYTHON, "-c", tracker, parent=7),
        running(9, PYTHON, *FORKSERVER, parent=7),
        running(10, PYTHON, *FORKSERVER, parent=9, loads=("litserve",)),
        running(11, PYTHON, *SPAWN, parent=7, models=(holding("/m/a.gguf"),)),
        running(12, "sh", "-c", "nvidia-smi", parent=7, executable="/bin/sh"),
    ]
    inventory = found(head, *children)
    (service,) = own_services(inventory)
    assert told(service, "worker") == [
        "fork server: multiprocessing.forkserver",
        "resource tracker: multiprocessing.resource_tracker",
        "worker: multiprocessing.forkserver",
        "worker: multiprocessing.spawn",
    ]
    assert any(target.startswith("model:") for target in links_of(inventory, service.ref))


def test_several_programs_of_one_server_have_one_service() -> None:
    launcher = running(
        7,
        "text-generation-launcher",
        "--model-id",
        "org/llama",
        executable="/usr/bin/text-generation-launcher",
    )
    router = running(
        8,
        "text-generation-router",
        parent=7,
        executable="/usr/bin/text-generation-router",
        ports=(80,),
    )
    shard = running(9, "text-generation-server", parent=7, loads=("text-generation-server",))
    inventory = found(launcher, router, shard)
    (service,) = own_services(inventory)
    assert service.name == "Text Generation Inference"
    assert told(service, "serves:from") == ["org/llama"]
    assert len(links_of(inventory, service.ref)) == 3


def test_two_servers_of_one_kind_have_their_own_models_and_refs() -> None:
    inventory = found(
        llama(7, "-m", "/m/a.gguf", models=(holding("/m/a.gguf", "aa" * 32),)),
        llama(8, "-m", "/m/b.gguf", port=8081, models=(holding("/m/b.gguf", "bb" * 32),)),
    )
    services = own_services(inventory)
    assert [s.ref.rpartition(":")[2] for s in services] == ["8080", "8081"]
    for service, digest in zip(services, ("a" * 16, "b" * 16), strict=True):
        models = {t for t in links_of(inventory, service.ref) if t.startswith("model:")}
        assert models == {f"model:sha256:{digest}"}
        assert told(service, "serves:agrees") == ["true"]


def test_a_launcher_of_two_servers_is_neither() -> None:
    launcher = running(6, "python", "start.py", loads=("vllm",))
    both = [
        running(
            pid,
            PYTHON,
            "/usr/bin/vllm",
            "serve",
            f"org/{name}",
            parent=6,
            runs="vllm",
            ports=(8000 + pid,),
        )
        for pid, name in ((7, "a"), (8, "b"))
    ]
    services = own_services(found(launcher, *both))
    assert [told(s, "serves:from") for s in services] == [["org/a"], ["org/b"]]


def test_another_server_below_is_its_own() -> None:
    swap = running(7, "llama-swap", executable="/usr/bin/llama-swap", ports=(9000,))
    below = llama(8, "-m", "/m/a.gguf", parent=7, models=(holding("/m/a.gguf"),))
    services = {s.name: s for s in own_services(found(swap, below))}
    assert services["llama-server"].endpoints == ("tcp://0.0.0.0:8080",)


def test_workers_that_another_program_began_belong_to_the_one_server() -> None:
    raylet = running(20, "raylet", executable="/usr/bin/raylet")
    ray = [
        running(pid, "ray::RayWorkerWrapper", parent=20, loads=("vllm",), ports=(40000 + pid,))
        for pid in (21, 22)
    ]
    service = one_service(vllm("org/a"), raylet, *ray)
    assert told(service, "worker") == ["worker: ray::RayWorkerWrapper (2 processes)"]
    (alone,) = own_services(found(raylet, *ray))
    assert alone.endpoints == ("tcp://0.0.0.0:40021", "tcp://0.0.0.0:40022")


def test_a_thousand_workers_are_one_server() -> None:
    workers = [
        running(pid, "gunicorn: worker [a]", parent=7, loads=("mlserver",), ports=(8000,))
        for pid in range(100, 1100)
    ]
    assert len(one_service(running(7, "gunicorn: master [a]", ports=(8000,)), *workers).evidence)


def test_numbers_that_pass_are_not_in_what_workers_are_called() -> None:
    head = running(7, "python", "-m", "sglang.launch_server", loads=("sglang",), ports=(30000,))
    titles = ("sglang::tokenizer_worker:8812", "sglang::scheduler_TP0", "sglang::detokenizer")
    rest = [running(8 + n, title, parent=7, loads=("sglang",)) for n, title in enumerate(titles)]
    assert told(one_service(head, *rest), "worker") == [
        "detokenizer: sglang::detokenizer",
        "scheduler: sglang::scheduler_TP0",
        "tokenizer: sglang::tokenizer_worker:N",
    ]


def test_installed_packages_serve_nothing() -> None:
    (one,) = running(7, "pip", loads=("vllm",), ports=(8000,)).packages
    installer = running(
        7, "pip", ports=(8000,), installed=(LoadedPackage(one.package, one.file, "installed"),)
    )
    assert own_services(found(installer)) == []


HUB = HubPlace("huggingface", (HubSource("org/real", ("c" * 40,), "a.gguf"),))


@pytest.mark.parametrize(
    ("argv", "path", "fields", "agrees"),
    [
        (("-m", "/m/a.gguf"), "/m/a.gguf", {}, "true"),
        (("--model=/m/a.gguf",), "/m/a.gguf", {}, "true"),
        (("-m", "a.gguf"), "/a.gguf", {}, "true"),
        (("-m", "/m/../m/a.gguf"), "/m/a.gguf", {}, "true"),
        (("-hf", "org/real:Q4_K_M"), "/c/blobs/1", {"hub": HUB}, "true"),
        (("-m", "/m/now"), "/m/a.gguf", {"leads": (("/m/now", "/m/a.gguf"),)}, "true"),
        (("--models-dir", "/m"), "/m/x/a.gguf", {}, "true"),
        (("-m", "/m/b.gguf"), "/m/a.gguf", {"leads": (("/m/b.gguf", "/m/b.gguf"),)}, "false"),
        (("-hf", "org/other"), "/c/blobs/1", {"hub": HUB}, "false"),
        # where it leads was not seen, or is gone
        (("-m", "/m/b.gguf"), "/m/a.gguf", {}, "unknown"),
        (("-m", "/m/b.gguf"), "/m/a.gguf", {"leads": (("/m/b.gguf", ""),)}, "unknown"),
        (("-hf", "org/other"), "/m/a.gguf", {}, "unknown"),
        # what is seen may be the lesser model
        (
            ("-m", "/m/b.gguf", "--model-draft", "/l/d.gguf"),
            "/m/d.gguf",
            {"leads": (("/m/b.gguf", "/m/b.gguf"),)},
            "unknown",
        ),
        (
            ("-m", "/m/b.gguf", "-md", "/l/d.gguf"),
            "/m/d.gguf",
            {"leads": (("/m/b.gguf", "/m/b.gguf"),)},
            "unknown",
        ),
        (
            ("-m", "/m/b.gguf"),
            "/usr/lib/python3/dist-packages/x/vad.onnx",
            {"leads": (("/m/b.gguf", "/m/b.gguf"),)},
            "unknown",
        ),
    ],
)
def test_what_was_asked_for_is_compared(
    argv: tuple[str, ...], path: str, fields: dict[str, Any], agrees: str
) -> None:
    use = make.model_use(make.file(path), hub=fields.pop("hub", None))
    service = one_service(llama(7, *argv, models=(use,), **fields))
    assert told(service, "serves:agrees") == [agrees]
    levels = {"false": ["suspicious"]}.get(agrees, [])
    assert [c.level for c in service.concerns] == levels


def test_nothing_seen_is_no_mismatch() -> None:
    service = one_service(llama(7, "-m", "/m/a.gguf", "--alias", "gpt-4"))
    assert told(service, "serves:agrees") == ["unknown"]
    assert told(service, "serves") == ["gpt-4"]
    assert service.concerns == ()


@pytest.mark.parametrize(
    ("alias", "path", "header", "noted"),
    [
        ("gpt-4", "/m/x.gguf", {"name": "SmolLM2 135M", "architecture": "llama"}, True),
        ("gpt-4", "/m/SmolLM2-135M-Instruct.gguf", {}, True),
        ("acme-7b", "/m/x.gguf", {"name": "Mistral 7B"}, True),
        ("smollm2", "/m/x.gguf", {"name": "SmolLM2 135M"}, False),
        ("SmolLM2-instruct", "/m/x.gguf", {"name": "smollm2_135m"}, False),
        ("llama", "/m/x.gguf", {"name": "SmolLM2 135M", "architecture": "llama"}, False),
        ("default", "/m/x.gguf", {"name": "SmolLM2 135M"}, False),
        ("my-model", "/m/x.gguf", {"name": "SmolLM2 135M"}, False),
        # nothing is known of the model but where it was mounted
        ("acme", "/mnt/models/model.gguf", {}, False),
        ("acme", f"/mnt/models/blobs/sha256-{'ab' * 32}", {}, False),
        # the name of the folder is a name that somebody gave it
        ("gpt-4", "/m/gpt-4/model.gguf", {"name": "SmolLM2 135M"}, False),
    ],
)
def test_names_are_compared_by_their_telling_words(
    alias: str, path: str, header: dict[str, str], noted: bool
) -> None:
    service = one_service(llama(7, "-m", path, "-a", alias, models=(holding(path, **header),)))
    assert [(c.kind, c.level) for c in service.concerns] == (
        [("served-model-mismatch", "note")] if noted else []
    )


def test_options_of_another_program_are_not_read() -> None:
    app = running(
        7, "python", "app.py", "--model", "/m/b", loads=("vllm",), ports=(8000,), models=()
    )
    assert told(one_service(app), "serves:from") == []


def test_adapters_are_named_and_linked() -> None:
    adapter = holding("/a/sql.gguf", "cc" * 32, kind="adapter")
    base = holding("/m/a.gguf")
    inventory = found(llama(7, "-m", "/m/a.gguf", "--lora", "/a/sql.gguf", models=(base, adapter)))
    (service,) = own_services(inventory)
    assert told(service, "serves:adapter") == ["/a/sql.gguf"]
    assert len({t for t in links_of(inventory, service.ref) if "sha256" in t}) == 2
