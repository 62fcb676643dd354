"""What is read of processes, of their files and of the packages beside them."""

from functools import partial

from aibom.formats import modelnames, redact, serving, sqlite, text
from aibom.formats.cpython import elf
from aibom.formats.elfhash import GnuHash
from aibom.formats.hubs import huggingface, kaggle, llamacpp, modelscope, named, ollama, records
from aibom.formats.hubs import paths as hubpaths
from aibom.formats.hubs import reference as hubreference
from aibom.formats.identity import google, jwt
from aibom.formats.mcp import commands, config, hidden, launched, messages
from aibom.formats.packages import gobuildinfo, nodepkg, npmlock, pydist, rpmdb, system
from aibom.formats.procfs import (
    cgroup,
    commandline,
    confinement,
    maps,
    mountinfo,
    net,
    process,
    status,
)
from aibom.formats.source import FormatError
from aibom.types.mcp import ConfigFile
from aibom.types.rules import Serves
from rig.fuzz.target import Strict, Target, of_bytes, of_source, of_text, of_words

_SERVES = Serves(models=("--model", "-m"), operands=("serve",), names=("--served-model-name",))
_PACKAGES = (
    b"Package: a\nStatus: install ok installed\nVersion: 1:2.3-4\nArchitecture: amd64\n\n",
    b"P:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\nF:lib\nR:a.so\n\nP:/\nV:1\n\nP:a/\nV:1\nA:y\n\n",
    b"ID=x/y\nVERSION_ID=1\nP: \nV: \n\n",
)
_CONFIGS = (
    ConfigFile("home", ".x.json", "json", ("mcpServers",)),
    ConfigFile("home", ".x.toml", "toml", ("mcp_servers",)),
    ConfigFile("home", ".x.yaml", "yaml", ("mcpServers",)),
)
_NAMES = modelnames.ModelNames((".gguf", ".safetensors", ".pt"), ("model.bin",))


def _configs(data: bytes) -> None:
    for file in _CONFIGS:
        try:
            servers = config.parse(data, file)
            kept = config.without_secrets(data, (file,))
            if config.parse(kept, file) != servers:
                raise AssertionError("other servers without the secrets")
        except FormatError:
            continue


def _exports(data: bytes) -> None:
    GnuHash(Strict(data), 0, 0, 0).exports("Py_Version")


def _answer(data: bytes) -> None:
    result = messages.answer_to(1, data)
    if result is not None:
        messages.identity(result)
        messages.tools_of(result)


def _shown(said: str) -> None:
    shown = text.printable(said)
    if not shown.isprintable() and text.printable(shown) != shown:
        raise AssertionError("text that is not fit to be shown")
    text.uncommanding(said)
    redact.redact(said)


def _installed(data: bytes) -> None:
    distribution = system.os_release(data)
    for package in (*system.dpkg(data, {"a": b"/lib/a.so\n"}), *system.apk(data)):
        system.purl(package, distribution)


def _words(data: bytes) -> tuple[str, ...]:
    return tuple(data.decode("utf-8", "surrogateescape").split("\0"))


TARGETS = (
    of_bytes("cgroup", cgroup.parse),
    of_bytes("maps", maps.parse),
    of_bytes("mountinfo", mountinfo.parse),
    of_bytes("proc-stat", process.parse_stat, allowed=(ValueError,)),
    of_bytes(
        "proc-files",
        process.parse_cmdline,
        process.parse_mount_id,
        process.parse_fdinfo,
        confinement.parse_label,
        status.parse_rights,
        net.parse_tcp,
        net.parse_udp,
    ),
    Target(
        "environ",
        lambda data: process.parse_environ(data, ("HF_HOME", "VIRTUAL_ENV")),
        (process.parse_environ,),
        seeds=(b"HF_HOME=/models\0PATH=/bin\0",),
    ),
    Target(
        "command-line",
        lambda data: (
            commandline.parse("/usr/bin/python3", _words(data)),
            commandline.parse("/usr/bin/node", _words(data)),
            serving.claim_of(_words(data), _SERVES),
        ),
        (commandline.parse, serving.claim_of),
        seeds=(b"python3\0-m\0vllm\0serve\0--model\0a/b",),
    ),
    of_words("arguments", redact.redact_argv, hidden.without_carried, launched.launched),
    of_words("started", commands.started),
    Target("mcp-configuration", _configs, (config.parse, config.without_secrets)),
    Target(
        "mcp-answer",
        _answer,
        (messages.answer_to, messages.tools_of, messages.identity),
        (ValueError,),
        seeds=(b'{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a"}]}}',),
        encode=lambda arguments: arguments.get("data"),
    ),
    of_text("shown-text", _shown, hidden.clean_url, seeds=("a\x1b[31mb ::error:: https://u:p@h/",)),
    of_bytes("credentials", jwt.bearer_of, jwt.without_secrets),
    of_bytes("google-account", google.account_of, google.without_secrets),
    of_text(
        "hub-paths",
        huggingface.parse,
        huggingface.parse_shared,
        huggingface.parse_local_partial,
        huggingface.parse_module,
        huggingface.parse_module_name,
        huggingface.parse_arrow,
        kaggle.parse,
        modelscope.parse,
        modelscope.candidates,
        ollama.parse,
        named.find,
        records.is_record,
        llamacpp.is_candidate,
        hubreference.parse,
        hubreference.is_repository,
        hubpaths.is_name,
        hubpaths.promise,
    ),
    of_bytes(
        "hub-records",
        huggingface.parse_references,
        huggingface.parse_metadata,
        huggingface.parse_commit,
        partial(huggingface.parse_tree, filename="model.safetensors"),
        modelscope.parse_version,
        llamacpp.parse_download,
        partial(llamacpp.parse_manifest, repository="a/b", filename="c.gguf"),
        ollama.parse_manifest,
        allowed=(FormatError,),
    ),
    of_bytes("model-names", _NAMES.may_be_model, seeds=(b"model.gguf", b"x.safetensors.tmp")),
    of_source("sqlite-schema", sqlite.statements),
    of_source("elf-sections", partial(elf.section_address, name=".go.buildinfo")),
    Target("elf-exports", _exports, (GnuHash.exports,), (FormatError,)),
    Target(
        "go-build-information",
        lambda data: gobuildinfo.parse(data, "/app"),
        (gobuildinfo.parse,),
        (FormatError,),
    ),
    of_bytes(
        "python-distribution",
        pydist.parse_metadata,
        pydist.imported_modules,
        pydist.editable_source,
        pydist.top_levels,
        partial(pydist.record_owns, path="a/b.so"),
        partial(pydist.modules, top="a"),
    ),
    of_text("python-names", pydist.folder_name, pydist.spellings),
    of_bytes("package-json", nodepkg.parse, nodepkg.requirements),
    of_bytes("npm-folder-lock", npmlock.parse, partial(npmlock.integrities, wanted={("a", "1")})),
    of_bytes("os-release", system.os_release),
    Target("installed-packages", _installed, (system.dpkg, system.apk), seeds=_PACKAGES),
    Target("rpm-database", lambda d: list(rpmdb.packages(d)), (rpmdb.packages,), (FormatError,)),
    of_bytes("rpm-header", rpmdb.header, allowed=(FormatError,)),
)
