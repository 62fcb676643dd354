"""A real Kubernetes-like node in a folder: containerd by hand, pods through CRI, nothing installed.

For the demonstration (``python -m rig.demo.run``), the live tests (pytest_plugin.py) and the
benchmarks (``node.run_many``, ``python -m rig.node up N``). No part of the product::

    with Node() as node:
        app = Container("app", node.load_python(), ["python3", "-m", "http.server"])
        pod = node.run_pod("web", [app])
        print(pod.pid, pod.uid, node.places.socket)

Packages come from Debian and PyPI into .cache/rig ($AIBOM_RIG_CACHE). After the block, after an
exception and after a signal no process, mount or control group of it is left; after SIGKILL the
next start removes them, or ``python -m rig.node down``.
"""
