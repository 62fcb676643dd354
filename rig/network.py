"""A network namespace of its own for every pod, with nothing in it but the loopback interface.

containerd wants two plugins of the Container Network Interface: ``loopback`` and one that gives
the pod an address. One short script stands in for both: it raises ``lo`` and answers with it.
"""

import json
from pathlib import Path

NAME = "rig"
RESULTS = Path("/var/lib/cni/results")
"""Where containerd's library keeps each answer of a plugin, whatever the configuration says."""

_SCRIPT = """#!/bin/sh
# {busybox} CNI_COMMAND=ADD|DEL|CHECK|VERSION CNI_NETNS=path CNI_IFNAME=name
set -e
case "$CNI_COMMAND" in
VERSION) echo '{{"cniVersion":"0.4.0","supportedVersions":["0.3.1","0.4.0"]}}' ;;
ADD)
    '{busybox}' nsenter --net="$CNI_NETNS" '{busybox}' ip link set lo up
    version=$('{busybox}' sed -n 's/.*"cniVersion" *: *"\\([0-9.]*\\)".*/\\1/p')
    echo '{{"cniVersion":"'"$version"'",
      "interfaces":[{{"name":"'"$CNI_IFNAME"'","sandbox":"'"$CNI_NETNS"'"}}],
      "ips":[{{"version":"4","interface":0,"address":"127.0.0.1/8"}}]}}' ;;
esac
"""


def write(folder: Path, busybox: Path) -> tuple[Path, Path]:
    """Write plugins and configuration below ``folder``; return (plugin folder, config folder)."""
    plugins, config = folder / "plugins", folder / "config"
    plugins.mkdir(parents=True)
    config.mkdir()
    for name in ("loopback", NAME):
        plugin = plugins / name
        plugin.write_text(_SCRIPT.format(busybox=busybox))
        plugin.chmod(0o755)
    network = {"cniVersion": "0.4.0", "name": NAME, "plugins": [{"type": NAME}]}
    (config / "10-rig.conflist").write_text(json.dumps(network))
    return plugins, config
