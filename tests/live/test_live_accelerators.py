"""Accelerators by what is mapped and by the device files that are held: all of it made up here.

No machine with an accelerator was at hand. The libraries are empty files with the names that
the real ones bear, and the devices are other devices under an accelerator's name.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.elf import library
from tests.live.conftest import Start, components, scan

pytestmark = pytest.mark.live

MAPPER = """
import mmap, sys, time
kept = []
for path in sys.argv[1:]:
    file = open(path, "rb")
    kept.append(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ | mmap.PROT_EXEC))
    file.close()
print("ready", flush=True)
time.sleep(600)
"""
# in a mount namespace of its own: /dev with nothing in it, and a null device of another name
HOLDER = """
mount -t tmpfs none /dev && mknod /dev/null c 1 3 || exit 1
for name in nvidia0 nvidia1 nvidiactl nvme0; do mknod /dev/$name c 1 3 || exit 1; done
exec 3</dev/nvidia0 4</dev/nvidia1 5</dev/nvidiactl 6</dev/nvme0
echo ready
sleep 600
"""
LIBRARIES = {
    "libcuda.so.550.163.01": "libcuda.so.1",
    "libcudart.so.12.4.127": "libcudart.so.12",
    "libamdhip64.so.6.2.41134": "libamdhip64.so.6",
    "libnccl.so.2.21.5": "libnccl.so.2",
    # the interface's number, and one that is no release of its makers
    "libcublas.so.12": "libcublas.so.12",
    "libMIOpen.so.1.0": "libMIOpen.so.1",
}


def test_versions_of_mapped_libraries(start: Start, tmp_path: Path) -> None:
    for name, soname in LIBRARIES.items():
        (tmp_path / name).write_bytes(library(soname))
    paths = [tmp_path / name for name in LIBRARIES]
    (workload,) = scan("--pid", start([sys.executable, "-c", MAPPER, *paths]).pid)
    found = components(workload, "package")
    assert {name: c["version"] for name, c in found.items()} == {
        "NVIDIA CUDA driver": "550.163.01",
        "NVIDIA CUDA runtime": "12.4.127",
        "AMD ROCm HIP runtime": "6.2.41134",
        "NVIDIA NCCL": "2.21.5",
        "NVIDIA cuBLAS": "",
        "AMD MIOpen": "",
    }
    assert all(("version" in c["claimed"]) == bool(c["version"]) for c in found.values())


def test_device_files_that_a_process_holds(start: Start) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare, to make device files in a mount namespace")
    own_mounts = ["unshare", "--mount", "--propagation", "private"]
    probe = "mount -t tmpfs none /mnt && mknod /mnt/x c 1 3 && : </mnt/x"
    tried = subprocess.run([*own_mounts, "sh", "-c", probe], capture_output=True, check=False)
    if tried.returncode != 0:
        pytest.skip("may not mount or make device files here")
    (workload,) = scan("--pid", start([*own_mounts, "sh", "-c", HOLDER]).pid)
    (gpu,) = workload["inventory"]["components"]
    assert (gpu["name"], gpu["kind"], gpu["type"]) == ("NVIDIA GPU", "device", "device")
    assert [e["path"] for e in gpu["evidence"]] == ["/dev/nvidia0", "/dev/nvidia1"]
    assert workload["findings"] == []
