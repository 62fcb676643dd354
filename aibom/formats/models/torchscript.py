"""What the code in a TorchScript archive calls beyond PyTorch's own operators.

The code is text, compiled when the archive is loaded (torch/csrc/jit/serialization/python_print.cpp
writes it): operators of a library stand as ``ops.LIBRARY.NAME``, PyTorch's own as ``torch.NAME``.
"""

import re

from aibom.formats.models.zipdir import content, members
from aibom.formats.source import ByteSource, FormatError
from aibom.types.concerns import Concern

_LIBRARY_CALL = re.compile(rb"\bops\.([A-Za-z_]\w*)\.([A-Za-z_]\w*)")
# PyTorch's own namespaces of operators.
_OWN = frozenset(
    b"aten c10d_functional cuda mkldnn mkldnn_prepacked prepacked prim prims profiler quantized "
    b"quantized_decomposed sparse static_runtime".split()
)
# Operators that read or write a file whose name the archive chooses: aten::from_file, aten::save
# (aten/src/ATen/native/native_functions.yaml, torch/csrc/jit/runtime/register_special_ops.cpp).
_FILES = re.compile(rb"\b(?:torch|ops\.aten)\.(from_file|save)\(")
_MAX_FILES = 512
_FILE_CAP = 1 << 20
_SHOWN = 8


def concerns(source: ByteSource) -> list[Concern]:
    """Return what the code of an archive calls that is worth a look. Never raises FormatError."""
    libraries: set[str] = set()
    files: set[str] = set()
    try:
        code = [m for m in members(source) if "/code/" in m.name and m.name.endswith(".py")]
        for member in code[:_MAX_FILES]:
            text = content(source, member, _FILE_CAP)
            libraries |= {
                f"{found[1].decode()}.{found[2].decode()}"
                for found in _LIBRARY_CALL.finditer(text)
                if found[1] not in _OWN
            }
            files |= {found[1].decode() for found in _FILES.finditer(text)}
    except FormatError:
        pass  # what was read before the break counts
    found_concerns = []
    if files:
        names = ", ".join(f"torch.{name}" for name in sorted(files))
        detail = f"its code opens files by {names}"
        found_concerns.append(Concern("layer-code", "suspicious", detail))
    if libraries:
        detail = f"its code calls operators of libraries: {', '.join(sorted(libraries)[:_SHOWN])}"
        found_concerns.append(Concern("layer-code", "note", detail))
    return found_concerns
