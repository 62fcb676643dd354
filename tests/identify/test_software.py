"""Rules, packages and binaries to components."""

from dataclasses import replace

import pytest

from aibom.identify.inventory import identify
from aibom.identify.models.filenames import library_version
from aibom.types.inventory import Component
from aibom.types.packages import Binary, LoadedPackage, Program
from aibom.types.rules import Clause, Feature, Rule, RuleSet
from tests import make

TORCH = Rule(
    "framework/pytorch", "PyTorch", "framework", "framework",
    (Clause((Feature("loads", "pypi", "torch"),)),),
)  # fmt: skip
LLAMA = Rule(
    "model-runtime/llama.cpp", "llama.cpp", "model-runtime", "library",
    (Clause((Feature("maps", "symbol", "llama_decode"), Feature("maps", "symbol", "llama_x"))),),
)  # fmt: skip
CUDA = Rule(
    "accelerator/cuda", "CUDA", "accelerator", "library",
    (Clause((Feature("maps", "soname", "libcudart.so.*"),)),),
)  # fmt: skip
OLLAMA = Rule(
    "inference-server/ollama", "Ollama", "inference-server", "application",
    (Clause((Feature("runs", "program", "ollama"),)),),
)  # fmt: skip
GPU = Rule(
    "accelerator/gpu", "GPU", "accelerator", "device",
    (Clause((Feature("holds", "device", "/dev/nvidia[0-9]*"),)),),
)  # fmt: skip
AI_SDK = Rule(
    "model-client/ai", "AI SDK", "model-client", "library",
    (Clause((Feature("loads", "npm", "@ai-sdk/*"),)),),
)  # fmt: skip
RULES = RuleSet((TORCH, LLAMA, CUDA, OLLAMA, GPU, AI_SDK), ())


def components(**fields: object) -> dict[str, Component]:
    (inventory,) = identify(make.node([make.seen(**fields)]), RULES)
    return {c.ref: c for c in inventory.components}


def test_a_loaded_package_that_a_rule_names() -> None:
    loaded = LoadedPackage(make.package("torch", "2.1"), make.file("/s/torch/_C.so"))
    found = components(packages=(loaded,))
    torch = found["pkg:pypi/torch@2.1"]
    assert (torch.kind, torch.type, torch.rule) == ("framework", "framework", "framework/pytorch")
    assert ("aibom:product", "PyTorch") in torch.properties
    assert not torch.inferred


def test_other_loaded_packages_are_libraries_and_no_ai() -> None:
    loaded = LoadedPackage(make.package("numpy"), make.file("/s/numpy/x.so"))
    found = components(packages=(loaded,))
    assert [(c.kind, c.type) for c in found.values()] == [("package", "library")]
    (inventory,) = identify(make.node([make.seen(packages=(loaded,))]), RULES)
    assert not inventory.has_ai


def test_a_binary_needs_all_symbols_of_a_clause() -> None:
    one = Binary(make.file("/opt/x"), symbols=frozenset({"llama_decode"}))
    assert components(binaries=(one,)) == {}
    both = Binary(make.file("/opt/x"), symbols=frozenset({"llama_decode", "llama_x"}))
    (found,) = components(binaries=(both,)).values()
    assert (found.name, found.sha256) == ("llama.cpp", make.DIGEST)


def test_a_binary_inside_a_package_is_part_of_it() -> None:
    owner = make.package("xllamacpp", "1")
    binary = Binary(
        make.file("/s/x.so", ""), symbols=frozenset({"llama_decode", "llama_x"}), owner=owner
    )
    loaded = LoadedPackage(owner, make.file("/s/x.so", ""))
    found = components(binaries=(binary,), packages=(loaded,))
    inner = next(c for c in found.values() if c.name == "llama.cpp")
    assert inner.within == "pkg:pypi/xllamacpp@1"
    assert inner.purl == ""


