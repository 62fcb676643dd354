"""What torch.save writes that is no model: states of a training, arguments, plain values."""

from aibom.formats.models.pickle_facts import PickleFacts

# torch/optim/optimizer.py, Optimizer.state_dict
_OPTIMIZER = frozenset({"state", "param_groups"})
# transformers/trainer.py, _save_rng_state: the states of random generators, and one per device
_RANDOM = frozenset({"python", "numpy", "cpu"})


def is_model(facts: PickleFacts, *, tensors: int) -> bool:
    """Say whether a pickle with so many tensors holds a model's weights, as far as it tells.

    Arguments and schedules have no tensors; an optimizer and random generators have some.
    """
    keys = frozenset(facts.root) if isinstance(facts.root, dict) else frozenset()
    return tensors > 0 and keys != _OPTIMIZER and not keys >= _RANDOM
