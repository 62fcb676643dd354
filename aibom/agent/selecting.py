"""Which workloads are reported."""

from aibom.agent.config.settings import Selection
from aibom.types.inventory import Inventory


def is_selected(inventory: Inventory, selection: Selection) -> bool:
    """Say whether a workload is reported, by what it is and by what is in it."""
    if not (inventory.has_ai or selection.everything):
        return False
    workload = inventory.workload
    if workload.kind == "pod":
        return _is_selected_pod(inventory, selection)
    narrowed = bool(selection.namespaces or selection.labels)
    if workload.kind == "container":
        return selection.containers and not narrowed
    # what no workload could be told of may be of any
    return workload.kind == "unattributed" or (selection.services and not narrowed)


def _is_selected_pod(inventory: Inventory, selection: Selection) -> bool:
    workload = inventory.workload
    if selection.namespaces and workload.namespace not in selection.namespaces:
        return False
    if workload.namespace in selection.exclude_namespaces:
        return False
    labels = dict(workload.labels)
    return all(labels.get(name) == value for name, value in selection.labels.items())
