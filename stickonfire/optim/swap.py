"""Other parameters and another state in an optimizer's place for a while.

Room: optim, loaded when first used. May import: eager.
"""
from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from ..eager import Tensor
from .optimizer import Optimizer


@contextlib.contextmanager
def swap_in_optimizer_params_and_state(optimizer: Optimizer, swapin_parameters: Mapping[str, Tensor],
                                       swapin_optim_state: Mapping[str, Any]) -> Iterator[None]:
    """Lets an optimizer work on other tensors: `step` changes them and the given state in place.

    swapin_parameters: as many tensors as the optimizer has parameters, in their order.
    swapin_optim_state: in the form of `optimizer.state_dict()`.
    Raises: ValueError if the numbers of parameters or groups differ.
    Source: PyTorch `torch.optim.swap_in_optimizer_params_and_state`.

    >>> import stickonfire as torch
    >>> w, other = torch.ones(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    >>> sgd = torch.optim.SGD([w], lr=1.0)
    >>> other.grad = torch.ones(1)
    >>> with torch.optim.swap_in_optimizer_params_and_state(sgd, {"w": other}, sgd.state_dict()):
    ...     sgd.step()
    >>> w.item(), other.item()
    (1.0, -1.0)
    """
    tensors = list(swapin_parameters.values())
    count = sum(len(group["params"]) for group in optimizer.param_groups)
    if len(tensors) != count:
        raise ValueError(f"swapin_parameters has {len(tensors)} tensors, the optimizer has {count} parameters")
    packed = swapin_optim_state["param_groups"]
    if len(packed) != len(optimizer.param_groups):
        raise ValueError(f"swapin_optim_state has {len(packed)} parameter groups, the optimizer has "
                         f"{len(optimizer.param_groups)}")
    by_number = dict(zip([number for group in packed for number in group["params"]], tensors))
    groups = [{**group, "params": [by_number[number] for number in group["params"]]} for group in packed]
    state: defaultdict[Any, Any] = defaultdict(dict)
    for number, values in swapin_optim_state["state"].items():
        state[by_number.get(number, number)] = dict(values) if isinstance(values, Mapping) else values
    before = optimizer.param_groups, optimizer.state
    optimizer.param_groups, optimizer.state = groups, state
    try:
        yield
    finally:
        optimizer.param_groups, optimizer.state = before