def test_sonames_by_pattern_and_accelerators_are_no_ai_by_themselves() -> None:
    found = components(binaries=(Binary(make.file("/l/c"), soname="libcudart.so.12"),))
    assert [(c.name, c.kind) for c in found.values()] == [("CUDA", "package")]


@pytest.mark.parametrize(
    ("path", "soname", "version"),
    [
        ("/l/libcudart.so.12.4.127", "libcudart.so.12", "12.4.127"),
        ("/l/libcudart.so.550.54.15", "libcudart.so.1", "550.54.15"),
        ("/l/libcudart.so.12", "libcudart.so.12", ""),
        ("/l/libcudart.so", "libcudart.so", ""),
        ("/l/libother.so.3.2.1", "libcudart.so.12", ""),
        ("/l/libcudart.so.1.2.3-beta", "libcudart.so.1", ""),
        ("/l/libcudart.so.1.2.3.4.5.6", "libcudart.so.1", ""),
        ("/l/libcudart.so.\u0661.\u0662", "libcudart.so.1", ""),
        ("", "", ""),
    ],
)
def test_version_in_the_name_of_a_library(path: str, soname: str, version: str) -> None:
    assert library_version(path, soname) == version


def test_a_version_is_taken_where_a_rule_says_so_and_is_a_claim() -> None:
    binary = Binary(make.file("/l/libcudart.so.12.4.127"), soname="libcudart.so.12")
    for named, expected in ((True, ("12.4.127", ("version",))), (False, ("", ()))):
        rules = RuleSet((replace(CUDA, names_version=named),), ())
        (inventory,) = identify(make.node([make.seen(binaries=(binary,))]), rules)
        (found,) = inventory.components
        assert (found.version, found.claimed) == expected


def test_code_in_another_library_has_not_that_librarys_version() -> None:
    rules = RuleSet((replace(LLAMA, names_version=True),), ())
    symbols = frozenset({"llama_decode", "llama_x"})
    binary = Binary(make.file("/l/libchat.so.3.2.1"), "libchat.so.3", symbols)
    (inventory,) = identify(make.node([make.seen(binaries=(binary,))]), rules)
    assert [c.version for c in inventory.components] == [""]


def test_device_files_are_one_device_and_no_ai_by_themselves() -> None:
    seen = make.seen(devices=("/dev/nvidia0", "/dev/nvidia1", "/dev/null"))
    (inventory,) = identify(make.node([seen]), RULES)
    (gpu,) = inventory.components
    assert (gpu.ref, gpu.kind, gpu.type) == ("accelerator/gpu", "device", "device")
    assert [e.path for e in gpu.evidence] == ["/dev/nvidia0", "/dev/nvidia1"]
    assert gpu.origin.kind == "host"
    assert not gpu.inferred
    assert not inventory.has_ai


def test_a_package_that_a_pattern_names_is_that_package() -> None:
    package = make.package("@ai-sdk/openai", "3.0.0", "npm")
    found = components(packages=(LoadedPackage(package, make.file("/n/index.js")),))
    assert [(ref, c.role) for ref, c in found.items()] == [
        ("pkg:npm/%40ai-sdk/openai@3.0.0", "model-client")
    ]


def test_a_program_name_alone_is_inferred() -> None:
    program = Program("ollama", "/usr/bin/ollama", make.file("/usr/bin/ollama", ""))
    (found,) = components(program=program).values()
    assert (found.name, found.inferred, found.role) == ("Ollama", True, "inference-server")


def test_installed_packages_are_nothing() -> None:
    assert components() == {}


def test_the_file_that_did_not_come_with_the_rest_decides_the_origin() -> None:
    package = make.package("torch", "2.1")
    parts = (
        LoadedPackage(package, make.file("/s/torch/_C.so")),
        LoadedPackage(package, make.file("/s/torch/evil.so", origin="writable-layer")),
    )
    for order in (parts, parts[::-1]):
        torch = components(packages=order)["pkg:pypi/torch@2.1"]
        assert torch.origin.kind == "writable-layer"
