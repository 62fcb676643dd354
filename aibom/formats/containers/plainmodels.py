"""Files of an image that are plainly models, by what they begin with."""

from aibom.formats.models import gguf, safetensors, tflite

#: Bytes of a file's beginning that are looked at.
HEAD = 4096


def model_format(path: str, head: bytes, size: int) -> str:
    """Return the format of the model that begins with ``head``, or an empty string.

    Archives and pickles may be anything, and are not told; ONNX has no magic, so its name counts.
    """
    if gguf.recognise(head, size):
        return "gguf"
    if safetensors.recognise(head, size):
        return "safetensors"
    if tflite.recognise(head, size):
        return "tflite"
    # ModelProto begins with its ir_version (onnx.proto), field 1 as a variable-length integer
    return "onnx" if path.endswith(".onnx") and head[:1] == b"\x08" else ""
