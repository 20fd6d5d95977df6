"""Gradients against differences: what autograd says of a function, and what its values say.

`check_gradients(lambda x: x.exp(), [0.5, 1.0])` checks the first derivative by central differences, and the
second by differences of the first. The inputs are float64 (or complex128, where a number of them is complex).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import stickonfire as sof
from stickonfire.eager.autograd import grad

STEP = 1e-6


def check_gradients(function: Callable[..., Any], *data: Any, second: bool = True,
                    tolerance: float = 1e-5) -> None:
    """Asserts that the gradients of all inputs, and the gradients of those, are right."""
    arrays = [np.asarray(d, complex if np.iscomplexobj(d) else float) for d in data]

    def first(*tensors: Any, graph: bool = False) -> tuple[Any, ...]:
        return grad(weighted(function(*tensors)), tensors, create_graph=graph, allow_unused=True)
    compare(lambda *t: weighted(function(*t)), first, arrays, tolerance)
    if second:
        def score(*tensors: Any) -> Any:
            grads = [g for g in first(*tensors, graph=True) if g is not None and g.requires_grad]
            return sum((weighted(g) for g in grads), sof.zeros((), dtype=sof.float64))

        def again(*tensors: Any) -> tuple[Any, ...]:
            total = score(*tensors)
            if not total.requires_grad:
                return (None,) * len(tensors)
            return grad(total, tensors, allow_unused=True)
        compare(score, again, arrays, 10 * tolerance)


def weighted(out: Any) -> Any:
    """A real number made of all elements of a tensor, each with a weight of its own."""
    weights = sof.arange(1.0, out.numel() + 1, dtype=sof.float64).reshape(out.shape)
    if out.is_complex():
        return (out.real * weights + out.imag * (weights + 0.5)).sum()
    return (out * weights).sum()


def compare(score: Callable[..., Any], grads: Callable[..., Any], arrays: Sequence[Any],
            tolerance: float) -> None:
    """Asserts that `grads` returns the slopes of `score`."""
    for i, (array, slopes) in enumerate(zip(arrays, grads(*leaves(arrays)))):
        got = np.zeros_like(array) if slopes is None else slopes.detach().numpy()
        wanted = np.zeros_like(array)
        for place in np.ndindex(array.shape):
            for unit in ((1, 1j) if np.iscomplexobj(array) else (1,)):
                wanted[place] += unit * slope(score, arrays, i, place, unit)
        np.testing.assert_allclose(got, wanted, tolerance, tolerance, err_msg=f"gradient of input {i}")


def slope(score: Callable[..., Any], arrays: Sequence[Any], i: int, place: tuple[int, ...],
          unit: Any) -> float:
    """The central difference of `score` in one element of one input."""
    values = []
    for step in (STEP, -STEP):
        moved = [a.copy() for a in arrays]
        moved[i][place] += unit * step
        values.append(float(score(*leaves(moved)).detach()))
    return (values[0] - values[1]) / (2 * STEP)


def leaves(arrays: Sequence[Any]) -> list[Any]:
    """Tensors of arrays, for which gradients are wanted."""
    return [sof.from_numpy(a.copy()).requires_grad_() for a in arrays]
